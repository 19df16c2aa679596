"""The ledger's tables: one row a recording, one row a transition, and the small facts all processes share.

Times are whole microseconds since 1970 UTC (exact, comparable, the same on SQLite and PostgreSQL); JSON is text.
Conditions of partial indexes are literal SQL and must be repeated literally in queries: no planner matches them
against bound parameters.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    literal_column,
    text,
)

HEAD = "0004"
"""The revision this program needs; the newest file in migrations/versions."""

IS_OPEN = text("state IN ('found', 'drafted', 'created', 'delivered')")
IS_BEGUN = text("state IN ('created', 'delivered')")
OWNS_CALL = text("owns_call")
IS_HELD = text("state = 'held'")
IS_GONE: ColumnElement[bool] = literal_column(
    "(state = 'skipped' AND reason_code = 'gone'"
    " OR state = 'held' AND reason_code = 'source-gone' AND group_key IS NULL)",
    Boolean,
)
"""The entry ended, or waits for a person, because its file was not there: when it is, it goes on.

Not that of a call in several files: another one of them may be missing.
"""
IS_LEASED = text("lease_token IS NOT NULL")
REPLACES = text("replaces IS NOT NULL")
IN_GROUP = text("group_key IS NOT NULL")
HAS_SIDECAR = text("sidecar_key IS NOT NULL")
HAS_REMARK = text("remark IS NOT NULL")
HAS_START = text("started_at IS NOT NULL")
HAS_NO_START = text("started_at IS NULL")

_ID = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER PRIMARY KEY numbers rows by itself in SQLite

metadata = MetaData()
ledger_version = Table(
    "ledger_version",
    MetaData(),  # Alembic's own, not one of those that `ledger move` copies
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="ledger_version_pkc"),
)
"""Which revision the tables have; made as Alembic makes it."""

entries = Table(
    "entries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("held_from", Text),
    Column("client_unique_id", Text),
    Column("call_id", Text),
    Column("draft", Text),
    Column("media", Text),
    Column("intent", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("backlog", Boolean, nullable=False),
    Column("reason_code", Text),
    Column("reason", Text),
    Column("person", Text),
    Column("http_status", Integer),
    Column("request_id", Text),
    Column("duplicate_of", BigInteger),
    Column("replaces", BigInteger),
    Column("owns_call", Boolean, nullable=False),
    Column("lease_token", Text),
    Column("lease_until", BigInteger),
    Column("found_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("group_key", Text),
    Column("group_part", Text),
    Column("sidecar_key", Text),
    Column("sidecar_digest", Text),
    Column("reach", Text, nullable=False, server_default=""),  # "": everybody; part of what is unique
    Column("delivery", Text),
    Column("account", Text, nullable=False, server_default=""),  # "": the only one; part of whose call it is
    Column("linked_at", BigInteger),
    Column("link_expires_at", BigInteger),
    Column("remark", Text),
    Column("notification", Text),
    Column("started_at", BigInteger),
    Column("share_with", Text),
)

Index("entries_one_per_version", entries.c.source, entries.c.key, entries.c.version, entries.c.reach, unique=True)
Index(
    "entries_one_owner_per_call",
    entries.c.client_unique_id,
    entries.c.account,
    unique=True,
    sqlite_where=OWNS_CALL,
    postgresql_where=OWNS_CALL,
)
# A claim reads the head of one of these four in each lane of its bridge: neither a million finished rows nor a million
# that only another host can open cost it anything.
_LANE = (entries.c.source, entries.c.reach, entries.c.backlog)
for _name, _order, _where in (
    ("entries_open_by_due", (entries.c.due_at,), IS_OPEN),
    ("entries_open_by_found", (entries.c.found_at, entries.c.due_at), IS_OPEN),
    ("entries_open_by_age", (entries.c.modified_at, entries.c.due_at), IS_OPEN),
    ("entries_begun", (entries.c.due_at,), IS_BEGUN),
):
    Index(_name, *_LANE, *_order, entries.c.id, sqlite_where=_where, postgresql_where=_where)
Index("entries_by_start", entries.c.started_at, sqlite_where=HAS_START, postgresql_where=HAS_START)
Index("entries_without_start", entries.c.modified_at, sqlite_where=HAS_NO_START, postgresql_where=HAS_NO_START)
Index("entries_leased", entries.c.lease_token, sqlite_where=IS_LEASED, postgresql_where=IS_LEASED)
Index("entries_held", entries.c.reason_code, entries.c.person, sqlite_where=IS_HELD, postgresql_where=IS_HELD)
Index("entries_gone", entries.c.source, entries.c.key, sqlite_where=IS_GONE, postgresql_where=IS_GONE)
Index("entries_by_predecessor", entries.c.replaces, sqlite_where=REPLACES, postgresql_where=REPLACES)
Index("entries_by_group", entries.c.source, entries.c.group_key, sqlite_where=IN_GROUP, postgresql_where=IN_GROUP)
Index(
    "entries_by_sidecar",
    entries.c.source,
    entries.c.sidecar_key,
    sqlite_where=HAS_SIDECAR,
    postgresql_where=HAS_SIDECAR,
)
Index("entries_by_remark", entries.c.remark, sqlite_where=HAS_REMARK, postgresql_where=HAS_REMARK)
Index("entries_by_state", entries.c.state, entries.c.source)

events = Table(
    "events",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("entry_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("code", Text),
    Column("reason", Text),
    Column("http_status", Integer),
    Column("request_id", Text),
)
Index("events_by_entry", events.c.entry_id, events.c.id)

gong_users = Table(
    "gong_users",
    metadata,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("aliases", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("extension", Text, nullable=False),
    Column("phone_number", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("telephony_calls_imported", Boolean, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

bridges = Table(
    "bridges",
    metadata,
    Column("name", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("lanes", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("stopped_at", BigInteger),
)

turns = Table(
    "turns",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("held_until", BigInteger, nullable=False),
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("account", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("got_at", BigInteger, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("day", Text, primary_key=True),
    Column("account", Text, primary_key=True),  # "": the one under `gong`
    Column("source", Text, primary_key=True),  # "": calls that no source of ours recorded
    Column("counts", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("digest", Text, primary_key=True),  # keyed; see gong_bridge/privacy/keyring.py
    Column("key_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

erased_entries = Table(
    "erased_entries",
    metadata,
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),  # the beginning of a digest: each who was in it, not only who was erased
    Column("version", Text, nullable=False),  # of the recording that the person was in
    Column("call_id", Text),
    Column("account", Text, nullable=False),
    Column("erased_at", BigInteger, nullable=False),
    Column("recording_gone_at", BigInteger),  # when it was deleted, or seen to be gone
    Column("sought_id", Text),  # clientUniqueId of a call that may be in Gong: its POST was never answered
    Column("sought_around", BigInteger),  # when that call began
)
Index("erased_entries_by_person", erased_entries.c.person)

privacy_acts = Table(
    "privacy_acts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("act", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", Text, nullable=False),
    Column("counts", Text, nullable=False),
)

backfills = Table(
    "backfills",
    metadata,
    Column("source", Text, primary_key=True),
    Column("reach", Text, primary_key=True),
    Column("first_day", Text, nullable=False),
    Column("last_day", Text),
    Column("time_zone", Text, nullable=False),
    Column("most_per_day", BigInteger),
    Column("state", Text, nullable=False),
    Column("ordered_at", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("to_come", BigInteger),
    Column("day", Text, nullable=False),
    Column("taken_on_day", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
)

source_health = Table(
    "source_health",
    metadata,
    Column("source", Text, primary_key=True),
    Column("reach", Text, primary_key=True),
    Column("healthy", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("watch", Text, nullable=False),
    Column("scanned", BigInteger, nullable=False),
    Column("last_scan_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("under_way", Text),
)

allowance = Table(
    "allowance",
    metadata,
    Column("name", Text, primary_key=True),  # which Gong account's
    Column("next_slot_at", BigInteger, nullable=False),
    Column("paused_until", BigInteger, nullable=False),
    Column("tickets", BigInteger, nullable=False),
    # The bucket of 5 minutes that is being filled, and the sum of those of the last 24 hours that are full.
    Column("bucket_ends_at", BigInteger, nullable=False),
    Column("bucket_calls", BigInteger, nullable=False),
    Column("bucket_backlog", BigInteger, nullable=False),
    Column("earlier_calls", BigInteger, nullable=False),
    Column("earlier_backlog", BigInteger, nullable=False),
    Column("ceiling", Text, nullable=False),
)

allowance_used = Table(
    "allowance_used",
    metadata,
    Column("name", Text, primary_key=True),
    Column("bucket_ends_at", BigInteger, primary_key=True, autoincrement=False),
    Column("calls", BigInteger, nullable=False),
    Column("backlog", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
)

allowance_flights = Table(
    "allowance_flights",
    metadata,
    Column("name", Text, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("ticket", BigInteger, nullable=False),
    Column("free_at", BigInteger, nullable=False),
)
