"""Calls in several files, sidecars that come again, several hosts and accounts, delivery by link, notifications."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_USER_TEXTS = ("email", "aliases", "name", "extension", "phone_number")
_OPEN = "state IN ('found', 'drafted', 'created', 'delivered')"


def upgrade() -> None:
    """New columns are empty for what is there: it keeps meaning what it meant."""
    for name in ("group_key", "group_part", "sidecar_key", "sidecar_digest"):
        op.add_column("entries", sa.Column(name, sa.Text))
    for name in ("reach", "account"):
        op.add_column("entries", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("delivery", "remark", "notification"):
        op.add_column("entries", sa.Column(name, sa.Text))
    for name in ("linked_at", "link_expires_at"):
        op.add_column("entries", sa.Column(name, sa.BigInteger))
    _partial("entries_by_group", ["source", "group_key"], "group_key IS NOT NULL")
    _partial("entries_by_sidecar", ["source", "sidecar_key"], "sidecar_key IS NOT NULL")
    _partial("entries_by_remark", ["remark"], "remark IS NOT NULL")
    for name in (
        "entries_one_per_version", "entries_one_owner_per_call", "entries_open_by_due", "entries_open_by_found",
    ):  # fmt: skip
        op.drop_index(name, "entries")
    op.create_index("entries_one_per_version", "entries", ["source", "key", "version", "reach"], unique=True)
    _partial("entries_one_owner_per_call", ["client_unique_id", "account"], "owns_call", unique=True)
    _partial("entries_open_by_due", ["source", "reach", "backlog", "due_at", "id"], _OPEN)
    _partial("entries_open_by_found", ["source", "reach", "backlog", "found_at", "due_at", "id"], _OPEN)
    _source_health()
    _partial("entries_open_by_age", ["source", "reach", "backlog", "modified_at", "due_at", "id"], _OPEN)
    _partial("entries_begun", ["source", "reach", "backlog", "due_at", "id"], "state IN ('created', 'delivered')")
    _bridges()
    _gong_users()
    _allowance()
    _backfills()


def _partial(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, "entries", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _gong_users() -> None:
    """The users of several accounts; those that are known are the only account's."""
    op.rename_table("gong_users", "gong_users_of_one")
    op.create_table(
        "gong_users",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _USER_TEXTS),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("telephony_calls_imported", sa.Boolean, nullable=False),
    )
    columns = ", ".join(("id", *_USER_TEXTS, "active", "telephony_calls_imported"))
    op.execute(f"INSERT INTO gong_users (account, {columns}) SELECT '', {columns} FROM gong_users_of_one")  # noqa: S608
    op.drop_table("gong_users_of_one")


def _source_health() -> None:
    """What sources say of themselves is said again within a minute, so nothing is carried over."""
    op.drop_table("source_health")
    op.create_table(
        "source_health",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("reach", sa.Text, primary_key=True),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("scanned", sa.BigInteger, nullable=False),
        sa.Column("last_scan_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger),
    )


def _bridges() -> None:
    op.create_table(
        "bridges",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("lanes", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("stopped_at", sa.BigInteger),
    )
    op.create_table(
        "turns",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("held_until", sa.BigInteger, nullable=False),
    )


def _allowance() -> None:
    """One allowance for each Gong account; the calls of the last day keep counting."""
    op.drop_table("allowance")  # the next slot and a pause of an hour at most: nothing that outlives an upgrade
    op.create_table(
        "allowance",
        sa.Column("name", sa.Text, primary_key=True),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (
                "next_slot_at",
                "paused_until",
                "tickets",
                "bucket_ends_at",
                "bucket_calls",
                "bucket_backlog",
                "earlier_calls",
                "earlier_backlog",
            )
        ),
        sa.Column("ceiling", sa.Text, nullable=False),
    )
    op.rename_table("allowance_used", "allowance_used_before")
    op.create_table(
        "allowance_used",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("bucket_ends_at", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("calls", "backlog", "refused")),
    )
    op.execute("INSERT INTO allowance_used SELECT 'gong', bucket_ends_at, calls, 0, 0 FROM allowance_used_before")
    op.drop_table("allowance_used_before")
    op.create_table(
        "allowance_flights",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("ticket", "free_at")),
    )


def _backfills() -> None:
    op.create_table(
        "backfills",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("reach", sa.Text, primary_key=True),
        sa.Column("first_day", sa.Text, nullable=False),
        sa.Column("last_day", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("most_per_day", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("to_come", sa.BigInteger),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("taken_on_day", sa.BigInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
