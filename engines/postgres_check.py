"""What the engine asks of a database and of its role before it serves anything; also for `nashira check`."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..config.errors import SettingsError
from .postgres_errors import unreachable
from .postgres_functions import SCHEMA, missing

_LEAST_VERSION = 15
_SESSION = {
    "default_transaction_read_only": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "client_min_messages": "error",
    "jit": "off",  # compiling costs a cone search more than it runs
}
_NETWORK = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_POWERS = {
    "rolsuper": "is a superuser",
    "rolcreaterole": "can create roles",
    "rolcreatedb": "can create databases",
    "rolreplication": "can replicate the database",
    "rolbypassrls": "passes by row-level security",
}
_GROUPS = (
    "pg_write_all_data",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_signal_backend",
)
_EXTENSIONS = """
    SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname IN ('pg_sphere', 'q3c') ORDER BY 1"""
_WRITABLE = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT LIKE 'pg\\_%'
      AND n.nspname <> 'information_schema'
      AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE') OR pg_has_role(c.relowner, 'USAGE'))
    ORDER BY 1 LIMIT 4"""
_CREATABLE = """
    SELECT format('%I', nspname) FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'CREATE')
    ORDER BY 1 LIMIT 4"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found: the schemas of pg_sphere and q3c, and what forbids to serve from this database."""

    extension_schemas: tuple[str, ...]
    faults: tuple[str, ...]


def conninfo(url: str, extension_schemas: tuple[str, ...] = ()) -> str:
    """Give the connection string of sessions: read-only, UTC, our functions and the extensions' in reach.

    SettingsError where `url` is none; the message does not repeat it, since it may hold a password.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        message = "[engine] url is no address of a PostgreSQL database, as postgresql://user@host/database"
        raise SettingsError(message) from None
    path = ",".join(_identifier(name) for name in ("pg_catalog", SCHEMA, *extension_schemas))
    own = " ".join(f"-c {name}={_escaped(value)}" for name, value in {**_SESSION, "search_path": path}.items())
    options = f"{given.pop('options', None) or ''} {own}".strip()
    forced = {"options": options, "client_encoding": "UTF8"}
    return make_conninfo("", **{"application_name": "nashira", **_NETWORK, **given, **forced})


def examine(url: str) -> Facts:
    """Look at a database with the role of `url`; SettingsError where it cannot be reached."""
    try:
        with psycopg.connect(conninfo(url)) as connection:
            return Facts(_column(connection, _EXTENSIONS), tuple(_faults(connection)))
    except psycopg.Error as error:
        message = f"[engine] url: the database cannot be used: {unreachable(error)}"
        raise SettingsError(message) from None


def require(url: str) -> Facts:
    """Examine a database; SettingsError that names all faults where it cannot be served."""
    facts = examine(url)
    if facts.faults:
        message = "[engine] url: " + "; ".join(facts.faults)
        raise SettingsError(message)
    return facts


def _faults(connection: psycopg.Connection) -> list[str]:
    server = connection.info.server_version // 10_000
    if server < _LEAST_VERSION:
        return [f"PostgreSQL {server} is too old: {_LEAST_VERSION} or later is needed"]
    if connection.info.parameter_status("server_encoding") != "UTF8":
        return ["the database has another encoding than UTF8"]
    found = _powers(connection)
    if not found:
        found = [f"the role may write {table}; it must only read" for table in _column(connection, _WRITABLE)]
        found += [
            f"the role may create tables in schema {name} (REVOKE CREATE ON SCHEMA {name} FROM PUBLIC or it)"
            for name in _column(connection, _CREATABLE)
        ]
    absent = missing(connection)
    if absent:
        shown = ", ".join(absent[:3]) + (", …" if len(absent) > 3 else "")
        found.append(
            f"schema {SCHEMA} lacks functions or has old ones ({shown}); `nashira publish` installs them as the role "
            "of [engine] admin_url"
        )
    return found


def _powers(connection: psycopg.Connection) -> list[str]:
    row = connection.execute(f"SELECT {', '.join(_POWERS)} FROM pg_roles WHERE rolname = current_user").fetchone()
    held = [power for power, has in zip(_POWERS.values(), row or (), strict=True) if has]
    if held:
        return [f"the role {power}; the engine takes a role that can only read" for power in held[:1]]
    groups = _column(
        connection,
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, 'MEMBER') ORDER BY 1",
        (list(_GROUPS),),
    )
    return [f"the role belongs to {group}" for group in groups]


def _column(connection: psycopg.Connection, sql: str, values: tuple[object, ...] = ()) -> tuple[str, ...]:
    escaped = sql if values else sql.replace("%", "%%")
    rows = connection.execute(escaped, values).fetchall()
    return tuple(str(row[0]) for row in rows)


def _identifier(name: str) -> str:
    return name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
