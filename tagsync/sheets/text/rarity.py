"""How rare a character is in sheets of customers, as bits: what a sparing code would spend on it.

Bytes read in a wrong encoding give rare characters, so of two readings of the same bytes the cheaper one is right.
Must not know: files, and which encodings there are to choose from.
"""

import re
from functools import cache

# What most sheets are made of: the commonest characters of Chinese, of names, and of what marketers write.
FREQUENT = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所"
    "然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与"
    "长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己"
    "制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系"
    "气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社"
    "便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉"
    "格望觉术领共确传师观清今切院让识候带导争运六七八九零百千亿每周单双首末初次注"
    "客户标签号码姓会员春夏秋冬季节购买订备男省县店铺优惠券促销消费积级邮箱址城广州深圳京杭都武汉南重庆母婴护肤妆"
    "服饰鞋包食饮料酒茶咖啡居器码汽车健身旅游亲宝妈潜沉睡流失复价值跃粉丝群微众企渠源购播抖音淘猫红域裂召预约验试"
    "册登录未低层兴趣推荐免礼赠退货款付支票卡余额元件快递收件寄备份测验例示范"
    "李刘陈杨赵黄吴徐孙胡朱林郭罗梁宋郑谢韩唐冯董萧曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎潘杜戴钟汪田姜石姚谭廖邹"
    "熊陆郝孔崔康毛邱秦江史顾侯邵孟龙段章钱汤尹黎易乔贺赖龚伟芳娜敏静丽磊洋勇艳杰娟涛超秀霞刚桂英华玉兰梅辉志玲婷"
    "雪晨浩宇轩涵欣怡梓佳俊鑫鹏飞斌波宁琳琪瑶慧萍云"
    "個們來為國說時會對發過後裡種經學現當沒動還進樣開從實軍無與長機業關點將兩間問並應戰頭體見產內給門東聲員論處義"
    "幾認條氣題爾變總電數報務場計資許統區隊決馬書則聽達強難權設類據規萬覺術領確傳師觀讓識帶導爭運億週單雙註"
    "戶標籤號碼購買訂備縣鋪優費積級郵廣漢慶嬰護膚妝飾飲車遊親媽潛複價躍絲眾業來源體驗試冊錄層興趣薦禮贈貨點舊顧"
    "劉陳楊趙黃吳孫鄭謝韓馮蕭鄧許蘇盧蔣賈葉閻鐘譚鄒陸龍錢湯喬賀龔偉靜麗濤剛蘭輝雲寧飛鵬臺灣灣線網際聯絡額"
)
SYMBOLS = (
    "，。、；：？！（）【】《》〈〉「」『』“”‘’—…·￥￡€¥　～－＋＝＆＃＠％＊／｜×÷±°℃№§→←↑↓★☆●○◆◇■□▲△√✓✔❤♥①②③④⑤⑥⑦⑧⑨⑩®™"
)
FREQUENT_BITS = 10
SYMBOL_BITS = 12
EMOJI_BITS = 13
COMMON_BITS = 15
LETTER_BITS = 17
FOUR_BYTES_BITS = 18
UNCOMMON_BITS = 19
RARE_BITS = 22
CONTROL_BITS = 30
LAST_HANZI = 0x32400  # hardly anything is assigned beyond
# A letter such as é is at home among Latin letters, and hardly anywhere else in a sheet.
IN_WORD_BITS = 10
IN_WORD = re.compile("[À-ɏ](?=[A-Za-z])|(?<=[A-Za-z])[À-ɏ]")
LATIN = re.compile("[À-ɏ]")
# So are letters of Greek, Cyrillic or kana among their like; what is read wrongly changes from script to script.
FOREIGN_WORD = re.compile("[\u0370-\u04ff]{3,}|[\u3041-\u3096ー]{3,}|[\u30a1-\u30faー]{3,}")
IN_FOREIGN_WORD_BITS = 11
# Bytes that could not be decoded, as `surrogateescape` leaves them, and whatever else is no character.
UNDECODED = re.compile("[\ud800-\udfff]+")
UNDECODED_BITS = 19


class _Bits(dict[str, int]):
    """Character -> bits, found out when it is first met."""

    def __missing__(self, character: str) -> int:
        self[character] = bits = _bits(character)
        return bits


BITS = _Bits({chr(code): 0 for code in range(0x20, 0x7F)})
BITS |= dict.fromkeys("\t\r\n\v\f\ufeff\u200b", 0)
BITS |= dict.fromkeys(SYMBOLS, SYMBOL_BITS)
BITS |= dict.fromkeys(FREQUENT, FREQUENT_BITS)


def _bits(character: str) -> int:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return UNDECODED_BITS
    if code < 0xA0 or 0xE000 <= code < 0xF900 or code == 0xFFFD or code > LAST_HANZI:
        return CONTROL_BITS
    if 0xFF01 <= code < 0xFF5F:  # full-width letters and digits
        return SYMBOL_BITS
    if 0x1F000 <= code < 0x1FB00 or 0x2600 <= code < 0x27C0 or code in (0xFE0F, 0x200D, 0x20E3):
        return EMOJI_BITS
    if _is_common(character, "gb18030") or _is_common(character, "big5"):
        return COMMON_BITS
    simplified, traditional = _encoded(character, "gb2312"), _encoded(character, "big5")
    if simplified >= b"\xd8" or traditional >= b"\xc9":
        return UNCOMMON_BITS
    if simplified or traditional or code < 0x0800:
        return LETTER_BITS
    return RARE_BITS if _encoded(character, "gbk") else FOUR_BYTES_BITS


def _is_common(character: str, encoding: str) -> bool:
    """Both standards keep the characters of daily use in a first part, ordered by sound or by strokes."""
    if encoding == "big5":
        return b"\xa4\x40" <= _encoded(character, "big5") < b"\xc6\xff"
    return b"\xb0" <= _encoded(character, "gb2312") < b"\xd8"


def _encoded(character: str, encoding: str) -> bytes:
    return character.encode(encoding, "ignore")


def bits(text: str) -> int:
    """Of all its characters together; 0 for ASCII."""
    total = sum(map(BITS.__getitem__, text))
    if LATIN.search(text):
        total -= sum(BITS[letter] - IN_WORD_BITS for letter in IN_WORD.findall(text) if BITS[letter] > IN_WORD_BITS)
    for word in FOREIGN_WORD.findall(text):
        total -= sum(BITS[letter] - IN_FOREIGN_WORD_BITS for letter in word)
    return total


class _Oddness(dict[str, bool]):
    """Character -> whether it is none of daily use where texts are written in this encoding."""

    def __init__(self, encoding: str) -> None:
        self._is_national = encoding in ("gb18030", "big5")
        self._encoding = encoding

    def __missing__(self, character: str) -> bool:
        bits = BITS[character]
        is_foreign = self._is_national and bits == COMMON_BITS and not _is_common(character, self._encoding)
        self[character] = is_odd = bits > COMMON_BITS or is_foreign
        return is_odd


@cache
def _oddness(encoding: str) -> _Oddness:
    return _Oddness(encoding)


def is_odd(text: str, encoding: str) -> bool:
    """Whether something in it is none of daily use: not wrong, but worth another look."""
    return any(map(_oddness(encoding).__getitem__, text))
