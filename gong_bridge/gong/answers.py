"""From the status of an answer to what happens next: one table, pure (R23, R27, G2)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from gong_bridge.errors import (
    BadCredentials,
    BridgeError,
    BusyAndUnclear,
    RateLimited,
    ServiceDown,
    Unclear,
    WrongBaseUrl,
)
from gong_bridge.gong.log_in import KnownAs
from gong_bridge.gong.refusals import refusal
from gong_bridge.gong.sentences import one_line
from gong_bridge.gong.wire import Answer, NotFound, Operation

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
LONGEST_PAUSE_SECONDS = 3600.0
SHORTEST_PAUSE_SECONDS = 1.0
_DEFAULT_PAUSE_SECONDS = {429: 1.0, 503: 30.0}
_CHECK_URL = "compare base_url in bridge.yaml with the address that Gong's API page shows for your company"


@dataclass(frozen=True, kw_only=True)
class RawAnswer:
    """One HTTP answer as it arrived.

    whole_request: every byte of the request was handed over; an answer that came earlier cannot mean success.
    headers: lower-case names. about: whom the request is about, by Gong's id.
    """

    operation: Operation
    host: str
    http_status: int
    headers: Mapping[str, str]
    content: bytes
    whole_request: bool
    about: str
    now: datetime
    known_as: KnownAs

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether a failure leaves it open: proxies say 5xx, too, when only the answer of Gong was lost to them."""
        return self.operation.changes_gong and self.whole_request

    @property
    def is_html(self) -> bool:
        """A page for people: a login page, a proxy, a firewall; never Gong's API."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.content[:256].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    @cached_property
    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else."""
        try:
            value = json.loads(self.content)
            if _HALF_CHARACTER.search(self.content):
                value = _whole(value)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def request_id(self) -> str | None:
        """Gong's reference of this request (G8)."""
        value = (self.json_object or {}).get("requestId")
        return one_line(str(value))[:200] or None if isinstance(value, (str, int)) else None

    @property
    def errors(self) -> list[str]:
        """Gong's sentences, fit to be written down."""
        values = (self.json_object or {}).get("errors")
        return [one_line(value) for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _whole(value: Any) -> Any:
    """`value` with a mark for each half of a surrogate pair: JSON can say one, no text of ours can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


def understand(raw: RawAnswer) -> Answer:
    """The answer, when it is one: any 2xx (G2), or a 404 that means "none".

    Raises RateLimited, BusyAndUnclear, ServiceDown, Unclear, RefusedByGong (AlreadyKnown, NotEnabled), BadCredentials,
    WrongBaseUrl.
    """
    read = _BY_STATUS.get(raw.http_status) or _BY_HUNDREDS.get(raw.http_status // 100, _strange)
    outcome = read(raw)
    if isinstance(outcome, BridgeError):
        raise outcome
    return outcome


def pause_seconds(*, http_status: int, retry_after: str | None, now: datetime) -> float:
    """How long Gong wants to be left alone: Retry-After in seconds or as an HTTP date, at most an hour.

    Absent or unreadable: 1 s after 429, 30 s after 503. Never below 1 s: a zero would be a hot loop.
    """
    wait = _DEFAULT_PAUSE_SECONDS.get(http_status, SHORTEST_PAUSE_SECONDS)
    text = (retry_after or "").strip()
    try:
        wait = float(text)
    except ValueError:
        moment = _http_date(text)
        if moment is not None:
            wait = (moment - now).total_seconds()
    if wait != wait:  # "nan" is a float too
        wait = LONGEST_PAUSE_SECONDS
    return min(max(wait, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _success(raw: RawAnswer) -> Answer | BridgeError:
    if raw.is_html:
        return _not_gong(raw, "with a web page instead of JSON")
    body = raw.json_object
    if not raw.whole_request:
        return ServiceDown(
            f"Gong answered {raw.http_status} to the attempt to {raw.operation.doing} before it had the whole request",
            http_status=raw.http_status,
            request_id=raw.request_id,
        )
    if body is None:
        kind = Unclear if raw.operation.changes_gong else ServiceDown
        return kind(
            f"Gong answered {raw.http_status} to the attempt to {raw.operation.doing}, but not with a JSON object",
            http_status=raw.http_status,
        )
    return Answer(operation=raw.operation, http_status=raw.http_status, request_id=raw.request_id, body=body)


def _redirected(raw: RawAnswer) -> BridgeError:
    return _not_gong(raw, "with a redirect, which is never followed because it would carry the keys elsewhere")


def _not_gong(raw: RawAnswer, how: str) -> WrongBaseUrl:
    return WrongBaseUrl(
        f"{raw.host} answered {raw.http_status} {how}; it is not Gong's API. Cure: {_CHECK_URL}.",
        http_status=raw.http_status,
        request_id=raw.request_id,
    )


def _no_access(raw: RawAnswer) -> BridgeError:
    return BadCredentials(
        f"Gong does not know {raw.known_as.what} ({raw.http_status} on {raw.operation.operation_id}, scope "
        f"{raw.operation.scope}). {raw.known_as.cure}",
        http_status=raw.http_status,
        request_id=raw.request_id,
    )


def _forbidden(raw: RawAnswer) -> BridgeError:
    if raw.is_html:
        return _not_gong(raw, "with a web page (a proxy or firewall may be in between)")
    return BadCredentials(
        f"Gong does not let {raw.known_as.what} {raw.operation.doing} (403 on {raw.operation.operation_id}, scope "
        f"{raw.operation.scope}). {raw.known_as.not_allowed.format(scope=raw.operation.scope)}",
        http_status=raw.http_status,
        request_id=raw.request_id,
    )


def _not_found(raw: RawAnswer) -> Answer | BridgeError:
    if raw.is_html or raw.operation.not_found is NotFound.WRONG_ADDRESS:
        return _not_gong(raw, f"to {raw.operation.operation_id}")
    if raw.operation.not_found is NotFound.REFUSED:
        return _refused(raw)
    return Answer(operation=raw.operation, http_status=raw.http_status, request_id=raw.request_id, found=False)


def _no_such_method(raw: RawAnswer) -> BridgeError:
    return _not_gong(raw, f"to {raw.operation.operation_id}")


def _proxy_log_in(raw: RawAnswer) -> BridgeError:
    return WrongBaseUrl(
        "The HTTP proxy wants a log-in (407). Cure: put it into HTTPS_PROXY, or set NO_PROXY for Gong's host.",
        http_status=raw.http_status,
    )


def _limited(raw: RawAnswer) -> BridgeError:
    wait_seconds = pause_seconds(http_status=raw.http_status, retry_after=raw.headers.get("retry-after"), now=raw.now)
    unclear = raw.http_status == 503 and raw.may_have_taken_effect
    why = "its limit of API calls is reached" if raw.http_status == 429 else "it is not available now"
    then = f"; the attempt to {raw.operation.doing} may have taken effect all the same" if unclear else ""
    return (BusyAndUnclear if unclear else RateLimited)(
        f"Gong says wait {wait_seconds:g} s: {why}{then}",
        wait_seconds=wait_seconds,
        http_status=raw.http_status,
        request_id=raw.request_id,
    )


def _gave_up_waiting(raw: RawAnswer) -> BridgeError:
    return ServiceDown(
        f"Gong gave up waiting for the request to {raw.operation.doing} ({raw.http_status})",
        http_status=raw.http_status,
        request_id=raw.request_id,
    )


def _refused(raw: RawAnswer) -> BridgeError:
    return refusal(
        doing=raw.operation.doing,
        http_status=raw.http_status,
        errors=raw.errors,
        request_id=raw.request_id,
        about=raw.about,
    )


def _failed(raw: RawAnswer) -> BridgeError:
    said = "; ".join(raw.errors)[:300]
    message = f"Gong failed to {raw.operation.doing} ({raw.http_status}{': ' + said if said else ''})"
    if not raw.may_have_taken_effect:
        return ServiceDown(message, http_status=raw.http_status, request_id=raw.request_id)
    return Unclear(
        message + "; it may have taken effect all the same", http_status=raw.http_status, request_id=raw.request_id
    )


def _strange(raw: RawAnswer) -> BridgeError:
    return _not_gong(raw, "which no HTTP server says")


_Reader = Callable[[RawAnswer], Answer | BridgeError]

_BY_STATUS: dict[int, _Reader] = {
    401: _no_access,
    403: _forbidden,
    404: _not_found,
    405: _no_such_method,
    407: _proxy_log_in,
    408: _gave_up_waiting,
    425: _gave_up_waiting,
    429: _limited,
    503: _limited,
}
_BY_HUNDREDS: dict[int, _Reader] = {2: _success, 3: _redirected, 4: _refused, 5: _failed}
