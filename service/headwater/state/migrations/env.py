"""What alembic runs: the steps, on the connection and in the transaction of headwater.state.migrate."""

from __future__ import annotations

from alembic import context

from headwater.state.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
