"""`nashira check` finds what is wrong, and finds nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.ingest.check import check, summary
from nashira.ingest.finding import Level
from tests.ingest.publisher import Make, Publisher


def findings(site: Publisher, level: Level) -> list[str]:
    return [f"{one.where}: {one.text}" for one in check(site.folder) if one.level is level]


def data_file(site: Publisher, name: str) -> Path:
    return next((site.folder.store / name / "current").rglob("*.parquet"))


def test_a_fresh_site_has_no_errors(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    assert findings(site, Level.ERROR) == []
    warned = findings(site, Level.WARNING)
    assert any("stars.yaml: title" in text for text in warned)
    assert any("columns without a description: ra, dec" in text for text in warned)
    assert any("authority" in text for text in findings(site, Level.ADVICE))


def test_a_missing_file_is_an_error(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    data_file(site, "stars.main").unlink()
    errors = findings(site, Level.ERROR)
    assert any("missing" in text and "stars.main" in text for text in errors)


@pytest.mark.parametrize("damage", ["cut", "fewer rows", "unsorted", "elsewhere", "columns"])
def test_damaged_files_are_errors(site: Publisher, stars: Path, damage: str) -> None:
    site.publish(stars)
    path = data_file(site, "stars.main")
    rows = pq.ParquetFile(path).read()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "fewer rows":
        pq.write_table(rows.slice(1), path)
    elif damage == "unsorted":
        pq.write_table(rows.take(list(range(rows.num_rows))[::-1]), path, row_group_size=10)
    elif damage == "elsewhere":
        far = pa.array([12 << 57] * rows.num_rows)
        pq.write_table(rows.set_column(rows.num_columns - 1, "_healpix_29", far), path)
    else:
        pq.write_table(rows.drop_columns(["id"]), path)
    assert any("stars.main" in text for text in findings(site, Level.ERROR))


def test_units_and_ucds_are_looked_at_with_forgiving_eyes(site: Publisher, tmp_path: Path) -> None:
    said = {
        "good": ("mas/yr", "pos.pm;pos.eq.ra"),
        "old": ("deg", "PHOT_MAG_V"),
        "odd": ("furlongs per night", "no such words"),
        "close": ("km.s-1", "phot.magnitude"),
    }
    fields = [pa.field(name, pa.float64(), metadata={"unit": u, "ucd": c}) for name, (u, c) in said.items()]
    path = tmp_path / "units.parquet"
    pq.write_table(pa.table([[1.0]] * len(fields), schema=pa.schema(fields)), path)
    site.publish(path)
    warned = [text for text in findings(site, Level.WARNING) if text.startswith("units.main")]
    assert any("furlongs" in text and text.endswith("odd") for text in warned)
    assert any("UCD1" in text and text.endswith("old") for text in warned)
    assert any("phot.magnitude" in text for text in warned)
    assert not any(text.endswith("good") for text in warned)
    assert findings(site, Level.ERROR) == []


def test_descriptors_are_compared_with_the_store(site: Publisher, stars: Path, tmp_path: Path, make: Make) -> None:
    site.publish(stars, make(tmp_path / "b.parquet", 5))
    site.edit("stars", "# title: A name for people\n", "title: Stars\n")
    (tmp_path / "b.parquet").unlink()
    text = site.descriptor("stars").read_text()
    site.descriptor("stars").write_text(text + "  - name: more\n    source: nowhere.fits\n")
    warned = findings(site, Level.WARNING)
    assert any(text.startswith("stars.main: its descriptor was edited") for text in warned)
    assert any(text.startswith("b.main: its source") for text in warned)
    assert any(text.startswith("stars.more: it is described but not published") for text in warned)
    site.descriptor("b").unlink()
    assert any(text.startswith("b.main: no descriptor names it") for text in findings(site, Level.WARNING))
    site.descriptor("stars").write_text("schema: [")
    assert any("stars.yaml" in text for text in findings(site, Level.ERROR))


def test_findings_come_by_their_weight(site: Publisher, stars: Path) -> None:
    site.publish(stars)
    found = check(site.folder)
    assert [one.level for one in found] == sorted(one.level for one in found)
    assert "warnings" in summary(found)
    assert summary(()) == "nothing to complain about"
