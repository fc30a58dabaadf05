"""What Nashira writes is read alike by astropy, fitsio, pyarrow and STILTS: values to the bit, nulls, and metadata."""

import csv
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
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.formats.registry import find_format
from nashira.formats.stream import ResultInfo
from nashira.schema.arrow import column_of
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType
from tests.formats.samples import batch_of, stream

WHEN = np.datetime64("2016-01-01T12:00:00.5", "us").item()
COLUMNS = [
    Column("id", LONG, "the key", "", "meta.id;meta.main", "x:id"),
    Column("n", INTEGER, "", "s", "meta.number"),
    Column("i", VOType("short")),
    Column("u", VOType("unsignedByte")),
    Column("b", BOOLEAN, "a flag"),
    Column("d", DOUBLE, "größer & <kleiner>", "km.s**-1", "spect.dopplerVeloc"),
    Column("f", FLOAT, "bright", "mag", "phot.mag;em.opt.V"),
    Column("s", STRING, "a name", "", "meta.id"),
    Column("fix", VOType("char", "8")),
    Column("uni", VOType("unicodeChar", "*")),
    Column("t", TIMESTAMP, "when", "", "time.epoch"),
    Column("p", POINT, "where", "deg", "pos.eq"),
    Column("poly", POLYGON, "", "deg"),
    Column("v", VOType("int", "*"), "", "adu"),
    Column("m", VOType("short", "2x3")),
    Column("c", VOType("floatComplex")),
    Column("bits", VOType("bit", "11")),
]
BITS = [True, False, True, True, False, False, True, False, False, True, True]
ROWS: list[list[Any]] = [
    [2**63 - 1, -(2**31) + 1, 32767, 255, True, 0.1, 0.1, "abc", "12345678", "αβγ", WHEN, [0.1, -90.0], [1.5, 2.5] * 3,
     [1, -2], [1, 2, 3, 4, 5, 6], [1.5, -2.5], BITS],
    [-(2**63) + 1, 2**31 - 1, -32767, 0, False, -0.0, -0.0, "x y", "a", "名前", WHEN, [360.0, 90.0], [0.0] * 8,
     [7], [-1] * 6, [0.0, -0.0], BITS[::-1]],
    [0, 0, 0, 1, None, 5e-324, 1e-45, "z", "b", "z", WHEN, [1.0, 2.0], [1.0] * 6, [0], [0] * 6, [3.0, 4.0], BITS],
    [5, None, None, 7, True, None, None, None, None, None, None, [1.0, 2.0], [1.0] * 6, [0], [0] * 6, [3.0, 4.0], BITS],
    [6, 1, 1, 8, True, math.inf, -math.inf, "y", "c", "y", WHEN, [1.0, 2.0], [1.0] * 6, [0], [0] * 6, [3.0, 4.0], BITS],
]  # fmt: skip
DATA = list(map(list, zip(*ROWS, strict=True)))
ABOUT = ResultInfo((("publisher", "Größe"), ("citation", "2020A&A")), "SELECT * FROM t", "A site", "http://x/")
VOTABLES = ["votable/td", "votable/b2", "votable/b"]


def written(name: str, columns: list[Column] = COLUMNS, data: list[list[Any]] = DATA) -> bytes:
    return b"".join(find_format(name).format.write(stream(columns, *data, info=ABOUT)))


def bits(values: Any, kind: str) -> list[int]:
    found: list[int] = np.asarray(values, kind).view(kind.replace("f", "u")).tolist()
    return found


def values_of(read: Any) -> list[Any]:
    """Give a column as plain values, None where it is masked."""
    return [None if x is np.ma.masked else x for x in read]


def quietly(action: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


def check_numbers(read: Any) -> None:
    """Compare the scalar numbers that every format holds; masked floats may be NaN."""
    for name in ("id", "n", "i", "u"):
        given_values = DATA[[c.name for c in COLUMNS].index(name)]
        found = values_of(read[name])
        assert [x is None for x in found] == [x is None for x in given_values], name
        assert [int(x) for x in found if x is not None] == [x for x in given_values if x is not None], name
    for name, kind in (("d", "f8"), ("f", "f4")):
        given_values = DATA[[c.name for c in COLUMNS].index(name)]
        found = [math.nan if x is None else x for x in values_of(read[name])]
        known = [row for row, x in enumerate(given_values) if x is not None]
        assert bits([found[row] for row in known], kind) == bits([given_values[row] for row in known], kind), name
        assert all(math.isnan(found[row]) for row in range(len(found)) if row not in known)


# --- VOTable ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VOTABLES)
def test_astropy_reads_votables(name: str) -> None:
    table = quietly(lambda: parse(io.BytesIO(written(name)))).get_first_table()
    read = table.array
    check_numbers(read)
    assert read["b"][:2].tolist() == [True, False]
    assert bool(np.ma.getmaskarray(read["b"])[2])
    assert [str(x) for x in read["uni"][:2]] == ["αβγ", "名前"]
    assert [str(x) for x in read["s"][:3]] == ["abc", "x y", "z"]
    assert str(read["t"][0]) == "2016-01-01T12:00:00.5"
    assert bits(read["p"][0], "f8") == bits([0.1, -90.0], "f8")
    assert [x.tolist() for x in read["v"][:2]] == [[1, -2], [7]]
    assert read["m"][0].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert complex(read["c"][0]) == 1.5 - 2.5j
    assert np.asarray(read["bits"][0]).tolist() == BITS


@pytest.mark.parametrize("name", VOTABLES)
def test_astropy_reads_the_metadata_of_votables(name: str) -> None:
    document = quietly(lambda: parse(io.BytesIO(written(name))))
    fields = document.get_first_table().fields
    for column, found in zip(COLUMNS, fields, strict=True):
        assert (found.name, found.description or "", found.ucd or "", found.utype or "") == (
            column.name,
            column.description,
            column.ucd,
            column.utype,
        )
        assert (found.unit.to_string("vounit") if found.unit else "") == column.unit
        expected = "short" if (name, column.name) == ("votable/b", "u") else column.type.datatype
        assert (found.datatype, found.arraysize, found.xtype) == (expected, column.type.arraysize, column.type.xtype)
    infos = {info.name: info.value for info in document.resources[0].infos}
    assert (infos["publisher"], infos["citation"], infos["QUERY"]) == ("Größe", "2020A&A", "SELECT * FROM t")


# --- FITS -------------------------------------------------------------------------------------------------------------


def test_astropy_reads_fits(tmp_path: Path) -> None:
    (tmp_path / "x.fits").write_bytes(written("fits"))
    with fits.open(tmp_path / "x.fits") as file:
        file.verify("exception")
        header, data = file[1].header, quietly(lambda: file[1].data)
        table = quietly(lambda: Table(data))
        nulls = {header[f"TTYPE{k}"]: header.get(f"TNULL{k}") for k in range(1, header["TFIELDS"] + 1)}
        for name, null in nulls.items():
            if null is not None:
                table[name] = np.ma.masked_equal(table[name], null)
        check_numbers(table)
        assert [data["s"][row] for row in range(3)] == ["abc", "x y", "z"]
        assert data["v"][0].tolist() == [1, -2]
        assert data["m"][0].tolist() == [[1, 2], [3, 4], [5, 6]]
        assert data["bits"][0].tolist() == BITS
        assert complex(data["c"][0]) == 1.5 - 2.5j
        place = {header[f"TTYPE{k}"]: k for k in range(1, header["TFIELDS"] + 1)}
        assert (header[f"TUNIT{place['f']}"], header[f"TUCD{place['f']}"]) == ("mag", "phot.mag;em.opt.V")
        assert header[f"TUTYP{place['id']}"] == "x:id"
        assert header[f"TXTYP{place['p']}"] == "point"


def test_fitsio_reads_fits(tmp_path: Path) -> None:
    (tmp_path / "x.fits").write_bytes(written("fits"))
    with fitsio.FITS(tmp_path / "x.fits") as file:
        data = file[1].read(vstorage="object")
        header = file[1].read_header()
    rows = [row for row in range(len(ROWS)) if row != 3]
    for name in ("id", "n", "i", "u"):
        place = [c.name for c in COLUMNS].index(name)
        assert data[name][rows].tolist() == [DATA[place][row] for row in rows]
    assert data["n"][3] == header[f"TNULL{[c.name for c in COLUMNS].index('n') + 1}"]
    for name, kind in (("d", "f8"), ("f", "f4")):
        place = [c.name for c in COLUMNS].index(name)
        assert bits(data[name][rows].astype(kind), kind) == bits([DATA[place][row] for row in rows], kind)
        assert np.isnan(data[name][3])
    assert data["s"][:3].tolist() == [b"abc", b"x y", b"z"] or data["s"][:3].tolist() == ["abc", "x y", "z"]
    assert data["v"][0].tolist() == [1, -2]
    assert data["p"][0].tolist() == [0.1, -90.0]


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBERS: list[tuple[VOType, st.SearchStrategy[Any], str]] = [
    (LONG, st.integers(-(2**63) + 1, 2**63 - 1), "i8"),
    (INTEGER, st.integers(-(2**31) + 1, 2**31 - 1), "i4"),
    (VOType("short"), st.integers(-(2**15) + 1, 2**15 - 1), "i2"),
    (DOUBLE, st.floats(allow_nan=False), "f8"),
    (FLOAT, st.floats(width=32, allow_nan=False), "f4"),
]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[VOType, str, list[Any]]:
    kind, values, dtype = draw(st.sampled_from(NUMBERS))
    return kind, dtype, draw(st.lists(st.none() | values, min_size=1, max_size=12))


@QUICK
@given(numbers())
def test_any_numbers_are_the_same_to_fitsio_and_ecsv(
    tmp_path_factory: pytest.TempPathFactory, sample: tuple[VOType, str, list[Any]]
) -> None:
    kind, dtype, values = sample
    columns, data = [Column("k", LONG), Column("x", kind)], [list(range(len(values))), values]
    path = tmp_path_factory.getbasetemp() / "numbers.fits"
    path.write_bytes(written("fits", columns, data))
    with fitsio.FITS(path) as file:
        found, header = file[1].read()["x"], file[1].read_header()
    null = header.get("TNULL2")
    for exact, read in zip(values, found, strict=True):
        if exact is None:
            assert np.isnan(read) if dtype.startswith("f") else read == null
        else:
            assert np.asarray(exact, dtype).tobytes() == np.asarray(read, dtype).tobytes()
    table = quietly(lambda: Table.read(written("ecsv", columns, data).decode(), format="ascii.ecsv"))
    assert table["x"].dtype == np.dtype(dtype)
    for exact, read in zip(values, values_of(table["x"]), strict=True):
        assert (read is None) == (exact is None)
        assert exact is None or np.asarray(exact, dtype).tobytes() == np.asarray(read, dtype).tobytes()


# --- ECSV -------------------------------------------------------------------------------------------------------------


def test_astropy_reads_ecsv() -> None:
    table = quietly(lambda: Table.read(written("ecsv").decode(), format="ascii.ecsv"))
    check_numbers(table)
    assert [str(x) for x in table["uni"][:2]] == ["αβγ", "名前"]
    assert table["b"].dtype == bool
    assert values_of(table["b"]) == [True, False, None, True, True]
    assert bits(table["p"][0], "f8") == bits([0.1, -90.0], "f8")
    assert list(table["v"][0]) == [1, -2]
    assert np.asarray(table["m"][0]).tolist() == [[1, 2], [3, 4], [5, 6]]
    for column in COLUMNS:
        found = table[column.name]
        assert (found.description or "") == column.description
        assert (found.unit.to_string("vounit") if found.unit else "") == column.unit
        assert (found.meta.get("ucd", ""), found.meta.get("utype", "")) == (column.ucd, column.utype)
        assert found.meta.get("xtype") == column.type.xtype
    assert table.meta["query"] == "SELECT * FROM t"


# --- Arrow and Parquet ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_pyarrow_reads_arrow_and_parquet(name: str) -> None:
    document = pa.py_buffer(written(name))
    if name == "parquet":
        file = pq.ParquetFile(pa.BufferReader(document))
        table, keys = file.read(), file.metadata.metadata
    else:
        table = pa.ipc.open_stream(document).read_all()
        keys = table.schema.metadata
    expected = pa.Table.from_batches([batch_of(COLUMNS, *DATA)])
    for index, column in enumerate(COLUMNS):
        assert repr(table.column(index).to_pylist()) == repr(expected.column(index).to_pylist()), column.name
    assert [column_of(field) for field in table.schema] == COLUMNS
    embedded = quietly(lambda: parse(io.BytesIO(keys[b"IVOA.VOTable-Parquet.content"])))
    fields = embedded.get_first_table().fields
    assert [(f.name, f.ucd or "") for f in fields] == [(c.name, c.ucd) for c in COLUMNS]


def test_duckdb_finds_plain_types_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(written("parquet"))
    rows = duckdb.connect().execute(f"SELECT id, n, d, f, s, t, p, v FROM '{path}'").fetchall()
    assert [row[0] for row in rows] == DATA[0]
    assert rows[0][5] == WHEN
    assert tuple(rows[0][6]) == (0.1, -90.0)


# --- STILTS -----------------------------------------------------------------------------------------------------------

# JVMs start slowly: one run a format, and columns that its CSV can say
SCALARS = [c for c in COLUMNS if (c.type.arraysize is None and c.name not in {"c"}) or c.name in {"s", "uni", "t"}]


@pytest.mark.parametrize(("name", "kind"), [("votable/b2", "votable"), ("votable/td", "votable"), ("fits", "fits")])
def test_stilts_reads_what_we_write(tmp_path: Path, name: str, kind: str) -> None:
    source, target = tmp_path / "in", tmp_path / "out.csv"
    source.write_bytes(written(name))
    kept = " ".join(column.name for column in SCALARS)
    command = ["stilts", "tpipe", f"in={source}", f"ifmt={kind}", f"cmd=keepcols '{kept}'", "ofmt=csv", f"out={target}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head, *rows = csv.reader(target.read_text().splitlines())
    assert head == [column.name for column in SCALARS]
    assert len(rows) == len(ROWS)
    for column, texts in zip(SCALARS, zip(*rows, strict=True), strict=True):
        exact = DATA[COLUMNS.index(column)]
        for value, text in zip(exact, texts, strict=True):
            check_text(name, column, value, text)


def check_text(name: str, column: Column, value: Any, text: str) -> None:
    if value is None:
        assert text in {"", "NaN"}, column.name
    elif column.type.datatype in {"double", "float"}:
        assert float(text.replace("Infinity", "inf")) == pytest.approx(value, rel=1e-7, abs=1e-44)
        if column.type == DOUBLE:
            assert bits(float(text), "f8") == bits(value, "f8")
    elif column.type == BOOLEAN:
        assert text == str(value).lower()
    elif column.type.xtype == "timestamp":
        assert text == "2016-01-01T12:00:00.5"
    elif column.name == "uni" and name == "fits":
        assert text.isascii()
    else:
        assert text == str(value)
