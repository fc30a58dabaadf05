"""Queues for short and long jobs, whom a job counts for, and what like jobs took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; jobs that are there are short ones of nobody in particular."""
    op.add_column("nashira_jobs", sa.Column("queue", sa.String(16), nullable=False, server_default="short"))
    op.add_column("nashira_jobs", sa.Column("party", sa.String(80), nullable=False, server_default=""))
    op.add_column("nashira_jobs", sa.Column("likeness", sa.String(64), nullable=False, server_default=""))
    op.add_column("nashira_jobs", sa.Column("pushed", sa.Integer, nullable=False, server_default="0"))
    op.create_index("nashira_jobs_likeness", "nashira_jobs", ["likeness", "ended"])


def downgrade() -> None:
    """Drop the columns."""
    op.drop_index("nashira_jobs_likeness", "nashira_jobs")
    for column in ("queue", "party", "likeness", "pushed"):
        op.drop_column("nashira_jobs", column)
