"""Figures → a section of docs/performance.md (between markers) and the plot docs/wire.svg."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from .wire_data import Result
from .wire_http import Sent, Slow
from .wire_plot import Bar, plot
from .wire_read import Read
from .wire_rivals import POSTGRES, Rival

BEGIN = "<!-- wire: written by make performance -->"
END = "<!-- end -->"
_NAMES = {
    "votable/b2": "VOTable BINARY2",
    "votable/b": "VOTable BINARY",
    "votable/td": "VOTable TABLEDATA",
    "fits": "FITS",
    "csv": "CSV",
    "tsv": "TSV",
    "parquet": "Parquet",
    "arrow": "Arrow stream",
    "ecsv": "ECSV",
    "json": "JSON",
}
_PACKAGES = ("duckdb", "pyarrow", "numpy", "astropy")


@dataclass(slots=True)
class Report:
    """All figures of one run."""

    machine: str
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
    faults: list[str] = field(default_factory=list)


def machine() -> str:
    """Say in a sentence on what the figures were taken."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    parts = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), "
        f"{memory:.0f} GiB, {platform.system()}; Python {platform.python_version()}, {parts}{_postgres_version()}; "
        f"load average {load:.1f} at the start."
    )


def _postgres_version() -> str:
    program = POSTGRES / "postgres"
    if not program.exists():
        return ""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    return f", PostgreSQL {said.split()[2]}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(report: Report) -> str:
    """Write all figures as Markdown."""
    parts = [
        report.machine,
        f"The idle server holds {report.idle_mb:.0f} MB; peaks are above that.",
        *(_sent(report, result) for result in report.results if any(s.result == result.name for s in report.sent)),
        _rivals(report),
        _postgres(report),
        _slow(report),
        _reads(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _rate(rate: float) -> str:
    return f"{rate:.2f}" if rate < 1 else f"{rate:.1f}"


def _sent(report: Report, result: Result) -> str:
    alone = {rival.name: rival.rate for rival in report.writers}
    astropy = {rival.name: rival.rate for rival in report.astropy}
    first = result.name == report.results[0].name
    head = ["format", "M rows/s", "ms", "first byte, ms", "MB", "MB/s", "CPU, s", "peak, MB"]
    head += ["writer alone, M rows/s", "× astropy"] if first else []
    rows = []
    for one in report.sent:
        if one.result != result.name:
            continue
        mb, coding = one.size_bytes / 1e6, f", {one.coding}" if one.coding else ""
        row = [_NAMES[one.format] + coding, _rate(one.rate), f"{one.seconds * 1e3:.0f}", f"{one.first_s * 1e3:.0f}"]
        row += [f"{mb:.0f}", f"{mb / one.seconds:.0f}", f"{one.cpu_s:.2f}", f"{one.peak_mb:.0f}"]
        if first:
            row.append("" if one.coding else _rate(alone[one.format]))
            row.append(f"{one.rate / astropy[one.format]:.0f}" if one.format in astropy and not one.coding else "")
        rows.append(row)
    return f"### {result.title}\n\n{table(head, rows)}"


def _rivals(report: Report) -> str:
    if not report.rivals:
        return ""
    names = {"votable/b2": "BINARY2", "parquet": "Parquet", "csv": "CSV"}
    sent = {one.format: one for one in report.sent if one.result == report.results[0].name and not one.coding}
    head = ["the same rows by", "M rows/s", "MB", *(f"our {name} over HTTP ÷ this" for name in names.values())]
    rows = []
    for rival in report.rivals:
        ratios = [f"{sent[name].rate / rival.rate:.2f}" if name in sent else "" for name in names]
        rows.append([rival.name, _rate(rival.rate), f"{rival.size_bytes / 1e6:.0f}", *ratios])
    rows += [
        [f"astropy, {_NAMES[rival.name]} ({rival.rows:,} rows)", f"{rival.rate:.3f}", "", "", "", ""]
        for rival in report.astropy
    ]
    return f"### Beside others\n\n{table(head, rows)}"


def _postgres(report: Report) -> str:
    if not report.postgres:
        return ""
    copy = report.postgres_copy[0]
    rows = [[copy.name, _rate(copy.rate), f"{copy.seconds * 1e3:.0f}", "1", "", ""]]
    rows += [
        [
            _NAMES[one.format],
            _rate(one.rate),
            f"{one.seconds * 1e3:.0f}",
            f"{one.rate / copy.rate:.2f}",
            f"{one.first_s * 1e3:.0f}",
            f"{one.peak_mb:.0f}",
        ]
        for one in report.postgres
    ]
    head = ["from PostgreSQL", "M rows/s", "ms", "÷ bare COPY", "first byte, ms", "peak, MB"]
    return f"### From PostgreSQL, {report.results[0].title}\n\n{table(head, rows)}"


def _slow(report: Report) -> str:
    if not report.slow:
        return ""
    one = report.slow[0]
    rows = [[_NAMES[slow.format], f"{slow.peak_mb:.0f}", f"{slow.cpu_s:.1f}"] for slow in report.slow]
    text = f"A reader takes {one.bytes_s / 1e6:g} MB/s of a result of {one.rows / 1e6:g} M rows, for {one.seconds:g} s."
    return f"### Slow readers\n\n{text}\n\n{table(['format', 'peak, MB', 'CPU, s'], rows)}"


def _reads(report: Report) -> str:
    if not report.reads:
        return ""
    rows = [
        [
            _NAMES[one.format],
            f"{one.seconds * 1e3:.0f}",
            _rate(one.rows / one.seconds / 1e6),
            f"{one.size_bytes / 1e6:.0f}",
            f"{one.size_bytes / 1e6 / one.seconds:.0f}",
            f"{one.peak_mb:.0f}",
        ]
        for one in report.reads
    ]
    head = ["upload", "ms", "M rows/s", "MB", "MB/s", "peak, MB"]
    return f"### Reading uploads, {report.results[0].title}\n\n{table(head, rows)}"


def write(report: Report, docs: Path) -> None:
    """Renew the plot and the section of docs/performance.md between the markers."""
    page = docs / "performance.md"
    text = page.read_text()
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{section(report)}\n\n{END}{rest.split(END, 1)[1]}")
    (docs / "wire.svg").write_text(plot(report.results[0].title, _bars(report)))


def _bars(report: Report) -> list[Bar]:
    alone = {rival.name: rival.rate for rival in report.writers}
    astropy = {rival.name: rival.rate for rival in report.astropy}
    first = report.results[0].name
    bars = [
        Bar(_NAMES[one.format], (one.rate, alone[one.format], astropy.get(one.format, 0)))
        for one in report.sent
        if one.result == first and not one.coding
    ]
    return bars + [Bar(rival.name, (0, rival.rate, 0)) for rival in [*report.rivals, *report.postgres_copy]]
