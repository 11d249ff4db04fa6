"""The stand-in's behaviour: tokens, batches, and what each fault turns the answer into. Knows no sockets."""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tagsync.sandbox.contract import problem
from tagsync.sandbox.faults import Fault, Faults
from tagsync.sandbox.ledger import Ledger

DEFAULT_TOKEN = "sandbox-token"
DEFAULT_APP_ID = "sandbox"
DEFAULT_APP_SECRET = "sandbox-secret"
DATA_ERROR_CODE = "100500"  # made up: which code a bad row gets is not documented
TOKEN_LIFETIME_SECONDS = 7200  # page 986242

_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in to the network.</body></html>"

_TOO_LARGE_PAGE = "<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"


@dataclass(frozen=True)
class Reply:
    """What the server shall do with the connection. `http_status` None: close it without an answer."""

    http_status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0
    seconds_per_byte: float = 0
    reset: bool = False
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Credentials:
    token: str = DEFAULT_TOKEN
    app_id: str = DEFAULT_APP_ID
    app_secret: str = DEFAULT_APP_SECRET
    lifetime_seconds: float = TOKEN_LIFETIME_SECONDS


def answer(code: str, error_code: str, message: str, data: Any = None, http_status: int = 200) -> Reply:
    """An answer of the documented shape; `data` only where there is some."""
    found = {"code": code, "errorCode": error_code, "msg": message}
    if data is not None:
        found["data"] = data
    body = json.dumps(found, ensure_ascii=False).encode("utf-8")
    return Reply(http_status, body, {"Content-Type": "application/json"}, code=code, message=message)


class Platform:
    """Everything the stand-in remembers; shared by the threads of the server."""

    def __init__(self, credentials: Credentials, ledger: Ledger, faults: Faults) -> None:
        self.ledger = ledger
        self.faults = faults
        self.token_calls = 0
        self._credentials = credentials
        self._lock = threading.Lock()
        self._expiry: dict[str, float] = {}

    def batch(self, token: str | None, raw: bytes | None, fault: Fault | None) -> Reply:
        """One batchAdd call. `raw` None: the body was not read."""
        body, token_ok = _parse(raw), self._knows(token)
        # A proxy in front of the platform: it asks nobody who calls, and it is not there for a call that hangs anyway.
        fault = fault or self.faults.take_too_large(len(raw or b""))
        reply, applied_rows = self._judge(token_ok, body, fault)
        reply = _spoil(reply, fault)
        self.ledger.record(
            body,
            raw,
            applied_rows,
            token_ok=token_ok,
            http_status=reply.http_status,
            code=reply.code,
            message=reply.message,
            fault=fault.kind if fault else "refuse_rows" if reply.code == DATA_ERROR_CODE else "",
        )
        return reply

    def token(self, query: Mapping[str, str], fault: Fault | None) -> Reply:
        """One getOrgAccessToken call. Source: page 986242; `instanceSecrect` is the real name."""
        with self._lock:
            self.token_calls += 1
        reply = _instead(fault) or self._issue(query)
        return _spoil(reply, fault)

    def expire_tokens(self) -> None:
        """Every token issued so far is refused from now on; the fixed one isn't."""
        with self._lock:
            self._expiry.clear()

    def _judge(self, token_ok: bool, body: Any, fault: Fault | None) -> tuple[Reply, int]:
        if instead := _instead(fault):
            return instead, 0
        if not token_ok:
            return answer("100200", "TOKEN_ERROR", "token错误或已过期", http_status=401), 0
        if body is None:
            return answer("100400", "PARAM_ERROR", "请求体不是JSON", http_status=400), 0
        if _is_empty(body) and (refusal := self.faults.take_refusal([])):
            return _refused(refusal), 0
        if found := problem(body):
            return answer("100400", "PARAM_ERROR", f"参数错误: {found}"), 0
        if refusal := self.faults.take_refusal(body["data"]):
            return _refused(refusal), 0
        rows = len(body["data"])
        if fault and fault.kind == "apply_half":
            half = answer("500", "SYSTEM_ERROR", "系统异常", http_status=fault.options["http_status"])
            return half, (rows + 1) // 2
        if fault and fault.kind == "remarks":
            return _with_remarks(body["data"], fault)
        return answer("200", "SUCCESS", "ok", _batch_id()), rows

    def _issue(self, query: Mapping[str, str]) -> Reply:
        wanted = {
            "instanceAppid": self._credentials.app_id,
            "instanceSecrect": self._credentials.app_secret,
        }
        if not all(_equal(query.get(name, ""), value) for name, value in wanted.items()):
            return answer("100100", "APPID_SECRET_ERROR", "appid或secret错误")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._expiry[token] = time.monotonic() + self._credentials.lifetime_seconds
        data = {
            "orgAccessToken": token,
            "orgRefreshToken": secrets.token_urlsafe(24),
            "expire": int(self._credentials.lifetime_seconds),
        }
        return answer("200", "0", "ok", data)

    def _knows(self, token: str | None) -> bool:
        if not token:
            return False
        with self._lock:
            expiry = self._expiry.get(token)
        if expiry is not None:
            return time.monotonic() < expiry
        return _equal(token, self._credentials.token)


def _instead(fault: Fault | None) -> Reply | None:
    if fault is None:
        return None
    options = fault.options
    status = options.get("http_status", 200)
    match fault.kind:
        case "close_before_read" | "cut":
            return Reply(None, reset=fault.kind == "close_before_read")
        case "status":
            return _with_headers(_plain(status, options["json"]), options)
        case "busy":
            return _with_headers(answer("500", "BUSY", "操作频繁,请稍后重试", http_status=status), options)
        case "token_expired":
            return answer("100200", "TOKEN_ERROR", "token错误或已过期", http_status=status)
        case "too_large":
            return Reply(413, _TOO_LARGE_PAGE.encode(), {"Content-Type": "text/html"})
        case "html":
            return Reply(status, _PAGE.encode(), {"Content-Type": "text/html"})
        case "refuse_all":
            return _data_error(fault)
    return None


def _spoil(reply: Reply, fault: Fault | None) -> Reply:
    if fault is None:
        return reply
    match fault.kind:
        case "apply_then_hang":
            return replace(reply, wait_seconds=fault.options["seconds"])
        case "apply_then_cut":
            return replace(reply, http_status=None)
        case "truncated_json":
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        case "slow_drip":
            return replace(reply, seconds_per_byte=fault.options["seconds"])
    return reply


def _with_remarks(rows: list[dict[str, str]], fault: Fault) -> tuple[Reply, int]:
    """A success by its code, which says besides that some rows were none; the shape is made up."""
    failed = min(fault.options["failed"], len(rows))
    done = len(rows) - failed
    listed = [{**row, "reason": "客户不存在"} for row in rows[done:]]
    data = {"batchId": _batch_id(), "total": len(rows), "success": done, "fail": failed, "failList": listed}
    reply = answer("200", fault.options["error_code"], "ok", data)
    if fault.options["success"] is not None:
        found = {**json.loads(reply.body), "success": fault.options["success"]}
        reply = replace(reply, body=json.dumps(found, ensure_ascii=False).encode("utf-8"))
    return reply, done


def _batch_id() -> str:
    return str(10**16 + secrets.randbelow(9 * 10**16))  # 17 digits: page 986414


def _is_empty(body: Any) -> bool:
    return isinstance(body, dict) and body.get("data") == []


def _refused(fault: Fault) -> Reply:
    if fault.kind != "refuse_empty":
        return _data_error(fault)
    if not fault.options["json"]:
        return Reply(fault.options["http_status"], _PAGE.encode(), {"Content-Type": "text/html"})
    return answer("500", "PARAM_ERROR", "data不能为空", http_status=fault.options["http_status"])


def _data_error(fault: Fault) -> Reply:
    # Names no row and no field, as the platform: the caller has to find out.
    return answer(DATA_ERROR_CODE, "DATA_ERROR", "数据异常", http_status=fault.options["http_status"])


def _plain(status: int, as_json: bool) -> Reply:
    if status in (204, 304):  # no body, or the next answer on the connection could not be found
        return Reply(status)
    if as_json:
        # Never "200": this fault applies nothing, so it must not look like success.
        code = str(status) if status >= 300 else "500"
        return answer(code, "ERROR", f"HTTP {status}", http_status=status)
    return Reply(status, f"HTTP {status}".encode(), {"Content-Type": "text/plain"})


def _with_headers(reply: Reply, options: Mapping[str, Any]) -> Reply:
    headers = dict(reply.headers)
    for option, name in (("retry_after", "Retry-After"), ("location", "Location")):
        if options.get(option) is not None:
            headers[name] = str(options[option])
    return replace(reply, headers=headers)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _parse(raw: bytes | None) -> Any:
    try:
        return None if raw is None else json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
