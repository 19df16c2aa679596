"""Tokens of an OAuth log-in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Only new tables: what is there stays as it is."""
    op.create_table(
        "oauth_tokens",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("got_at", sa.BigInteger, nullable=False),
    )
