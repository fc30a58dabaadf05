"""Make a database ready for a site, or write the SQL for those who do that themselves."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ..config.errors import SettingsError
from ..config.settings import Engine
from ..engines import postgres_functions
from .postgres_database import APT, EXTENSIONS, Database, connect, open_database, prepare, statement


def set_up(settings: Engine) -> tuple[str, ...]:
    """Make role, schemas, functions and, where they can be had, extensions; gives sentences on what was not possible.

    Without an administrator's URL nothing is changed. SettingsError where the database cannot be used.
    """
    if not settings.admin_url:
        connect(settings.url, "url").close()
        return ("without --admin nothing was changed in the database; `nashira check --sql` writes what it needs",)
    with open_database(settings) as database:
        notes = tuple(_extensions(database))
        prepare(database)
        return notes


def _extensions(database: Database) -> Iterator[str]:
    rows = database.connection.execute("SELECT name FROM pg_available_extensions").fetchall()
    available = {str(name) for (name,) in rows}
    major = database.connection.info.server_version // 10_000
    for name in EXTENSIONS.values():
        if name in database.extensions:
            continue
        if name not in available:
            yield f"{name} makes positional queries faster: apt-get install {APT[name].format(major)}, then init again"
            continue
        try:
            create = statement("CREATE EXTENSION {} WITH SCHEMA public").format(sql.Identifier(name))
            database.connection.execute(create)
        except psycopg.errors.InsufficientPrivilege:
            yield f"{name} makes positional queries faster; as a superuser of the database: CREATE EXTENSION {name}"


def setup_sql(settings: Engine) -> str:
    """Write the SQL that a superuser runs in the site's database instead of giving away an administrator's URL.

    SettingsError where [engine] url names no role.
    """
    try:
        role = conninfo_to_dict(settings.url).get("user")
    except psycopg.Error:
        role = None
    if not role:
        message = "[engine] url must name the role that queries run as: postgresql://role@host/database"
        raise SettingsError(message)
    reader = sql.Identifier(str(role)).as_string()
    extensions = "".join(f"CREATE EXTENSION IF NOT EXISTS {name};\n" for name in EXTENSIONS.values())
    return (
        f"-- The role of queries: it may read what it is granted and nothing else.\n"
        f"-- CREATE ROLE {reader} LOGIN PASSWORD '…';\n"
        f"-- For each published table: GRANT USAGE ON SCHEMA s TO {reader}; GRANT SELECT ON s.t TO {reader};\n"
        f"{extensions}{postgres_functions.script()}"
    )
