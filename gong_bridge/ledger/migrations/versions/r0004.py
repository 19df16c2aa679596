"""How far a pass over a source is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """New columns are empty for what is there: it keeps meaning what it meant."""
    op.add_column("source_health", sa.Column("under_way", sa.Text))
