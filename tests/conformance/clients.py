"""What released clients do with the service, each as one check that raises where the answer is wrong."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import pyarrow.parquet as pq
import pyvo
from astropy.table import Table

CONE = (
    "SELECT TOP 50 source_id, ra, dec, gmag FROM demo.stars "
    "WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE(80.9, -69.8, 1)) ORDER BY gmag"
)
MATCH = (
    "SELECT t.num, s.source_id FROM TAP_UPLOAD.t AS t JOIN demo.stars AS s "
    "ON DISTANCE(t.ra, t.dec, s.ra, s.dec) < 1/3600."
)
SERIALISATIONS = ("votable/td", "votable/b", "votable/b2")
FORMATS = ("votable", *SERIALISATIONS, "csv", "tsv", "fits", "parquet", "json", "html")


def expect(truth: object, message: str) -> None:
    """Raise AssertionError with `message` where `truth` is false."""
    if not truth:
        raise AssertionError(message)


def positions(tap: str, count: int = 100) -> Table:
    """Take some positions of the service itself, to be found again by a match."""
    rows = pyvo.dal.TAPService(tap).run_sync(f"SELECT TOP {count} ra, dec FROM demo.stars ORDER BY source_id")
    table = rows.to_table()
    table["num"] = np.arange(len(table), dtype=np.int32)
    return table


def pyvo_metadata(tap: str) -> str:
    """Pyvo reads capabilities, tables and examples, and every example runs."""
    service = pyvo.dal.TAPService(tap)
    expect("demo.stars" in service.tables, "demo.stars is not among the tables")
    columns = {column.name: column for column in service.tables["demo.stars"].columns}
    expect(columns["ra"].unit == "deg" and columns["ra"].ucd == "pos.eq.ra;meta.main", "metadata of ra")
    expect(service.maxrec == 20_000 and service.hardlimit, "limits of the capabilities")
    for example in service.examples:
        example.execute()
    return f"{len(columns)} columns, {len(service.examples)} examples run"


def pyvo_sync(tap: str) -> str:
    """A cone by sync, sorted, typed."""
    rows = pyvo.dal.TAPService(tap).run_sync(CONE)
    expect(len(rows) == 50, f"{len(rows)} rows in place of 50")
    expect((np.diff(rows["gmag"]) >= 0).all(), "not sorted")
    return f"{len(rows)} rows"


def pyvo_async(tap: str) -> str:
    """The same as an async job, deleted afterwards."""
    job = pyvo.dal.TAPService(tap).submit_job(CONE)
    job.run()
    job.wait(phases=["COMPLETED", "ERROR"], timeout=30)
    job.raise_if_error()
    rows = job.fetch_result()
    url = job.url
    job.delete()
    expect(len(rows) == 50, f"{len(rows)} rows in place of 50")
    expect(httpx.get(url).status_code == 404, "a deleted job is still there")
    return f"{len(rows)} rows"


def pyvo_upload(tap: str) -> str:
    """Two tables uploaded at once, matched with the catalogue."""
    table = positions(tap)
    rows = pyvo.dal.TAPService(tap).run_sync(MATCH, uploads={"t": table, "other": table[:3]})
    expect(len(rows) >= len(table), f"{len(rows)} pairs for {len(table)} positions")
    return f"{len(rows)} pairs"


def pyvo_errors(tap: str) -> str:
    """A misspelt column is named, with its place and the right spelling."""
    try:
        pyvo.dal.TAPService(tap).run_sync("SELECT gmagg FROM demo.stars")
    except pyvo.dal.DALQueryError as error:
        expect("gmagg" in str(error) and "gmag" in str(error), f"unhelpful: {error}")
        return str(error)[:80]
    message = "no error for a column that does not exist"
    raise AssertionError(message)


def astroquery_tap(tap: str) -> str:
    """TapPlus of astroquery: tables, sync, async, upload."""
    from astroquery.utils.tap import TapPlus

    client = TapPlus(url=tap, verbose=False)
    names = {table.name for table in client.load_tables()}
    expect("demo.stars" in names or "demo.demo.stars" in names, f"tables: {names}")
    expect(len(client.launch_job(CONE).get_results()) == 50, "sync")
    expect(len(client.launch_job_async(CONE).get_results()) == 50, "async")
    table = positions(tap)
    job = client.launch_job(MATCH, upload_resource=table, upload_table_name="t")
    expect(len(job.get_results()) >= len(table), "upload")
    return f"{len(names)} tables"


def stilts_tapquery(tap: str) -> str:
    """STILTS uploads a table and fetches the match, by sync and async."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "positions.vot"
        table = positions(tap)
        table.write(path, format="votable")
        for mode in ("true", "false"):
            command = [
                "stilts",
                "tapquery",
                f"tapurl={tap}",
                "nupload=1",
                f"upload1={path}",
                "upname1=t",
                f"adql={MATCH}",
            ]
            done = subprocess.run([*command, f"sync={mode}", "ofmt=csv"], capture_output=True, text=True, check=True)
            expect(done.stdout.count("\n") > len(table), f"sync={mode}: {done.stdout[:200]}")
    return f"{done.stdout.count(chr(10)) - 1} pairs"


def formats_agree(tap: str) -> str:
    """Every format is served under its name, with the same rows."""
    query = "SELECT TOP 20 source_id, designation, ra, ugriz, spectral_type FROM demo.stars ORDER BY source_id"
    for name in FORMATS:
        answer = httpx.post(f"{tap}/sync", data={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": name})
        expect(answer.status_code == 200, f"{name}: {answer.status_code}")
        if name == "parquet":
            expect(pq.read_table(BytesIO(answer.content))["source_id"][0].as_py() == 71, "parquet: other rows")
        elif name.startswith("votable") or name == "fits":
            table = Table.read(BytesIO(answer.content), format=name.split("/")[0])
            expect(len(table) == 20 and int(table["source_id"][0]) == 71, f"{name}: other rows")
    return ", ".join(FORMATS)


def votlint(tap: str) -> str:
    """STILTS votlint finds nothing in any serialisation."""
    query = "SELECT TOP 100 * FROM demo.stars"
    for name in SERIALISATIONS:
        answer = httpx.post(f"{tap}/sync", data={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": name})
        done = subprocess.run(
            ["stilts", "votlint", "votable=-"], input=answer.content, capture_output=True, check=False
        )
        said = (done.stdout + done.stderr).decode()
        expect(done.returncode == 0 and not said.strip(), f"{name}: {said[:400]}")
    return ", ".join(SERIALISATIONS)


CHECKS: tuple[Callable[[str], str], ...] = (
    pyvo_metadata,
    pyvo_sync,
    pyvo_async,
    pyvo_upload,
    pyvo_errors,
    astroquery_tap,
    stilts_tapquery,
    formats_agree,
    votlint,
)


def run_checks(tap: str) -> list[tuple[str, bool, str]]:
    """Run every check; give its name, whether it passed, and what it saw."""
    outcomes = []
    for check in CHECKS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcomes.append((check.__name__, True, check(tap)))
            except Exception as error:  # noqa: BLE001 - every failure of a client is a finding
                outcomes.append((check.__name__, False, f"{type(error).__name__}: {error}"))
    return outcomes
