"""What is written comes back: every type, nulls, extremes, any batching; read by astropy, pyarrow, csv and json."""

import csv
import io
import json
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.io.votable import parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.formats.fits_escapes import ascii_text
from nashira.formats.fits_write import write_fits
from nashira.formats.json_write import write_json
from nashira.formats.parquet_write import write_parquet
from nashira.formats.stream import ResultStream
from nashira.formats.text_write import write_csv
from nashira.formats.votable_write import write_binary, write_binary2, write_tabledata
from nashira.schema.arrow import column_of, schema_of
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType
from tests.formats.samples import Writer, batch_of

FLOATS32 = st.floats(width=32)
# astropy strips the cells of TABLEDATA; test_roundtrip_own has blanks at both ends
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)


Result = tuple[list[Column], list[list[Any]], list[pa.RecordBatch]]  # columns, their values, the same as batches


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1)


# least values of the types are left out, as BINARY takes them for nulls; test_extremes has them
KINDS: dict[VOType, st.SearchStrategy[Any]] = {
    LONG: integers(64),
    INTEGER: integers(32),
    VOType("short"): integers(16),
    VOType("unsignedByte"): st.integers(0, 255),
    DOUBLE: st.floats(),
    FLOAT: FLOATS32,
    BOOLEAN: st.booleans(),
    STRING: ASCII,
    VOType("char", "12"): ASCII,
    VOType("unicodeChar", "*"): st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=8).map(
        str.strip
    ),
    TIMESTAMP: st.datetimes().map(lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)),
    POINT: st.lists(st.floats(allow_nan=False), min_size=2, max_size=2),
    POLYGON: st.lists(st.floats(allow_nan=False), min_size=1, max_size=6),
    VOType("int", "*"): st.lists(integers(32), min_size=1, max_size=5),
    VOType("short", "2x3"): st.lists(integers(16), min_size=6, max_size=6),
    VOType("bit", "11"): st.lists(st.booleans(), min_size=11, max_size=11),
    VOType("doubleComplex"): st.lists(st.floats(allow_nan=False), min_size=2, max_size=2),
}
NEVER_NULL = {VOType("bit", "11")}


@st.composite
def results(draw: st.DrawFn) -> Result:
    """Columns, their values, and a way to cut the rows into batches."""
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=5))
    rows = draw(st.integers(0, 7))
    columns = [Column(f"c{i}", kind) for i, kind in enumerate(kinds)]
    data = []
    for kind in kinds:
        values = KINDS[kind] if kind in NEVER_NULL else st.none() | KINDS[kind]
        data.append(draw(st.lists(values, min_size=rows, max_size=rows)))
    cut = draw(st.integers(0, rows))
    batch = batch_of(columns, *data)
    return columns, data, [batch.slice(0, cut), batch.slice(cut)]


def written(write: Writer, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> bytes:
    return b"".join(write(ResultStream(columns, iter(batches))))


def flat(value: Any) -> list[Any]:
    """Anything numeric as a list of plain numbers; masked becomes NaN."""
    if isinstance(value, np.ma.MaskedArray) and np.issubdtype(value.dtype, np.number):
        value = np.ma.filled(value.astype(complex if np.iscomplexobj(value) else float), np.nan)
    array = np.atleast_1d(np.asarray(value)).reshape(-1)
    if np.iscomplexobj(array):
        array = np.stack([array.real, array.imag], axis=-1).reshape(-1)
    return list(array.tolist())


def same(expected: Sequence[float], found: Sequence[float]) -> bool:
    return len(expected) == len(found) and all(
        a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
        for a, b in zip(expected, found, strict=True)
    )


def check(kind: VOType, expected: Any, found: Any, masked: bool) -> None:
    """Compare one value with what astropy read; text has no null but the empty one."""
    if kind.datatype in {"char", "unicodeChar"}:
        texts = {None: ""}
        when = expected.isoformat().rstrip("0") if kind.xtype and expected and expected.microsecond else None
        whole = expected.isoformat() if kind.xtype and expected else None
        text = texts.get(expected, expected) if not kind.xtype else (when or whole or "")
        assert str(found) == text
    elif expected is None:
        assert masked or len(flat(found)) == 0 or all(math.isnan(x) for x in flat(found))
    elif isinstance(expected, float) and math.isnan(expected):
        assert masked or math.isnan(found)
    else:
        expected = expected if isinstance(expected, list) else [expected]
        assert not masked
        assert same([float(x) for x in expected], [float(x) for x in flat(found)])


def check_votable(write: Writer, result: Result) -> None:
    columns, data, batches = result
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = parse(io.BytesIO(written(write, columns, batches))).get_first_table()
    assert len(table.array) == len(data[0])
    for column, values in zip(columns, data, strict=True):
        read = table.array[column.name]
        for row, expected in enumerate(values):
            mask = np.asarray(read.mask[row])
            check(column.type, expected, read.data[row], bool(mask.size) and bool(mask.all()))


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(results())
def test_tabledata(result: Result) -> None:
    check_votable(write_tabledata, result)


@QUICK
@given(results())
def test_binary2(result: Result) -> None:
    check_votable(write_binary2, result)


@QUICK
@given(results())
def test_binary(result: Result) -> None:
    check_votable(write_binary, result)


@QUICK
@given(results())
def test_fits(result: Result) -> None:
    columns, data, batches = result
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(written(write_fits, columns, batches))) as hdus:
            hdus.verify("exception")
            header, table = hdus[1].header, hdus[1].data
            assert header["NAXIS2"] == len(data[0])
            for number, (column, values) in enumerate(zip(columns, data, strict=True), 1):
                null = header.get(f"TNULL{number}")
                for row, expected in enumerate(values):
                    found = table[column.name][row]
                    if column.type.datatype == "boolean" and expected is None:
                        continue  # astropy shows null booleans as False; test_fits_write reads the byte
                    if column.type.datatype == "unicodeChar":
                        assert found == ascii_text(expected or "").rstrip()
                        continue
                    if column.type.datatype == "char" and not column.type.xtype:
                        assert found == (expected or "").rstrip()
                        continue
                    masked = null is not None and len(flat(found)) > 0 and all(x == null for x in flat(found))
                    check(column.type, expected, found, masked)


@QUICK
@given(results())
def test_parquet(result: Result) -> None:
    columns, _, batches = result
    read = pq.read_table(pa.BufferReader(written(write_parquet, columns, batches)))
    expected = pa.Table.from_batches(batches, schema=schema_of(columns))
    assert str(read.to_pylist()) == str(expected.to_pylist())
    assert [column_of(field) for field in read.schema] == columns


@QUICK
@given(results())
def test_json(result: Result) -> None:
    columns, data, batches = result
    document = json.loads(written(write_json, columns, batches))
    assert [entry["datatype"] for entry in document["metadata"]] == [column.type.datatype for column in columns]
    assert (document["rows"], document["status"]) == (len(data[0]), "OK")
    for place, (column, values) in enumerate(zip(columns, data, strict=True)):
        for expected, row in zip(values, document["data"], strict=True):
            assert json_value(column.type, row[place]) == plain_value(column.type, expected)


def json_value(kind: VOType, value: Any) -> Any:
    if kind.datatype in {"float", "double", "doubleComplex"} and value is not None:
        narrow = np.float32 if kind.datatype == "float" else float
        return repr([float(narrow(x)) for x in (value if isinstance(value, list) else [value])])
    return value


def plain_value(kind: VOType, value: Any) -> Any:
    if value is None:
        return None
    if kind.xtype == "timestamp":
        return value.isoformat().rstrip("0") if value.microsecond else value.isoformat()
    if kind.datatype == "bit":
        return [int(bit) for bit in value]
    return json_value(kind, value)


@QUICK
@given(st.lists(st.tuples(st.none() | st.text(st.characters(exclude_categories=["Cs"])), st.floats()), max_size=8))
def test_csv_of_any_text(rows: list[tuple[str | None, float]]) -> None:
    columns = [Column("s", STRING), Column("d", DOUBLE)]
    texts, numbers = [row[0] for row in rows], [row[1] for row in rows]
    document = written(write_csv, columns, [batch_of(columns, texts, numbers)]).decode()
    read = list(csv.reader(io.StringIO(document, newline=""), strict=True))
    assert read[0] == ["s", "d"]
    assert [row[0] for row in read[1:]] == [text or "" for text in texts]
    assert repr([float(row[1]) for row in read[1:]]) == repr(numbers)


@QUICK
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_json_of_any_text(texts: list[str | None]) -> None:
    columns = [Column("s", STRING), Column("l", VOType("char", "*x2"))]
    batch = batch_of(columns, texts, [[t, t] for t in texts])
    assert json.loads(written(write_json, columns, [batch]))["data"] == [[t, [t, t]] for t in texts]


def test_extremes_in_every_format_without_declared_nulls() -> None:
    columns = [Column("k", LONG), Column("s", VOType("short")), Column("d", DOUBLE), Column("f", FLOAT)]
    data: list[list[Any]] = [
        [-(2**63), 2**63 - 1, None],
        [-(2**15), 2**15 - 1, None],
        [5e-324, -1.7976931348623157e308, None],
        [1.401298464324817e-45, 3.4028234663852886e38, None],
    ]
    batches = [batch_of(columns, *data)]
    for write in (write_tabledata, write_binary2):
        check_votable(write, (columns, data, batches))
    document = json.loads(written(write_json, columns, batches))
    assert document["data"][0][:3] == [-(2**63), -(2**15), 5e-324]
    assert written(write_csv, columns, batches).split(b"\r\n")[1].startswith(b"-9223372036854775808,-32768,5e-324,")
