"""The table of jobs as release 0.1 made it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIMES = ("quote", "queued", "started", "ended")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "nashira_jobs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("run_id", sa.Text),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created", "destruction", "execution_seconds")),
        *(sa.Column(name, sa.BigInteger) for name in _TIMES),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease", sa.BigInteger),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("tries", "lost", "revision")),
        sa.Column("failure_message", sa.Text),
        sa.Column("failure_transient", sa.Boolean),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("progress", "results", "uploads", "parameters")),
    )
    op.create_index("nashira_jobs_phase", "nashira_jobs", ["phase", "queued"])
    op.create_index("nashira_jobs_list", "nashira_jobs", ["service", "owner", "created"])
    op.create_index("nashira_jobs_destruction", "nashira_jobs", ["destruction"])


def downgrade() -> None:
    """Drop the table and all jobs with it."""
    op.drop_table("nashira_jobs")
