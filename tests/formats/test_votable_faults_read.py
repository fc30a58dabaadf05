"""Faults of VOTable documents: each is told with its place (element, row, column)."""

from collections.abc import Callable

import pytest

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.source import ReadLimits, SourceTable
from tests.formats.samples import binary, document, tabledata

LIMITS = ReadLimits()
Folders = pytest.TempPathFactory
Upload = Callable[..., SourceTable]


def rows_of(table: SourceTable) -> int:
    return sum(batch.num_rows for batch in table.batches)


def field(datatype: str, size: str = "", more: str = "") -> str:
    arraysize = f' arraysize="{size}"' if size else ""
    return f'<FIELD name="x" datatype="{datatype}"{arraysize}>{more}</FIELD>'


@pytest.mark.parametrize(
    ("datatype", "size", "text", "why"),
    [
        ("int", "", "1.5", '"1.5" is not an integer'),
        ("int", "", "2147483648", "beyond the range of int"),
        ("unsignedByte", "", "-1", "beyond the range of unsignedByte"),
        ("long", "", "9223372036854775808", "not an integer"),
        ("double", "", "12 3", '"12 3" is not a number'),
        ("double", "", "abc", "not a number"),
        ("boolean", "", "maybe", "no boolean"),
        ("bit", "3", "012", "no row of bits"),
        ("bit", "3", "01", "2 elements, but the field has 3"),
        ("int", "3", "1 2", "2 elements, but the field has 3"),
        ("int", "2x*", "1 2 3", "3 elements, but the field has a multiple of 2"),
        ("floatComplex", "", "1", "1 elements, but the field has 2"),
        ("int", "*", "1 x 3", '"x" is not an integer'),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(upload: Upload, datatype: str, size: str, text: str, why: str) -> None:
    good = {"bit": "011", "boolean": "T", "floatComplex": "1 2", "unsignedByte": "1"}.get(datatype, "")
    table = upload(tabledata(field(datatype, size), f"<TD>{good}</TD>", "<TD/>", f"<TD>{text}</TD>", "<TD/>"))
    with pytest.raises(UploadError, match=f'row 3, column "x": .*{why}'):
        rows_of(table)


def test_a_bad_time_is_named(upload: Upload) -> None:
    fields = '<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>'
    with pytest.raises(UploadError, match=r'row 2, column "t": "2000-13-01" is no time'):
        rows_of(upload(tabledata(fields, "<TD>2000-12-01</TD>", "<TD>2000-13-01</TD>")))


def test_too_many_cells_are_named_by_row(upload: Upload) -> None:
    with pytest.raises(UploadError, match="row 2 has more cells"):
        rows_of(upload(tabledata(field("int"), "<TD>1</TD>", "<TD>1</TD><TD>2</TD>")))


@pytest.mark.parametrize(
    ("fields", "data", "why"),
    [
        (field("int"), b"\0\0\0\1\0\0", "ends within row 2: 2 bytes"),
        (field("char", "*"), b"\0\0\0\5abc", "ends within row 1"),
        (field("boolean"), b"TTx", 'row 3, column "x": a byte is no boolean'),
        (field("int", "2x*"), b"\0\0\0\3" + b"\0" * 12, "3 elements, but the field has a multiple of 2"),
        (field("char", "2"), b"ab\xff\xfe", 'column "x": a text is not UTF-8'),
        (field("unicodeChar", "1"), b"\xd8\x00", 'column "x": a text is not UTF-16'),
    ],
)
def test_bad_binary_is_named(upload: Upload, fields: str, data: bytes, why: str) -> None:
    with pytest.raises(UploadError, match=why):
        rows_of(upload(binary(fields, data)))


def test_a_length_beyond_the_limit_is_refused_at_once(upload: Upload) -> None:
    with pytest.raises(UploadTooLarge, match=r'row 1, column "x": a value of 34359738360 bytes'):
        rows_of(upload(binary(field("double", "*"), b"\xff\xff\xff\xff")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<VOTABLE/>", "contains no TABLE"),
        ("<RESOURCE/>", "root element"),
        (
            '<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="ERROR">No such table</INFO></RESOURCE></VOTABLE>',
            "No such table",
        ),
        (tabledata("", "<TD>1</TD>"), "no FIELD"),
        (tabledata('<FIELD name="f"/>', "<TD>1</TD>"), r'FIELD 1 \("f"\) has no datatype'),
        (tabledata('<FIELD name="f" datatype="string"/>', "<TD>1</TD>"), r'the datatype "string"'),
        (tabledata(field("int", "-1"), "<TD>1</TD>"), "arraysize"),
        (tabledata(field("int", "0"), "<TD>1</TD>"), "zero elements"),
        (tabledata(field("int", "*x3"), "<TD>1</TD>"), "arraysize"),
        (tabledata(field("int", "99999999999999999999"), "<TD>1</TD>"), "limit"),
        (tabledata(field("int"), '<TD encoding="base64">AA==</TD>'), "TD elements with an encoding"),
        (
            document(field("int"), '<BINARY><STREAM href="http://example.org/x" encoding="base64"/></BINARY>'),
            "elsewhere",
        ),
        (document(field("int"), '<FITS><STREAM href="file:///etc/passwd"/></FITS>'), "elsewhere"),
        (document(field("int"), '<BINARY><STREAM encoding="gzip">AAAA</STREAM></BINARY>'), "only base64"),
        (document(field("int"), "<BINARY/>"), "has no STREAM"),
        (document(field("int"), '<BINARY><STREAM encoding="base64">AA*A</STREAM></BINARY>'), "base64"),
        (document(field("int"), '<BINARY><STREAM encoding="base64">AAAAA</STREAM></BINARY>'), "ends too early"),
        (document(field("int"), '<BINARY><STREAM encoding="base64">AA==AAAA</STREAM></BINARY>'), "base64"),
        (document(field("int"), '<BINARY><STREAM encoding="base64">AA<X/></STREAM></BINARY>'), "STREAM contains"),
        (tabledata(field("int"), "<TD>1</TD>")[:-10], "no well-formed XML: .* at line 1"),
        (tabledata(field("int"), "<TD>1</TR>"), "mismatched tag"),
        (tabledata(field("int"), "<TD>&what;</TD>"), "entit"),
        ('<?xml version="1.0" encoding="KOI8-R"?><VOTABLE/>', "KOI8-R"),
        (b'<?xml version="1.0" encoding="UTF-8"?><VOTABLE><RESOURCE name="\xe9"/></VOTABLE>', "not well-formed"),
    ],
)
def test_faults_of_the_document_are_told(upload: Upload, text: str | bytes, why: str) -> None:
    with pytest.raises(UploadError, match=why):
        rows_of(upload(text))


def test_line_numbers_count_rows_that_were_skipped(upload: Upload) -> None:
    text = tabledata(field("int"), *["<TD>1</TD>\n"] * 40).replace("</RESOURCE>", "\n<broken</RESOURCE>")
    with pytest.raises(UploadError, match="line 42"):
        rows_of(upload(text))
