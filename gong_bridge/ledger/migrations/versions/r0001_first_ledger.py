"""The first ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = "state IN ('found', 'drafted', 'created', 'delivered')"


def upgrade() -> None:
    """Entries with their indexes, then everything small."""
    _entries()
    _partial("entries_one_owner_per_call", ["client_unique_id"], "owns_call", unique=True)
    _partial("entries_open_by_due", ["backlog", "due_at", "id"], _OPEN)
    _partial("entries_open_by_found", ["backlog", "found_at", "due_at", "id"], _OPEN)
    _partial("entries_leased", ["lease_token"], "lease_token IS NOT NULL")
    _partial("entries_held", ["reason_code", "person"], "state = 'held'")
    _partial("entries_by_predecessor", ["replaces"], "replaces IS NOT NULL")
    op.create_index("entries_one_per_version", "entries", ["source", "key", "version"], unique=True)
    op.create_index("entries_by_state", "entries", ["state", "source"])
    _events()
    _shared_facts()
    _allowance()


def _partial(name: str, columns: list[str], where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, "entries", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("modified_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("held_from", sa.Text),
        sa.Column("client_unique_id", sa.Text),
        sa.Column("call_id", sa.Text),
        sa.Column("draft", sa.Text),
        sa.Column("media", sa.Text),
        sa.Column("intent", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("backlog", sa.Boolean, nullable=False),
        sa.Column("reason_code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("person", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("request_id", sa.Text),
        sa.Column("duplicate_of", sa.BigInteger),
        sa.Column("replaces", sa.BigInteger),
        sa.Column("owns_call", sa.Boolean, nullable=False),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("request_id", sa.Text),
    )
    op.create_index("events_by_entry", "events", ["entry_id", "id"])


def _shared_facts() -> None:
    op.create_table(
        "gong_users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("aliases", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("extension", sa.Text, nullable=False),
        sa.Column("phone_number", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("telephony_calls_imported", sa.Boolean, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "source_health",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("scanned", sa.BigInteger, nullable=False),
        sa.Column("last_scan_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger),
    )


def _allowance() -> None:
    op.create_table(
        "allowance",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("next_slot_at", sa.BigInteger, nullable=False),
        sa.Column("paused_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "allowance_used",
        sa.Column("bucket_ends_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
    )
