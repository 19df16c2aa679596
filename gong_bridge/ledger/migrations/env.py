"""Alembic's entry: runs the revisions on the connection that open.py holds, inside its transaction."""

from alembic import context

from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.schema import ledger_version, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=ledger_version.name,
    transactional_ddl=True,
    on_version_apply=lambda **_: reached(Point.REVISION_APPLIED),
)
with context.begin_transaction():
    context.run_migrations()
