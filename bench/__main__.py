"""`make bench`: this server beside bare DuckDB doing the same query on the same files, in one run.

Medians of 11 (7 where a run is long); `bench.wire` measures whole results. `python -m bench --rows 10000000` measures
a larger catalogue; the site is kept in .bench for the next run.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import func

from nashira.adql.translate import translate
from nashira.config.site import open_site
from nashira.query.site import Site
from nashira.sphere.functions import FUNCTIONS
from tests.conformance.server import serving

from .client import Connection, sync_path
from .data import chunk, write_catalogue
from .translation import report as translations

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: seconds of ours and of bare DuckDB, server CPU seconds a request, its peak memory."""

    name: str
    ours_s: float
    bare_s: float | None
    cpu_s: float
    peak_mb: float
    note: str = ""

    def __str__(self) -> str:
        bare = f"{self.bare_s * 1e3:9.1f}" if self.bare_s else " " * 9
        ratio = f"{self.ours_s / self.bare_s:6.2f}" if self.bare_s else " " * 6
        ours = f"{self.name:34s}{self.ours_s * 1e3:10.1f}"
        return f"{ours}{bare}{ratio}{self.cpu_s * 1e3:10.1f}{self.peak_mb:7.0f}  {self.note}"


def median(run: Callable[[], object], times: int = 11) -> float:
    """Median seconds of `run`, after one warm-up."""
    run()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def make_site(rows: int) -> Path:
    """Publish the catalogue of `rows` rows under .bench unless it is there."""
    folder = ROOT / ".bench" / str(rows)
    site = folder / "site"
    if not (site / "store").exists() or not any((site / "store").iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "catalogue.parquet"
        write_catalogue(source, rows)
        nashira = [sys.executable, "-m", "nashira"]
        subprocess.run([*nashira, "init", str(site)], check=True, stdout=subprocess.DEVNULL)
        start = time.perf_counter()
        command = [*nashira, "publish", str(source), "--site", str(site), "--table", "bench.sources"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        print(f"published {rows:,} rows in {time.perf_counter() - start:.1f} s")
    return site


def bare_duckdb() -> duckdb.DuckDBPyConnection:
    """A DuckDB as anyone would start it, with the functions that positional joins call."""
    connection = duckdb.connect(config={"threads": 2})
    for f in FUNCTIONS:
        connection.create_function(
            f.name, f.call, list(f.parameters), f.returns, type=func.ARROW, null_handling=func.SPECIAL
        )
    return connection


def bare(connection: duckdb.DuckDBPyConnection, sql: str) -> Callable[[], int]:
    """Run SQL to the last batch without doing anything with it."""
    return lambda: sum(b.num_rows for b in connection.cursor().sql(sql).to_arrow_reader(65536))


class Bench:
    """A running server, bare DuckDB on its files, and the figures so far."""

    def __init__(self, url: str, site: Path, rows: int) -> None:
        self.url, self.rows = url, rows
        self.connection = Connection(url)
        port = int(url.rsplit(":", 1)[1])
        self.process = next(p for p in psutil.process_iter() if _listens(p, port))
        self.site = Site.open(open_site(site))
        self.duckdb = bare_duckdb()

    def cpu(self) -> float:
        """CPU seconds of the server so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def figure(self, name: str, run: Callable[[], object], bare_s: float | None, times: int = 11) -> Figure:
        """Measure ours; CPU is the mean a request, the peak that of this figure alone."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        before = self.cpu()
        ours = median(run, times)
        return Figure(name, ours, bare_s, (self.cpu() - before) / (times + 1), self.peak_mb())

    def sql(self, query: str) -> str:
        """What our translator would hand to the engine."""
        return translate(query, self.site.catalog).sql

    def small(self) -> Iterator[Figure]:
        """TOP 1 and cones at twelve places in turn."""
        top = "SELECT TOP 1 * FROM bench.sources"
        yield self.figure(
            "TOP 1", lambda: self.connection.get(sync_path(top)), median(bare(self.duckdb, self.sql(top)))
        )
        cones = iter(CONES * 100)
        bare_cones = iter([bare(self.duckdb, self.sql(cone)) for cone in CONES] * 100)

        def next_bare_cone() -> int:
            return next(bare_cones)()

        bare_s = median(next_bare_cone, 24)
        yield self.figure("cone 0.1 deg", lambda: self.connection.get(sync_path(next(cones))), bare_s, 24)

    def asynchronous(self) -> Figure:
        """A trivial job: create, run, wait, fetch, delete."""

        def round_trip() -> None:
            with httpx.Client(verify=False) as client:
                form = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 * FROM bench.sources", "PHASE": "RUN"}
                job = client.post(f"{self.url}/tap/async", data=form).headers["location"]
                while client.get(f"{job}/phase").text in {"QUEUED", "EXECUTING"}:
                    client.get(job, params={"WAIT": "10"})
                if client.get(f"{job}/results/result").status_code != 200:
                    raise RuntimeError(client.get(job).text)
                client.delete(job)

        return self.figure("async round trip", round_trip, None)

    def upload_match(self) -> Figure:
        """Ten thousand uploaded positions matched at one arc second."""
        rng = np.random.default_rng(5)
        rows = (
            chunk(1_000_000, 0, np.random.default_rng(self.rows))
            .select(["ra", "dec"])
            .take(rng.integers(0, 1_000_000, 10_000))
        )
        body = io.BytesIO()
        pq.write_table(rows, body)
        query = (
            "SELECT u.ra, u.dec, s.id, s.mag FROM TAP_UPLOAD.u AS u JOIN bench.sources AS s "
            "ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 1/3600."
        )

        def match() -> None:
            with httpx.Client(verify=False, timeout=60) as client:
                form = {"LANG": "ADQL", "QUERY": query, "UPLOAD": "u,param:up", "MAXREC": "100000"}
                answer = client.post(f"{self.url}/tap/sync", data=form, files={"up": ("u.parquet", body.getvalue())})
            if answer.status_code != 200:
                raise RuntimeError(answer.text[:500])

        return self.figure("upload match 10,000 at 1 arcsec", match, self._bare_match(rows, query), 7)

    def _bare_match(self, rows: pa.Table, query: str) -> float:
        from nashira.schema.arrow import column_of
        from nashira.schema.model import Relation, Table

        table = Table(
            "TAP_UPLOAD", "u", tuple(column_of(f) for f in rows.schema), Relation(("upload_1",), rows.num_rows)
        )
        sql = translate(query, self.site.catalog, uploads=(table,)).sql
        self.duckdb.register("upload_1", rows)
        return median(lambda: self.duckdb.sql(sql).to_arrow_table(), 7)

    def crowd(self) -> str:
        """Sixteen clients asking cones for five seconds."""
        paths = " ".join(sync_path(cone) for cone in CONES)
        before, start = self.cpu(), time.monotonic()
        command = [sys.executable, "-m", "bench.client", self.url, "16", "5"]
        rate = float(subprocess.run(command, input=paths, text=True, capture_output=True, check=True).stdout)
        cpu = (self.cpu() - before) / (rate * (time.monotonic() - start)) * 1e3
        return f"16 cone clients: {rate:.0f} requests/s, {cpu:.1f} ms server CPU each"

    def peak_mb(self) -> float:
        """Peak memory of the server since the last figure began."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections("tcp")
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr[1] == port for c in connections)


CONES = [
    f"SELECT id, ra, dec, mag FROM bench.sources WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, 0.1))"
    for ra, dec in zip(range(7, 360, 30), (-85, -60, -42, -30, -15, -3, 4, 18, 33, 47, 66, 88), strict=True)
]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the catalogue")
    rows = parser.parse_args().rows
    print("translation of a query, medians of CPU ms")
    for line in translations():
        print(line, flush=True)
    site = make_site(rows)
    with serving(site, ROOT / ".bench" / "server.log") as url:
        bench = Bench(url, site, rows)
        print(f"catalogue of {rows:,} rows; medians in ms, CPU a request in ms, peak memory in MB")
        print(f"{'':34s}{'ours':>10s}{'DuckDB':>9s}{'ratio':>6s}{'CPU':>10s}{'MB':>7s}")
        for figure in bench.small():
            print(figure, flush=True)
        print(bench.asynchronous(), flush=True)
        print(bench.upload_match(), flush=True)
        print(bench.crowd(), flush=True)
        print(f"  with a peak memory of {bench.peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
