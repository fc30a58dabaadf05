"""Real catalogues, published by the documented script and queried; skipped where the data folder is absent."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest

from tests.conformance.server import serving

ROOT = Path(__file__).parents[2]
DATA = (ROOT / ".." / "shared" / "data").resolve()
pytestmark = pytest.mark.skipif(not (DATA / "catalogues").is_dir(), reason="the folder of real catalogues is not here")

ROWS = {
    "hip.allsky": 117_955,
    "hip.main": 9_933,
    "field.sdss": 12_405,
    "field.twomass": 683,
    "gd1.centerline": 25_084,
    "gd1.candidates": 7_346,
    "gd1.ps1": 7_189,
    "fermi.lat_point_source_catalog": 3_034,
    "ngc.objects": 13_969,
    "grb.simbad": 12_449,
    "grb.list": 7_516,
    "des.y3a1_tiles": 10_346,
    "des.ccd": 2_469,
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a site with every catalogue of the data folder."""
    folder = tmp_path_factory.mktemp("real")
    script = [sys.executable, str(ROOT / "examples" / "publish_catalogues.py"), str(DATA), str(folder / "site")]
    subprocess.run(script, check=True, capture_output=True, timeout=240)
    with serving(folder / "site", folder / "server.log") as url:
        yield f"{url}/tap/sync"


def rows(sync: str, query: str) -> list[dict[str, str]]:
    answer = httpx.post(
        sync, data={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "200000"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.text)))


@pytest.mark.parametrize(("table", "count"), ROWS.items())
def test_every_catalogue_is_whole(real: str, table: str, count: int) -> None:
    assert rows(real, f"SELECT COUNT(*) AS n FROM {table}") == [{"n": str(count)}]
    assert len(rows(real, f"SELECT TOP 3 * FROM {table}")) == 3


def test_sdss_and_2mass_share_the_known_pairs(real: str) -> None:
    """Every spelling of the match within 2 arcsec gives exactly the 1,736 pairs of the independent answer."""
    with (DATA / "truth" / "sdss_x_2mass_2arcsec.csv").open() as file:
        truth = sorted(
            (r["b_id"], round(float(r["a_ra"]), 6), round(float(r["a_dec"]), 6)) for r in csv.DictReader(file)
        )
    select = 'SELECT t."2MASS" AS id, s.RA_ICRS AS ra, s.DE_ICRS AS dec FROM field.sdss AS s'
    a, b = "s.RA_ICRS, s.DE_ICRS", "t.RAJ2000, t.DEJ2000"
    for tail in (
        f"JOIN field.twomass AS t ON 1=CONTAINS(POINT({a}), CIRCLE({b}, 2/3600.))",
        f"JOIN field.twomass AS t ON DISTANCE({a}, {b}) < 2/3600.",
        f", field.twomass AS t WHERE DISTANCE(POINT({b}), POINT({a})) <= 2/3600.",
        f", field.twomass AS t WHERE CONTAINS(POINT('ICRS', {b}), CIRCLE('ICRS', {a}, 2/3600.)) = 1",
    ):
        found = rows(real, f"{select} {tail}")
        pairs = sorted((r["id"], round(float(r["ra"]), 6), round(float(r["dec"]), 6)) for r in found)
        assert len(pairs) == 1736
        assert pairs == truth


def test_names_that_need_quotes(real: str) -> None:
    query = 'SELECT "B-V", "DE:RA" AS corr FROM hip.main WHERE "B-V" > 1.5'
    found = rows(real, query)
    assert found
    assert all(float(row["B-V"]) > 1.5 for row in found)


def test_arrays_of_fermi(real: str) -> None:
    (row,) = rows(real, "SELECT TOP 1 Flux_History FROM fermi.lat_point_source_catalog")
    assert len(row["Flux_History"].split()) == 48


def test_joins_with_known_answers(real: str) -> None:
    joined = "SELECT COUNT(*) AS n FROM hip.main AS a JOIN hip.allsky AS b ON a.HIP = b.hip"
    assert rows(real, joined) == [{"n": "9928"}]
    joined = "SELECT COUNT(*) AS n FROM gd1.ps1 AS a JOIN gd1.candidates AS b ON a.source_id = b.source_id"
    assert rows(real, joined) == [{"n": "3668"}]
