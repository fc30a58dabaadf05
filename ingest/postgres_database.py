"""The site's database as those who publish use it: connections, roles, schemas, the functions of queries.

Two roles: the administrator makes and loads tables; the reader serves queries and may do nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ..config.errors import SettingsError
from ..config.settings import Engine
from ..engines import postgres_functions

EXTENSIONS = {"q3c": "q3c", "pgsphere": "pg_sphere"}  # kind of index → extension
APT = {"q3c": "postgresql-{}-q3c", "pg_sphere": "postgresql-{}-pgsphere"}
_CONNECT_SECONDS = 10
_LOCK_MS = 5_000

Connection = psycopg.Connection[tuple[object, ...]]
Path = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Database:
    """An open connection of the administrator (of the reader where `admin_url` is empty), each statement on its own.

    `reader` is the role of queries; `extensions` gives the schema of each known extension that is installed.
    """

    connection: Connection
    settings: Engine
    reader: str
    extensions: Mapping[str, str]

    @property
    def may_load(self) -> bool:
        """Tell whether tables can be made here."""
        return bool(self.settings.admin_url)

    def kinds(self) -> tuple[str, ...]:
        """Give the kinds of sky indexes that the extensions offer."""
        return tuple(kind for kind, name in EXTENSIONS.items() if name in self.extensions)


def statement(text: str) -> sql.SQL:
    """Take a text of our own for SQL."""
    return sql.SQL(text)


def named(path: Path) -> sql.Identifier:
    """Write the name of a relation."""
    return sql.Identifier(*path)


def connect(url: str, key: str) -> Connection:
    """Connect; SettingsError names the setting `key` and what PostgreSQL says, never the URL."""
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        message = f"[engine] {key}: the database cannot be reached: {words(error)}"
        raise SettingsError(message) from error
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding != ("UTF8",):
        connection.close()
        message = f"[engine] {key}: the database is encoded in {(encoding or ('?',))[0]}; it must be UTF8"
        raise SettingsError(message)
    connection.execute(statement(f"SET lock_timeout = {_LOCK_MS}"))
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET default_transaction_read_only = off")
    return connection


def words(error: psycopg.Error) -> str:
    """Give what PostgreSQL says of an error, on one line."""
    text = error.diag.message_primary or str(error)
    return " ".join(text.split())[:300]


@contextmanager
def open_database(settings: Engine) -> Iterator[Database]:
    """Open the database of a site; SettingsError where it cannot be reached."""
    key = "admin_url" if settings.admin_url else "url"
    connection = connect(settings.admin_url or settings.url, key)
    try:
        extensions = installed(connection)
        path = ", ".join(sql.Identifier(schema).as_string() for schema in dict.fromkeys(extensions.values()))
        connection.execute(statement(f"SET search_path = pg_catalog{', ' + path if path else ''}"))
        yield Database(connection, settings, reader_role(settings), extensions)
    finally:
        connection.close()


@contextmanager
def site_database(settings: Engine) -> Iterator[Database | None]:
    """Open the database of a site for publishing, everything prepared; None where the site is embedded."""
    if not settings.url:
        yield None
        return
    with open_database(settings) as database:
        if database.may_load:
            prepare(database)
        yield database


def installed(connection: Connection) -> dict[str, str]:
    """Give the schema of each extension that we know and that is installed."""
    rows = connection.execute(
        "SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
        " ON n.oid = e.extnamespace WHERE e.extname = ANY(%s)",
        (list(EXTENSIONS.values()),),
    )
    return {str(name): str(schema) for name, schema in rows}


def reader_role(settings: Engine) -> str:
    """Give the role that `[engine] url` connects as: the one it names, else the one the server says."""
    user = conninfo_to_dict(settings.url).get("user")
    if user:
        return str(user)
    with connect(settings.url, "url") as connection:
        return str((connection.execute("SELECT current_user").fetchone() or ("",))[0])


def prepare(database: Database) -> None:
    """Make or update what publishing and queries need: the reading role, our schemas, functions, rights.

    SettingsError tells the SQL for a superuser where the administrator may not do a step.
    """
    _make_reader(database)
    schema, reader = sql.Identifier(database.settings.data_schema), sql.Identifier(database.reader)
    steps = (
        statement("CREATE SCHEMA IF NOT EXISTS {}").format(schema),
        statement("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader),
    )
    try:
        for step in steps:
            database.connection.execute(step)
        postgres_functions.install(database.connection)
    except psycopg.errors.InsufficientPrivilege as error:
        owner = conninfo_to_dict(database.settings.admin_url).get("user", "the administrator")
        message = (
            f"[engine] admin_url: {words(error)}; as a superuser of the database run: "
            f"GRANT CREATE ON DATABASE {_database_name(database.connection)} TO {owner}"
        )
        raise SettingsError(message) from error


def _make_reader(database: Database) -> None:
    """Make the role that reads, with the password of its URL, where there is none."""
    found = database.connection.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", (database.reader,))
    if found.fetchone():
        return
    role = sql.Identifier(database.reader)
    password = conninfo_to_dict(database.settings.url).get("password")
    secret = statement(" PASSWORD {}").format(sql.Literal(password)) if password else statement("")
    try:
        database.connection.execute(statement("CREATE ROLE {} LOGIN{}").format(role, secret))
    except psycopg.errors.InsufficientPrivilege as error:
        message = (
            f"[engine] url: there is no role {database.reader}, and admin_url may not make it; "
            f"as a superuser of the database run: CREATE ROLE {role.as_string()} LOGIN PASSWORD '…'"
        )
        raise SettingsError(message) from error


def _database_name(connection: Connection) -> str:
    return str((connection.execute("SELECT quote_ident(current_database())").fetchone() or ("",))[0])


def grant_reading(database: Database, path: Path) -> bool:
    """Let the reader read a relation; tells whether it may now, and changes nothing where it may already."""
    if may_read(database, path):
        return True
    reader = sql.Identifier(database.reader)
    try:
        with database.connection.transaction():
            database.connection.execute(
                statement("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(path[0]), reader)
            )
            database.connection.execute(statement("GRANT SELECT ON {} TO {}").format(named(path), reader))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return may_read(database, path)  # a grant without the right to it is a warning to PostgreSQL


def may_read(database: Database, path: Path) -> bool:
    """Tell whether the reader may read a relation."""
    row = database.connection.execute(
        "SELECT has_schema_privilege(%(role)s, %(schema)s, 'USAGE')"
        " AND has_table_privilege(%(role)s, format('%%I.%%I', %(schema)s::text, %(name)s::text), 'SELECT')",
        {"role": database.reader, "schema": path[0], "name": path[1]},
    ).fetchone()
    return bool(row and row[0])


def grant_text(database: Database, path: Path) -> str:
    """Write the SQL that lets the reader read a relation, for the person who may."""
    reader, schema = sql.Identifier(database.reader).as_string(), sql.Identifier(path[0]).as_string()
    return f"GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT SELECT ON {named(path).as_string()} TO {reader};"


def exists(database: Database, path: Path) -> bool:
    """Tell whether the database has a relation."""
    query = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = %s AND relname = %s"
    return database.connection.execute(query, path).fetchone() is not None


def drop_table(database: Database, path: Path) -> bool:
    """Drop a table that publishing made; False where it is read or other objects depend on it."""
    if not database.may_load:
        return False
    try:
        database.connection.execute(statement("DROP TABLE IF EXISTS {}").format(named(path)))
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.DependentObjectsStillExist,
        psycopg.errors.InsufficientPrivilege,
    ):
        return False
    return True
