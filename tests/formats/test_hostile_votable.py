"""Documents made to harm: entities, bombs, endless rows and tags, lies about lengths, random damage. All end in
UploadError, quickly.
"""

import base64
import contextlib
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.source import ReadLimits

LIMITS = ReadLimits(bytes=50_000_000, rows=100_000, columns=10_000, cell_bytes=1_000_000, memory_bytes=100_000_000)
SECONDS = 5.0
Folders = pytest.TempPathFactory
OPENING = "<VOTABLE><RESOURCE><TABLE>"
CLOSING = "</TABLE></RESOURCE></VOTABLE>"
FIELD = '<FIELD name="a" datatype="char" arraysize="*"/>'


def consume(path: Path, limits: ReadLimits = LIMITS) -> int:
    return sum(batch.num_rows for batch in read_upload(path, limits).batches)


def assert_refused(tmp_path: Path, text: str | bytes, why: str, kind: type[UploadError] = UploadError) -> None:
    path = tmp_path / "hostile.vot"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    start = time.monotonic()
    with pytest.raises(kind, match=why):
        consume(path)
    assert time.monotonic() - start < SECONDS


def table(cell: str, prolog: str = "") -> str:
    data = f"<DATA><TABLEDATA><TR><TD>{cell}</TD></TR></TABLEDATA></DATA>"
    return f'<?xml version="1.0"?>{prolog}{OPENING}{FIELD}{data}{CLOSING}'


def test_a_billion_laughs_are_not_laughed(tmp_path: Path) -> None:
    lines = ['<!ENTITY l0 "lol">'] + [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    assert_refused(tmp_path, table("&l9;", f"<!DOCTYPE VOTABLE [{''.join(lines)}]>"), "entities")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:1/secret", "expect://id"])
def test_external_entities_are_never_fetched(tmp_path: Path, target: str) -> None:
    assert_refused(tmp_path, table("&x;", f'<!DOCTYPE VOTABLE [<!ENTITY x SYSTEM "{target}">]>'), "entities")


def test_parameter_entities_and_external_subsets_are_refused(tmp_path: Path) -> None:
    prolog = '<!DOCTYPE VOTABLE [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'
    assert_refused(tmp_path, table("x", prolog), "entities")


def test_an_entity_of_an_unread_dtd_is_an_error(tmp_path: Path) -> None:
    assert_refused(tmp_path, table("&secret;", '<!DOCTYPE VOTABLE SYSTEM "http://example.org/x.dtd">'), "entit")


def test_a_document_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path, "<VOTABLE>" + "<RESOURCE>" * 100_000, "64 deep")


def test_cells_cannot_be_nested_deeply_either(tmp_path: Path) -> None:
    data = "<DATA><TABLEDATA>" + "<TR><TD>" * 200_000
    assert_refused(tmp_path, OPENING + FIELD + data, "deep|well-formed")


def test_a_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    fields = "".join(f'<FIELD name="c{n}" datatype="int"/>' for n in range(100_000))
    assert_refused(tmp_path, OPENING + fields + CLOSING, "10000 columns", UploadTooLarge)


def test_ten_thousand_columns_of_empty_rows_are_refused(tmp_path: Path) -> None:
    fields = "".join(f'<FIELD name="c{n}" datatype="int"/>' for n in range(10_000))
    data = f"<DATA><TABLEDATA>{'<TR/>' * 90_000}</TABLEDATA></DATA>"
    assert_refused(tmp_path, OPENING + fields + data + CLOSING, "lack more than", UploadTooLarge)


def test_empty_cells_of_wide_arrays_stay_within_memory(tmp_path: Path) -> None:
    field = '<FIELD name="a" datatype="double" arraysize="100000"/>'
    data = f"<DATA><TABLEDATA>{'<TR><TD/></TR>' * 90_000}</TABLEDATA></DATA>"
    assert_refused(tmp_path, OPENING + field + data + CLOSING, "memory", UploadTooLarge)


def test_an_arraysize_of_a_billion_is_refused(tmp_path: Path) -> None:
    field = '<FIELD name="a" datatype="double" arraysize="100000x10000"/>'
    assert_refused(tmp_path, OPENING + field + CLOSING, "limit", UploadTooLarge)


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    data = f"<DATA><TABLEDATA>{'<TR><TD>x</TD></TR>' * 100_001}</TABLEDATA></DATA>"
    assert_refused(tmp_path, OPENING + FIELD + data + CLOSING, "100000 rows", UploadTooLarge)


def test_one_tag_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    assert_refused(
        tmp_path, f'<VOTABLE><RESOURCE name="{"x" * 40_000_000}"/></VOTABLE>', "tag or comment", UploadTooLarge
    )


def test_a_comment_full_of_data_tags_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path, f"<VOTABLE><!-- {'<TABLEDATA>' * 1_000_000} --></VOTABLE>", "hides too many")


def test_an_attribute_full_of_data_tags_is_no_table(tmp_path: Path) -> None:
    assert_refused(tmp_path, f"<VOTABLE><INFO name='{'&lt;TABLEDATA>' * 100_000}' value=''/></VOTABLE>", "no TABLE")


def test_a_row_that_never_ends_is_read_to_its_end_only(tmp_path: Path) -> None:
    data = "<DATA><TABLEDATA><TR>" + "<TD>1</TD>" * 1_000_000
    assert_refused(tmp_path, OPENING + FIELD + data, "well-formed|more cells")


def test_tables_inside_rows_and_rows_outside_tables(tmp_path: Path) -> None:
    data = f"<DATA><TABLEDATA><TR><TD>{OPENING}</TD></TR></TABLEDATA></DATA>"
    assert_refused(tmp_path, OPENING + FIELD + data + CLOSING, "well-formed")
    assert_refused(tmp_path, "<VOTABLE><DATA><TABLEDATA><TR/></TABLEDATA></DATA></VOTABLE>", "no TABLE")


def test_an_end_tag_hidden_in_a_comment_does_not_end_the_table(tmp_path: Path) -> None:
    path = tmp_path / "hidden.vot"
    rows = "<TR><TD>1</TD></TR><!-- </TABLEDATA><TR><TD>2</TD></TR> --><TR><TD>3</TD></TR>"
    text = f"{OPENING}{FIELD}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA>{CLOSING}"
    path.write_text(text)
    values = [value for batch in read_upload(path, LIMITS).batches for value in batch.column(0).to_pylist()]
    assert values == ["1", "3"]
    assert consume(path) == sum(batch.num_rows for table in open_tables(path) for batch in table.batches)


def test_zero_bytes_and_controls_are_no_xml(tmp_path: Path) -> None:
    for bad in ("\0", "\x08", "\x1b", "\ufffe"):
        assert_refused(tmp_path, table(f"a{bad}b"), "well-formed")


def test_a_gzip_bomb_within_base64_is_just_bytes(tmp_path: Path) -> None:
    bomb = base64.b64encode(gzip.compress(b"\0" * 1_000_000)).decode()
    data = f'<DATA><FITS><STREAM encoding="base64">{bomb}</STREAM></FITS></DATA>'
    limits = ReadLimits(bytes=100_000)
    path = tmp_path / "bomb.vot"
    path.write_text(OPENING + FIELD + data + CLOSING)
    with pytest.raises(UploadTooLarge, match="decompressed"):
        consume(path, limits)


@pytest.mark.parametrize("codec", ["zlib", "rot13", "hex", "unicode_escape", "idna", "utf-7", "../x"])
def test_strange_encodings_are_not_looked_up(tmp_path: Path, codec: str) -> None:
    assert_refused(tmp_path, f'<?xml version="1.0" encoding="{codec}"?><VOTABLE/>', "encoding|well-formed")


NUMBERS = "<FIELD name='a' datatype='int'><VALUES null='-1'/></FIELD><FIELD name='b' datatype='double' arraysize='2'/>"
MIXED = "<FIELD name='a' datatype='int'/><FIELD name='b' datatype='char' arraysize='*'/>"
ROWS = "<TR><TD>1</TD><TD>1.5 2</TD></TR>" * 3
STREAM = base64.b64encode(b"@" + bytes(13) + b"\2ab").decode()
VALID = [
    table("text &amp; more").encode(),
    f"{OPENING}{NUMBERS}<DATA><TABLEDATA>{ROWS}</TABLEDATA></DATA>{CLOSING}".encode(),
    f"{OPENING}{MIXED}<DATA><BINARY2><STREAM encoding='base64'>{STREAM}</STREAM></BINARY2></DATA>{CLOSING}".encode(),
]
PIECES = [b"<", b">", b"&", b"<TD>", b"</TR>", b"\0", b'"', b"]]>", b"<!--", b"9"]


def assert_only_upload_errors(read: Callable[[], object]) -> None:
    """Run a reader that may fail, but in one way only, and with a sentence."""
    with contextlib.suppress(UploadError):
        read()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_documents_raise_nothing_but_upload_errors(tmp_path_factory: Folders, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        end = min(len(content), place + data.draw(st.integers(0, 12)))
        content[place:end] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=6))
        if not content:
            return
    path = tmp_path_factory.getbasetemp() / "damaged.vot"
    path.write_bytes(bytes(content))
    assert_only_upload_errors(lambda: consume(path))
    assert_only_upload_errors(lambda: [list(table.batches) for table in open_tables(path, LIMITS)])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(VALID), st.data())
def test_truncated_documents_are_upload_errors(tmp_path_factory: Folders, content: bytes, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "truncated.vot"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(UploadError):
        consume(path)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["BINARY", "BINARY2"]))
def test_any_bytes_in_a_stream_are_rows_or_an_error(tmp_path_factory: Folders, content: bytes, name: str) -> None:
    types = ["boolean", "bit", "short", "float", "char", "unicodeChar", "double", "floatComplex"]
    chosen = types[: len(content) % 8 + 1]
    fields = "".join(f"<FIELD datatype='{t}' arraysize='{s}'/>" for t in chosen for s in ("1", "*"))
    stream = f"<STREAM encoding='base64'>{base64.b64encode(content).decode()}</STREAM>"
    path = tmp_path_factory.getbasetemp() / "bytes.vot"
    path.write_text(f"{OPENING}{fields}<DATA><{name}>{stream}</{name}></DATA>{CLOSING}")
    assert_only_upload_errors(lambda: consume(path))
