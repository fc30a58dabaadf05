"""Every engine with the tables of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from nashira.adql.translate import translate
from nashira.adql.translation import Translation
from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.duckdb import DuckDBEngine
from nashira.schema.model import Catalog, Column, Relation, Schema
from nashira.schema.types import arrow_type
from tests.contract import on_postgres
from tests.contract.tables import INDEX, TABLES, Sample


class Service:
    """A catalogue, an engine that holds its rows, and the door of the translator."""

    def __init__(self, engine: Any, catalog: Catalog) -> None:
        self.engine, self.catalog = engine, catalog

    def __repr__(self) -> str:
        return f"service on {self.engine.name}"

    def translate(self, adql: str) -> Translation:
        return translate(adql, self.catalog, target=self.engine.name)

    def rows(self, adql: str) -> list[tuple[Any, ...]]:
        """Rows of a query; the types are those promised."""
        made = self.translate(adql)
        running = self.engine.run(made.sql)
        schema = pa.schema([(f"c{i}", arrow_type(column.type)) for i, column in enumerate(made.columns)])
        batches = [_named(batch, schema) for batch in running]
        running.close()
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def _named(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns as they are promised; PostgreSQL has no arrays of a fixed length and no bytes without a sign."""
    columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def stored(sample: Sample) -> tuple[Any, tuple[Column, ...]]:
    """Columns of a sample as an engine keeps them."""
    return sample.data, (*sample.columns, *([INDEX] if sample.position else []))


@contextmanager
def duckdb_engine(folder: Path) -> Iterator[DuckDBEngine]:
    """An embedded engine without tables."""
    site = SiteFolder(folder, Settings(engine=Engine(memory_mb=300, threads=1)))
    for path in (site.store, site.temp):
        path.mkdir(parents=True)
    engine = DuckDBEngine(site)
    yield engine
    engine.close()


@contextmanager
def on_duckdb(folder: Path, _: pytest.FixtureRequest) -> Iterator[Service]:
    """The embedded engine."""
    with duckdb_engine(folder) as engine:
        tables = []
        for sample in TABLES.values():
            made = sample.table(Relation((sample.name,)))
            relation = engine.put_table(made, sample.data)
            tables.append(sample.table(relation))
        yield Service(engine, Catalog((Schema("s", tuple(tables)),)))


@contextmanager
def on_postgresql(folder: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    """A real PostgreSQL; positions have the plain index."""
    database = request.getfixturevalue("postgres").fresh()
    tables = on_postgres.prepare(database, list(TABLES.values()), "healpix")
    with on_postgres.engine_on(database, folder) as engine:
        yield Service(engine, Catalog((Schema("s", tuple(tables)),)))


Loader = Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Service]]
ENGINES: dict[str, Loader] = {"duckdb": on_duckdb, "postgresql": on_postgresql}
"""Name of an engine → what loads the samples into it."""


@pytest.fixture(scope="session", params=list(ENGINES))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each engine in turn, with the tables of the contract."""
    with ENGINES[request.param](tmp_path_factory.mktemp("contract"), request) as made:
        yield made
