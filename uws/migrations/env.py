"""Alembic's door: it runs the revisions on the connection that `uws.revisions` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="nashira_jobs_version")
with context.begin_transaction():
    context.run_migrations()
