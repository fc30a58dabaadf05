"""Publishing as a person sees it: names, data, edits, and what is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import PublishError
from nashira.engines.store import open_snapshot, version
from nashira.engines.store_write import publishing
from nashira.schema.model import Files, Table
from nashira.sphere.coverage import healpix29
from tests.ingest.publisher import Make, Publisher, files_of, position_of


def tables(site: Publisher) -> dict[str, Table]:
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert snapshot.faults == ()
    return {f"{table.schema}.{table.name}": table for table in snapshot.catalog.tables()}


def data(table: Table) -> pa.Table:
    assert isinstance(table.source, Files)
    return pa.concat_tables([pq.ParquetFile(part.path).read() for part in files_of(table).partitions])


def test_a_file_becomes_a_table_with_all_its_rows_in_order_of_the_index(site: Publisher, stars: Path) -> None:
    (done,) = site.publish(stars)
    assert (done.name, done.rows, done.outcome) == ("stars.main", 500, "published")
    table = tables(site)["stars.main"]
    rows = data(table)
    assert sorted(rows["id"].to_pylist()) == list(range(500))
    index = rows["_healpix_29"].to_numpy()
    assert (np.diff(index) >= 0).all()
    assert (index == healpix29(rows["ra"].to_numpy(), rows["dec"].to_numpy())).all()
    assert [column.name for column in table.columns] == ["ra", "dec", "id"]
    assert [column.indexed for column in table.columns] == [True, True, False]
    for part in files_of(table).partitions:
        cells = pq.read_table(part.path, columns=["_healpix_29"], partitioning=None)["_healpix_29"].to_numpy()
        assert len(cells) == part.rows
        assert part.low == cells.min()
        assert part.high == cells.max() + 1
    assert any("ra, dec" in text for text in site.heard.said)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "stars.main"),
        ({"table": "hip.bright"}, "hip.bright"),
        ({"schema": "hip"}, "hip.stars"),
        ({"schema": "hip", "table": "x"}, "hip.x"),
    ],
)
def test_names_of_tables(site: Publisher, stars: Path, options: dict[str, str], name: str) -> None:
    assert [done.name for done in site.publish(stars, **options)] == [name]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"table": "nodot"}, "schema.name"),
        ({"table": "a.b c"}, "no name"),
        ({"table": "a.select"}, "reserved"),
        ({"table": "tap_schema.x"}, "Virtual Observatory"),
        ({"table": "IVOA.obscore"}, "Virtual Observatory"),
        ({"table": "../../etc.x"}, "no name"),
        ({"table": "a.b", "schema": "c"}, "contradict"),
    ],
)
def test_impossible_names_are_refused(site: Publisher, stars: Path, options: dict[str, str], reason: str) -> None:
    with pytest.raises(PublishError, match=reason):
        site.publish(stars, **options)
    assert tables(site) == {}


def test_two_files_cannot_be_one_table(site: Publisher, stars: Path, tmp_path: Path, make: Make) -> None:
    (tmp_path / "other").mkdir()
    twin = make(tmp_path / "other" / "stars.parquet", 5)
    with pytest.raises(PublishError, match=r"both be stars\.main"):
        site.publish(stars, twin)
    site.publish(stars)
    with pytest.raises(PublishError, match=r"--table stars\.main"):
        site.publish(twin)
    assert tables(site)["stars.main"].rows == 500
    site.publish(twin, table="stars.main")
    assert tables(site)["stars.main"].rows == 5
    assert str(twin) in site.descriptor("stars").read_text()


def test_odd_columns_stay_as_they_are(site: Publisher, tmp_path: Path, make: Make) -> None:
    odd = {"B-V": [1.0, None], "DE:RA": [1, 2], "2MASS": ["a", None], "count": [1, 2], "b-v": [3, 4], "x.y": [5, 6]}
    site.publish(make(tmp_path / "odd.parquet", 2, **odd))
    table = tables(site)["odd.main"]
    names = ["ra", "dec", "id", "B-V", "DE:RA", "2MASS", "count", "b-v_2", "x.y"]
    assert [column.name for column in table.columns] == names
    assert data(table).column_names == [*names, "_healpix_29"]
    assert any("b-v_2" in text for text in site.heard.warned)


def test_texts_of_a_hostile_file_do_no_harm(site: Publisher, tmp_path: Path) -> None:
    evil = "a\x00b\x1b[31m\u2028 # }: {x"
    meta = {"description": evil, "unit": evil, "ucd": evil}
    names = ["ra", "dec", 'x"; DROP TABLE t; --', "\x1b]0;title\x07", "../../etc/passwd", "a: {b}", "- #"]
    fields = [pa.field(name, pa.float64(), metadata=meta if n > 1 else None) for n, name in enumerate(names)]
    path = tmp_path / "evil.parquet"
    pq.write_table(pa.table([[1.0]] * len(names), schema=pa.schema(fields)), path)
    site.publish(path)
    table = tables(site)["evil.main"]
    assert len(table.columns) == len(names)
    assert table.columns[2].name == names[2]
    texts = [text for column in table.columns for text in (column.name, column.description, column.unit)]
    assert all(text.isprintable() for text in texts)
    assert site.publish()[0].outcome == "unchanged"


def test_rows_without_a_position_have_a_file_of_their_own(site: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "some.parquet"
    pq.write_table(pa.table({"ra": [1.0, None, 3.0], "dec": [1.0, 2.0, 95.0], "n": [1, 2, 3]}), path)
    site.publish(path, table="s.t")
    # 95 of 3 values is not plausible for a guess, so the descriptor insists
    assert tables(site)["s.t"].position is None
    site.edit(
        "s", "# position: {ra: name of a column, dec: name of a column, epoch: 2000.0}", "position: {ra: ra, dec: dec}"
    )
    site.publish()
    table = tables(site)["s.t"]
    lost = files_of(table).partitions[0]
    assert (Path(lost.path).name, lost.rows, lost.low, lost.high) == ("no_position.parquet", 2, -1, -1)
    assert table.rows == 3


def test_a_table_without_position_keeps_its_order(site: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"b": [3, 1, 2], "s": ["x", None, ""]}), path)
    site.publish(path)
    table = tables(site)["plain.main"]
    assert data(table).to_pydict() == {"b": [3, 1, 2], "s": ["x", None, ""]}
    assert not files_of(table).indexed
    assert any("no position" in text for text in site.heard.said)


@pytest.mark.parametrize("columns", [{"ra": [], "dec": []}, {"a": []}])
def test_a_table_without_rows_has_one_file(site: Publisher, tmp_path: Path, columns: dict[str, list[float]]) -> None:
    path = tmp_path / "none.parquet"
    pq.write_table(pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()}), path)
    site.publish(path)
    table = tables(site)["none.main"]
    assert table.rows == 0
    assert len(files_of(table).partitions) == 1


def test_positions_in_radians_get_columns_in_degrees(site: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "rad.parquet"
    rad = {b"unit": b"rad"}
    fields = [pa.field("ra", pa.float64(), metadata=rad), pa.field("dec", pa.float64(), metadata=rad)]
    pq.write_table(pa.table([[np.pi / 2, 1.0], [0.0, None]], schema=pa.schema(fields)), path)
    site.publish(path)
    table = tables(site)["rad.main"]
    assert (position_of(table).ra, position_of(table).dec) == ("ra_deg", "dec_deg")
    rows = {row["ra"]: row["ra_deg"] for row in data(table).to_pylist()}
    assert rows[np.pi / 2] == pytest.approx(90)
    assert table.column("ra_deg").unit == "deg"
    assert table.column("ra").unit == "rad"
    assert site.publish()[0].outcome == "unchanged"


def test_a_pattern_joins_files(site: Publisher, tmp_path: Path, make: Make) -> None:
    for n in range(3):
        make(tmp_path / f"part{n}.parquet", 10 + n)
    site.publish(tmp_path / "part*.parquet", table="every.part")
    assert tables(site)["every.part"].rows == 33
    make(tmp_path / "part3.parquet", 3, more=[1, 2, 3])
    with pytest.raises(PublishError, match=r"part3\.parquet.*more"):
        site.publish()
    assert tables(site)["every.part"].rows == 33


def test_a_bad_file_leaves_the_old_table_whole(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    before = version(site.folder.store), data(tables(site)["stars.main"])
    raw = stars.read_bytes()
    stars.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(PublishError, match="stars"):
        site.publish(stars)
    assert (version(site.folder.store), data(tables(site)["stars.main"])) == before
    home = site.folder.store / "stars.main"
    assert len([path for path in home.iterdir() if path.name.startswith("v-")]) == 1


def test_one_bad_file_does_not_stop_the_others(site: Publisher, stars: Path, tmp_path: Path, make: Make) -> None:
    site.publish(stars, make(tmp_path / "b.parquet", 7))
    stars.unlink()
    stars.write_bytes(b"PAR1 no more")
    make(tmp_path / "b.parquet", 9)
    with pytest.raises(PublishError):
        site.publish()
    assert tables(site)["b.main"].rows == 9
    assert tables(site)["stars.main"].rows == 500


def test_missing_files_and_folders_are_told(site: Publisher, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="no such file"):
        site.publish(tmp_path / "nowhere.fits")
    with pytest.raises(PublishError, match="no HATS catalogue"):
        site.publish(tmp_path)


def test_only_one_publishes_a_table(site: Publisher, stars: Path) -> None:
    with publishing(site.folder.store, "stars.main"), pytest.raises(PublishError, match="another process"):
        site.publish(stars)
    assert site.publish(stars)[0].rows == 500


def test_nothing_is_left_in_the_temporary_folder(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    assert list(site.folder.temp.iterdir()) == []
    leftover = site.folder.temp / "publish-1-dead"
    leftover.mkdir()
    (leftover / "lock").touch()
    (leftover / "spill").write_bytes(b"x")
    site.publish(stars)
    assert list(site.folder.temp.iterdir()) == []


def test_a_reader_keeps_its_version_until_it_lets_go(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    old = open_snapshot(site.folder)
    (table,) = old.catalog.tables()
    site.publish(stars)
    assert data(table).num_rows == 500
    home = site.folder.store / "stars.main"
    assert len(list(home.glob("v-*"))) == 2
    old.release()
    old.release()
    assert [path.name for path in home.glob("v-*")] == [(home / "current").readlink().name]


def test_a_source_inside_the_site_is_named_relative_to_it(site: Publisher, make: Make) -> None:
    folder = site.folder.root / "files"
    folder.mkdir()
    site.publish(make(folder / "in.parquet", 3))
    (path,) = site.folder.datasets.glob("*.yaml")
    assert "source: files/in.parquet\n" in path.read_text()


def test_nan_is_published_as_null_but_stays_in_arrays(site: Publisher, make: Make, tmp_path: Path) -> None:
    mag = np.where(np.arange(500) % 2 == 0, np.nan, 20.0)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.tile([1.0, np.nan], 500)), 2)
    site.publish(make(tmp_path / "stars.parquet", 500, mag=mag, pair=lists))
    rows = data(tables(site)["stars.main"])
    assert rows["mag"].null_count == 250
    assert np.isnan(rows["pair"].to_pylist()[0][1])


def test_the_main_table_of_a_file_is_the_one_with_positions(site: Publisher, tmp_path: Path) -> None:
    from astropy.io import fits

    log = fits.BinTableHDU.from_columns([fits.Column("START", "D", array=np.arange(900.0))], name="GTI")
    sky = [fits.Column(name, "D", unit="deg", array=np.arange(30.0)) for name in ("RA", "DEC")]
    path = tmp_path / "survey.fits"
    fits.HDUList([fits.PrimaryHDU(), log, fits.BinTableHDU.from_columns(sky, name="SOURCES")]).writeto(path)
    site.publish(path, table="survey.main")
    assert {name: table.rows for name, table in tables(site).items()} == {"survey.main": 30, "survey.main_gti": 900}


def test_a_pipe_is_no_source(site: Publisher, tmp_path: Path) -> None:
    pipe = tmp_path / "stars.csv"
    os.mkfifo(pipe)
    with pytest.raises(PublishError, match="no ordinary file"):
        site.publish(pipe)
