"""Nothing is rounded, swapped or lost at the edges: every format, read by this reader and as raw text.

docs/formats.md says what a format cannot tell apart; `TELLS_*` below are those lines as sets.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import NashiraError
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.registry import FORMATS
from nashira.formats.source import OPERATOR, ReadLimits
from nashira.formats.stream import ResultStream
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, STRING, TIMESTAMP, VOType
from tests.formats.samples import batch_of

WRITERS = {entry.name: entry.write for entry in FORMATS if entry.name != "votable"}
READABLE = sorted(WRITERS.keys() - {"html", "json", "csv/bare"})
TYPED = sorted(set(READABLE) - {"csv", "tsv"})
TELLS_NAN = {"votable/td", "votable/b2", "csv", "tsv", "parquet", "arrow", "ecsv"}
TELLS_EMPTY_TEXT = {"votable/b2", "csv", "parquet", "arrow"}


DOUBLES = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308,
           0.1, 1 / 3, 1e22, 1e23, 9007199254740993.0, 123456789012345680.0, 1e-7, math.inf, -math.inf]  # fmt: skip
FLOATS = [0.0, -0.0, 1e-45, 1.1754942e-38, 1.17549435e-38, 3.4028235e38, 0.1, 16777216.0, 33554430.0, 1e10, math.inf]


def written(name: str, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> bytes:
    return b"".join(WRITERS[name](ResultStream(columns, iter(batches))))


def read(path: Path, limits: ReadLimits = OPERATOR) -> tuple[tuple[Column, ...], pa.Table]:
    table = read_upload(path, limits)
    batches = list(table.batches)
    rows = pa.Table.from_batches(batches) if batches else pa.table({column.name: [] for column in table.columns})
    return table.columns, rows


def there_and_back(
    path: Path, name: str, columns: Sequence[Column], *data: Sequence[object]
) -> tuple[tuple[Column, ...], pa.Table]:
    (path / "x").write_bytes(written(name, columns, [batch_of(columns, *data)]))
    return read(path / "x")


def bits(values: Any, kind: str) -> list[int]:
    found: list[int] = np.asarray(values, kind).view(kind.replace("f", "u")).tolist()
    return found


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READABLE)
def test_doubles_and_floats_come_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(7)
    random = rng.integers(0, 2**64, 3000, np.uint64).view("f8")
    doubles = [*DOUBLES, *random[np.isfinite(random)].tolist(), 0.5]
    singles = rng.integers(0, 2**32, len(doubles), np.uint32).view("f4")
    singles[: len(FLOATS)] = FLOATS
    singles[~np.isfinite(singles) & ~np.isinf(singles)] = 0.5
    columns, rows = there_and_back(tmp_path, name, [Column("d", DOUBLE), Column("f", FLOAT)], doubles, list(singles))
    assert bits(rows["d"].to_numpy(), "f8") == bits(doubles, "f8")
    assert bits(rows["f"].to_numpy().astype("f4"), "f4") == bits(singles, "f4")
    if name in TYPED:
        assert [column.type for column in columns] == [DOUBLE, FLOAT]


@pytest.mark.parametrize("name", ["votable/td", "csv", "tsv", "ecsv", "json"])
def test_texts_of_numbers_are_the_shortest_that_restore_them(name: str) -> None:
    rng = np.random.default_rng(8)
    doubles = [x for x in rng.integers(0, 2**64, 500, np.uint64).view("f8") if np.isfinite(x)] + [0.1, 1e100, -1.5]
    singles = rng.lognormal(0, 20, len(doubles)).astype("f4")
    document = written(
        name, [Column("d", DOUBLE), Column("f", FLOAT)], [batch_of(COLUMNS_DF, doubles, list(singles))]
    ).decode()
    end = document.rindex('"rows"') if name == "json" else len(document)
    found = re.findall(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", document[_body(name, document) : end])
    assert len(found) == 2 * len(doubles)
    for text, exact in zip(found[::2], doubles, strict=True):
        assert float(text) == exact
        assert digits(text) <= digits(repr(float(exact)))
    for text, single in zip(found[1::2], singles, strict=True):
        assert np.float32(text) == single
        assert digits(text) <= digits(str(single))


COLUMNS_DF = [Column("d", DOUBLE), Column("f", FLOAT)]


def _body(name: str, document: str) -> int:
    marks = {"votable/td": "<TABLEDATA>", "json": '"data"', "ecsv": "\nd,f\n", "csv": "d,f", "tsv": "d\tf"}
    return document.index(marks[name])


def digits(text: str) -> int:
    """Significant digits of a number."""
    return len(text.lower().split("e")[0].lstrip("-").replace(".", "").strip("0"))


@pytest.mark.parametrize("name", READABLE)
def test_integers_have_all_their_bits(tmp_path: Path, name: str) -> None:
    longs = [2**63 - 1, -(2**63) + 1, 2**53 + 1, -(2**53) - 1, 0, -1, None]
    ints = [2**31 - 1, -(2**31) + 1, 0, 1, None, -1, 7]
    _, rows = there_and_back(tmp_path, name, [Column("k", LONG), Column("j", INTEGER)], longs, ints)
    assert rows["k"].to_pylist() == longs
    assert rows["j"].to_pylist() == ints


@pytest.mark.parametrize("name", sorted(set(READABLE) - {"votable/b"}))
def test_the_least_integers_are_values(tmp_path: Path, name: str) -> None:
    columns = [Column("k", LONG), Column("j", INTEGER), Column("i", VOType("short"))]
    least = [[-(2**63), 0, None], [-(2**31), 0, None], [-(2**15), 0, None]]
    _, rows = there_and_back(tmp_path, name, columns, *least)
    assert [rows[i].to_pylist() for i in range(3)] == least


def test_binary_ends_with_an_error_rather_than_lie_about_the_least_integer() -> None:
    batches = [batch_of([Column("k", LONG)], [-(2**63), None])]
    assert b'name="QUERY_STATUS" value="ERROR"' in written("votable/b", [Column("k", LONG)], batches)


@pytest.mark.parametrize("name", READABLE)
def test_nan_is_not_null_where_the_format_can_tell(tmp_path: Path, name: str) -> None:
    columns = [Column("n", INTEGER), Column("d", DOUBLE), Column("f", FLOAT)]
    values = [1.5, math.nan, None]
    _, rows = there_and_back(tmp_path, name, columns, [1, 2, 3], values, values)
    expected = "[1.5, nan, None]" if name in TELLS_NAN else "[1.5, None, None]"
    assert repr(rows["d"].to_pylist()) == repr(rows["f"].to_pylist()) == expected


def test_nan_is_not_null_in_json() -> None:
    document = json.loads(written("json", [Column("d", DOUBLE)], [batch_of([Column("d", DOUBLE)], [math.nan, None])]))
    assert document["data"] == [["NaN"], [None]]


# --- texts ------------------------------------------------------------------------------------------------------------

TEXTS = ["é", "名前", "𝒳 😀", "e\u0301", "\u200f\u2028\u2029", "\ufeffbom", "a,b;c|d", 'q"uo"te', "'", "<&>]]>", "\\N",
         "&amp;", "null", "NULL", "NA", "nan", "T", "# no comment", "=1+1", "-", "\\", "%", "x" * 5000]  # fmt: skip
CONTROLS = ["a\nb", "a\r\nb", "a\rb", "a\tb", " a", "a ", "  "]


@pytest.mark.parametrize("name", READABLE)
def test_texts_come_back(tmp_path: Path, name: str) -> None:
    _, rows = there_and_back(tmp_path, name, [Column("n", INTEGER), Column("s", STRING)], range(len(TEXTS)), TEXTS)
    assert rows["s"].to_pylist() == TEXTS


@pytest.mark.parametrize("name", sorted(set(READABLE) - {"tsv"}))
def test_blanks_and_line_breaks_come_back(tmp_path: Path, name: str) -> None:
    columns = [Column("n", INTEGER), Column("s", STRING)]
    _, rows = there_and_back(tmp_path, name, columns, range(len(CONTROLS)), CONTROLS)
    expected = [text.rstrip(" ") or None for text in CONTROLS] if name == "fits" else CONTROLS
    assert rows["s"].to_pylist() == expected


@pytest.mark.parametrize("name", READABLE)
def test_the_empty_text_is_not_null_where_the_format_can_tell(tmp_path: Path, name: str) -> None:
    columns = [Column("n", INTEGER), Column("s", STRING), Column("u", VOType("unicodeChar", "*"))]
    _, rows = there_and_back(tmp_path, name, columns, [1, 2, 3], ["", None, "x"], ["", None, "y"])
    empty = "" if name in TELLS_EMPTY_TEXT else None
    assert rows["s"].to_pylist() == [empty, None, "x"]
    assert rows["u"].to_pylist() == [empty, None, "y"]


@pytest.mark.parametrize("name", READABLE)
def test_a_lone_column_keeps_its_rows(tmp_path: Path, name: str) -> None:
    for kind, values in ((INTEGER, [1, None, 3, None]), (STRING, ["a", None, "b", None])):
        _, rows = there_and_back(tmp_path, name, [Column("c", kind)], values)
        assert [value or None for value in rows["c"].to_pylist()] == values


@pytest.mark.parametrize("name", sorted(set(READABLE) - {"tsv"}))
def test_names_may_have_any_characters(tmp_path: Path, name: str) -> None:
    names = ["größe α", "名前", 'q"uote', "<&>", "a,b", "o'neil", "_", "select", "a.b", "x" * 60]
    columns, rows = there_and_back(tmp_path, name, [Column(one, INTEGER) for one in names], *([1] for _ in names))
    assert [column.name for column in columns] == names
    assert rows.num_rows == 1


@pytest.mark.parametrize("name", ["votable/td", "votable/b2", "votable/b"])
def test_metadata_with_forbidden_characters_is_still_xml(tmp_path: Path, name: str) -> None:
    column = Column('a\0\x0b\ufffe"<', INTEGER, "desc\x01 ]]> &", "m\x02", "u\x03", "t\x1f")
    columns, _ = there_and_back(tmp_path, name, [column], [1])
    assert (columns[0].name, columns[0].description) == ('a\ufffd\ufffd\ufffd"<', "desc\ufffd ]]> &")


def test_controls_that_xml_forbids_become_the_replacement_character(tmp_path: Path) -> None:
    every = ["".join(map(chr, [*range(1, 9), 11, 12, *range(14, 32)])), "\ufffe\uffff", "\x7f\x85\x9f"]
    columns = [Column("n", INTEGER), Column("s", STRING)]
    _, rows = there_and_back(tmp_path, "votable/td", columns, [1, 2, 3], every)
    assert rows["s"].to_pylist() == ["\ufffd" * 28, "\ufffd\ufffd", "\x7f\x85\x9f"]
    for name in ("votable/b2", "votable/b", "csv", "ecsv", "parquet", "arrow", "fits"):
        _, rows = there_and_back(tmp_path, name, columns, [1, 2, 3], every)
        assert rows["s"].to_pylist() == every, name


def test_lone_surrogates_are_refused_by_name_wherever_they_come_from(tmp_path: Path) -> None:
    """Arrow has none, so none can be in a result; uploads may try."""
    lone = b"\xed\xa0\x80"
    unicode_field = '<FIELD name="s" datatype="unicodeChar" arraysize="*"/>'
    head = "<VOTABLE><RESOURCE><TABLE>"
    uploads = {
        "csv": b"n,s\n1,a" + lone + b"\n",
        "entity": f'{head}<FIELD name="s" datatype="char" arraysize="*"/><DATA><TABLEDATA><TR><TD>&#xD800;</TD></TR>'
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>".encode(),
        "utf-16": f'{head}{unicode_field}<DATA><BINARY><STREAM encoding="base64">AAAAAdgA</STREAM></BINARY></DATA>'
        "</TABLE></RESOURCE></VOTABLE>".encode(),
        "xml": head.encode()
        + b'<FIELD name="s" datatype="char" arraysize="*"/><DATA><TABLEDATA><TR><TD>'
        + lone
        + b"</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>",
    }
    for name, document in uploads.items():
        (tmp_path / name).write_bytes(document)
        with pytest.raises(NashiraError, match=r"UTF|XML|well-formed"):
            read(tmp_path / name)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=6),
    st.sampled_from(["csv", "ecsv", "parquet", "arrow"]),
)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str | None], name: str) -> None:
    path = tmp_path_factory.getbasetemp()
    texts = [text and text.replace("\0", "") for text in texts]
    columns = [Column("n", INTEGER), Column("s", STRING)]
    batch = [f"t{text}" if text else text for text in texts]  # CSV has no types: nothing may look like a number
    _, rows = there_and_back(path, name, columns, range(len(texts)), batch)
    assert rows["s"].to_pylist() == [(text or None) if name == "ecsv" else text for text in batch]


# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_no_rows_is_a_complete_document(tmp_path: Path, name: str) -> None:
    columns = [Column("a", LONG), Column("t", TIMESTAMP), Column("p", VOType("double", "2", "point"))]
    for batches in ([], [batch_of(columns, [], [], [])]):
        document = written(name, columns, batches)
        if name in READABLE:
            (tmp_path / "x").write_bytes(document)
            found, rows = read(tmp_path / "x")
            assert [column.name for column in found] == ["a", "t", "p"]
            assert rows.num_rows == 0
        if name in set(TYPED) - {"fits"}:
            assert [column.type for column in found] == [column.type for column in columns]


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_no_columns_break_no_writer(name: str) -> None:
    nothing = [pa.record_batch([], schema=pa.schema([])) for _ in range(2)]
    assert isinstance(written(name, [], nothing), bytes)
    assert isinstance(written(name, [], []), bytes)


@pytest.mark.parametrize("name", sorted(set(READABLE) - {"fits"}))
def test_five_thousand_columns(tmp_path: Path, name: str) -> None:
    columns = [Column(f"c{number}", INTEGER) for number in range(5000)]
    found, rows = there_and_back(tmp_path, name, columns, *([number, None] for number in range(5000)))
    assert [column.name for column in found] == [column.name for column in columns]
    assert rows.slice(0, 1).to_pylist()[0] == {f"c{number}": number for number in range(5000)}
    assert rows.num_rows == 2


def test_fits_refuses_more_columns_than_it_can_say() -> None:
    columns = [Column(f"c{number}", INTEGER) for number in range(1000)]
    with pytest.raises(NashiraError, match="999"):
        written("fits", columns, [batch_of(columns, *([1] for _ in columns))])


@pytest.mark.parametrize("name", READABLE)
def test_a_text_of_a_hundred_megabytes(tmp_path: Path, name: str) -> None:
    huge = ("e<&xy" if name == "fits" else "é<&x") * 20_000_000  # 100 MB
    columns = [Column("n", INTEGER), Column("s", STRING)]
    batch = pa.record_batch(
        [pa.array([1, 2], pa.int32()), pa.array([huge, "x"])], schema=batch_of(columns, [], []).schema
    )
    with (tmp_path / "x").open("wb") as file:
        file.writelines(WRITERS[name](ResultStream(columns, iter([batch]))))
    if name in {"csv", "tsv", "ecsv"}:  # their rows have 4 MB at most on the way in
        with pytest.raises(NashiraError, match="4194304 bytes"):
            read(tmp_path / "x")
        assert huge[:1000].encode() in (tmp_path / "x").read_bytes()
        return
    _, rows = read(tmp_path / "x")
    assert rows["s"][0].as_py() == huge
    assert rows["s"][1].as_py() == "x"


# --- batches ----------------------------------------------------------------------------------------------------------


MIXED = [Column("n", LONG), Column("s", STRING), Column("d", DOUBLE), Column("v", VOType("int", "*")),
         Column("b", VOType("boolean")), Column("t", TIMESTAMP)]  # fmt: skip


def mixed(rows: int) -> pa.RecordBatch:
    rng = np.random.default_rng(rows)
    holes = [[None if rng.random() < 0.3 else 1 for _ in range(rows)] for _ in MIXED]
    makers: list[Any] = [
        lambda n: n,
        lambda n: "é" * (n % 5) + "x",
        lambda n: n / 7,
        lambda n: list(range(1 + n % 4)),
        lambda n: n % 2 == 0,
        lambda n: np.datetime64(n * 1_000_003, "us").item(),
    ]
    return batch_of(
        MIXED, *([hole and make(n) for n, hole in enumerate(one)] for one, make in zip(holes, makers, strict=True))
    )


def cuts(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    return (batch.slice(start, size) for start in range(0, batch.num_rows, size))


@pytest.mark.parametrize("name", sorted(set(READABLE) | {"json"}))
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_where_batches_are_cut_does_not_show(tmp_path: Path, name: str, size: int) -> None:
    """Slices keep an offset into their buffers, and each has nulls of its own, or none."""
    whole = mixed(40)
    documents = [written(name, MIXED, list(parts)) for parts in ([whole], cuts(whole, size))]
    if name in {"parquet", "arrow"}:
        tables = []
        for number, document in enumerate(documents):  # Arrow values stay in the mapped file: one each
            (tmp_path / str(number)).write_bytes(document)
            tables.append(read(tmp_path / str(number))[1].combine_chunks())
        assert tables[0].equals(tables[1])
    else:
        assert documents[0] == documents[1]


@pytest.mark.parametrize("name", READABLE)
def test_batches_without_nulls_and_of_nulls_alone(tmp_path: Path, name: str) -> None:
    columns = [Column("n", LONG), Column("s", STRING), Column("d", DOUBLE)]
    parts: list[tuple[list[Any], ...]] = [
        ([1, 2], ["a", "b"], [0.5, 1.5]),
        ([None] * 2, [None] * 2, [None] * 2),
        ([3, None], [None, "c"], [2.5, None]),
    ]
    (tmp_path / "x").write_bytes(written(name, columns, [batch_of(columns, *part) for part in parts]))
    _, rows = read(tmp_path / "x")
    assert [rows[i].to_pylist() for i in range(3)] == [[*a, *b, *c] for a, b, c in zip(*parts, strict=True)]


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_texts_may_come_in_any_arrow_form(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    columns = [Column("n", INTEGER), Column("s", STRING)]
    texts = pa.array(["é", None, "xyz", "é"])
    texts = texts.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else texts.cast(kind)
    batch = pa.record_batch([pa.array([1, 2, 3, 4], pa.int32()), texts], names=["n", "s"])
    (tmp_path / "x").write_bytes(written(name, columns, [batch, batch.slice(1, 2)]))
    _, rows = read(tmp_path / "x")
    assert rows["s"].to_pylist() == ["é", None, "xyz", "é", None, "xyz"]


@pytest.mark.parametrize("name", READABLE)
def test_rows_across_the_borders_of_pieces(tmp_path: Path, name: str) -> None:
    """Writers cut at 65,536 rows, readers at blocks of megabytes: every row is there once, in order."""
    rows = 200_001
    numbers = np.arange(rows)
    columns = [Column("n", LONG), Column("s", STRING)]
    batch = pa.record_batch(
        [pa.array(numbers), pa.array(np.char.add("é", numbers.astype(str)))], schema=batch_of(columns, [], []).schema
    )
    (tmp_path / "x").write_bytes(written(name, columns, [batch]))
    _, found = read(tmp_path / "x")
    assert np.array_equal(found["n"].to_numpy(), numbers)
    assert found["s"].combine_chunks().equals(batch.column(1)) or found["s"].to_pylist() == batch.column(1).to_pylist()
    (again,) = open_tables(tmp_path / "x")
    assert sum(part.num_rows for part in again.batches) == rows
