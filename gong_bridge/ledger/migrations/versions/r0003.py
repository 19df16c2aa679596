"""When each call began, and the daily receipts; tokens of an OAuth log-in."""

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 5_000


def upgrade() -> None:
    """What is there keeps meaning what it meant; the start of each call is read from its draft."""
    op.create_table(
        "oauth_tokens",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("got_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "receipts",
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.add_column("entries", sa.Column("started_at", sa.BigInteger))
    _read_starts(op.get_bind())
    _partial("entries_by_start", "started_at", "started_at IS NOT NULL")
    _partial("entries_without_start", "modified_at", "started_at IS NULL")


def _read_starts(connection: sa.Connection) -> None:
    drafts = sa.text("SELECT id, draft FROM entries WHERE draft IS NOT NULL AND id > :last ORDER BY id LIMIT :count")
    write = sa.text("UPDATE entries SET started_at = :started_at WHERE id = :id")
    last = 0
    while rows := connection.execute(drafts, {"last": last, "count": _BATCH}).all():
        last = rows[-1].id
        starts = [{"id": row.id, "started_at": _start(row.draft)} for row in rows]
        connection.execute(write, starts)


def _start(draft: str) -> int | None:
    try:
        return (datetime.fromisoformat(json.loads(draft)["actualStart"]) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, KeyError, TypeError):
        return None


def _partial(name: str, column: str, condition: str) -> None:
    op.create_index(name, "entries", [column], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
