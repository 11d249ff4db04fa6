"""A corpus of text files: what people have in them, in every encoding that we read, whole, broken and mixed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple


def words(text: str) -> list[str]:
    return text.split()


SIMPLIFIED = words(
    "会员 新客 老客回流 春季活动 高价值 沉睡用户 母婴 华东 双11 VIP VIP会员 美妆护肤 到店体验 已购买 未下单 潜在客户 "
    "抖音直播 小程序 优惠券领取 生日月 复购 裂变海报 私域 女 男 80后宝妈 咖啡 健身 高净值 广州天河店 重庆火锅节"
)
TRADITIONAL = words(
    "會員 新客 舊客回流 春季活動 高價值 沉睡用戶 母嬰 華東 雙11 VIP VIP會員 美妝護膚 到店體驗 已購買 未下單 潛在客戶 "
    "直播 小程式 優惠券領取 生日月 回購 分享海報 私域 女 男 80後媽媽 咖啡 健身 高資產 臺北信義店 重慶火鍋節"
)
ENGLISH = words(
    "VIP new returning spring gold silver coffee baby vip-2026 churned high_value 会员 trial 新客 first-order"
)
LATIN = words("café crème Müller VIP São Zoë résumé naïve Peña gold Ångström jalapeño Curaçao")
FOUR_BYTES = words("会员😀 㐂客户 𠮷田会 新客🎉 老客 VIP 高价值㙓 沉睡用户 母婴👶")
RARE_NAMES = words("张赟 王喆 李玥 刘堃 陈珺 杨昇 赵翀 黄瑄 周甯 吴旸 徐璟 孙彧")
SIMPLIFIED_NAMES = words("王小明 李娜 张伟 刘洋 陈静 杨帆 赵磊 黄丽 周杰 吴婷 徐强 欧阳雪 阿依古丽·买买提 孙浩")
TRADITIONAL_NAMES = words("王小明 李娜 張偉 劉洋 陳靜 楊帆 趙磊 黃麗 周杰 吳婷 徐強 歐陽雪 孫浩 蕭敬騰")
HEADERS = {
    "simplified": ["手机号", "姓名", "标签"],
    "traditional": ["電話", "姓名", "標籤"],
    "english": ["phone", "name", "tags"],
}
SIZES = (1, 2, 5, 30, 300)


class TextFile(NamedTuple):
    """`rows`: what stands in each cell, None where that cannot be told. `encoding`: of most of it."""

    name: str
    content: bytes
    encoding: str
    rows: list[list[str | None]]
    kind: str = "clean"

    @property
    def is_clean(self) -> bool:
        return self.kind == "clean"


Rows = list[list[str]]


def table(header: str, names: list[str], tags: list[str], size: int, seed: int) -> Rows:
    chance = random.Random(seed)
    rows = [list(HEADERS[header])] if header else []
    for _ in range(size):
        phone = str(13_000_000_000 + chance.randrange(6_999_999_999))
        chosen = "|".join(chance.sample(tags, chance.randint(1, 2)))
        rows.append([phone, chance.choice(names), chosen])
    return rows


def written(rows: Rows, encoding: str) -> list[bytes]:
    return [(",".join(row) + "\r\n").encode(encoding) for row in rows]


def clean(seed: int) -> Iterator[TextFile]:
    kinds = {
        "simplified": ("simplified", SIMPLIFIED_NAMES, SIMPLIFIED),
        "simplified, no header": ("", SIMPLIFIED_NAMES, SIMPLIFIED),
        "traditional": ("traditional", TRADITIONAL_NAMES, TRADITIONAL),
        "traditional, no header": ("", TRADITIONAL_NAMES, TRADITIONAL),
        "english": ("english", ["Ann", "Bob", "李娜", "王小明"], ENGLISH),
        "latin": ("english", ["Ann", "Bob", "Zoë Müller", "José Peña"], LATIN),
        "four bytes": ("simplified", SIMPLIFIED_NAMES, FOUR_BYTES),
        "rare names": ("simplified", RARE_NAMES, SIMPLIFIED),
    }
    for kind, (header, names, tags) in kinds.items():
        for size in SIZES:
            rows = table(header, names, tags, size, seed)
            for encoding, mark in ways_of_writing(kind):
                content = mark + b"".join(written(rows, encoding))
                shown = "BOM, " if mark else ""
                yield TextFile(f"{kind}, {size} rows, {shown}{encoding}", content, encoding, list(map(list, rows)))


def ways_of_writing(kind: str) -> Iterator[tuple[str, bytes]]:
    yield from (("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-8", b"\xef\xbb\xbf" * 2))
    yield from (("utf-16-le", b""), ("utf-16-be", b""), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"))
    if kind != "latin":  # nobody writes accents in GB18030, and a program that did wrote four bytes for each
        yield "gb18030", b""
    if kind.startswith("traditional"):
        yield "cp950", b""


def broken(seed: int) -> Iterator[TextFile]:
    """One character of one tag has lost its first or last byte, or half of itself, or was cut off."""
    for header, names, tags, encodings in (
        ("simplified", SIMPLIFIED_NAMES, SIMPLIFIED, ("utf-8", "gb18030")),
        ("traditional", TRADITIONAL_NAMES, TRADITIONAL, ("utf-8", "cp950")),
    ):
        for size in SIZES[1:]:
            for encoding in encodings:
                for harm in ("last byte", "foreign byte", "cut off"):
                    rows = table(header, names, tags, size, seed)
                    yield harmed(rows, header, tags[0], encoding, harm, random.Random(seed).randrange(1, size + 1))


def harmed(rows: Rows, header: str, tag: str, encoding: str, harm: str, place: int) -> TextFile:
    lines = written(rows, encoding)
    whole = tag.encode(encoding)
    if harm == "cut off":
        place, damaged = len(rows) - 1, whole[:-1]
    else:
        damaged = whole[:-1] if harm == "last byte" else b"\xff" + whole
    expected: list[list[str | None]] = list(map(list, rows))
    expected[place][2] = None
    lines[place] = ",".join(rows[place][:2]).encode(encoding) + b"," + damaged + (b"" if harm == "cut off" else b"\r\n")
    name = f"{header}, {len(rows)} rows, {encoding}, {harm}"
    return TextFile(name, b"".join(lines), encoding, expected, "broken")


def halves(seed: int) -> Iterator[TextFile]:
    """UTF-8 as databases and Java write it: characters beyond the first plane as two halves."""
    for size in SIZES:
        rows = table("simplified", SIMPLIFIED_NAMES, FOUR_BYTES, size, seed)
        text = "".join(",".join(row) + "\n" for row in rows)
        pairs = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        content = b"".join(
            character.encode()
            if character < "\U00010000"
            else chr(0xD7C0 + (ord(character) >> 10)).encode("utf-8", "surrogatepass")
            + chr(0xDC00 + (ord(character) & 0x3FF)).encode("utf-8", "surrogatepass")
            for character in pairs
        )
        yield TextFile(f"halves, {size} rows", content, "utf-8", list(map(list, rows)))


def mixed(seed: int) -> Iterator[TextFile]:
    """A part of the rows, at the end, in the middle or everywhere, is written in another encoding."""
    chance = random.Random(seed)
    for most, few in (
        ("utf-8", "gb18030"),
        ("gb18030", "utf-8"),
        ("utf-8", "cp950"),
        ("cp950", "utf-8"),
        ("gb18030", "cp950"),
        ("cp950", "gb18030"),
    ):
        for size in (5, 30, 300):
            for share in (0.02, 0.2, 0.5):
                traditional = "cp950" in (most, few)
                names = TRADITIONAL_NAMES if traditional else SIMPLIFIED_NAMES
                rows = table("english", names, TRADITIONAL if traditional else SIMPLIFIED, size, seed)
                others = set(chance.sample(range(1, size + 1), max(1, round(size * share))))
                lines = [written([row], few if place in others else most)[0] for place, row in enumerate(rows)]
                name = f"mixed, {size} rows, {most}, {share:.0%} {few}"
                yield TextFile(name, b"".join(lines), most, list(map(list, rows)), "mixed")


def odd_lengths(seed: int) -> Iterator[TextFile]:
    """UTF-16 that has lost its last byte."""
    for size in SIZES:
        for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
            rows = table("simplified", SIMPLIFIED_NAMES, ["会员", "客户"], size, seed)
            expected: list[list[str | None]] = list(map(list, rows))
            expected[-1][2] = None
            content = (mark + b"".join(written(rows, encoding)).removesuffix("\r\n".encode(encoding)))[:-1]
            yield TextFile(f"odd length, {size} rows, {encoding}", content, encoding, expected, "odd length")


def corpus(seed: int = 7) -> list[TextFile]:
    return [file for build in (clean, broken, halves, mixed, odd_lengths) for file in build(seed)]
