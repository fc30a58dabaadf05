"""The whole product on PostgreSQL: a real database, a real server, real clients, real catalogues with known answers."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator

import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table as AstropyTable

from tests.conformance.server import serving
from tests.e2e.test_real_data import (
    DATA,
    ROOT,
    test_arrays_of_fermi,
    test_every_catalogue_is_whole,
    test_joins_with_known_answers,
    test_names_that_need_quotes,
    test_sdss_and_2mass_share_the_known_pairs,
)
from tests.postgres_server import Database, PostgresServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyvo

__all__ = [
    "test_arrays_of_fermi",
    "test_every_catalogue_is_whole",
    "test_joins_with_known_answers",
    "test_names_that_need_quotes",
    "test_sdss_and_2mass_share_the_known_pairs",
]

STARS = 20_000
pytestmark = [
    # pyvo leaves sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def nashira(*words: str) -> str:
    command = [sys.executable, "-m", "nashira", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[str]:
    """A server on a database with every catalogue of the data folder."""
    if not (DATA / "catalogues").is_dir():
        pytest.skip("the folder of real catalogues is not here")
    folder = tmp_path_factory.mktemp("real")
    database = postgres.fresh()
    settings = {"NASHIRA_ENGINE__URL": database.read_url, "NASHIRA_ENGINE__ADMIN_URL": database.url}
    script = [sys.executable, str(ROOT / "examples" / "publish_catalogues.py"), str(DATA), str(folder / "site")]
    with pytest.MonkeyPatch.context() as patch:
        for key, value in settings.items():
            patch.setenv(key, value)
        done = subprocess.run(script, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    with serving(folder / "site", folder / "server.log", NASHIRA_ENGINE__URL=database.read_url) as url:
        yield f"{url}/tap/sync"


@pytest.fixture(scope="module")
def sky() -> pa.Table:
    """Positions all over the sky, some at the poles and on the meridian."""
    rng = np.random.default_rng(7)
    ra = np.concatenate([rng.uniform(0, 360, STARS - 200), rng.uniform(-1, 1, 100) % 360, rng.uniform(0, 360, 100)])
    dec = np.concatenate(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, STARS - 200))), rng.uniform(-1, 1, 100), rng.uniform(89, 90, 100)]
    )
    return pa.table({"id": np.arange(STARS), "ra": ra, "dec": dec, "mag": rng.normal(15, 2, STARS).astype("f4")})


@pytest.fixture(scope="module")
def database(postgres: PostgresServer, sky: pa.Table) -> Database:
    """A database with the same stars in a table of the operator's own."""
    fresh = postgres.fresh()
    with psycopg.connect(fresh.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA survey")
        connection.execute(
            'CREATE TABLE survey.objects (id int PRIMARY KEY, ra float8, "dec" float8, mag real, pos spoint,'
            " seen timestamptz DEFAULT '2026-01-02T03:04:05+02', score numeric(8,3) DEFAULT 1.5,"
            " tag uuid DEFAULT '00000000-0000-0000-0000-000000000001', ten numeric[] DEFAULT '{1.5,2}', seen_on date"
            " DEFAULT '2026-01-02', whole numeric(5,0) DEFAULT 7, ring scircle DEFAULT '<(10d,20d),1d>', outline spoly"
            " DEFAULT '{(0d,0d),(1d,0d),(0d,1d)}', cover smoc DEFAULT '0/1')"
        )
        connection.execute("COMMENT ON COLUMN survey.objects.mag IS 'Brightness'")
        with connection.cursor().copy('COPY survey.objects (id, ra, "dec", mag) FROM STDIN') as copy:
            for row in zip(*(column.to_pylist() for column in sky.columns), strict=True):
                copy.write_row(row)
        connection.execute('UPDATE survey.objects SET pos = spoint(radians(ra), radians("dec"))')
        connection.execute("CREATE INDEX ON survey.objects USING gist (pos)")
        connection.execute("ANALYZE survey.objects")
    return fresh


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, database: Database, sky: pa.Table) -> Iterator[str]:
    """A server on a site with the stars loaded as sky.stars and published in place as survey.objects."""
    folder = tmp_path_factory.mktemp("postgres")
    site = folder / "site"
    nashira("init", str(site), "--postgresql", database.read_url, "--admin", database.url)
    pq.write_table(sky, folder / "stars.parquet")
    assert "20,000 rows in the database" in nashira(
        "publish", "--site", str(site), str(folder / "stars.parquet"), "--table", "sky.stars"
    )
    nashira("publish", "--site", str(site), "postgresql:survey.objects")
    assert "error" not in nashira("check", "--site", str(site)).replace("errors", "")
    with serving(site, folder / "server.log") as url:
        yield url


@pytest.fixture(scope="module")
def tap(base: str) -> pyvo.dal.TAPService:
    return pyvo.dal.TAPService(f"{base}/tap")


TABLES = ("sky.stars", "survey.objects")
CONES = ((10.0, 20.0, 3.0), (0.1, 0.0, 0.7), (200.0, 89.5, 1.0), (123.0, -90.0, 5.0))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("cone", CONES)
def test_a_cone_gives_what_astropy_finds(
    tap: pyvo.dal.TAPService, sky: pa.Table, table: str, cone: tuple[float, float, float]
) -> None:
    ra, dec, radius = cone
    where = f"1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}))"
    found = tap.search(f"SELECT id FROM {table} WHERE {where}", maxrec=STARS)
    stars = SkyCoord(sky["ra"].to_numpy(), sky["dec"].to_numpy(), unit="deg")
    near = stars.separation(SkyCoord(ra, dec, unit="deg")).deg <= radius
    assert sorted(found["id"]) == list(np.flatnonzero(near))
    assert len(found) > 0


@pytest.mark.parametrize("table", TABLES)
def test_an_upload_is_matched(tap: pyvo.dal.TAPService, sky: pa.Table, table: str) -> None:
    mine = AstropyTable({"n": np.arange(500), "ra": sky["ra"][:500], "dec": sky["dec"][:500]})
    query = (
        f"SELECT u.n, s.id FROM TAP_UPLOAD.mine AS u JOIN {table} AS s"
        " ON 1=CONTAINS(POINT(s.ra, s.dec), CIRCLE(u.ra, u.dec, 0.0001))"
    )
    found = tap.search(query, uploads={"mine": mine})
    pairs = set(zip(found["n"].tolist(), found["id"].tolist(), strict=True))
    assert {(n, n) for n in range(500)} <= pairs


def test_a_job_runs(tap: pyvo.dal.TAPService) -> None:
    job = tap.submit_job("SELECT COUNT(*) AS n, MAX(mag) AS most FROM survey.objects")
    job.run()
    job.wait(phases=["COMPLETED", "ERROR"], timeout=20)
    assert job.phase == "COMPLETED"
    assert job.fetch_result()["n"][0] == STARS
    job.delete()


def test_values_of_the_database(tap: pyvo.dal.TAPService) -> None:
    """Times in UTC, decimals as doubles, identifiers as text, points as DALI points."""
    found = tap.search("SELECT TOP 1 seen, score, tag, pos, ra, dec FROM survey.objects WHERE id = 5").to_table()
    (row,) = found
    assert str(row["seen"]).startswith("2026-01-02T01:04:05")
    assert row["score"] == 1.5
    assert row["tag"] == "00000000-0000-0000-0000-000000000001"
    assert np.allclose(row["pos"], [row["ra"], row["dec"]], atol=1e-12)
    query = "SELECT TOP 1 ten, seen_on, whole, ring, outline, cover FROM survey.objects WHERE id = 5"
    (row,) = tap.search(query).to_table()
    assert list(row["ten"]) == [1.5, 2.0]
    assert str(row["seen_on"]).startswith("2026-01-02")
    assert row["whole"] == 7
    assert np.allclose(row["ring"], [10, 20, 1])
    assert np.allclose(row["outline"], [0, 0, 1, 0, 0, 1])
    assert "0/1" in row["cover"]


def test_tap_schema_and_tables(base: str, tap: pyvo.dal.TAPService) -> None:
    found = tap.search(
        "SELECT column_name, datatype, description, indexed FROM TAP_SCHEMA.columns WHERE table_name = 'survey.objects'"
    )
    columns = {row["column_name"]: row for row in found}
    assert columns["mag"]["description"] == "Brightness"
    assert columns["id"]["indexed"] == 1
    assert {"sky.stars", "survey.objects", "TAP_SCHEMA.tables"} <= set(tap.tables.keys())
    assert httpx.get(f"{base}/tap/examples").status_code == 200
    assert httpx.get(f"{base}/tap/availability").text.count(">true<") == 1


def test_examples_run(base: str, tap: pyvo.dal.TAPService) -> None:
    assert tap.examples
    for example in tap.examples:
        tap.search(example["QUERY"], maxrec=5)


def test_a_changed_table_does_not_break_the_others(base: str, tap: pyvo.dal.TAPService, database: Database) -> None:
    """Comes last: a column goes while the server runs."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE survey.objects RENAME COLUMN mag TO magnitude")
    query = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 mag FROM survey.objects", "RESPONSEFORMAT": "csv"}
    answer = httpx.post(f"{base}/tap/sync", data=query)
    assert answer.status_code == 500
    assert "objects" not in answer.text
    assert len(tap.search("SELECT TOP 1 id FROM survey.objects")) == 1
    assert len(tap.search("SELECT TOP 1 mag FROM sky.stars")) == 1
