"""The two calls: a batch, and a token. Every end of a call is a value; must not decide what happens next."""

import logging
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import product
from types import TracebackType
from typing import Any

import httpcore
import httpx

from tagsync.tuzhan.answers import Answer, parse
from tagsync.tuzhan.deadline import Deadline, DeadlineTransport, within
from tagsync.tuzhan.outcomes import (
    CALL_ERRORS,
    Accepted,
    Blocked,
    BlockReason,
    Outcome,
    TokenRejected,
    Unanswered,
    classify,
    translate,
)

MAX_ANSWER_BYTES = 1_000_000
MAX_TOKEN_CHARACTERS = 4096
DEFAULT_LIFETIME_SECONDS = 7200  # page 986242; the sample's `expire` is 0
MAX_LIFETIME_SECONDS = 30 * 86400

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "tagsync",
    # A server may close a connection at any moment between two calls, right after its answer too, and a call that
    # is just being written then gets no answer: nobody knows whether its rows were taken, and the whole connection
    # waits. No look at the socket before the first byte can exclude that; a connection of its own for each call can.
    "Connection": "close",
}

# httpx writes every address at INFO, and the address of the token call carries the secret. A filter on the
# logger itself holds whatever logging is configured later; a level would not. A filter says nothing to the loggers
# below its own, so each has one. The names are the packages' own: a fork that stands in for one has another.
_LOGGERS = ("", ".connection", ".http11", ".http2", ".proxy", ".socks")
for _package, _below in product((httpx.__name__, httpcore.__name__), _LOGGERS):
    logging.getLogger(_package + _below).addFilter(lambda record: False)


@dataclass(frozen=True)
class Token:
    value: str
    lifetime_seconds: int

    def __repr__(self) -> str:
        return f"Token(value='…', lifetime_seconds={self.lifetime_seconds})"


@dataclass(frozen=True)
class _Reply:
    http_status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool


class Client:
    """Talks to one address of the platform; threads may share it. No redirects, no proxies, no cookies.

    `public_only` refuses hosts whose name leads to a private or loopback address, looked at when connecting.
    """

    def __init__(
        self,
        base_url: str,
        path: str,
        token_path: str,
        *,
        timeout_seconds: float = 30,
        connect_timeout_seconds: float = 5,
        transport: httpx.BaseTransport | None = None,
        public_only: bool = False,
    ) -> None:
        self.base_url, self.path, self.token_path = base_url, path, token_path
        self._batch_url = _join(base_url, path)
        self._token_url = _join(base_url, token_path)
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            transport=transport or DeadlineTransport(public_only=public_only),
            timeout=httpx.Timeout(timeout_seconds, connect=connect_timeout_seconds),
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, token: str, body: bytes, end_by: Deadline | None = None, *, known: Iterable[str] = ()) -> Outcome:
        """One batch call, over after `timeout_seconds` in total. Never raises for what the network does.

        `end_by`: nothing is written after it, even when the process or the machine slept meanwhile.
        `known`: the identifiers in the body; nothing of the outcome repeats them.
        A token that can't stand in a header is TokenRejected without a call.

        Source: page 986553
        """
        if not _is_printable(token):
            # httpx would quote it in the exception's text.
            return TokenRejected(Answer())
        headers = {"X-Token": token, "Content-Type": "application/json"}
        return self._call("POST", self._batch_url, (token, *known), end_by, headers=headers, content=body)[0]

    def fetch_token(self, app_id: str, app_secret: str) -> Token | Outcome:
        """A new token. Never Accepted or TokenRejected: refused credentials are Blocked, an answer without a
        usable token is Unanswered.

        Source: page 986242; `instanceSecrect` is the real name.
        """
        if not (_is_printable(app_id) and _is_printable(app_secret)):
            return Blocked(Answer(), BlockReason.APP_ID_OR_SECRET)
        params = {"instanceAppid": app_id, "instanceSecrect": app_secret}
        outcome, reply = self._call("GET", self._token_url, (app_id, app_secret), None, params=params)
        if isinstance(outcome, TokenRejected):
            return Blocked(outcome.answer, BlockReason.APP_ID_OR_SECRET)
        if isinstance(outcome, Accepted) and reply is not None:
            return _token(reply.body) or Unanswered(
                Answer(outcome.answer.http_status, duration_ms=outcome.answer.duration_ms), "unreadable"
            )
        return outcome

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self, method: str, url: str, known: tuple[str, ...], end_by: Deadline | None, **request: Any
    ) -> tuple[Outcome, _Reply | None]:
        started = time.monotonic()
        try:
            with within(self._timeout_seconds, end_by), self._http.stream(method, url, **request) as response:
                reply = _read(response)
        except CALL_ERRORS as error:
            return translate(error, _milliseconds_since(started)), None
        outcome = classify(
            reply.http_status,
            reply.headers,
            reply.body,
            complete=reply.complete,
            duration_ms=_milliseconds_since(started),
            known=known,
        )
        return outcome, reply


def _join(base_url: str, path: str) -> str:
    return base_url.rstrip("/") + "/" + path.lstrip("/")


def _is_printable(text: str) -> bool:
    return 0 < len(text) <= MAX_TOKEN_CHARACTERS and all("!" <= character <= "~" for character in text)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _read(response: httpx.Response) -> _Reply:
    raw = bytearray()
    # httpx's MockTransport hands over answers that are read already.
    for chunk in [response.content] if response.is_stream_consumed else response.iter_raw():
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            break
    body, complete = _decoded(bytes(raw[: MAX_ANSWER_BYTES + 1]), response.headers.get("content-encoding", ""))
    return _Reply(response.status_code, response.headers, body, complete)


def _decoded(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    # We ask for identity; some proxies compress all the same. Inflated here, because httpx inflates without a
    # limit: 200 kB become 200 MB.
    if encoding.strip().lower() in ("", "identity"):
        return raw, len(raw) <= MAX_ANSWER_BYTES
    inflater = zlib.decompressobj(wbits=47)  # gzip or zlib, by their first bytes
    try:
        body = inflater.decompress(raw, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        return raw, False
    return body, inflater.eof and len(body) <= MAX_ANSWER_BYTES


def _token(body: bytes) -> Token | None:
    data = (parse(body) or {}).get("data")
    if not isinstance(data, dict):
        return None
    value = data.get("orgAccessToken")
    if not isinstance(value, str) or not _is_printable(value):
        return None
    return Token(value, _lifetime_seconds(data.get("expire")))


def _lifetime_seconds(expire: object) -> int:
    # Whole numbers arrive as text (answers.parse).
    if isinstance(expire, str) and expire.isascii() and expire.isdigit() and int(expire[:9]) > 0:
        return min(int(expire[:9]), MAX_LIFETIME_SECONDS)
    return DEFAULT_LIFETIME_SECONDS
