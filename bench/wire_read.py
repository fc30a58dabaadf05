"""Reading: a million rows of each format as an upload, in a process of its own, so that its memory is its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from nashira.formats.readers import read_upload
from nashira.formats.registry import find_format
from nashira.formats.source import ReadLimits
from nashira.formats.stream import ResultStream
from nashira.schema.arrow import column_of

from .wire_data import batches

FORMATS = ("votable/b2", "votable/b", "votable/td", "fits", "csv", "tsv", "ecsv", "parquet", "arrow")


@dataclass(frozen=True, slots=True)
class Read:
    """How an upload was read: best of three, all rows kept; `peak_mb` is above what the process needed before."""

    format: str
    rows: int
    seconds: float
    cpu_s: float
    size_bytes: int
    peak_mb: float


def read_all(table: pa.Table, folder: Path) -> Iterator[Read]:
    """Write the table in each format, read it back as an upload."""
    columns = tuple(column_of(field) for field in table.schema)
    for name in FORMATS:
        path = folder / f"upload.{name.replace('/', '-')}"
        with path.open("wb") as file:
            file.writelines(find_format(name).format.write(ResultStream(columns, iter(batches(table)))))
        command = [sys.executable, "-m", "bench.wire_read", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield Read(name, table.num_rows, size_bytes=path.stat().st_size, **json.loads(done.stdout))
        path.unlink()


def _memory_mb(key: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{key}:")[1].split()[0]) / 1024


def _measure(path: Path) -> dict[str, float]:
    before, peak = _memory_mb("VmRSS"), 0.0
    Path("/proc/self/clear_refs").write_text("5")
    seconds: list[float] = []
    cpu_s: list[float] = []
    for _ in range(3):
        start, cpu = time.perf_counter(), time.process_time()
        source = read_upload(path, ReadLimits())
        rows = pa.Table.from_batches(list(source.batches))
        seconds.append(time.perf_counter() - start)
        cpu_s.append(time.process_time() - cpu)
        peak = peak or _memory_mb("VmHWM") - before
        del rows, source
    return {"seconds": min(seconds), "cpu_s": min(cpu_s), "peak_mb": peak}


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
