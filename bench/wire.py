"""How fast results leave and uploads arrive, beside what others do with the same rows, all in one run.

`python -m bench.wire` prints; `--write` renews docs/wire.svg and the generated section of docs/performance.md. About
four minutes. `--rows` is the size of the nine-column table, `--quick` measures that one alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from nashira.config.errors import NashiraError
from tests.conformance.server import serving

from . import wire_rivals as rivals
from .wire_data import Result, publish, results, write_tables
from .wire_http import Sent, ServerProcess, Slow, read_slowly, send, send_all
from .wire_read import Read, read_all
from .wire_report import Report, machine, section, write
from .wire_rivals import Rival

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench" / "wire"
POSTGRES_FORMATS = ("votable/b2", "votable/td", "fits", "csv", "parquet", "arrow")
SLOW_FORMATS = ("votable/b2", "votable/td", "csv", "parquet", "arrow")
T = TypeVar("T", Sent, Rival, Read, Slow)


def collect(figures: Iterable[T], into: list[T]) -> None:
    """Keep figures, print each as it comes."""
    for figure in figures:
        into.append(figure)
        print(_line(figure), flush=True)


def _line(figure: Sent | Rival | Read | Slow) -> str:
    if isinstance(figure, Sent):
        name = f"{figure.result} {figure.format} {figure.coding}"
        mb, first_ms = figure.size_bytes / 1e6, figure.first_s * 1e3
        return (
            f"{name:28s}{figure.seconds * 1e3:9.0f} ms {figure.rate:7.2f} M rows/s {mb / figure.seconds:7.0f} MB/s "
            f"first byte {first_ms:6.0f} ms {mb:7.0f} MB, CPU {figure.cpu_s:5.2f} s, peak +{figure.peak_mb:.0f} MB"
        )
    if isinstance(figure, Rival):
        return f"{figure.name:32s}{figure.rate:8.2f} M rows/s  {figure.size_bytes / 1e6:7.0f} MB"
    if isinstance(figure, Slow):
        return f"slow reader of {figure.format:14s} peak +{figure.peak_mb:.0f} MB, CPU {figure.cpu_s:.1f} s"
    return (
        f"read {figure.format:12s}{figure.seconds * 1e3:9.0f} ms  CPU {figure.cpu_s:5.2f} s  "
        f"{figure.size_bytes / 1e6:6.0f} MB, peak +{figure.peak_mb:.0f} MB"
    )


def embedded(report: Report, folder: Path, files: dict[str, Path], wanted: tuple[Result, ...]) -> None:
    """Measure the server on its embedded engine: slow readers while it is fresh, then all results."""
    site = folder / "site"
    if not (site / "ready").exists():
        publish(site, files, list(files), {})
        (site / "ready").touch()
    with serving(site, FOLDER / "server.log") as url:
        server = ServerProcess(url)
        report.idle_mb = server.idle_mb
        large = report.results[-1]
        collect((read_slowly(server, large, name, 5e6, 4) for name in SLOW_FORMATS), report.slow)
        collect(send_all(server, wanted), report.sent)


def beside_postgres(report: Report, files: dict[str, Path], wanted: Result) -> None:
    """Measure PostgreSQL where it is; the other figures are kept where that fails."""
    if not rivals.has_postgres():
        print(f"PostgreSQL is not installed and not measured: {rivals.APT}")
        return
    try:
        on_postgres(report, files, wanted)
    except (RuntimeError, OSError, NashiraError, subprocess.CalledProcessError) as error:
        report.faults.append(f"PostgreSQL was not measured: {error}")
        print(report.faults[-1])


def on_postgres(report: Report, files: dict[str, Path], wanted: Result) -> None:
    """Measure the same server on PostgreSQL beside bare COPY of the same query."""
    with ExitStack() as stack:
        settings = stack.enter_context(rivals.postgres())
        site = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=FOLDER))) / "site"
        publish(site, files, ["sources", "ten"], settings)
        sql = _sql(site, wanted.query, settings)
        collect([rivals.postgres_copy(settings["NASHIRA_ENGINE__ADMIN_URL"], sql, wanted.rows)], report.postgres_copy)
        url = stack.enter_context(serving(site, FOLDER / "server.log", **settings))
        server = ServerProcess(url)
        collect((send(server, wanted, name) for name in POSTGRES_FORMATS), report.postgres)


def beside(report: Report, files: dict[str, Path], wanted: Result) -> None:
    """Measure what others do with the rows of the first result, and the writers alone."""
    table = pq.read_table(files["sources"])
    collect(rivals.writers(table), report.writers)
    collect([rivals.bare_arrow(table)], report.rivals)
    collect([rivals.arrow_socket(f"SELECT * FROM '{files['sources']}'", wanted.rows)], report.rivals)
    collect(rivals.duckdb_copies(files["sources"], wanted.rows), report.rivals)
    collect(rivals.astropy_writers(table), report.astropy)
    collect(read_all(table, FOLDER), report.reads)


def _sql(site: Path, query: str, settings: dict[str, str]) -> str:
    """What our translator hands to PostgreSQL, asked of a process that has the settings of the site."""
    command = [sys.executable, "-m", "bench.wire_sql", str(site), query]
    environment = dict(os.environ) | settings
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(rows: int, wanted: Sequence[str]) -> Report:
    """Take all figures; `wanted` names the results that are sent."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    site_folder = FOLDER / str(rows)
    report = Report(machine(), results(rows))
    chosen = tuple(result for result in report.results if result.name in wanted)
    files = write_tables(site_folder, rows)
    embedded(report, site_folder, files, chosen)
    beside(report, files, report.results[0])
    beside_postgres(report, files, report.results[0])
    return report


def main() -> None:
    """Measure and print; write where asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table of nine columns")
    parser.add_argument("--quick", action="store_true", help="send the table of nine columns alone")
    parser.add_argument("--write", action="store_true", help="renew docs/wire.svg and docs/performance.md")
    options = parser.parse_args()
    start = time.monotonic()
    report = measure(options.rows, ("nine",) if options.quick else ("nine", "wide", "arrays", "narrow"))
    print("\n" + section(report))
    if options.write:
        write(report, ROOT / "docs")
    print(f"\nmeasured in {time.monotonic() - start:.0f} s")
    sys.exit(len(report.faults))


if __name__ == "__main__":
    main()
