"""What Nashira writes, Nashira reads: every type, nulls, arrays, any text; each format loses only what is listed here.

A result written as VOTable, FITS, CSV or Parquet comes back as an upload. `WAYS` says for each format what it cannot
tell apart; all else must be equal to the bit, and so must names, types, units, UCDs, utypes and descriptions.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.formats.arrow_write import write_arrow
from nashira.formats.ecsv_write import write_ecsv
from nashira.formats.fits_escapes import ascii_text, from_ascii, to_ascii
from nashira.formats.fits_write import write_fits
from nashira.formats.parquet_write import write_parquet
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.source import ReadLimits
from nashira.formats.stream import ResultStream
from nashira.formats.text_write import write_csv, write_tsv
from nashira.formats.votable_write import write_binary, write_binary2, write_tabledata
from nashira.schema.model import Column
from nashira.schema.types import (
    BOOLEAN,
    CIRCLE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    POINT,
    POLYGON,
    STRING,
    TIMESTAMP,
    VOType,
)
from tests.formats.samples import Writer, batch_of, stream

NOTHING = st.none()
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.sampled_from(
    [
        "é",
        "αβγ",
        "😀",
        "\\",
        "\\x41",
        "\\xe9é",
        "\\u00e9",
        "\\U0001f600",
        "\\alpha Cen",
        "a\0b",
        " x",
        "]]>",
        "\r\n",
        "&amp;",
    ]
)
BYTE, SHORT = VOType("unsignedByte"), VOType("short")


def integers(bits: int) -> st.SearchStrategy[int]:
    """Integers but the least, which BINARY and FITS may take for null."""
    return st.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1)


def lists(values: st.SearchStrategy[Any], least: int, most: int | None = None) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=least, max_size=most or least)


def texts_of(bytes_: int, encoding: str) -> st.SearchStrategy[str]:
    """Texts of at most so many bytes; NUL ends a text in BINARY, and blanks at the end pad the strings of arrays."""
    plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=bytes_)
    return plain.map(lambda text: text.rstrip(" ")).filter(lambda text: len(text.encode(encoding)) <= bytes_)


TIMES = st.datetimes().map(lambda when: when.replace(fold=0))
F32, F64 = st.floats(width=32), st.floats()
KINDS: dict[VOType, st.SearchStrategy[Any]] = {
    LONG: integers(64),
    INTEGER: integers(32),
    SHORT: integers(16),
    BYTE: st.integers(0, 255),
    DOUBLE: F64,
    FLOAT: F32,
    BOOLEAN: st.booleans(),
    VOType("bit"): st.booleans(),
    STRING: ANY_TEXT,
    VOType("char", "12"): texts_of(12, "utf-8"),
    VOType("char", "12*"): texts_of(12, "utf-8"),
    VOType("unicodeChar", "*"): ANY_TEXT,
    VOType("unicodeChar", "7"): texts_of(14, "utf-16-le"),
    TIMESTAMP: TIMES,
    POINT: lists(F64, 2),
    CIRCLE: lists(F64, 3),
    POLYGON: lists(F64, 0, 6),
    VOType("int", "*"): lists(integers(32), 0, 5),
    VOType("unsignedByte", "3"): lists(st.integers(0, 255), 3),
    VOType("short", "2x3"): lists(integers(16), 6),
    VOType("long", "2x*"): st.integers(0, 2).flatmap(lambda n: lists(integers(64), 2 * n, 2 * n or None)),
    VOType("float", "4*"): lists(F32, 0, 4),
    VOType("boolean", "3"): lists(NOTHING | st.booleans(), 3),
    VOType("boolean", "*"): lists(NOTHING | st.booleans(), 0, 4),
    VOType("bit", "11"): lists(st.booleans(), 11),
    VOType("bit", "*"): lists(st.booleans(), 0, 17),
    VOType("floatComplex"): lists(F32, 2),
    VOType("doubleComplex", "2"): lists(lists(F64, 2), 2),
    VOType("doubleComplex", "*"): lists(lists(F64, 2), 0, 3),
    VOType("char", "5x3"): lists(texts_of(5, "utf-8"), 3),
    VOType("unicodeChar", "3x2"): lists(texts_of(6, "utf-16-le"), 2),
}
NEVER_NULL = {VOType("bit"), VOType("bit", "11"), VOType("bit", "*")}  # BINARY refuses them, FITS makes them booleans
ABOUT: dict[str, Any] = {
    "description": "Größe \\x41 & <λ>",
    "unit": "mas.yr**-1",
    "ucd": "pos.pm;pos.eq.ra",
    "utype": "a:b.c",
}
Loss = Callable[[VOType, Any], Any]


@st.composite
def results(draw: st.DrawFn) -> tuple[list[Column], list[list[Any]], int]:
    """Columns, their values, and where the rows are cut into two batches."""
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=6))
    rows = draw(st.integers(0, 7))
    columns = [Column(f"c{i} é", kind, **draw(st.sampled_from([ABOUT, {}]))) for i, kind in enumerate(kinds)]
    values = [KINDS[kind] if kind in NEVER_NULL else NOTHING | KINDS[kind] for kind in kinds]
    return columns, [draw(lists(one, rows)) if rows else [] for one in values], draw(st.integers(0, rows))


def is_text(kind: VOType) -> bool:
    return kind.datatype in {"char", "unicodeChar"} and kind.xtype is None


def xml_text(text: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def fixed_items(kind: VOType) -> int:
    """Elements of a fixed array, 0 for scalars and open arrays."""
    kind_of_rows = batch_of([Column("c", kind)], []).schema[0].type
    return int(kind_of_rows.list_size) if pa.types.is_fixed_size_list(kind_of_rows) else 0


def empty_is_null(kind: VOType, value: Any) -> Any:
    return None if value in ("", []) else value


def empty_text_is_null(kind: VOType, value: Any) -> Any:
    return None if value == "" else value


def forbidden_by_xml(kind: VOType, value: Any) -> Any:
    if isinstance(value, list) and is_text(kind):
        return [xml_text(text) for text in value]
    return xml_text(value) if isinstance(value, str) else value


def cut_at_nul(kind: VOType, value: Any) -> Any:
    return value.partition("\0")[0] if isinstance(value, str) else value


def cut_at_blanks(kind: VOType, value: Any) -> Any:
    return value.rstrip(" ") if isinstance(value, str) else value


def nan_is_null(kind: VOType, value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def null_arrays_have_null_elements(kind: VOType, value: Any) -> Any:
    if value is not None or not fixed_items(kind):
        return value
    nothing = "" if is_text(kind) else math.nan if re.match("float|double", kind.datatype) else None
    inner = [math.nan] * 2 if kind.datatype.endswith("Complex") and kind.arraysize else nothing
    return [inner] * fixed_items(kind)


@dataclass(frozen=True)
class Way:
    """A writer and what it loses, step by step."""

    write: Writer
    losses: tuple[Loss, ...] = ()

    def back(self, kind: VOType, value: Any) -> Any:
        for loss in self.losses:
            value = loss(kind, value)
        return value


WAYS = {
    "TABLEDATA": Way(write_tabledata, (forbidden_by_xml, empty_is_null)),
    "BINARY2": Way(write_binary2, (cut_at_nul,)),
    "BINARY": Way(write_binary, (cut_at_nul, empty_is_null, nan_is_null, null_arrays_have_null_elements)),
    "FITS": Way(write_fits, (cut_at_blanks, empty_is_null, nan_is_null, null_arrays_have_null_elements)),
    "Parquet": Way(write_parquet),
    "Arrow": Way(write_arrow),
    "ECSV": Way(write_ecsv, (empty_text_is_null,)),
}
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Folders = pytest.TempPathFactory


@pytest.fixture(scope="module")
def path(tmp_path_factory: Folders) -> Path:
    """One file for all examples."""
    return tmp_path_factory.mktemp("own") / "table"


def there_and_back(path: Path, write: Writer, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> Any:
    """Write, read by both doors, and give (columns, values of each column)."""
    path.write_bytes(b"".join(write(ResultStream(columns, iter(batches)))))
    table = read_upload(path, ReadLimits())
    rows = list(table.batches)
    (again,) = open_tables(path)
    assert again.columns == table.columns
    assert list(again.batches) == rows or "nan" in repr([batch.to_pylist() for batch in rows])
    return table.columns, [[x for batch in rows for x in batch.column(i).to_pylist()] for i in range(len(columns))]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@QUICK
@given(result=results())
def test_values_come_back(path: Path, way: Way, result: tuple[list[Column], list[list[Any]], int]) -> None:
    columns, data, cut = result
    whole = batch_of(columns, *data)
    found, values = there_and_back(path, way.write, columns, [whole.slice(0, cut), whole.slice(cut)])
    for column, given_values, other, read in zip(columns, whole.columns, found, values, strict=True):
        expected = [way.back(column.type, value) for value in given_values.to_pylist()]
        assert repr(read) == repr(expected), column
        assert replace(other, type=column.type) == column
        assert other.type.xtype == column.type.xtype


SAME_TYPE = ["TABLEDATA", "BINARY2", "Parquet", "Arrow", "ECSV"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_types_come_back(path: Path, way: str, kind: VOType) -> None:
    (found,), _ = there_and_back(path, WAYS[way].write, [Column("c", kind)], [batch_of([Column("c", kind)], [])])
    assert isinstance(found, Column)
    if way in SAME_TYPE:
        assert found.type == kind


def test_texts_keep_every_character_in_fits(path: Path) -> None:
    texts = [
        "é",
        "αβγ😀",
        "a\0b\n",
        "\\xe9",
        "\\xe9 é",
        "\\\\u00e9",
        "\\alpha",
        "\\U0001f600",
        "\\U00110000",
        "\\x4",
        "\\",
        None,
    ]
    columns = [Column("s", STRING), Column("l", VOType("char", "9x2")), Column("plain", STRING)]
    pairs = [["é", "\\x41"]] * len(texts)
    batch = batch_of(columns, texts, pairs, ["x"] * len(texts))
    _, values = there_and_back(path, write_fits, columns, [batch])
    assert values == [texts, pairs, ["x"] * len(texts)]
    assert all(byte < 0x80 for byte in path.read_bytes()[:2880])
    assert b"TXTESC  = 'backslash'" in path.read_bytes()


def test_files_that_need_no_escapes_say_nothing_of_them(path: Path) -> None:
    columns = [Column("s", STRING)]
    there_and_back(path, write_fits, columns, [batch_of(columns, ["\\alpha Cen", "\\x"])])
    assert b"TXTESC" not in path.read_bytes()


def test_backslashes_of_other_files_are_text(path: Path) -> None:
    document = b"".join(write_fits(stream([Column("s", STRING)], ["é", "abc\\xe9"])))
    path.write_bytes(document.replace(b"TXTESC  =", b"TXTESC2 ="))
    table = read_upload(path, ReadLimits())
    assert [text for batch in table.batches for text in batch.column(0).to_pylist()] == ["\\xe9", "abc\\x5cxe9"]


@QUICK
@given(st.lists(NOTHING | st.text(st.characters(exclude_categories=["Cs"])) | ANY_TEXT, max_size=8))
def test_escapes_are_undone(texts: list[str | None]) -> None:
    written = to_ascii(pa.array(texts, pa.string()))
    assert all(text is None or re.fullmatch("[ -~]*", text) for text in written.to_pylist())
    assert written.to_pylist() == [None if text is None else ascii_text(text) for text in texts]
    assert from_ascii(written).to_pylist() == texts


@QUICK
@given(st.lists(st.text(st.sampled_from("\\\\xuU0041dDfé")), max_size=8))
def test_undoing_escapes_never_fails(texts: list[str]) -> None:
    """Hostile files hold any escapes: beyond Unicode, of surrogates, cut at the end of a text."""

    def character(found: re.Match[str]) -> str:
        code = int(found.group(1)[1:], 16)
        return found.group() if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)

    expected = [re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})", character, text) for text in texts]
    assert from_ascii(pa.array(texts, pa.string())).to_pylist() == expected


# CSV has no types: what looks like a number is read as one; a file with NULs is taken for a binary one
WORDS = ANY_TEXT.map(lambda text: f"t {text}".replace("\0", ""))
CSV_KINDS: dict[VOType, st.SearchStrategy[Any]] = {
    LONG: st.integers(-(2**63), 2**63 - 1),
    DOUBLE: F64.filter(lambda x: not (math.isfinite(x) and x.is_integer() and abs(x) < 1e16)),
    BOOLEAN: st.booleans(),
    STRING: WORDS,
    TIMESTAMP: TIMES,
    POINT: lists(F64, 2),
    VOType("char", "5x3"): lists(texts_of(5, "utf-8"), 3),
}


@pytest.mark.parametrize("kind", CSV_KINDS, ids=str)
@QUICK
@given(data=st.data())
def test_csv_comes_back_by_what_its_values_look_like(path: Path, kind: VOType, data: st.DataObject) -> None:
    values = data.draw(st.lists(NOTHING | CSV_KINDS[kind], max_size=7))
    columns = [Column("n", INTEGER), Column("größe", kind)]
    (number, _), (_, found) = there_and_back(path, write_csv, columns, [batch_of(columns, range(len(values)), values)])
    assert number.type == (INTEGER if values else STRING)
    if not kind.arraysize or kind in {STRING, TIMESTAMP}:
        assert repr(found) == repr(values)
    elif kind.datatype == "char":
        assert [text and json.loads(text) for text in found] == values
    else:
        parts = [text and [float(part) for part in text.split(" ")] for text in found]
        assert repr(parts) == repr(values)


def test_csv_and_tsv_tell_the_empty_text_from_null_as_far_as_they_can(path: Path) -> None:
    columns = [Column("n", INTEGER), Column("s", STRING)]
    batch = batch_of(columns, [1, 2, 3], ["", None, "é\tß"])
    assert there_and_back(path, write_csv, columns, [batch])[1][1] == ["", None, "é\tß"]
    assert there_and_back(path, write_tsv, columns, [batch])[1][1] == [None, None, "é ß"]


def test_a_lone_column_whose_name_has_blanks_comes_back_from_csv(path: Path) -> None:
    columns = [Column("RA deg", DOUBLE)]
    assert there_and_back(path, write_csv, columns, [batch_of(columns, [1.5])]) == ((columns[0],), [[1.5]])
