"""The job database brought to the newest revision, by whichever process comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from ..config.errors import StoreError
from . import migrations

NEWEST = "0002"
_VERSIONS = sa.Table("nashira_jobs_version", sa.MetaData(), sa.Column("version_num", sa.String(32)))
_FIRST = "0001"
_LOCK = 7_263_846_201  # any number that no other program of the database takes


def bring_up(engine: sa.Engine) -> None:
    """Run the revisions that the database lacks; StoreError where it is newer than this program.

    Alembic is loaded only where there is something to do.
    """
    if _revision(engine) == NEWEST:
        return
    with _alone(engine) as connection:
        _upgrade(connection)


def _revision(engine: sa.Engine) -> str | None:
    """Give the revision of the database; None where it has none."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(_VERSIONS.name):
            return None
        return connection.execute(sa.select(_VERSIONS)).scalar()


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    inspector = sa.inspect(connection)
    if inspector.has_table("nashira_jobs") and not inspector.has_table(_VERSIONS.name):
        command.stamp(config, _FIRST)  # made by release 0.1, which kept no revisions
    try:
        command.upgrade(config, NEWEST)
    except CommandError as error:
        message = "The job database was made by a newer release of Nashira; install that one"
        raise StoreError(message) from error


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in a transaction while no other process upgrades."""
    if engine.dialect.name == "sqlite":
        with _locked(Path(f"{engine.url.database}.lock")), engine.execution_options().begin() as connection:
            yield connection
        return
    with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
