"""The stand-in's own page, Chinese and English side by side, without scripts. Shows; must not change anything.

Everything from outside goes through `escape`: tags and messages are whatever somebody sent.
"""

from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Any

from tagsync.sandbox.faults import FIELDS, Fault
from tagsync.sandbox.ledger import Entry
from tagsync.sandbox.platform import Platform

REFRESH_SECONDS = 3
MAX_CALLS = 20
MAX_CUSTOMERS = 200

# What a button sends, and what it says.
_BUTTONS: tuple[tuple[dict[str, str], str], ...] = (
    ({"kind": "latency", "seconds": "3"}, "慢 3 秒 · 3 seconds slower"),
    ({"kind": "busy", "times": "5"}, "操作频繁 5 次 · “too frequent” 5 times"),
    ({"kind": "token_expired", "times": "1"}, "token 过期 1 次 · token expired once"),
    ({"kind": "status", "http_status": "401"}, "一直 401 · 401 until switched off"),
    ({"kind": "status", "http_status": "403", "times": "1"}, "403 1 次 · 403 once"),
    ({"kind": "status", "http_status": "500", "times": "3"}, "500 3 次 · 500 three times"),
    ({"kind": "status", "http_status": "413", "times": "1"}, "413 1 次 · 413 once"),
    ({"kind": "too_large", "max_bytes": "16384"}, "超过 16 kB 就 413 · 413 beyond 16 kB"),
    ({"kind": "html", "times": "3"}, "返回网页 3 次 · a web page 3 times"),
    ({"kind": "cut", "times": "3"}, "断开 3 次 · cut 3 times"),
    ({"kind": "apply_then_hang", "seconds": "60", "times": "1"}, "已处理但不回答 1 次 · applied, no answer, once"),
    ({"kind": "remarks", "failed": "3", "times": "1"}, "成功但附有 3 行失败 1 次 · success, but 3 rows failed, once"),
    ({"kind": "refuse_all"}, "全部拒绝 · refuse everything"),
)

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;color:#1c2430;background:#fff}
.warn{background:#ffe9a8;border:2px solid #a66b00;border-radius:6px;padding:.6rem 1rem;font-size:1.2rem;font-weight:700}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d5dae1;overflow-wrap:anywhere}
form{display:inline-block;margin:.2rem .3rem .2rem 0}
.tag{background:#e3ecfa;border-radius:4px;padding:0 .4rem;margin-right:.3rem}
button,input,select{font:inherit;padding:.2rem .6rem}.bad{color:#a1241a}
"""


def home(platform: Platform) -> str:
    """What was called, who has which tags, which faults are on; loads itself again every few seconds."""
    entries, tags = platform.ledger.entries(), platform.ledger.tags()
    rows = sum(entry.applied_rows for entry in entries)
    return _page(
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">',
        f"<p>{len(entries)} 次调用 · calls — {rows} 行已处理 · rows applied — "
        f"{len(tags)} 位客户 · customers — {platform.token_calls} 次取 token · token calls</p>",
        _active_faults(platform.faults.active()),
        '<p><a href="/faults">制造故障 · Switch a fault on</a></p>',
        _calls(entries[: -MAX_CALLS - 1 : -1]),
        _customers(tags),
    )


def forms(platform: Platform) -> str:
    """The faults to switch on. A page of its own, because one that loads itself again would empty the fields."""
    options = "".join(f"<option>{field}</option>" for field in FIELDS)
    return _page(
        "",
        '<p><a href="/">← 返回 · Back</a></p>',
        _active_faults(platform.faults.active()),
        "<h2>制造故障 · Switch a fault on</h2>",
        "".join(_button("/faults/on", fields, label) for fields, label in _BUTTONS),
        '<h2>拒绝某些行 · Refuse some rows</h2><form method="post" action="/faults/on">'
        '<input type="hidden" name="kind" value="refuse_rows">'
        f"<label>字段 · field <select name=field>{options}</select></label> "
        '<label>包含 · contains <input name="contains" required></label> '
        "<button>拒绝 · Refuse</button></form>",
        "<h2>重新开始 · Start over</h2>",
        _button("/start-over", {}, "清空记录、标签和故障 · Forget calls, tags and faults"),
    )


def fault_from_form(form: dict[str, str]) -> dict[str, Any]:
    """The fault a form asks for. Raises: ValueError for a number that is none."""
    numbers = {
        name: int(form[name]) for name in ("seconds", "http_status", "times", "failed", "max_bytes") if form.get(name)
    }
    return {**{name: text for name, text in form.items() if text}, **numbers}


def _page(head: str, *parts: str) -> str:
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">{head}<title>这不是兔展平台 · Not 兔展</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        '<h1>测试平台 · Test platform</h1><p class="warn">这不是兔展平台：这里的一切都不会到达兔展。<br>'
        f"This is not 兔展: nothing here reaches 兔展.</p>{''.join(parts)}</body></html>"
    )


def _active_faults(faults: list[Fault]) -> str:
    if not faults:
        return "<h2>故障 · Faults</h2><p>没有 · none</p>"
    rows = (
        (
            escape(fault.kind),
            escape(" ".join(f"{name}={value}" for name, value in fault.options.items() if value is not None)),
            "直到关闭 · until switched off" if fault.times is None else f"还有 {fault.times} 次 · more",
            _button("/faults/off", {"id": str(fault.id)}, "关闭 · Off"),
        )
        for fault in faults
    )
    table = _table(("故障 · Fault", "设置 · Options", "次数 · Times", ""), rows)
    return f"<h2>故障 · Faults</h2>{table}{_button('/faults/off', {}, '全部关闭 · All off')}"


def _calls(entries: list[Entry]) -> str:
    rows = (
        (
            str(entry.number),
            escape(entry.time[11:19]) + " UTC",
            escape(entry.operation),
            str(entry.row_count),
            str(entry.applied_rows) if entry.applied else '<span class="bad">0</span>',
            str(entry.http_status or "—"),
            escape(f"{entry.code} {entry.message}"),
            escape(entry.fault),
        )
        for entry in entries
    )
    head = (
        "#",
        "时间 · Time",
        "操作 · Operation",
        "行 · Rows",
        "已处理 · Applied",
        "HTTP",
        "回答 · Answer",
        "故障 · Fault",
    )
    return f"<h2>最近的调用 · Last calls</h2>{_table(head, rows)}"


def _customers(tags: dict[str, set[str]]) -> str:
    rows = (
        (escape(name), "".join(f'<span class="tag">{escape(tag)}</span>' for tag in sorted(tags[name])) or "—")
        for name in islice(reversed(tags), MAX_CUSTOMERS)
    )
    head = _table(("客户 · Customer", "标签 · Tags"), rows)
    return f"<h2>客户的标签 · Tags of customers</h2><p>最近 {MAX_CUSTOMERS} 位 · latest {MAX_CUSTOMERS}</p>{head}"


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _button(action: str, fields: dict[str, str], label: str) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    return f'<form method="post" action="{action}">{hidden}<button>{label}</button></form>'
