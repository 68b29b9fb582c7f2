"""Version 2: what each try of an import used."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Add radiant_task_usage."""
    op.create_table(
        "radiant_task_usage",
        sa.Column("attempt", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("ready_at", sa.Double(), nullable=True),
        sa.Column("asked_at", sa.Double(), nullable=True),
        sa.Column("placed_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("backend", sa.String(length=16), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("instance_type", sa.Text(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("architecture", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Text(), nullable=True),
        sa.Column("spot", sa.Boolean(), nullable=True),
        sa.Column("cpu", sa.Double(), nullable=True),
        sa.Column("memory_limit_mib", sa.Integer(), nullable=False),
        sa.Column("peak_memory_mib", sa.Double(), nullable=True),
        sa.Column("radiant_version", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("memory_source", sa.String(length=16), nullable=True),
        sa.Column("measured_memory_mib", sa.Double(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("cpu_s", sa.Double(), nullable=True),
        sa.Column("user_s", sa.Double(), nullable=True),
        sa.Column("system_s", sa.Double(), nullable=True),
        sa.Column("bytes_read", sa.BigInteger(), nullable=True),
        sa.Column("bytes_written", sa.BigInteger(), nullable=True),
        sa.Column("read_requests", sa.BigInteger(), nullable=True),
        sa.Column("write_requests", sa.BigInteger(), nullable=True),
        sa.Column("scratch_peak_mib", sa.Double(), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("bytes_stored", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("attempt"),
    )
    op.create_index("radiant_task_usage_recorded", "radiant_task_usage", ["recorded_at"], unique=False)
    op.create_index("radiant_task_usage_run", "radiant_task_usage", ["run"], unique=False)
    op.execute("UPDATE radiant_schema SET version = 2")
