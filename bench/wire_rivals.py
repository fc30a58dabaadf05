"""What the same rows cost elsewhere: bare Arrow, COPY of DuckDB and of PostgreSQL, astropy's writers."""

from __future__ import annotations

import io
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from nashira.formats.registry import FORMATS
from nashira.formats.stream import ResultStream
from nashira.schema.arrow import column_of

from .wire_data import BATCH_ROWS, batches

ASTROPY_ROWS = 20_000
POSTGRES = Path("/usr/lib/postgresql/15/bin")
APT = "apt-get install postgresql-15 postgresql-15-pgsphere postgresql-15-q3c"


@dataclass(frozen=True, slots=True)
class Rival:
    """Seconds that something else takes for `rows` rows of the first result; `size_bytes` 0 where not counted."""

    name: str
    rows: int
    seconds: float
    size_bytes: int = 0

    @property
    def rate(self) -> float:
        """Rows a second, in millions."""
        return self.rows / self.seconds / 1e6


def timed(run: Callable[[], int], times: int = 3) -> tuple[float, int]:
    """Median seconds of `run` and what it gave."""
    spent, given = [], 0
    for _ in range(times):
        start = time.perf_counter()
        given = run()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), given


def writers(table: pa.Table) -> Iterator[Rival]:
    """Our writers alone, in this process, from ready batches."""
    columns = tuple(column_of(field) for field in table.schema)
    data = batches(table)
    for entry in FORMATS:
        if entry.name not in {"votable", "html", "csv/bare"}:
            write = entry.write
            yield Rival(
                entry.name,
                table.num_rows,
                *timed(lambda write=write: sum(map(len, write(ResultStream(columns, iter(data)))))),  # type: ignore[misc]
            )


def bare_arrow(table: pa.Table) -> Rival:
    """The same batches as Arrow IPC, from memory to memory."""
    data = batches(table)
    return Rival("Arrow IPC alone", table.num_rows, *timed(lambda: sum(batch.serialize().size for batch in data)))


def arrow_socket(sql: str, rows: int) -> Rival:
    """Bare DuckDB, its batches as Arrow IPC through a loopback socket, from a process of its own: the floor."""
    command = [sys.executable, "-m", "bench.wire_rivals"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(sql.replace("\n", " ") + "\n")
        process.stdin.flush()
        port = int(process.stdout.readline())
        try:
            _drain(port)
            return Rival("DuckDB, Arrow IPC, bare socket", rows, *timed(lambda: _drain(port), 5))
        finally:
            process.terminate()


def _drain(port: int) -> int:
    total, buffer = 0, bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as client:
        while count := client.recv_into(buffer):
            total += count
    return total


def _serve(sql: str) -> None:
    """Answer every connection with the rows of `sql`, for ever."""
    database = duckdb.connect(config={"threads": 2})
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            with client:
                for batch in database.sql(sql).to_arrow_reader(BATCH_ROWS):
                    client.sendall(batch.serialize())


def duckdb_copies(source: Path, rows: int) -> Iterator[Rival]:
    """DuckDB's own COPY of the same file to files."""
    kinds = {"CSV": "csv, header", "Parquet": "parquet, compression zstd", "JSON": "json"}
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        target = Path(folder) / "copy"
        database = duckdb.connect(config={"threads": 2})
        for name, options in kinds.items():
            statement = f"COPY (FROM '{source}') TO '{target}' (FORMAT {options})"
            seconds, _ = timed(lambda statement=statement: len(database.sql(statement) or ""))  # type: ignore[misc]
            yield Rival(f"DuckDB COPY, {name}", rows, seconds, target.stat().st_size)


def astropy_writers(table: pa.Table) -> Iterator[Rival]:
    """Astropy's writers, on fewer rows (its speed is the same for more)."""
    from astropy.io.votable import from_table
    from astropy.table import MaskedColumn, Table

    part = table.slice(0, ASTROPY_ROWS)
    mine = Table()
    for name, column in zip(part.column_names, part.columns, strict=True):
        values = column.combine_chunks().to_numpy(zero_copy_only=False)
        values = values.astype("U") if values.dtype == object else values
        missing = column.is_null().to_numpy()
        mine[name] = MaskedColumn(np.nan_to_num(values), mask=missing) if column.null_count else values

    def votable(kind: str) -> int:
        out = io.BytesIO()
        document = from_table(mine)
        document.to_xml(out, tabledata_format=kind)
        return out.tell()

    def other(kind: str) -> int:
        out = io.BytesIO() if kind == "fits" else io.StringIO()
        mine.write(out, format=kind)
        return out.tell()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kind in (("votable/td", "tabledata"), ("votable/b2", "binary2"), ("votable/b", "binary")):
            yield Rival(name, part.num_rows, *timed(lambda kind=kind: votable(kind), 1))  # type: ignore[misc]
        for name, kind in (("fits", "fits"), ("csv", "ascii.csv"), ("ecsv", "ascii.ecsv")):
            yield Rival(name, part.num_rows, *timed(lambda kind=kind: other(kind), 1))  # type: ignore[misc]


def has_postgres() -> bool:
    """Tell whether PostgreSQL can be measured here."""
    return (POSTGRES / "initdb").exists()


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Run a private PostgreSQL; give the settings of a site on it."""
    from tests.postgres_server import running_server

    with running_server() as server:
        yield {"NASHIRA_ENGINE__URL": server.read_url, "NASHIRA_ENGINE__ADMIN_URL": server.url}


def postgres_copy(url: str, sql: str, rows: int) -> Rival:
    """Bare COPY (FORMAT binary) of a query by psql, the rows thrown away; psql's own start is taken off."""

    def psql(command: str) -> int:
        done = subprocess.run([str(POSTGRES / "psql"), url, "-qc", command], stdout=subprocess.PIPE, check=True)
        return len(done.stdout)

    start, _ = timed(lambda: psql("SELECT 1"))
    statement = f"COPY ({sql}) TO STDOUT (FORMAT binary)"
    command = [str(POSTGRES / "psql"), url, "-qc", statement]

    def copy() -> int:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            buffer, total = bytearray(1 << 20), 0
            while count := process.stdout.readinto(buffer):  # type: ignore[attr-defined]
                total += count
        if process.returncode:
            message = "psql failed"
            raise RuntimeError(message)
        return total

    copy()
    seconds, size = timed(copy, 5)
    return Rival("PostgreSQL COPY (FORMAT binary)", rows, max(1e-6, seconds - start), size)


if __name__ == "__main__":
    _serve(sys.stdin.readline())
