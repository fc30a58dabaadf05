"""The corpus on a real PostgreSQL: what runs on DuckDB is parsed by PostgreSQL's own parser, runs, and gives its rows.

Each query gets small tables with the columns that it mentions (`guess`); their positions have each kind of index in
turn, as far as the translator is told. Rows are compared where the query says which they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pglast
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from nashira.adql.kinds import kind
from nashira.adql.translate import translate
from nashira.engines.postgres_functions import install
from nashira.schema.model import Catalog, Relation, Schema, SkyColumns, SkyIndex, Table
from nashira.schema.types import DOUBLE, FLOAT, LONG, arrow_type, postgres_type
from nashira.sphere.coverage import healpix29
from nashira.sphere.functions import FUNCTIONS
from tests.postgres_server import PostgresServer

from .guess import CORPUS, Labelled, labelled
from .test_corpus_semantics import ROWS

SUITES = ("adql-rec", "lyonetia-ivoa", "rec-matrix", "strictness", "udf-catalogue", "vollt", "draft")
INDEXES = ("plain", "q3c", "pgsphere", "none")
POSITIONS = (("ra", "dec"), ("raj2000", "dej2000"), ("s_ra", "s_dec"))
UNSURE = ("TOP ", "OFFSET", "RAND", "RANDOM(", "TABLESAMPLE", "STRING_AGG")


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A database with the functions of the schema nashira."""
    database = postgres.fresh()
    with psycopg.connect(database.url) as connection:
        install(connection)
        connection.commit()
        connection.execute("SET search_path = pg_catalog, nashira, public")
        connection.execute("SET timezone = 'UTC'")
        connection.commit()
        yield connection


@pytest.fixture(scope="module")
def embedded() -> Iterator[duckdb.DuckDBPyConnection]:
    """An embedded engine."""
    with duckdb.connect(config={"threads": 1}) as con:
        for f in FUNCTIONS:
            con.create_function(  # type: ignore[call-overload]
                f.name, f.call, list(f.parameters), f.returns, type="arrow", null_handling="special"
            )
        yield con


def rows_of(table: Table) -> tuple[pa.Table, SkyColumns | None]:
    """Five rows for the columns of a table, and its position with the index at the end."""
    columns = table.columns
    made = pa.table(
        {c.name: pa.array(ROWS["integer" if c.type == LONG else kind(c.type)], arrow_type(c.type)) for c in columns}
    )
    names = {c.name.lower(): c.name for c in columns if c.type == DOUBLE}
    for ra, dec in POSITIONS:
        if ra in names and dec in names:
            position = SkyColumns(names[ra], names[dec])
            lon, lat = (made[name].to_numpy(zero_copy_only=False) for name in (position.ra, position.dec))
            return made.append_column("_healpix_29", pa.array(healpix29(lon, lat))), position
    return made, None


class Pair:
    """The tables of a query on both engines for as long as it runs."""

    def __init__(self, server: psycopg.Connection, embedded: duckdb.DuckDBPyConnection, index: str) -> None:
        self.server, self.embedded, self.index, self.count = server, embedded, index, 0

    def load(self, table: Table) -> tuple[Table, Table]:
        """Make the table on both; give its declarations."""
        rows, position = rows_of(table)
        self.count += 1
        name = f"t{self.count}"
        self.embedded.register(name, rows)
        types = {c.name: postgres_type(c.type) for c in table.columns} | {"_healpix_29": "bigint"}
        listed = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(types[c])) for c in rows.column_names
        )
        self.server.execute(sql.SQL("CREATE TEMP TABLE {} ({})").format(sql.Identifier(name), listed))
        with self.server.cursor() as cursor:
            spaces = sql.SQL(", ").join([sql.Placeholder()] * rows.num_columns)
            insert = sql.SQL("INSERT INTO pg_temp.{} VALUES ({})").format(sql.Identifier(name), spaces)
            cursor.executemany(insert, [tuple(row.values()) for row in rows.to_pylist()])
        plain = Relation((name,), 5, position is not None)
        sky = SkyIndex(self.index) if self.index in ("q3c", "pgsphere") and position else None  # type: ignore[arg-type]
        there = Relation(("pg_temp", name), 5, self.index == "plain" and position is not None, sky)
        return tuple(replace(table, source=source, position=position) for source in (plain, there))  # type: ignore[return-value]

    def catalogs(self, catalog: Catalog) -> list[Catalog]:
        """Make all tables; give the catalogues of DuckDB and PostgreSQL."""
        pairs = [[self.load(table) for table in schema.tables] for schema in catalog.schemas]
        return [
            Catalog(
                tuple(
                    Schema(schema.name, tuple(pair[side] for pair in loaded))
                    for schema, loaded in zip(catalog.schemas, pairs, strict=True)
                )
            )
            for side in (0, 1)
        ]


def listed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """DuckDB gives arrays of a fixed length as tuples."""
    return tuple(list(value) if isinstance(value, tuple) else value for value in row)


def key(row: tuple[Any, ...]) -> str:
    """Sort rows whatever is in them; floats by their first digits."""
    return "|".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row)


def alike(one: Any, other: Any) -> bool:
    """Compare two values: floats to 1e-12."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or one == other or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return bool(one == other)


def compared(query: str, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> str:
    """Say how two results differ; empty where they agree."""
    if any(word in query.upper() for word in UNSURE):
        return ""
    first, second = (sorted(map(listed, rows), key=key) for rows in (first, second))
    same = len(first) == len(second) and all(
        len(a) == len(b) and all(map(alike, a, b)) for a, b in zip(first, second, strict=True)
    )
    return "" if same else f"DuckDB {first[:5]}\nPostgreSQL {second[:5]}"


def narrowed(rows: list[tuple[Any, ...]], single: list[bool]) -> list[tuple[Any, ...]]:
    """Bring values of REAL columns to what they hold: the two drivers widen them differently."""
    if not any(single):
        return rows
    return [
        tuple(float(np.float32(v)) if real and v is not None else v for v, real in zip(row, single, strict=True))
        for row in rows
    ]


def difference(row: Labelled, catalog: Catalog, pair: Pair) -> str:
    """Run a query on both engines; say what is wrong."""
    here, there = pair.catalogs(catalog)
    service = row.service()
    wanted = pair.embedded.sql(translate(row.query, here, service=service).sql).fetchall()
    made = translate(row.query, there, target="postgresql", service=service)
    pglast.parse_sql(made.sql)
    try:
        got = pair.server.execute(made.sql).fetchall()
    except psycopg.Error as error:
        return f"{error}\n{made.sql}"
    single = [column.type == FLOAT for column in made.columns]
    shown = compared(row.query, narrowed(wanted, single), narrowed(got, single))
    return f"{shown}\n{made.sql}" if shown else ""


@pytest.mark.parametrize("suite", SUITES)
def test_what_runs_on_one_engine_runs_on_the_other_and_gives_the_same_rows(
    server: psycopg.Connection, embedded: duckdb.DuckDBPyConnection, suite: str
) -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled queries is not beside this checkout")
    wrong, count = {}, 0
    for number, row in enumerate(labelled()):
        catalog = row.judged()[1] if row.suite == suite else None
        if catalog is None:
            continue
        pair = Pair(server, embedded, INDEXES[number % len(INDEXES)])
        found = difference(row, catalog, pair)
        server.rollback()
        count += 1
        if found:
            wrong[row.query] = found
    assert not wrong, "\n\n".join(f"{query}\n{found}" for query, found in wrong.items())
    assert count > 0
