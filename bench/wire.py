"""How fast results leave and uploads arrive, beside what others do with the same rows, all in one run.

`python -m bench.wire` prints; `--write` renews docs/wire.svg and the generated section of docs/performance.md. About
four minutes. `--rows` is the size of the nine-column table, `--quick` measures that one alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from nashira.adql.translate import translate
from nashira.config.site import open_site
from nashira.query.site import Site
from tests.conformance.server import serving

from . import wire_rivals as rivals
from .wire_data import Result, publish, results, write_tables
from .wire_http import Sent, ServerProcess, Slow, read_slowly, send, send_all
from .wire_machine import machine
from .wire_read import Read, read_all
from .wire_rivals import Rival

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench" / "wire"
POSTGRES_FORMATS = ("votable/b2", "votable/td", "fits", "csv", "parquet", "arrow")
SLOW_FORMATS = ("votable/b2", "votable/td", "csv", "parquet", "arrow")
T = TypeVar("T", Sent, Rival, Read, Slow)


@dataclass(slots=True)
class Report:
    """All figures of one run."""

    machine: dict[str, str]
    results: tuple[Result, ...]
    idle_mb: float = 0
    sent: list[Sent] = field(default_factory=list)
    writers: list[Rival] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)
    astropy: list[Rival] = field(default_factory=list)
    postgres: list[Sent] = field(default_factory=list)
    postgres_copy: list[Rival] = field(default_factory=list)
    slow: list[Slow] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)


def collect(figures: Iterable[T], into: list[T]) -> None:
    """Keep figures, print each as it comes."""
    for figure in figures:
        into.append(figure)
        print(_line(figure), flush=True)


def _line(figure: Sent | Rival | Read | Slow) -> str:
    if isinstance(figure, Sent):
        name = f"{figure.result} {figure.format} {figure.coding}"
        mb = figure.size_bytes / 1e6
        return (
            f"{name:28s}{figure.seconds * 1e3:9.0f} ms {figure.rate:7.2f} M rows/s {mb / figure.seconds:7.0f} MB/s "
            f"first byte {figure.first_s * 1e3:6.0f} ms {mb:7.0f} MB, CPU {figure.cpu_s:5.2f} s, peak +{figure.peak_mb:.0f} MB"
        )
    if isinstance(figure, Rival):
        return f"{figure.name:32s}{figure.rate:8.2f} M rows/s  {figure.size_bytes / 1e6:7.0f} MB"
    if isinstance(figure, Slow):
        return f"slow reader of {figure.format:14s} peak +{figure.peak_mb:.0f} MB, CPU {figure.cpu_s:.1f} s"
    return (
        f"read {figure.format:12s}{figure.seconds * 1e3:9.0f} ms  CPU {figure.cpu_s:5.2f} s  "
        f"{figure.size_bytes / 1e6:6.0f} MB, peak +{figure.peak_mb:.0f} MB"
    )


def embedded(report: Report, files: dict[str, Path], wanted: tuple[Result, ...]) -> None:
    """Measure the server on its embedded engine, and the slow readers."""
    site = FOLDER / "site"
    if not (site / "ready").exists():
        publish(site, files, list(files), {})
        (site / "ready").touch()
    with serving(site, FOLDER / "server.log") as url:
        server = ServerProcess(url)
        report.idle_mb = server.idle_mb
        collect(send_all(server, wanted), report.sent)
        large = report.results[-1]
        collect((read_slowly(server, large, name, 5e6, 4) for name in SLOW_FORMATS), report.slow)


def on_postgres(report: Report, files: dict[str, Path], wanted: Result) -> None:
    """Measure the same server on PostgreSQL beside bare COPY of the same query."""
    if not rivals.has_postgres():
        print(f"PostgreSQL is not installed and not measured: {rivals.APT}")
        return
    with ExitStack() as stack:
        settings = stack.enter_context(rivals.postgres())
        site = Path(stack.enter_context(_folder())) / "site"
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
