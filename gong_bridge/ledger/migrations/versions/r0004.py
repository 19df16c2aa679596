"""Passes that go on, with whom calls are shared, what was not there, and people who were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New columns are empty for what is there: it keeps meaning what it meant."""
    op.add_column("source_health", sa.Column("under_way", sa.Text))
    op.add_column("entries", sa.Column("share_with", sa.Text))
    gone = "state = 'skipped' AND reason_code = 'gone'"
    gone_behind_its_call = "state = 'held' AND reason_code = 'source-gone' AND group_key IS NULL"
    _partial("entries_gone", ["source", "key"], f"({gone} OR {gone_behind_its_call})")
    _erased_people()


def _erased_people() -> None:
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "erased_entries",
        sa.Column("entry_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
        sa.Column("recording_gone_at", sa.BigInteger),
        sa.Column("sought_id", sa.Text),
        sa.Column("sought_around", sa.BigInteger),
    )
    op.create_index("erased_entries_by_person", "erased_entries", ["person"])
    op.create_table(
        "privacy_acts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("act", "person", "kind", "actor", "host")),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("outcome", "counts")),
    )


def _partial(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "entries", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
