"""Between rows and nouns: times as microseconds, JSON as text, states as words; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gong_bridge.ledger.schema import entries
from gong_bridge.model import Entry, EntryEvent, State

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_REASON = 4000
_CLEAN = {0: "\N{REPLACEMENT CHARACTER}"}

ENTRY_COLUMNS = tuple(entries.c)
"""The order in which `entry_of` expects the values of a row."""


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC; TypeError for a time without a zone."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The aware UTC time of `micros`."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_moment(value: int | None) -> datetime | None:
    """Like `moment`, None for None."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def clean(words: str | None) -> str | None:
    """Text that both databases take: bounded, no NUL (PostgreSQL), no lone surrogates (neither)."""
    if words is None:
        return None
    return clean_whole(words[:_LONGEST_REASON])


def clean_whole(words: str) -> str:
    """Like `clean`, of any length."""
    if words.isascii() and "\0" not in words:
        return words
    return words.translate(_CLEAN).encode("utf-8", "replace").decode("utf-8")


def to_json(value: Any) -> str:
    """Compact JSON in pure ASCII, so that any text survives any database."""
    return json.dumps(value, separators=(",", ":"))


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column values of an entry's fields, given by their names in model.Entry."""
    return {name: _encode(name, value) for name, value in values.items()}


def _encode(name: str, value: Any) -> Any:
    if name == "account":
        return value or ""
    if name == "share_with":
        return to_json(value) if value else None
    if value is None or value is True or value is False:
        return value
    if isinstance(value, State):
        return value.value
    if isinstance(value, datetime):
        return micros(value)
    if isinstance(value, dict):
        return to_json(value)
    if name in ("reason", "person", "request_id"):
        return clean(value)
    return value


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry of a row selected as ENTRY_COLUMNS."""
    return Entry(
        id=row[0],
        source=row[1],
        key=row[2],
        version=row[3],
        size_bytes=row[4],
        modified_at=moment(row[5]),
        state=State(row[6]),
        held_from=None if row[7] is None else State(row[7]),
        client_unique_id=row[8],
        call_id=row[9],
        draft=None if row[10] is None else json.loads(row[10]),
        media=None if row[11] is None else json.loads(row[11]),
        intent=row[12],
        attempts=row[13],
        due_at=moment(row[14]),
        backlog=bool(row[15]),
        reason_code=row[16],
        reason=row[17],
        person=row[18],
        http_status=row[19],
        request_id=row[20],
        duplicate_of=row[21],
        replaces=row[22],
        owns_call=bool(row[23]),
        lease_token=row[24],
        lease_until=maybe_moment(row[25]),
        found_at=moment(row[26]),
        updated_at=moment(row[27]),
        group_key=row[28],
        group_part=row[29],
        sidecar_key=row[30],
        sidecar_digest=row[31],
        reach=row[32] or None,
        delivery=row[33],
        account=row[34] or None,
        linked_at=maybe_moment(row[35]),
        link_expires_at=maybe_moment(row[36]),
        remark=row[37],
        notification=row[38],
        started_at=maybe_moment(row[39]),
        share_with=() if row[40] is None else tuple(json.loads(row[40])),
    )


def event_of(row: Sequence[Any]) -> EntryEvent:
    """The event of a row of the events table, its id left out."""
    return EntryEvent(
        entry_id=row[0],
        at=moment(row[1]),
        from_state=None if row[2] is None else State(row[2]),
        to_state=State(row[3]),
        attempt=row[4],
        code=row[5],
        reason=row[6],
        http_status=row[7],
        request_id=row[8],
    )
