"""Look over the database of a site: its roles, functions, extensions, and every published table that lies in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg

from ..config.errors import PublishError, SettingsError
from ..config.settings import Engine
from ..engines.postgres_check import examine
from ..engines.store_records import RelationRecord, TableRecord
from .finding import Finding, Level
from .postgres_adopt import never_analyzed, no_index
from .postgres_database import (
    APT,
    EXTENSIONS,
    Database,
    connect,
    exists,
    grant_text,
    may_read,
    open_database,
    statement,
    words,
)
from .postgres_describe import Described, describe
from .postgres_indexes import served
from .postgres_source import written

SETTING = "nashira.toml"
_MANY_ROWS = 100_000
_SHOWN = 5

_INVALID = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND NOT (x.indisvalid AND x.indisready)
"""


def check_database(settings: Engine, records: Sequence[TableRecord]) -> Iterator[Finding]:
    """Look over the database and what `records` say lies in it."""
    try:
        yield from _reader(settings)
        with open_database(settings) as database:
            yield from _extensions(database)
            for record in records:
                if record.relation is not None:
                    yield from _guarded(database, record, record.relation)
    except SettingsError as error:
        yield Finding(Level.ERROR, SETTING, str(error))


def _reader(settings: Engine) -> Iterator[Finding]:
    """See that the role of queries may do what it must and nothing more, and that both URLs mean one database."""
    for fault in examine(settings.url).faults:
        yield Finding(Level.ERROR, SETTING, f"[engine] url: {fault}{_advice(fault)}")
    with connect(settings.url, "url") as reader:
        if reader.execute("SELECT has_database_privilege(current_database(), 'TEMP')").fetchone() == (False,):
            text = "[engine] url: the role needs the right TEMPORARY on the database: uploads are temporary tables"
            yield Finding(Level.ERROR, SETTING, text)
        if settings.admin_url:
            with connect(settings.admin_url, "admin_url") as admin:
                if _identity(reader) != _identity(admin):
                    yield Finding(Level.ERROR, SETTING, "[engine] url and admin_url lead to different databases")


def _advice(fault: str) -> str:
    if "may create tables in schema" in fault:
        schema = fault.rpartition(" ")[2]
        return f"; run: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, and from the role"
    return ""


def _identity(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    return connection.execute(
        "SELECT oid, current_setting('port'), pg_postmaster_start_time() FROM pg_database"
        " WHERE datname = current_database()"
    ).fetchone()


def _extensions(database: Database) -> Iterator[Finding]:
    """Advise on extensions that make positional queries faster."""
    rows = database.connection.execute("SELECT name FROM pg_available_extensions").fetchall()
    available = {str(name) for (name,) in rows}
    major = database.connection.info.server_version // 10_000
    for name in EXTENSIONS.values():
        if name not in database.extensions:
            step = "" if name in available else f"apt-get install {APT[name].format(major)}, then "
            text = f"the database has no extension {name}; {step}as its superuser: CREATE EXTENSION {name}"
            yield Finding(Level.ADVICE, "database", text)


def _guarded(database: Database, record: TableRecord, relation: RelationRecord) -> Iterator[Finding]:
    """Look at one table; whatever is wrong with it, the others are looked at too."""
    where = f"{record.schema_name}.{record.name}"
    try:
        yield from _table(database, where, record, relation)
    except PublishError as error:
        yield Finding(Level.ERROR, where, str(error))
    except psycopg.Error as error:
        yield Finding(Level.ERROR, where, f"{written(relation.path)} cannot be looked at: {words(error)}")


def _table(database: Database, where: str, record: TableRecord, relation: RelationRecord) -> Iterator[Finding]:
    source = written(relation.path)
    if not exists(database, relation.path):
        yield Finding(
            Level.ERROR, where, f"its table {source} is gone; publish it again or take it out of the descriptor"
        )
        return
    if not may_read(database, relation.path):
        text = f"the role {database.reader} may not read it; as its owner run: {grant_text(database, relation.path)}"
        yield Finding(Level.ERROR, where, text)
    found = describe(database, relation.path)
    changes = list(_changes(record, relation, found))
    yield from (Finding(Level.ERROR, where, text) for text in changes)
    if not found.analyzed:
        yield Finding(Level.WARNING, where, never_analyzed(found))
    for (name,) in database.connection.execute(statement(_INVALID), relation.path):
        yield Finding(
            Level.WARNING, where, f"its index {name} is invalid and serves nothing; run: REINDEX INDEX {name}"
        )
    if record.position is not None and not changes:
        yield from _served(database, where, record, relation, found)


def _changes(record: TableRecord, relation: RelationRecord, found: Described) -> Iterator[str]:
    """Say how the columns differ from what was published; a column that is not shown does not matter."""
    shown = [column.name for column in record.columns]
    gone = [name for name in shown if name not in found.types]
    if gone:
        names = ", ".join(gone[:_SHOWN])
        yield f"the database has no columns {names} any more; queries for them fail until `nashira publish`"
    was = dict(relation.types)
    for name in shown:
        now = found.types.get(name)
        if name in was and now is not None and now != was[name]:
            yield f"the column {name} was {was[name]} and is {now} now; run `nashira publish`"


def _served(
    database: Database, where: str, record: TableRecord, relation: RelationRecord, found: Described
) -> Iterator[Finding]:
    """Compare the indexes that serve the position with those recorded."""
    sky = record.position
    assert sky is not None  # noqa: S101 (told apart by the caller)
    now = served(database, found, sky.ra, sky.dec)
    lost = [kind for kind, had, has in (
        ("_healpix_29", relation.indexed, now.indexed),
        (str(relation.sky), relation.sky is not None, (now.sky, now.column) == (relation.sky, relation.sky_column)),
    ) if had and not has]  # fmt: skip
    if lost:
        text = f"its index of the position ({', '.join(lost)}) is gone or wrong; run `nashira publish`"
        yield Finding(Level.ERROR, where, text)
    elif now.on(relation) != relation:
        yield Finding(Level.ADVICE, where, "it has a better index of its position now; run `nashira publish`")
    if now.sky is None and not now.indexed and found.rows > _MANY_ROWS:
        yield Finding(Level.WARNING, where, no_index(database, found, sky.ra, sky.dec))
    yield from (Finding(Level.WARNING, where, note) for note in now.notes)
