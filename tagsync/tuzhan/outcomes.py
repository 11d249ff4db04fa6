"""What the caller may do after a call: the only place where answers and httpx's errors get a meaning.

    class          from                                                what the caller may do
    Outcome
    ├─ Accepted       2xx, JSON object, str(code) == "200"         record: the platform took the batch; `remarks`
    ├─ NotSent        DNS, connect, TLS but the certificate, pool, nothing was written: again, with back-off
    │                 a deadline before the first byte
    ├─ Unanswered     sent, but time-out, cut, 5xx, unreadable,    may have been applied: this batch again,
    │                 4xx without a JSON `code`                    and nothing new before an answer
    ├─ Throttled      429, or "操作频繁" in `msg`                  wait `retry_after_seconds`; never a failure
    ├─ TokenRejected  401, 100200                                  resend with the current token, or renew it
    ├─ Blocked        403–405, 3xx, certificate, 100100, 100300    stop the connection; `reason` says why
    ├─ BatchRefused   any other JSON object with a `code`          split in halves
    └─ TooLarge       413                                          smaller batches; no row is to blame

The HTTP status is looked at first, then "操作频繁", then `code`. Whatever has no place is Unanswered, never
Accepted. Must not know what a row, a connection or a job is.
"""

import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

from tagsync.tuzhan.answers import Answer, answer_from, code_in, parse
from tagsync.tuzhan.remarks import remarks_in

__all__ = [
    "Accepted",
    "AddressRefused",
    "Answer",
    "BatchRefused",
    "Blocked",
    "NotSent",
    "Outcome",
    "Overslept",
    "Throttled",
    "TokenRejected",
    "TooLarge",
    "Unanswered",
    "classify",
    "is_sign_of_life",
    "translate",
]


class BlockReason(StrEnum):
    """Why a connection can't be used until a person mends it."""

    FORBIDDEN = "forbidden"
    WRONG_ADDRESS = "wrong_address"
    REDIRECTED = "redirected"
    CERTIFICATE = "certificate"
    APP_ID_OR_SECRET = "app_id_or_secret"
    AUTHORISATION_CODE = "authorisation_code"
    # what only several calls show
    TOKEN_REJECTED = "token_rejected"
    TOKEN_REFUSED = "token_refused"
    # what is known before a call
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    NO_CREDENTIALS = "no_credentials"
    CREDENTIALS_UNREADABLE = "credentials_unreadable"


SUCCESS_CODE = "200"
TOKEN_ERROR_CODE = "100200"
BLOCKING_CODES = {"100100": BlockReason.APP_ID_OR_SECRET, "100300": BlockReason.AUTHORISATION_CODE}
BLOCKING_STATUSES = {403: BlockReason.FORBIDDEN, 404: BlockReason.WRONG_ADDRESS, 405: BlockReason.WRONG_ADDRESS}
GATEWAY_STATUSES = frozenset({502, 503, 504})
BUSY_WORDS = "操作频繁"
DEFAULT_RETRY_AFTER_SECONDS = 5.0  # not documented; the read calls allow 10 per 5 s
MAX_RETRY_AFTER_SECONDS = 15 * 60.0


@dataclass(frozen=True)
class Accepted:
    answer: Answer
    remarks: str = ""  # what the answer adds that may mean that not all of it is a success; redacted


@dataclass(frozen=True)
class NotSent:
    answer: Answer
    reason: str = ""  # "dns", "connect", "tls", "pool", "overslept"


@dataclass(frozen=True)
class Unanswered:
    answer: Answer
    reason: str = ""  # "timeout", "cut", "server_error", "unreadable", "protocol"


@dataclass(frozen=True)
class Throttled:
    answer: Answer
    retry_after_seconds: float = DEFAULT_RETRY_AFTER_SECONDS


@dataclass(frozen=True)
class TokenRejected:
    answer: Answer


@dataclass(frozen=True)
class Blocked:
    answer: Answer
    reason: BlockReason


@dataclass(frozen=True)
class BatchRefused:
    answer: Answer


@dataclass(frozen=True)
class TooLarge:
    answer: Answer


Outcome = Accepted | NotSent | Unanswered | Throttled | TokenRejected | Blocked | BatchRefused | TooLarge


class AddressRefused(Exception):
    """The host's name leads to an address that this client may not talk to; nothing was sent."""


class Overslept(Exception):
    """The call's deadline passed before a byte of its request was written; nothing was sent."""


def classify(
    http_status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    complete: bool = True,
    duration_ms: int = 0,
    known: Iterable[str] = (),
) -> Outcome:
    """What an answer means. `headers` has lower-case names; `complete` is False for a body cut short.

    `known` are values (a token, the identifiers of the call) that are not kept even if the platform repeats them.
    """
    known = tuple(known)
    found = parse(body) if complete else None
    answer = answer_from(http_status, body, found, duration_ms, known)
    by_status = _by_status(http_status, headers, answer)
    if by_status is not None:
        return by_status
    if found is None:
        return Unanswered(answer, "unreadable")
    outcome = _by_body(http_status, headers, found, answer)
    return replace(outcome, remarks=remarks_in(found, known)) if isinstance(outcome, Accepted) else outcome


def is_sign_of_life(outcome: Outcome) -> bool:
    """Whether a call without rows shows that the platform answers: with a JSON object, whatever its code.

    What the real platform says to an empty list is not documented. A gateway in front of it answers for nobody but
    itself; a page, or half an answer, says nothing.
    """
    if isinstance(outcome, TokenRejected | Blocked):
        return True  # the next batch is told the same, and a person what to do
    return outcome.answer.is_object and outcome.answer.http_status not in GATEWAY_STATUSES


def _by_status(http_status: int, headers: Mapping[str, str], answer: Answer) -> Outcome | None:
    if http_status in BLOCKING_STATUSES:
        return Blocked(answer, BLOCKING_STATUSES[http_status])
    if http_status == 401:
        return TokenRejected(answer)
    if http_status == 413:
        return TooLarge(answer)
    if http_status == 429:
        return Throttled(answer, _retry_after_seconds(headers))
    if 300 <= http_status < 400:
        return Blocked(answer, BlockReason.REDIRECTED)
    if 200 <= http_status < 300 or 400 <= http_status < 500:
        return None
    return Unanswered(answer, "server_error")


def _by_body(http_status: int, headers: Mapping[str, str], found: dict[str, Any], answer: Answer) -> Outcome:
    message = found.get("msg")
    if isinstance(message, str) and BUSY_WORDS in message:
        return Throttled(answer, _retry_after_seconds(headers))
    code = code_in(found)  # what is kept of it may be redacted
    if code == TOKEN_ERROR_CODE:
        return TokenRejected(answer)
    if code in BLOCKING_CODES:
        return Blocked(answer, BLOCKING_CODES[code])
    if not code:
        return Unanswered(answer, "unreadable")
    if code != SUCCESS_CODE:
        return BatchRefused(answer)
    # A 4xx that says "200" contradicts itself: neither success nor refusal can be told from it.
    return Accepted(answer) if http_status < 300 else Unanswered(answer, "unreadable")


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        # Nine digits are more than anybody waits, and int() refuses thousands of them.
        seconds = float(text[:9]) if len(text) < 10 else MAX_RETRY_AFTER_SECONDS
    else:
        seconds = _seconds_until(text, headers.get("date", ""))
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(http_date: str, sent_at: str) -> float:
    """By the clock of whoever answered, as far as it told the time: ours may be another one."""
    moment, now = _moment(http_date), _moment(sent_at) or datetime.now(UTC)
    return (moment - now).total_seconds() if moment else DEFAULT_RETRY_AFTER_SECONDS


def _moment(http_date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# Every class of httpx has its place; a test fails when a new one hasn't. Only what is raised before the first
# byte of the request is NotSent: a WriteError or WriteTimeout may have left all of a batch with the platform.
PLACES: dict[type[Exception], tuple[type[NotSent] | type[Unanswered] | type[Blocked], str]] = {
    httpx.ConnectTimeout: (NotSent, "connect"),
    httpx.ConnectError: (NotSent, "connect"),
    httpx.PoolTimeout: (NotSent, "pool"),
    httpx.ReadTimeout: (Unanswered, "timeout"),
    httpx.WriteTimeout: (Unanswered, "timeout"),
    httpx.TimeoutException: (Unanswered, "timeout"),
    httpx.ReadError: (Unanswered, "cut"),
    httpx.WriteError: (Unanswered, "cut"),
    httpx.CloseError: (Unanswered, "cut"),
    httpx.NetworkError: (Unanswered, "cut"),
    httpx.RemoteProtocolError: (Unanswered, "cut"),
    httpx.LocalProtocolError: (Unanswered, "protocol"),
    httpx.ProtocolError: (Unanswered, "protocol"),
    httpx.ProxyError: (Unanswered, "protocol"),
    httpx.UnsupportedProtocol: (Blocked, BlockReason.WRONG_ADDRESS),
    httpx.InvalidURL: (Blocked, BlockReason.WRONG_ADDRESS),
    AddressRefused: (Blocked, BlockReason.WRONG_ADDRESS),
    Overslept: (NotSent, "overslept"),
    httpx.TooManyRedirects: (Blocked, BlockReason.REDIRECTED),
    httpx.DecodingError: (Unanswered, "unreadable"),
    httpx.TransportError: (Unanswered, "cut"),
    httpx.RequestError: (Unanswered, "cut"),
    httpx.HTTPStatusError: (Unanswered, "protocol"),
    httpx.HTTPError: (Unanswered, "protocol"),
    httpx.CookieConflict: (Unanswered, "protocol"),
    httpx.StreamError: (Unanswered, "protocol"),
    httpx.StreamConsumed: (Unanswered, "protocol"),
    httpx.StreamClosed: (Unanswered, "protocol"),
    httpx.ResponseNotRead: (Unanswered, "protocol"),
    httpx.RequestNotRead: (Unanswered, "protocol"),
    OSError: (Unanswered, "cut"),
}
CALL_ERRORS = tuple(PLACES)


def translate(error: Exception, duration_ms: int = 0) -> Outcome:
    """What an exception of a call means. Its text is never kept: it may quote a header or the address."""
    answer = Answer(duration_ms=duration_ms)
    outcome, reason = next((PLACES[kind] for kind in type(error).__mro__ if kind in PLACES), (Unanswered, "protocol"))
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Blocked(answer, BlockReason.CERTIFICATE)
    if outcome is NotSent and any(isinstance(cause, socket.gaierror) for cause in causes):
        return NotSent(answer, "dns")
    if outcome is NotSent and any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NotSent(answer, "tls")
    return outcome(answer, reason)  # type: ignore[arg-type]  # of the pairs above


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
