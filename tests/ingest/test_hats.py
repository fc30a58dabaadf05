"""HATS: what is written can be read by others, what others wrote is published in place."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import PublishError
from nashira.engines.store import open_snapshot
from nashira.ingest import parquet
from nashira.schema.model import Table
from tests.ingest.publisher import Make, Publisher, files_of, position_of


@pytest.fixture
def catalogue(site: Publisher, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HATS folder of 5000 stars in pixels of several orders, three rows without position aside."""
    monkeypatch.setattr(parquet, "FEWEST_ROWS", 50)
    monkeypatch.setattr(parquet, "USUAL_ROWS", 100)
    source = make(tmp_path / "sky.parquet", 5000)
    rows = pq.read_table(source)
    lost = pa.table({"ra": [None, 1.0, 2.0], "dec": [0.0, None, 91.0], "id": [-1, -2, -3]}, schema=rows.schema)
    fields = [f.with_metadata({"unit": "deg"}) if f.name != "id" else f for f in rows.schema]
    pq.write_table(pa.concat_tables([rows, lost]).cast(pa.schema(fields)), source)
    site.publish(source, table="s.sky")
    folder = tmp_path / "hats"
    shutil.copytree(site.folder.store / "s.sky" / "current", folder)
    for name in ("table.json", "lock"):
        (folder / name).unlink()
    shutil.rmtree(site.folder.store / "s.sky")
    (site.folder.datasets / "s.yaml").unlink()
    return folder


def only_table(site: Publisher) -> Table:
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert snapshot.faults == ()
    (table,) = snapshot.catalog.tables()
    return table


def info(folder: Path) -> list[dict[str, int]]:
    with (folder / "partition_info.csv").open() as file:
        return [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]


def test_the_tree_is_that_of_the_standard(catalogue: Path) -> None:
    pixels = info(catalogue)
    assert sum(pixel["num_rows"] for pixel in pixels) == 5000
    assert max(pixel["Norder"] for pixel in pixels) >= 2
    for pixel in pixels:
        order, number = pixel["Norder"], pixel["Npix"]
        path = catalogue / f"dataset/Norder={order}/Dir={number // 10000 * 10000}/Npix={number}.parquet"
        cells = pq.ParquetFile(path).read(["_healpix_29"])["_healpix_29"].to_numpy()
        assert len(cells) == pixel["num_rows"] <= 100
        assert (cells >> 2 * (29 - order) == number).all()
    assert len(list(catalogue.glob("dataset/Norder=*/**/*.parquet"))) == len(pixels)
    facts = dict(line.split("=", 1) for line in (catalogue / "hats.properties").read_text().splitlines())
    assert facts["hats_nrows"] == "5000"
    assert (facts["hats_col_ra"], facts["hats_col_dec"]) == ("ra", "dec")
    assert (facts["hats_col_healpix"], facts["hats_col_healpix_order"]) == ("_healpix_29", "29")
    assert (catalogue / "properties").read_text() == (catalogue / "hats.properties").read_text()


def test_common_metadata_has_the_types_of_the_files_and_the_units(catalogue: Path) -> None:
    common = pq.read_schema(catalogue / "dataset" / "_common_metadata")
    first = next(catalogue.glob("dataset/Norder=*/**/*.parquet"))
    assert common.remove_metadata() == pq.read_schema(first).remove_metadata()
    assert common.field("ra").metadata[b"vo:unit"] == b"deg"


def test_a_folder_is_published_in_place(site: Publisher, catalogue: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in catalogue.rglob("*"))
    (done,) = site.publish(catalogue, table="far.sky")
    assert done.rows == 5000
    table = only_table(site)
    assert [column.name for column in table.columns] == ["ra", "dec", "id"]
    assert table.column("ra").unit == "deg"
    assert (position_of(table).ra, position_of(table).dec) == ("ra", "dec")
    assert files_of(table).indexed
    for part in files_of(table).partitions:
        assert Path(part.path).is_relative_to(catalogue)
        cells = pq.ParquetFile(part.path).read(["_healpix_29"])["_healpix_29"].to_numpy()
        assert part.low <= cells.min()
        assert cells.max() < part.high
    assert sorted((path, path.stat().st_mtime_ns) for path in catalogue.rglob("*")) == before
    assert list((site.folder.store / "far.sky" / "current").rglob("*.parquet")) == []
    assert site.publish()[0].outcome == "unchanged"


def test_rows_come_from_footers_where_the_list_has_none(site: Publisher, catalogue: Path) -> None:
    (catalogue / "partition_info.csv").unlink()
    assert site.publish(catalogue, table="far.sky")[0].rows == 5000


def test_pixels_may_be_folders_of_several_files(site: Publisher, catalogue: Path) -> None:
    path = next(catalogue.glob("dataset/Norder=*/**/Npix=*.parquet"))
    rows = pq.ParquetFile(path).read()
    path.unlink()
    folder = path.with_suffix("")
    folder.mkdir()
    for n, piece in enumerate((rows.slice(0, 3), rows.slice(3))):
        pq.write_table(piece, folder / f"{n}.parquet")
    site.publish(catalogue, table="far.sky")
    table = only_table(site)
    assert table.rows == 5000
    assert sum("Npix=" in Path(part.path).parent.name for part in files_of(table).partitions) == 2


def test_a_collection_leads_to_its_catalogue(site: Publisher, catalogue: Path, tmp_path: Path) -> None:
    collection = tmp_path / "collection"
    collection.mkdir()
    shutil.move(catalogue, collection / "main")
    (collection / "collection.properties").write_text("obs_collection=x\nhats_primary_table_url=main\n")
    assert site.publish(collection, table="far.sky")[0].rows == 5000
    (collection / "collection.properties").write_text("hats_primary_table_url=../../..\n")
    with pytest.raises(PublishError, match="inside itself"):
        site.publish(collection, table="far.other")


def test_the_older_naming_is_understood(site: Publisher, catalogue: Path) -> None:
    for name in ("properties", "hats.properties"):
        (catalogue / name).unlink()
    (catalogue / "catalog_info.json").write_text(
        json.dumps({"catalog_type": "object", "ra_column": "ra", "dec_column": "dec"})
    )
    site.publish(catalogue, table="far.sky")
    assert position_of(only_table(site)).ra == "ra"


def test_what_cannot_be_published_in_place_is_told(site: Publisher, catalogue: Path) -> None:
    properties = catalogue / "hats.properties"
    text = properties.read_text()
    properties.write_text(text.replace("dataproduct_type=object", "dataproduct_type=margin"))
    with pytest.raises(PublishError, match="margin"):
        site.publish(catalogue, table="far.sky")
    properties.write_text(text)
    for path in catalogue.glob("dataset/Norder=*/**/*.parquet"):
        pq.write_table(pq.ParquetFile(path).read(["ra", "dec"]), path)
    with pytest.raises(PublishError, match="_healpix_29"):
        site.publish(catalogue, table="far.sky")
    done = site.publish(catalogue / "dataset" / "Norder=*" / "*" / "*.parquet", table="far.copy")
    assert done[0].rows == 5000


def test_a_folder_that_went_away_costs_only_its_table(site: Publisher, catalogue: Path, stars: Path) -> None:
    site.publish(catalogue, table="far.sky")
    site.publish(stars)
    shutil.rmtree(catalogue)
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert [table.name for table in snapshot.catalog.tables()] == ["main"]
    assert "far.sky" in str(snapshot.faults[0])
