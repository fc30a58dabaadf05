"""Whatever index a table has in PostgreSQL, the rows are those of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nashira.schema.model import Catalog, Schema
from tests.contract import cases_sky, on_postgres
from tests.contract.case import Case, agrees
from tests.contract.conftest import Service
from tests.contract.tables import TABLES
from tests.postgres_server import PostgresServer


@pytest.fixture(scope="module", params=[kind for kind in on_postgres.INDEXES if kind != "healpix"])
def indexed(
    request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """PostgreSQL with each kind of index but the plain one, which the whole contract runs on."""
    database = postgres.fresh()
    tables = on_postgres.prepare(database, list(TABLES.values()), request.param)
    with on_postgres.engine_on(database, tmp_path_factory.mktemp("sky")) as engine:
        yield Service(engine, Catalog((Schema("s", tuple(tables)),)))


@pytest.mark.parametrize("case", cases_sky.CASES, ids=str)
def test_the_rows_of_the_contract(indexed: Any, case: Case) -> None:
    got = indexed.rows(case.adql)
    assert agrees(got, case), f"{got} instead of {list(case.rows)}"
