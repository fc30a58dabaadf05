"""The tables of the contract in a real PostgreSQL, with each kind of index on positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.postgres import PostgresEngine
from nashira.engines.postgres_functions import install
from nashira.schema.model import Relation, SkyIndex, Table
from nashira.schema.types import postgres_type
from tests.contract.tables import INDEX, Sample
from tests.postgres_server import Database

SCHEMA = "contract"
_INDEXES = {
    "none": (),
    "healpix": ('CREATE INDEX ON {table} ("_healpix_29")',),
    "q3c": ("CREATE INDEX ON {table} (q3c_ang2ipix({ra}, {dec}))",),
    "pgsphere": ("CREATE INDEX ON {table} USING gist (spoint(radians({ra}), radians({dec})))",),
    "spoint": (
        "ALTER TABLE {table} ADD COLUMN pos_ spoint",
        "UPDATE {table} SET pos_ = spoint(radians({ra}), radians({dec})) WHERE {ra} + {dec} IS NOT NULL",
        "CREATE INDEX ON {table} USING gist (pos_)",
    ),
}
_SKY = {"q3c": SkyIndex("q3c"), "pgsphere": SkyIndex("pgsphere"), "spoint": SkyIndex("pgsphere", "pos_")}
INDEXES = tuple(_INDEXES)
"""Kinds of index on the position of a table."""


def load(connection: psycopg.Connection, sample: Sample, index: str) -> Table:
    """Create the table of a sample with its rows and one kind of index; give its declaration."""
    healpix = index == "healpix" and sample.position is not None
    columns = (*sample.columns, *([INDEX] if healpix else []))
    table = sql.Identifier(SCHEMA, sample.name)
    typed = [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(postgres_type(c.type))) for c in columns]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(typed)))
    insert_rows(connection, table, sample.data.select([c.name for c in columns]).to_pylist())
    if sample.position is not None:
        names = {"ra": sql.Identifier(sample.position.ra), "dec": sql.Identifier(sample.position.dec)}
        for statement in _INDEXES[index]:
            connection.execute(sql.SQL(statement).format(table=table, **names))
    connection.execute(sql.SQL("ANALYZE {}").format(table))
    sky = _SKY.get(index) if sample.position is not None else None
    return sample.table(Relation((SCHEMA, sample.name), len(sample.rows), healpix, sky))


def insert_rows(connection: psycopg.Connection, table: sql.Composable, rows: Iterable[dict[str, Any]]) -> None:
    """Copy rows into a table."""
    listed = [tuple(row.values()) for row in rows]
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for row in listed:
            copy.write_row(row)


@contextmanager
def engine_on(database: Database, folder: Path) -> Iterator[PostgresEngine]:
    """An engine of the read-only role."""
    engine = PostgresEngine(SiteFolder(folder, Settings(engine=Engine(url=database.read_url))))
    yield engine
    engine.close()


def prepare(database: Database, samples: Sequence[Sample], index: str) -> list[Table]:
    """Install the functions, load samples, let the read-only role see them."""
    with psycopg.connect(database.url) as connection:
        install(connection)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        tables = [load(connection, sample, index) for sample in samples]
        for text in (
            "GRANT USAGE ON SCHEMA {} TO nashira_reader",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO nashira_reader",
        ):
            connection.execute(sql.SQL(text).format(sql.Identifier(SCHEMA)))
    return [replace(table, schema="s") for table in tables]
