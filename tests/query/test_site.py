"""A site in service: it sees what is published, running queries keep what they read, nothing is left behind."""

import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import EngineError, StoreError, UnknownName
from nashira.engines import store
from nashira.query.run import Question, run
from nashira.query.site import Site


def count(site: Any, table: Any = "demo.stars") -> Any:
    stream = run(site, Question(f"SELECT COUNT(*) AS n FROM {table}")).stream
    return pa.Table.from_batches(list(stream)).to_pylist()[0]["n"]


def test_an_empty_site_has_tap_schema(tmp_path: Any, tools: Any) -> None:
    make_folder, _ = tools
    site = Site.open(make_folder(tmp_path / "empty"))
    assert [schema.name for schema in site.catalog.schemas] == ["TAP_SCHEMA"]
    assert count(site, "TAP_SCHEMA.columns") == 32
    site.close()


def test_a_new_table_appears_and_a_new_version_replaces_the_old(site: Any, folder: Any, tools: Any, until: Any) -> None:
    _, put = tools
    with pytest.raises(UnknownName):
        run(site, Question("SELECT * FROM demo.more"))
    put(folder, "demo.more", 10)
    until(lambda: any(table.name == "more" for table in site.catalog.tables()))
    assert count(site, "demo.more") == 10
    old = site.catalog.version
    put(folder, "demo.more", 20)
    until(lambda: site.catalog.version != old)
    assert count(site, "demo.more") == 20
    assert count(site, "TAP_SCHEMA.tables") == 7


def test_a_running_query_keeps_its_version(site: Any, folder: Any, tools: Any, until: Any) -> None:
    _, put = tools
    old = site._current
    waiting = run(site, Question("SELECT id FROM demo.stars"))
    from_schema = run(site, Question("SELECT table_name FROM TAP_SCHEMA.tables"))
    put(folder, "demo.stars", 5, shift=10**6)
    until(lambda: site.catalog.version != old.catalog.version)
    assert count(site) == 5
    assert old.users == 2
    ids = np.concatenate([batch.column(0).to_numpy() for batch in waiting.stream])
    assert sorted(ids) == list(range(2000))
    assert sum(batch.num_rows for batch in from_schema.stream) == 6
    assert old.users == 0
    assert len([path for path in (folder.store / "demo.stars").iterdir() if path.name.startswith("v-")]) == 1


def test_tables_of_old_catalogs_leave_the_engine(site: Any, folder: Any, tools: Any, until: Any) -> None:
    _, put = tools
    for rows in (5, 6, 7):
        old = site.catalog.version
        put(folder, "demo.stars", rows)
        until(lambda old=old: site.catalog.version != old)
    with site.lease() as lease:
        found = list(lease.engine.run("SELECT count(DISTINCT schema_name)::BIGINT AS c1 FROM duckdb_tables()"))
    assert found[0].column(0).to_pylist() == [5]


def test_a_store_that_cannot_be_loaded_leaves_the_old_catalog(
    site: Any, folder: Any, tools: Any, monkeypatch: Any, until: Any
) -> None:
    _, put = tools

    def fail(_folder: Any) -> None:
        message = "damaged"
        raise StoreError(message)

    old = site.catalog.version
    put(folder, "demo.more", 3)
    with monkeypatch.context() as patch:
        patch.setattr(store, "open_snapshot", fail)
        time.sleep(0.3)
        assert site.catalog.version == old
        assert count(site) == 2000
    until(lambda: site.catalog.version != old)
    assert count(site, "demo.more") == 3


def test_the_store_is_looked_at_five_times_a_second_at_most(site: Any, monkeypatch: Any) -> None:
    looks: list[Any] = []

    def look(path: Any) -> Any:
        looks.append(path)
        return site._current.catalog.version

    monkeypatch.setattr(store, "version", look)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert site.catalog
    assert 1 <= len(looks) <= 3


def test_a_closed_site_answers_no_more(folder: Any) -> None:
    site = Site.open(folder)
    answer = run(site, Question("SELECT * FROM demo.stars"))
    site.close()
    site.close()
    with pytest.raises(EngineError, match="shutting down"):
        run(site, Question("SELECT * FROM demo.stars"))
    answer.stream.close()
    assert list(folder.temp.iterdir()) == []


def hats_folder(root: Any) -> Any:
    """A HATS catalogue that somebody else made: one partition of the base cell 0."""
    lon, lat = np.full(20, 45.0) + np.arange(20) / 100, np.full(20, 30.0)
    from nashira.sphere.coverage import healpix29

    index = np.sort(healpix29(lon, lat))
    data = root / "dataset" / "Norder=0" / "Dir=0"
    data.mkdir(parents=True)
    pq.write_table(pa.table({"_healpix_29": index, "ra": lon, "dec": lat}), data / "Npix=0.parquet")
    return data / "Npix=0.parquet"


def test_files_outside_the_store_can_be_read_after_a_reload(
    folder: Any, tmp_path: Any, tools: Any, monkeypatch: Any, until: Any
) -> Any:
    from dataclasses import replace

    from nashira.schema.model import Files, Partition

    outside = hats_folder(tmp_path / "elsewhere")
    real = store.open_snapshot
    site = Site.open(folder)
    first = site._current.engine
    held = run(site, Question("SELECT id FROM demo.stars"))

    def moved(which: Any) -> Any:
        snapshot = real(which)
        schema = snapshot.catalog.schemas[0]
        table = schema.tables[0]
        columns = tuple(c for c in table.columns if c.name in {"ra", "dec"})
        table = replace(table, columns=columns, source=Files((Partition(str(outside), 20, 0, 1 << 58),), True))
        snapshot.catalog = replace(snapshot.catalog, schemas=(replace(schema, tables=(table,)),))
        return snapshot

    monkeypatch.setattr(store, "open_snapshot", moved)
    monkeypatch.setattr(store, "version", lambda _path: "another")
    until(lambda: count(site) == 20)
    assert site._current.engine is not first
    assert sum(batch.num_rows for batch in held.stream) == 2000
    with pytest.raises(EngineError, match="shutting down"):
        first.run("SELECT 1")
    site.close()
