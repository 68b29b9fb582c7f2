"""Alembic's environment: runs the revisions in the transaction that `registry.schema_upgrade` opened."""

from alembic import context

from radiant.registry.model import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
)
context.run_migrations()
