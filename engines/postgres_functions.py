"""The functions of schema `nashira`: what DuckDB has from `sphere.functions`, and what PostgreSQL lacks besides.

`nashira publish` installs them with the role of `[engine] admin_url`; the engine refuses a database that has others.
"""

from __future__ import annotations

import hashlib
import re

import psycopg
from psycopg import sql

from . import (
    postgres_functions_healpix,
    postgres_functions_maps,
    postgres_functions_pgsphere,
    postgres_functions_polygons,
    postgres_functions_regions,
    postgres_functions_shapes,
    postgres_functions_values,
)

SCHEMA = "nashira"
STATEMENTS: tuple[str, ...] = (
    *postgres_functions_values.STATEMENTS,
    *postgres_functions_polygons.STATEMENTS,
    *postgres_functions_healpix.STATEMENTS,
    *postgres_functions_shapes.STATEMENTS,
    *postgres_functions_regions.STATEMENTS,
    *postgres_functions_maps.STATEMENTS,
    *postgres_functions_pgsphere.STATEMENTS,
)
"""Complete CREATE statements; running them again does no harm."""

_NAME = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|AGGREGATE) nashira\.(\w+)")
_MARK = "Functions of Nashira, version "


def names() -> tuple[str, ...]:
    """Give the names of all functions, sorted."""
    return tuple(sorted({match[1] for text in STATEMENTS for match in _NAME.finditer(text)}))


def version() -> str:
    """Give a text that changes with the functions."""
    return hashlib.sha256("\0".join(STATEMENTS).encode()).hexdigest()[:16]


def install(connection: psycopg.Connection) -> None:
    """Make the schema and its functions, or bring them up to date; the role must own the schema or may create it."""
    if not missing(connection):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('nashira functions'))")
        if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for statement in STATEMENTS:
            connection.execute(sql.SQL(statement))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(sql.Identifier(SCHEMA)))
        mark = sql.SQL("COMMENT ON SCHEMA {} IS {}")
        connection.execute(mark.format(sql.Identifier(SCHEMA), sql.Literal(_MARK + version())))


def script() -> str:
    """Give what `install` runs as a text for psql, for those who let only their own people change a database."""
    head = (f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", *STATEMENTS)
    tail = (f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC", f"COMMENT ON SCHEMA {SCHEMA} IS '{_MARK}{version()}'")
    return "".join(f"{text.strip().rstrip(';')};\n" for text in (*head, *tail))


def missing(connection: psycopg.Connection) -> tuple[str, ...]:
    """Give the names of functions that are absent, all where those installed are of another version."""
    if _installed(connection) != version():
        return names()
    query = "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %s"
    present = {row[0] for row in connection.execute(query, (SCHEMA,))}
    return tuple(name for name in (*names(), *_of_extensions(connection)) if name not in present)


def _of_extensions(connection: psycopg.Connection) -> tuple[str, ...]:
    """Give the names of functions that an extension calls for; it may have come after the others were installed."""
    found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_sphere'").fetchone()
    return postgres_functions_pgsphere.NAMES if found else ()


def _installed(connection: psycopg.Connection) -> str:
    """Give the version of the functions in the database, empty where there are none."""
    query = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
    row = connection.execute(query, (SCHEMA,)).fetchone()
    comment = str(row[0] or "") if row else ""
    return comment.removeprefix(_MARK) if comment.startswith(_MARK) else ""
