"""How far a pass over a source is; people who were erased, what was erased of them, and who did it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New columns are empty for what is there: it keeps meaning what it meant."""
    op.add_column("source_health", sa.Column("under_way", sa.Text))
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
