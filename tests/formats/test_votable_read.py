"""VOTable reading: every datatype in every serialisation, nulls, metadata, and odd but legal documents."""

import base64
import datetime as dt
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.io.votable.tree import VOTableFile
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import UploadError
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.source import ReadLimits, SourceTable
from nashira.formats.stream import ResultStream
from nashira.formats.votable_write import write_binary, write_binary2, write_tabledata
from nashira.schema.model import Column
from nashira.schema.types import VOType, arrow_type
from tests.formats.samples import binary, column_of, document, rows_of, tabledata

LIMITS = ReadLimits()
Folders = pytest.TempPathFactory
Upload = Callable[..., SourceTable]


def field(datatype: str, size: str = "", more: str = "") -> str:
    arraysize = f' arraysize="{size}"' if size else ""
    return f'<FIELD name="x" datatype="{datatype}"{arraysize}>{more}</FIELD>'


@pytest.mark.parametrize(
    ("datatype", "size", "text", "value"),
    [
        ("boolean", "", "T", True),
        ("boolean", "", "true", True),
        ("boolean", "", " 1 ", True),
        ("boolean", "", "f", False),
        ("boolean", "", "False", False),
        ("boolean", "", "0", False),
        ("boolean", "", "?", None),
        ("boolean", "", " ", None),
        ("boolean", "3", "T F ?", [True, False, None]),
        ("bit", "", "1", True),
        ("bit", "5", "01101", [False, True, True, False, True]),
        ("bit", "*", "1 0\n1", [True, False, True]),
        ("unsignedByte", "", "255", 255),
        ("unsignedByte", "", "0xff", 255),
        ("short", "", "-32768", -32768),
        ("short", "", " +7 ", 7),
        ("short", "", "0x7F", 127),
        ("int", "", "2147483647", 2147483647),
        ("int", "1", "5", 5),
        ("long", "", "-9223372036854775808", -(2**63)),
        ("long", "2", "1 2", [1, 2]),
        ("long", "2x3", "1 2 3 4 5 6", [1, 2, 3, 4, 5, 6]),
        ("int", "2x*", "1 2 3 4", [1, 2, 3, 4]),
        ("int", "*", " 1\n2\t3 ", [1, 2, 3]),
        ("float", "", "1.5", 1.5),
        ("float", "", "+1.5E+2", 150.0),
        ("double", "", "1e-300", 1e-300),
        ("double", "", "+Inf", math.inf),
        ("double", "", "-Inf", -math.inf),
        ("double", "", "-.5", -0.5),
        ("double", "", "", None),
        ("double", "*", "", None),
        ("double", "3", "1 +2 -Inf", [1, 2, -math.inf]),
        ("floatComplex", "", "1 -2", [1, -2]),
        ("doubleComplex", "2", "1 2 3 4", [[1, 2], [3, 4]]),
        ("doubleComplex", "*", "1 2 3 4", [[1, 2], [3, 4]]),
        ("char", "*", " two words ", " two words "),
        ("char", "*", "", None),
        ("char", "", "more than one", "more than one"),
        ("char", "3", "abc", "abc"),
        ("char", "*", "&lt;&amp;&gt; &quot;&apos;", "<&> \"'"),
        ("char", "*", "&amp;lt;", "&lt;"),
        ("char", "*", "&#233;&#x3b1;", "éα"),
        ("char", "*", "<![CDATA[<b> & ]]>", "<b> & "),
        ("char", "*", "a<!-- not this -->b", "ab"),
        ("char", "*", "line\r\nbreak", "line\nbreak"),
        ("char", "*", "größer > Ω", "größer > Ω"),
        ("unicodeChar", "*", "Ἀλκυόνη", "Ἀλκυόνη"),
        ("char", "4x*", "ab  cd  e", ["ab", "cd", "e"]),
        ("char", "2x3", "abcd", ["ab", "cd", ""]),
    ],
)
def test_tabledata_cells(upload: Upload, datatype: str, size: str, text: str, value: object) -> None:
    assert column_of(upload(tabledata(field(datatype, size), f"<TD>{text}</TD>"))) == [value]


def test_nan_is_a_value_in_tabledata(upload: Upload) -> None:
    (value,) = column_of(upload(tabledata(field("double"), "<TD>NaN</TD>")))
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize("empty", ["<TD/>", "<TD></TD>", "<TD />", "<TD ></TD>", ""])
def test_an_empty_or_missing_cell_is_null_for_every_type(upload: Upload, empty: str) -> None:
    types = ["boolean", "bit", "unsignedByte", "short", "int", "long", "float", "double", "floatComplex", "char"]
    fields = "".join(f'<FIELD name="{t}" datatype="{t}" arraysize="{n}"/>' for t in types for n in ("1", "3", "*"))
    rows = rows_of(upload(tabledata(fields, empty * 3 * len(types))))
    assert rows.to_pylist() == [dict.fromkeys(rows.column_names)]


@pytest.mark.parametrize(
    ("datatype", "null", "texts", "values"),
    [
        ("int", "-99", ["-99", "1", "-099"], [None, 1, None]),
        ("short", "0x10", ["16", "17"], [None, 17]),
        ("float", "nan", ["NaN", "2"], [None, 2]),
        ("double", "99.9", ["99.90", "2"], [None, 2]),
        ("char", "N/A", ["N/A", "n/a"], [None, "n/a"]),
        ("int", "nonsense", ["1", "2"], [1, 2]),
    ],
)
def test_the_value_of_values_null_is_null(
    upload: Upload, datatype: str, null: str, texts: list[Any], values: list[Any]
) -> None:
    fields = field(datatype, "*" if datatype == "char" else "", f'<VALUES null="{null}"/>')
    assert column_of(upload(tabledata(fields, *(f"<TD>{text}</TD>" for text in texts)))) == values


def test_null_elements_of_arrays_are_null(upload: Upload) -> None:
    fields = field("int", "*", '<VALUES null="-1"/>')
    assert column_of(upload(tabledata(fields, "<TD>1 -1 3</TD>"))) == [[1, None, 3]]


def test_dali_timestamps_become_times(upload: Upload) -> None:
    fields = '<FIELD name="t" datatype="char" arraysize="*" xtype="adql:TIMESTAMP"/>'
    texts = ["2000-01-01", "2000-01-01T12:34:56", "2000-01-01 12:34:56.5Z", "1850-12-31T23:59:59.1234567", ""]
    table = upload(tabledata(fields, *(f"<TD>{text}</TD>" for text in texts)))
    assert table.columns[0].type == VOType("char", "*", "timestamp")
    assert column_of(table) == [
        dt.datetime(2000, 1, 1),
        dt.datetime(2000, 1, 1, 12, 34, 56),
        dt.datetime(2000, 1, 1, 12, 34, 56, 500000),
        dt.datetime(1850, 12, 31, 23, 59, 59, 123456),
        None,
    ]


def test_metadata_of_fields_is_kept(upload: Upload) -> None:
    fields = (
        '<FIELD ID="c1" name="RA J2000" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main" utype="a:b.c" ref="sys">'
        '<DESCRIPTION>\n Right\n  ascension </DESCRIPTION><VALUES><MIN value="0"/></VALUES></FIELD>'
        '<FIELD ID="c2" datatype="double" arraysize="2" xtype="point"/><FIELD name="ra j2000" datatype="int"/>'
    )
    table = upload(tabledata(fields, "<TD>1</TD><TD>1 2</TD><TD>3</TD>"))
    assert table.columns == (
        Column("RA J2000", VOType("double"), "Right ascension", "deg", "pos.eq.ra;meta.main", "a:b.c"),
        Column("c2", VOType("double", "2", "point")),
        Column("ra j2000_2", VOType("int")),
    )


def test_name_description_and_infos_of_the_table(upload: Upload) -> None:
    text = tabledata(field("int"), "<TD>1</TD>").replace("<TABLE>", '<TABLE name="t1"><DESCRIPTION>Stars</DESCRIPTION>')
    table = upload(text.replace("<RESOURCE>", '<RESOURCE><INFO name="QUERY_STATUS" value="OK"/>'))
    assert (table.name, table.description, table.infos) == ("t1", "Stars", (("QUERY_STATUS", "OK"),))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("v1.3", "v1.1").replace("1.4", "1.1"),
        lambda text: text.replace(' xmlns="http://www.ivoa.net/xml/VOTable/v1.3"', ""),
        lambda text: text.replace('"1.0"?>', '"1.0"?><!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">'),
        lambda text: text.replace("</", "\0").replace("<", "<v:").replace("\0", "</v:").replace("<v:?", "<?"),
        lambda text: text.replace("<TABLEDATA>", "<TABLEDATA ><!-- 1 -->"),
        lambda text: text.replace("<TABLEDATA>", "<TABLEDATA note='a>b'>"),
        lambda text: text.replace("<TR>", "<TR ID='r'>", 1),
        lambda text: text.replace("<TD>", "<TD note='1'>", 1),
        lambda text: text.replace("<TR>", "\r\n  <TR>\r\n").replace("<TD>", "\t<TD>"),
        lambda text: text.replace("</TABLEDATA>", "<?what ever?></TABLEDATA\n >"),
        lambda text: text.replace("<RESOURCE>", "<!-- <TABLEDATA> <STREAM> --><RESOURCE>"),
        lambda text: text.replace("<TABLE>", '<GROUP><PARAM name="p" datatype="int" value="1"/></GROUP><TABLE>'),
        lambda text: "\ufeff" + text,
        lambda text: text.replace('"1.0"', '"1.0" encoding="UTF-8"'),
        lambda text: text.replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1"),
        lambda text: text.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
        lambda text: text.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16-be"),
    ],
)
def test_every_spelling_gives_the_same_table(upload: Upload, change: Callable[[str], str | bytes]) -> None:
    fields = '<FIELD name="n" datatype="int"/><FIELD name="s" datatype="char" arraysize="*"/>'
    text = tabledata(fields, "<TD>1</TD><TD>é</TD>", "<TD/><TD>b &amp; c</TD>")
    rows = rows_of(upload(change(text)))
    assert rows.to_pylist() == [{"n": 1, "s": "é"}, {"n": None, "s": "b & c"}]


def test_all_tables_of_a_document_are_opened_in_any_order(tmp_path: Path) -> None:
    one = "<TABLE name='{0}'>{1}<DATA><TABLEDATA><TR><TD>{2}</TD></TR></TABLEDATA></DATA></TABLE>"
    stream = '<BINARY><STREAM encoding="base64">AAI=</STREAM></BINARY>'
    two = f'<TABLE ID="b"><FIELD name="y" datatype="short"/><DATA>{stream}</DATA></TABLE>'
    empty = '<TABLE name="none"><FIELD name="z" datatype="int"/></TABLE>'
    parts = one.format("a", field("int"), 1) + two + empty + one.format("a", field("double"), 3)
    path = tmp_path / "many.vot"
    path.write_text(f"<VOTABLE><RESOURCE><RESOURCE>{parts}</RESOURCE></RESOURCE></VOTABLE>")
    tables = open_tables(path)
    assert [table.name for table in tables] == ["a", "b", "none", "a_2"]
    assert [column_of(table) if table.name != "none" else list(table.batches) for table in tables[::-1]] == [
        [3.0],
        [],
        [2],
        [1],
    ]
    assert column_of(read_upload(path, LIMITS)) == [1]


def test_a_table_may_point_to_the_fields_of_another(tmp_path: Path) -> None:
    data = "<DATA><TABLEDATA><TR><TD>{}</TD></TR></TABLEDATA></DATA>"
    parts = f'<TABLE ID="t">{field("int")}{data.format(1)}</TABLE><TABLE ref="t">{data.format(2)}</TABLE>'
    path = tmp_path / "ref.vot"
    path.write_text(f"<VOTABLE><RESOURCE>{parts}</RESOURCE></VOTABLE>")
    assert [column_of(table) for table in open_tables(path)] == [[1], [2]]


def test_rows_keep_their_order_over_blocks(upload: Upload) -> None:
    count = 150_000
    text = tabledata(
        field("int") + field("char", "*").replace('"x"', '"s"'), *(f"<TD>{n}</TD><TD>s{n}</TD>" for n in range(count))
    )
    assert len(text) > 1 << 22
    rows = rows_of(upload(text))
    assert rows["x"].to_pylist() == list(range(count))
    assert rows["s"][-1].as_py() == f"s{count - 1}"


# --- BINARY and BINARY2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("datatype", "size", "data", "value"),
    [
        ("boolean", "", b"T", True),
        ("boolean", "", b"0", False),
        ("boolean", "", b"\0", None),
        ("boolean", "3", b"t? ", [True, None, None]),
        ("boolean", "*", b"\0\0\0\2FT", [False, True]),
        ("bit", "", b"\x80", True),
        ("bit", "", b"\x08", True),  # as astropy writes it
        ("bit", "", b"\0", False),
        ("bit", "10", b"\xa0\x40", [True, False, True, *[False] * 6, True]),
        ("bit", "*", b"\0\0\0\x03\xa0", [True, False, True]),
        ("unsignedByte", "", b"\xff", 255),
        ("short", "", b"\xff\xfe", -2),
        ("int", "2", b"\0\0\0\1\0\0\0\2", [1, 2]),
        ("long", "", b"\0\0\0\0\0\0\0\x05", 5),
        ("float", "", b"\x3f\xc0\0\0", 1.5),
        ("float", "", b"\x7f\xc0\0\0", None),
        ("double", "*", b"\0\0\0\1\x3f\xf8\0\0\0\0\0\0", [1.5]),
        ("double", "*", b"\0\0\0\0", None),
        ("floatComplex", "", b"\x3f\xc0\0\0\xbf\xc0\0\0", [1.5, -1.5]),
        ("char", "", b"x", "x"),
        ("char", "5", b"ab\0cd", "ab"),
        ("char", "5", b"ab   ", "ab   "),
        ("char", "*", b"\0\0\0\3\xc3\xa9b", "éb"),
        ("char", "9*", b"\0\0\0\0", None),
        ("char", "2x3", b"abc\0\0\0", ["ab", "c", ""]),
        ("char", "2x*", b"\0\0\0\4abcd", ["ab", "cd"]),
        ("unicodeChar", "3", b"\0a\x03\xb1\0\0", "aα"),
        ("unicodeChar", "*", b"\0\0\0\2\xd8\x3c\xdf\x1f", "🌟"),
    ],
)
def test_binary_cells(upload: Upload, datatype: str, size: str, data: bytes, value: object) -> None:
    assert column_of(upload(binary(field(datatype, size), data * 3))) == [value] * 3


def test_binary2_flags_make_nulls_and_nan_stays(upload: Upload) -> None:
    fields = '<FIELD name="i" datatype="int"/><FIELD name="d" datatype="double"/>'
    fields += '<FIELD name="s" datatype="char" arraysize="*"/>'
    nan_and_empty = b"\x7f\xf8\0\0\0\0\0\0" + b"\0\0\0\0"
    rows = (b"\xa0\0\0\0\x07", b"\x40\0\0\0\x07", b"\0\0\0\0\1")
    data = b"".join(row + nan_and_empty for row in rows)
    first, second, third = rows_of(upload(binary(fields, data, "BINARY2"))).to_pylist()
    assert (first["i"], second["i"], third["i"]) == (None, 7, 1)
    assert math.isnan(first["d"])
    assert second["d"] is None
    assert (first["s"], second["s"], third["s"]) == (None, "", "")


def test_values_null_counts_in_binary_too(upload: Upload) -> None:
    fields = field("short", "", '<VALUES null="-1"/>')
    assert column_of(upload(binary(fields, b"\xff\xff\0\1"))) == [None, 1]
    assert column_of(upload(binary(fields, b"\0\xff\xff\0\0\1", "BINARY2"))) == [None, 1]


@pytest.mark.parametrize("line", ["\n", "\r\n", "  \n\t"])
def test_base64_may_be_broken_into_lines(upload: Upload, line: str) -> None:
    text = base64.b64encode(np.arange(100, dtype=">i4").tobytes()).decode()
    pieces = line.join(text[n : n + 7] for n in range(0, len(text), 7))
    stream = f'<STREAM encoding="base64">{line}{pieces}{line}</STREAM>'
    assert column_of(upload(document(field("int"), f"<BINARY>{stream}</BINARY>"))) == list(range(100))
    hidden = stream.replace(pieces, f"<![CDATA[{pieces[:50]}]]>{pieces[50:]}<!-- end -->")
    assert column_of(upload(document(field("int"), f"<BINARY>{hidden}</BINARY>"))) == list(range(100))


TYPES = [
    ("boolean", None), ("boolean", "2"), ("bit", "9"), ("bit", "*"), ("unsignedByte", None), ("unsignedByte", "*"),
    ("short", None), ("int", "3"), ("long", "*"), ("float", None), ("double", None), ("double", "2x2"),
    ("float", "*"), ("floatComplex", None), ("char", "8"), ("char", "*"), ("unicodeChar", "*"), ("char", "4x2"),
]  # fmt: skip
SAMPLES: dict[str, object] = {
    "boolean": True,
    "bit": True,
    "char": "a é"[:1],
    "unicodeChar": "α",
    "floatComplex": [1, 2],
}


def sample(datatype: str, size: str | None, row: int) -> object:
    element = SAMPLES.get(datatype, row % 100 + 1)
    if datatype in {"char", "unicodeChar"}:
        return ["ab", "c"] if "x" in (size or "") else f"{element}{row % 7}"
    counts = {None: 0, "2": 2, "9": 9, "3": 3, "2x2": 4, "*": 1 + row % 4}
    return [element] * counts[size] if counts[size] else element


def example(rows: int) -> tuple[tuple[Column, ...], Iterator[pa.RecordBatch]]:
    columns = tuple(Column(f"c{n}", VOType(*one)) for n, one in enumerate(TYPES))
    arrays = []
    for number, column in enumerate(columns):
        kind = column.type
        values = [
            None if (row + number) % 5 == 0 else sample(kind.datatype, kind.arraysize, row) for row in range(rows)
        ]
        arrays.append(pa.array(values, arrow_type(kind)))
    return columns, iter([pa.record_batch(arrays, names=[c.name for c in columns])])


@pytest.mark.parametrize("write", [write_tabledata, write_binary2])
def test_what_we_write_is_what_we_read(upload: Upload, write: Callable[[ResultStream], Iterator[bytes]]) -> None:
    columns, batches = example(50)
    (batch,) = batches
    table = upload(b"".join(write(ResultStream(columns, iter([batch])))))
    assert [c.name for c in table.columns] == [c.name for c in columns]
    assert rows_of(table).to_pylist() == batch.to_pylist()


def test_binary_without_flags_reads_what_it_can_say(upload: Upload) -> None:
    columns = (Column("a", VOType("int")), Column("b", VOType("double")), Column("c", VOType("char", "*")))
    batch = pa.record_batch([pa.array([1, None], pa.int32()), [None, 2.5], ["x", None]], names=["a", "b", "c"])
    table = upload(b"".join(write_binary(ResultStream(columns, iter([batch])))))
    assert rows_of(table).to_pylist() == batch.to_pylist()


@pytest.mark.parametrize("kind", ["tabledata", "binary", "binary2"])
def test_what_astropy_writes_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "astropy.vot"
    source = _astropy_table()
    if kind == "binary":  # which has no way to say null
        source["i4"] = source["i4"].filled(0)
    votable = VOTableFile.from_table(source)
    votable.version = "1.4"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        votable.to_xml(str(path), tabledata_format=kind)
    rows = rows_of(read_upload(path, LIMITS))
    for name in source.colnames:
        for mine, other in zip(rows[name].to_pylist(), source[name], strict=True):
            if isinstance(mine, str):
                assert mine == other
            elif mine is None:
                assert other is np.ma.masked or np.isnan(other)
            else:
                np.testing.assert_array_equal(np.ravel(mine), np.ravel(other))


def _astropy_table() -> Table:
    return Table(
        {
            "b": np.array([True, False, True]),
            "i2": np.array([1, -2, 3], "i2"),
            "i4": MaskedColumn(np.array([1, -2, 3], "i4"), mask=[False, True, False]),
            "i8": np.array([1, -2, 1 << 60]),
            "f4": np.array([1.5, np.nan, np.inf], "f4"),
            "f8": np.array([1.5, np.nan, -np.inf]),
            "s": np.array(["a", "bcd", "e f"]),
            "v": np.arange(6.0).reshape(3, 2),
            "m": np.arange(12, dtype="i4").reshape(3, 2, 2),
        }
    )


def test_fits_within_a_votable(upload: Upload, tmp_path: Path) -> None:
    columns = [fits.Column("A", "J", array=np.arange(3)), fits.Column("B", "5A", array=["x", "yy", ""])]
    path = tmp_path / "inner.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    fields = '<FIELD name="n" datatype="int" unit="m"/><FIELD name="s" datatype="char" arraysize="*"/>'
    stream = f'<STREAM encoding="base64">{base64.b64encode(path.read_bytes()).decode()}</STREAM>'
    table = upload(document(fields, f'<FITS extnum="1">{stream}</FITS>'))
    assert rows_of(table).to_pylist() == [{"n": 0, "s": "x"}, {"n": 1, "s": "yy"}, {"n": 2, "s": None}]
    with pytest.raises(UploadError, match="extension 2"):
        rows_of(upload(document(fields, f'<FITS extnum="2">{stream}</FITS>')))
    with pytest.raises(UploadError, match="1 FIELDs"):
        rows_of(upload(document(field("int"), f"<FITS>{stream}</FITS>")))


# --- properties --------------------------------------------------------------------------------------------------

characters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
integers = st.none() | st.integers(-(2**63), 2**63 - 1)
any_rows = st.lists(st.tuples(integers, st.none() | st.floats(allow_nan=False), st.text(characters, max_size=8)))


@settings(max_examples=60, deadline=None)
@given(any_rows)
def test_any_rows_survive_the_way_out_and_in(tmp_path_factory: Folders, rows: list[tuple[Any, Any, str]]) -> None:
    columns = (Column("i", VOType("long")), Column("d", VOType("double")), Column("s", VOType("char", "*")))
    arrays = [
        pa.array([row[0] for row in rows], pa.int64()),
        pa.array([row[1] for row in rows], pa.float64()),
        pa.array([row[2] or None for row in rows], pa.string()),
    ]
    batch = pa.record_batch(arrays, names=["i", "d", "s"])
    path = tmp_path_factory.getbasetemp() / "rows.vot"
    for write in (write_tabledata, write_binary2):
        path.write_bytes(b"".join(write(ResultStream(columns, iter([batch])))))
        read = rows_of(read_upload(path, LIMITS))
        assert (read.to_pylist() if read.num_rows else []) == batch.to_pylist()
