"""Calls in several files, sidecars that come again, several hosts and accounts, delivery by link."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """New columns are empty for what is there: it keeps meaning what it meant."""
    for name in ("group_key", "group_part", "sidecar_key", "sidecar_digest", "reach", "delivery", "account", "remark"):
        op.add_column("entries", sa.Column(name, sa.Text))
    for name in ("linked_at", "link_expires_at"):
        op.add_column("entries", sa.Column(name, sa.BigInteger))
    _partial("entries_by_group", ["source", "group_key"], "group_key IS NOT NULL")
    _partial("entries_by_sidecar", ["source", "sidecar_key"], "sidecar_key IS NOT NULL")
    _partial("entries_by_remark", ["remark"], "remark IS NOT NULL")


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "entries", columns, sqlite_where=condition, postgresql_where=condition)
