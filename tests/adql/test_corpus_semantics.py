"""The labelled corpus through the whole translator, against a catalogue declared from what each query mentions.

Table names in the corpus are free, so every query gets tables with the columns it reads; their types are guessed from
how they are used, and when that fails all columns are tried as texts and as points. The rates reached are kept in
`semantic_rates.json`, in percent per suite; they may be raised there, never lowered. `semantic_misjudged.json` says
of each query that is judged otherwise than its label why that is right. All that is accepted is executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.adql.kinds import kind
from nashira.adql.translate import translate
from nashira.schema.model import Catalog, Files, Partition, Schema, SkyColumns, Table
from nashira.schema.types import DOUBLE, LONG, arrow_type
from nashira.sphere.coverage import healpix29
from nashira.sphere.functions import FUNCTIONS

from .guess import CORPUS, Labelled, labelled

FLOORS: dict[str, dict[str, float]] = json.loads((Path(__file__).parent / "semantic_rates.json").read_text())

MISJUDGED: dict[str, str] = json.loads((Path(__file__).parent / "semantic_misjudged.json").read_text())

FREE_TABLES = {"strictness:i3", "strictness:i4", "strictness:i10", "strictness:i11"}  # the guess declares them


@pytest.fixture(scope="module")
def corpus() -> list[Labelled]:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled queries is not beside this checkout")
    return labelled()


def test_rates_of_the_whole_translator_only_rise(corpus: list[Labelled], capsys: pytest.CaptureFixture[str]) -> None:
    """Queries with functions that are catalogued nowhere and free tables in attacks do not count."""
    faults = {row: row.fault() for row in corpus}
    corpus = [row for row in corpus if not ("No function" in faults[row] and row.valid) and row.id not in FREE_TABLES]
    rates: dict[str, dict[str, float]] = {}
    for suite in sorted(FLOORS):
        rows = [row for row in corpus if row.suite == suite]
        good = [row for row in rows if row.valid is True]
        bad = [row for row in rows if row.valid is False]
        rates[suite] = {
            "accepted": round(100 * sum(not faults[row] for row in good) / max(1, len(good)), 1),
            "refused": round(100 * sum(bool(faults[row]) for row in bad) / max(1, len(bad)), 1),
        }
    with capsys.disabled():
        for suite, rate in rates.items():
            print(f"\n{suite:15} accepted {rate['accepted']:5.1f} %  refused {rate['refused']:5.1f} %", end="")
    fallen = {
        suite: rate for suite, rate in rates.items() if any(rate[key] < floor for key, floor in FLOORS[suite].items())
    }
    assert not fallen


def test_every_refusal_has_a_message_for_its_author(corpus: list[Labelled]) -> None:
    for row in corpus:
        fault = row.fault() if row.valid is False else ""
        assert len(fault) < 700
        assert "Traceback" not in fault


def test_every_misjudged_query_has_its_reason(corpus: list[Labelled]) -> None:
    """The list is neither longer nor shorter than the truth; functions that are catalogued nowhere do not count."""
    found = set()
    for row in corpus:
        fault = row.fault() if row.valid is not None else ""
        if row.valid is True and fault and "No function" not in fault:
            found.add(f"{row.id} {' '.join(row.query.split())[:70]}")
        if row.valid is False and not fault and row.id not in FREE_TABLES:
            found.add(f"{row.id} {' '.join(row.query.split())[:70]}")
    assert found == set(MISJUDGED)
    assert all(MISJUDGED.values())


# ------------------------------------------------------------------ execution

ROWS: dict[str, list[Any]] = {
    "integer": [0, 1, -7, 120, None],
    "number": [0.0, 1.5, -7.25, 1e30, None],
    "string": ["a", "", "1.5", "O'Neil_%\\#b", None],
    "timestamp": [datetime(2000, 1, 1), datetime(1910, 12, 31, 6), datetime(2019, 6, 6, 9, 55, 27, 5), None, None],
    "point": [[10.0, 20.0], [0.0, -90.0], [359.9, 0.0], [266.4, -29.0], None],
    "circle": [[10.0, 20.0, 1.0], [0.0, -90.0, 0.0], [359.9, 0.0, 30.0], [266.4, -29.0, 5.0], None],
    "polygon": [[10.0, 20, 11, 20, 11, 21], [0.0, 80, 120, 80, 240, 80], [359.0, 0, 1, 0, 0, 1], [1.0, 2, 3, 4], None],
}


def stored(table: Table, folder: Path) -> Table:
    """The table with a Parquet file of five rows; indexed where it has right ascension and declination."""
    arrays = {}
    for column in table.columns:
        name = "integer" if column.type == LONG else kind(column.type)
        arrays[column.name] = pa.array(ROWS[name], arrow_type(column.type))
    rows, low = pa.table(arrays), 0
    names = {c.name.lower(): c.name for c in table.columns if c.type == DOUBLE}
    position = None
    for ra, dec in (("ra", "dec"), ("raj2000", "dej2000"), ("s_ra", "s_dec")):
        if position is None and ra in names and dec in names:
            position = SkyColumns(names[ra], names[dec])
            lon, lat = (rows[name].to_numpy(zero_copy_only=False) for name in (names[ra], names[dec]))
            rows = rows.append_column("_healpix_29", pa.array(np.sort(healpix29(lon, lat))))
            low = -1
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    pq.write_table(rows, path)
    files = Files((Partition(str(path), len(rows), low, 12 << 58),), indexed=position is not None)
    return replace(table, source=files, position=position)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        for f in FUNCTIONS:
            con.create_function(  # type: ignore[call-overload]
                f.name, f.call, list(f.parameters), f.returns, type="arrow", null_handling="special"
            )
        yield con


@pytest.mark.parametrize(
    "suite", ["adql-rec", "lyonetia-ivoa", "rec-matrix", "strictness", "udf-catalogue", "vollt", "draft"]
)
def test_all_that_is_accepted_executes(
    corpus: list[Labelled], suite: str, engine: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """SQL that the engine refuses would be our fault; types and number of columns are those promised."""
    failed = {}
    count = 0
    for row in corpus:
        catalog = row.judged()[1] if row.suite == suite else None
        if catalog is None:
            continue
        schemas = [Schema(s.name, tuple(stored(t, tmp_path) for t in s.tables)) for s in catalog.schemas]
        made = translate(row.query, Catalog(tuple(schemas)), limit=10, service=row.service())
        try:
            result = engine.sql(made.sql).to_arrow_table()
        except duckdb.Error as error:
            failed[row.query] = f"{error}\n{made.sql}"
        else:
            assert [f.type for f in result.schema] == [arrow_type(c.type) for c in made.columns], row.query
            count += 1
    assert not failed
    assert count > 0
