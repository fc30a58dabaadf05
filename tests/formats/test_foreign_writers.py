"""What astropy, fitsio, pyarrow, DuckDB and STILTS write is read: values to the bit, nulls, and metadata."""

import io
import math
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import fitsio
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.formats.readers import open_tables
from nashira.formats.source import SourceTable
from nashira.formats.stream import ResultInfo
from nashira.formats.votable_write import metadata_document
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE

EDGES = [0.1, -0.0, 5e-324, 1.7976931348623157e308, -math.inf, 1 / 3]
LONGS = [2**63 - 1, -(2**63) + 1, 0, -1, 2**53 + 1, 7]
TEXTS = ["abc", "x y", "a,b", 'q"r', "<&>", "z"]


def table() -> Table:
    """The table that foreigners write: edges of numbers, nulls, arrays, units, descriptions."""
    made = Table(
        {
            "k": np.array(LONGS),
            "n": MaskedColumn(np.arange(6, dtype="i4"), mask=[False, True] * 3),
            "h": np.array([1, -2, 3, 32767, -32767, 0], "i2"),
            "d": np.array(EDGES),
            "f": np.array([0.1, -0.0, 1e-45, 3.4e38, np.inf, 2.5], "f4"),
            "b": np.array([True, False] * 3),
            "s": np.array(TEXTS),
            "p": np.arange(12.0).reshape(6, 2),
        }
    )
    made["d"].unit, made["d"].description = "km / s", "a speed"
    return made


def quietly(action: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


def read(path: Path) -> tuple[SourceTable, pa.Table]:
    (found,) = open_tables(path)
    return found, pa.Table.from_batches(list(found.batches))


def check(rows: pa.Table, columns: tuple[str, ...] = ("k", "n", "h", "d", "f", "b", "s", "p")) -> None:
    made = table()
    for name in columns:
        values = rows[name].to_pylist()
        if name == "n":
            assert values == [0, None, 2, None, 4, None]
        elif name in {"d", "f"}:
            kind = f"f{8 if name == 'd' else 4}"
            assert np.asarray(values, kind).tobytes() == np.asarray(made[name], kind).tobytes(), name
        else:
            assert values == made[name].tolist(), name


def unit_of(found: SourceTable) -> tuple[str, str]:
    column = next(c for c in found.columns if c.name == "d")
    return column.unit, column.description


@pytest.mark.parametrize("kind", ["tabledata", "binary", "binary2"])
def test_votables_of_astropy(tmp_path: Path, kind: str) -> None:
    """It cannot write null integers as BINARY."""
    made, names = table(), ("k", "h", "d", "f", "b", "s", "p")
    if kind == "binary":
        del made["n"]
    quietly(lambda: from_table(made).to_xml(str(tmp_path / "x"), tabledata_format=kind))
    found, rows = read(tmp_path / "x")
    check(rows, names if kind == "binary" else (*names, "n"))
    assert unit_of(found) == ("km.s**-1", "a speed")


def test_fits_of_astropy(tmp_path: Path) -> None:
    quietly(lambda: table().write(tmp_path / "x.fits"))
    found, rows = read(tmp_path / "x.fits")
    check(rows)
    assert unit_of(found)[0] == "km.s**-1"


def test_ecsv_of_astropy(tmp_path: Path) -> None:
    for delimiter in (" ", ","):
        table().write(tmp_path / "x.ecsv", format="ascii.ecsv", delimiter=delimiter, overwrite=True)
        found, rows = read(tmp_path / "x.ecsv")
        check(rows)
        assert unit_of(found) == ("km.s**-1", "a speed")


def test_csv_of_astropy(tmp_path: Path) -> None:
    made = table()
    del made["p"]
    made.write(tmp_path / "x.csv", format="ascii.csv")
    _, rows = read(tmp_path / "x.csv")
    check(rows, ("k", "n", "h", "d", "b", "s"))


def test_fits_of_fitsio(tmp_path: Path) -> None:
    made = table()
    names = ["k", "h", "d", "f", "s", "p"]
    with fitsio.FITS(tmp_path / "x.fits", "rw") as file:
        file.write([np.asarray(made[name]) for name in names], names=names, units=["", "", "km/s", "", "", ""])
    found, rows = read(tmp_path / "x.fits")
    check(rows, tuple(names))
    assert unit_of(found)[0] == "km.s**-1"


def arrow() -> pa.Table:
    made = table()
    numbers = {name: pa.array(np.asarray(made[name])) for name in ("k", "h", "d", "f", "b")}
    return pa.table(
        numbers
        | {
            "n": pa.array([0, None, 2, None, 4, None], pa.int32()),
            "s": pa.array(TEXTS),
            "p": pa.array(np.asarray(made["p"]).tolist(), pa.list_(pa.float64(), 2)),
        }
    )


def test_files_of_pyarrow(tmp_path: Path) -> None:
    pq.write_table(arrow(), tmp_path / "a.parquet", version="1.0", compression="gzip", use_dictionary=False)
    pq.write_table(arrow(), tmp_path / "b.parquet", data_page_version="2.0", compression="brotli", row_group_size=2)
    with pa.ipc.new_file(tmp_path / "c.arrow", arrow().schema) as writer:
        writer.write_table(arrow(), 4)
    for name in ("a.parquet", "b.parquet", "c.arrow"):
        _, rows = read(tmp_path / name)
        check(rows)
    pa.csv.write_csv(arrow().drop_columns(["p"]), tmp_path / "d.csv")
    _, rows = read(tmp_path / "d.csv")
    check(rows, ("k", "n", "h", "d", "b", "s"))


def test_files_of_duckdb(tmp_path: Path) -> None:
    database = duckdb.connect()
    database.register("mine", arrow())
    database.sql(f"COPY mine TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    _, rows = read(tmp_path / "x.parquet")
    check(rows)
    columns = "k, n, h, d, b, s"
    for name, options in (("x.csv", "header"), ("x.tsv", "header, delimiter '\t'")):
        database.sql(f"COPY (SELECT {columns} FROM mine) TO '{tmp_path / name}' (FORMAT csv, {options})")
        _, rows = read(tmp_path / name)
        check(rows, ("k", "n", "h", "d", "b", "s"))


STILTS = ["votable-tabledata", "votable-binary-inline", "votable-binary2-inline", "fits-basic", "csv"]


@pytest.mark.parametrize("form", STILTS)
def test_files_of_stilts(tmp_path: Path, form: str) -> None:
    quietly(lambda: table().write(tmp_path / "in", format="fits"))
    command = ["stilts", "tcopy", f"in={tmp_path / 'in'}", "ifmt=fits", f"out={tmp_path / 'out'}", f"ofmt={form}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, rows = read(tmp_path / "out")
    scalars = ("k", "n", "h", "d", "b", "s")
    check(rows, scalars if form == "csv" else (*scalars, "f", "p"))
    if form != "csv":
        assert unit_of(found)[0].startswith("km")


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(-(2**63) + 1, 2**63 - 1), st.floats(), PLAIN, st.booleans()), min_size=1, max_size=9
    ),
    st.sampled_from(["tabledata", "binary", "binary2", "fits", "ecsv"]),
)
def test_whatever_astropy_writes(
    tmp_path_factory: pytest.TempPathFactory, sample: list[tuple[int, float, str, bool]], kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    longs, doubles, texts, mask = (list(part) for part in zip(*sample, strict=True))
    mask = [hidden and kind != "binary" for hidden in mask]  # which astropy cannot write
    made = Table({"k": MaskedColumn(longs, mask=mask), "d": doubles, "s": texts})
    if kind in {"fits", "ecsv"}:
        out = io.BytesIO() if kind == "fits" else io.StringIO()
        quietly(lambda: made.write(out, format="fits" if kind == "fits" else "ascii.ecsv"))
        content = out.getvalue()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    else:
        quietly(lambda: from_table(made).to_xml(str(path), tabledata_format=kind))
    _, rows = read(path)
    assert rows["k"].to_pylist() == [None if hidden else value for value, hidden in zip(longs, mask, strict=True)]
    assert rows["s"].to_pylist() == texts
    nan_is_null = kind in {"fits", "binary"}
    expected = [None if nan_is_null and math.isnan(x) else x for x in doubles]
    assert repr(rows["d"].to_pylist()) == repr(expected)


def test_a_votable_embedded_by_others_describes_parquet(tmp_path: Path) -> None:
    """VOParquet 1.0: the VOTable is among the keys of the file, whether Arrow's own schema is there or not."""
    columns = (Column("d", DOUBLE, "a speed", "km.s**-1"),)
    content = metadata_document(columns, ResultInfo()).decode()
    for stored in (True, False):
        path = tmp_path / f"{stored}.parquet"
        with pq.ParquetWriter(path, pa.schema([("d", pa.float64())]), store_schema=stored) as writer:
            writer.write_table(pa.table({"d": [1.5]}))
            writer.add_key_value_metadata(
                {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": content}
            )
        assert unit_of(read(path)[0]) == ("km.s**-1", "a speed")
