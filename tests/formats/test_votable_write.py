"""VOTable writers against VOTable 1.4, DALI 1.1 section 4.4 and TAP 1.1 sections 2.7, 3.3."""

import base64
import io
import re
import shutil
import struct
import subprocess
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import pyarrow as pa
import pytest
from astropy.io.votable import parse

from nashira.config.errors import EngineError, ParameterError, QueryTimeout
from nashira.formats.stream import ResultInfo, ResultStream, SkySystem
from nashira.formats.votable_write import (
    error_document,
    metadata_document,
    write_binary,
    write_binary2,
    write_tabledata,
)
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType
from tests.formats.samples import Writer, batch_of, failing, stream, text_of

WRITERS = {"TABLEDATA": write_tabledata, "BINARY2": write_binary2, "BINARY": write_binary}
NS = "{http://www.ivoa.net/xml/VOTable/v1.3}"
each_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def tree_of(write: Writer, columns: Sequence[Column], *data: Sequence[object], **more: Any) -> Element:
    return ET.fromstring(text_of(write, columns, *data, **more))


def cells(tree: Element) -> list[list[str]]:
    return [[td.text or "" for td in tr.iter(f"{NS}TD")] for tr in tree.iter(f"{NS}TR")]


def payload(tree: Element) -> bytes:
    return base64.b64decode(next(tree.iter(f"{NS}STREAM")).text or "")


def read(document: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse(io.BytesIO(document)).get_first_table()


GOLDEN = """\
<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results">
<INFO name="QUERY_STATUS" value="OK"/>
<INFO name="QUERY" value="SELECT TOP 2 * FROM hip.main WHERE Vmag &lt; 1"/>
<INFO name="publisher" value="The &quot;Observatory&quot;"/>
<COOSYS ID="sky_1" system="ICRS" epoch="J1991.25"/>
<TIMESYS ID="time_utc" timescale="UTC" refposition="UNKNOWN"/>
<TABLE>
<FIELD name="HIP" ID="HIP" datatype="int" ucd="meta.id"/>
<FIELD name="RA deg" ID="RA_deg" datatype="double" unit="deg" ucd="pos.eq.ra" ref="sky_1"><DESCRIPTION>Right \
ascension &amp; more</DESCRIPTION></FIELD>
<FIELD name="Vmag" ID="Vmag" datatype="float" unit="mag"/>
<FIELD name="name" ID="name" datatype="char" arraysize="*"/>
<FIELD name="seen" ID="seen" datatype="char" arraysize="*" xtype="timestamp" ref="time_utc"/>
<DATA>
<TABLEDATA>
<TR><TD>32349</TD><TD>101.28715533</TD><TD>-1.44</TD><TD>Sirius A &amp; B</TD><TD>2026-01-01T00:00:00</TD></TR>
<TR><TD></TD><TD>NaN</TD><TD></TD><TD></TD><TD></TD></TR>
</TABLEDATA>
</DATA>
</TABLE>
<INFO name="QUERY_STATUS" value="OVERFLOW"/>
</RESOURCE>
</VOTABLE>
"""


def test_a_document_an_astronomer_can_read() -> None:
    columns = [
        Column("HIP", INTEGER, ucd="meta.id"),
        Column("RA deg", DOUBLE, "Right ascension & more", unit="deg", ucd="pos.eq.ra"),
        Column("Vmag", FLOAT, unit="mag"),
        Column("name", STRING),
        Column("seen", TIMESTAMP),
    ]
    written = text_of(
        write_tabledata,
        columns,
        [32349, None, 1],
        [101.28715533, float("nan"), 1.0],
        [-1.44, None, 1.0],
        ["Sirius A & B", None, "x"],
        [1_767_225_600_000_000, None, 0],
        maxrec=2,
        info=ResultInfo(
            query="SELECT TOP 2 * FROM hip.main WHERE Vmag < 1",
            infos=(("publisher", 'The "Observatory"'),),
            systems=(SkySystem((1,), 1991.25),),
        ),
    )
    assert written == GOLDEN


@each_writer
def test_the_head_leaves_before_the_first_row_is_asked_for(write: Writer) -> None:
    def never() -> Iterator[pa.RecordBatch]:
        raise AssertionError("a row was asked for")
        yield

    first = next(write(ResultStream([Column("a", LONG)], never())))
    assert b'<INFO name="QUERY_STATUS" value="OK"/>' in first
    assert b"<FIELD" in first


@each_writer
def test_no_rows_make_a_well_formed_table_with_fields(write: Writer) -> None:
    tree = tree_of(write, [Column("a", LONG), Column("s", STRING)], [], [])
    assert [f.get("name") for f in tree.iter(f"{NS}FIELD")] == ["a", "s"]
    assert [i.get("value") for i in tree.iter(f"{NS}INFO")] == ["OK"]
    assert len(read(b"".join(write(stream([Column("a", LONG)], [])))).array) == 0


@each_writer
def test_maxrec_0_is_an_overflow_without_rows(write: Writer) -> None:
    tree = tree_of(write, [Column("a", LONG)], [], maxrec=0)
    assert [i.get("value") for i in tree.iter(f"{NS}INFO")] == ["OK", "OVERFLOW"]


@each_writer
def test_a_late_error_closes_the_table_and_says_so(write: Writer) -> None:
    closed: list[int] = []
    result = ResultStream([Column("a", LONG)], failing(QueryTimeout("60 s & over")), on_close=lambda: closed.append(1))
    document = b"".join(write(result))
    resource = ET.fromstring(document).find(f"{NS}RESOURCE")
    assert resource is not None
    assert [child.tag for child in resource] == [f"{NS}INFO", f"{NS}TABLE", f"{NS}INFO"]
    assert b'<INFO name="QUERY_STATUS" value="ERROR">60 s &amp; over</INFO>' in document
    assert list(read(document).array["a"]) == [1, 2]
    assert closed == [1]


@each_writer
def test_an_unforeseen_error_shows_no_detail(write: Writer) -> None:
    document = b"".join(write(ResultStream([Column("a", LONG)], failing(RuntimeError("/secret/path")))))
    assert b'value="ERROR">internal error' in document
    assert b"secret" not in document
    ET.fromstring(document)


@each_writer
def test_a_client_that_leaves_stops_the_engine(write: Writer) -> None:
    closed: list[int] = []
    writer = write(ResultStream([Column("a", LONG)], failing(EngineError("x")), on_close=lambda: closed.append(1)))
    assert isinstance(writer, Generator)
    next(writer)
    writer.close()
    assert closed == [1]


def test_an_error_document_has_the_literal_info_that_clients_search_for() -> None:
    document = error_document("Unknown column <x>", infos=[("QUERY", 'a "b"')]).decode()
    assert '<INFO name="QUERY_STATUS" value="ERROR">Unknown column &lt;x&gt;</INFO>' in document
    tree = ET.fromstring(document)
    (resource,) = tree.iter(f"{NS}RESOURCE")
    assert resource.get("type") == "results"
    assert resource.find(f"{NS}TABLE") is None


def test_a_document_of_columns_only_has_no_data() -> None:
    tree = ET.fromstring(metadata_document([Column("a", LONG)], ResultInfo()))
    assert len(list(tree.iter(f"{NS}FIELD"))) == 1
    assert not list(tree.iter(f"{NS}DATA"))


def test_ids_are_xml_names_and_unique_while_names_stay() -> None:
    names = ["a", "a", "A", "1st", "ra (deg)", "é", ""]
    fields = list(tree_of(write_tabledata, [Column(n, LONG) for n in names], *[[1]] * 7).iter(f"{NS}FIELD"))
    ids = [f.get("ID") for f in fields]
    assert [f.get("name") for f in fields][:6] == names[:6]
    assert len({(i or "").lower() for i in ids}) == 7
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", i or "") for i in ids)


def test_tabledata_floats_restore_exactly() -> None:
    doubles = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e20, 123456789.123, 2.0**53 + 2]
    written = [row[0] for row in cells(tree_of(write_tabledata, [Column("d", DOUBLE)], doubles))]
    assert [struct.pack(">d", float(t)) for t in written] == [struct.pack(">d", d) for d in doubles]
    singles = [0.1, 1 / 3, 1e-45, 3.4028235e38, 16777217.0]
    written = [row[0] for row in cells(tree_of(write_tabledata, [Column("f", FLOAT)], singles))]
    assert [struct.pack(">f", float(t)) for t in written] == [struct.pack(">f", s) for s in singles]
    assert written[0] == "0.1"


def test_tabledata_tells_null_from_nan_and_spells_infinity() -> None:
    tree = tree_of(write_tabledata, [Column("d", DOUBLE)], [None, float("nan"), float("inf"), float("-inf")])
    assert [row[0] for row in cells(tree)] == ["", "NaN", "+Inf", "-Inf"]


def test_tabledata_booleans_arrays_and_bits() -> None:
    columns = [
        Column("b", BOOLEAN),
        Column("p", POINT),
        Column("poly", POLYGON),
        Column("bits", VOType("bit", "4")),
        Column("open", VOType("bit", "*")),
        Column("c", VOType("doubleComplex")),
        Column("texts", VOType("char", "3x2")),
        Column("flags", VOType("boolean", "*")),
    ]
    tree = tree_of(
        write_tabledata,
        columns,
        [True, False, None],
        [[1.5, 2], None, [None, float("inf")]],
        [[1, 2, 3, 4, 5, 6], None, []],
        [[True, False, True, True], None, [False] * 4],
        [[True, False], None, []],
        [[1, -2], None, [0, None]],
        [["a", "bcd"], None, ["", None]],
        [[True, None], None, []],
    )
    assert cells(tree) == [
        ["T", "1.5 2", "1 2 3 4 5 6", "1 0 1 1", "1 0", "1 -2", "a  bcd", "T ?"],
        ["F", "", "", "", "", "", "", ""],
        ["", "NaN +Inf", "", "0 0 0 0", "", "0 NaN", "      ", ""],
    ]


def test_timestamps_are_dali_without_needless_digits() -> None:
    ticks = [0, 1_500_000, -1, 1_767_225_600_123_000, None, 2**63 - 1, -(2**63) + 1]
    written = [row[0] for row in cells(tree_of(write_tabledata, [Column("t", TIMESTAMP)], ticks))]
    assert written == [
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:01.5",
        "1969-12-31T23:59:59.999999",
        "2026-01-01T00:00:00.123",
        "",
        "",
        "",
    ]
    assert cells(tree_of(write_tabledata, [Column("t", TIMESTAMP)], [0]))[0] == ["1970-01-01T00:00:00"]


def test_texts_that_xml_forbids_become_replacement_characters() -> None:
    hostile = ["]]>", "<script>&amp;", "a\x00b\x1f", "\ufffe\uffff", "tab\tline\ncr\r", "é😀", "  blanks "]
    tree = tree_of(write_tabledata, [Column("s", STRING)], hostile)
    assert [row[0] for row in cells(tree)] == [
        "]]>",
        "<script>&amp;",
        "a\ufffdb\ufffd",
        "\ufffd\ufffd",
        "tab\tline\ncr\r",
        "é😀",
        "  blanks ",
    ]


def test_hostile_metadata_stay_text() -> None:
    column = Column('"><x/>', STRING, "]]><y/>\x00", unit="a\nb", ucd="'", utype="&")
    tree = tree_of(write_tabledata, [column], ["v"], info=ResultInfo(query="\x01<&\"'", title="<t>"))
    field = next(tree.iter(f"{NS}FIELD"))
    assert field.get("name") == '"><x/>'
    assert field.get("unit") == "a\nb"
    assert field.findtext(f"{NS}DESCRIPTION") == "]]><y/>\ufffd"


def test_binary2_bytes_by_hand() -> None:
    columns = [Column("a", LONG), Column("s", STRING), Column("d", DOUBLE)]
    data = payload(tree_of(write_binary2, columns, [1, None], ["hé", None], [None, 2.5]))
    first = b"\x20" + struct.pack(">q", 1) + struct.pack(">i", 3) + "hé".encode() + struct.pack(">d", float("nan"))
    second = b"\xc0" + struct.pack(">q", 0) + struct.pack(">i", 0) + struct.pack(">d", 2.5)
    assert data == first + second


def test_binary2_flags_of_nine_columns_take_two_bytes() -> None:
    columns = [Column(f"c{i}", VOType("unsignedByte")) for i in range(9)]
    data = payload(tree_of(write_binary2, columns, *[[i] for i in range(8)], [None]))
    assert data == b"\x00\x80" + bytes(range(8)) + b"\x00"


def test_binary_bits_are_packed_from_the_top() -> None:
    columns = [Column("one", VOType("bit")), Column("ten", VOType("bit", "10")), Column("open", VOType("bit", "*"))]
    ten = [True, False, True, False, False, False, False, False, True, True]
    data = payload(tree_of(write_binary, columns, [True, False], [ten, ten], [[False, True], ten]))
    first = b"\x80\xa0\xc0" + struct.pack(">i", 2) + b"\x40"
    assert data == first + b"\x00\xa0\xc0" + struct.pack(">i", 10) + b"\xa0\xc0"


def test_binary_unicode_is_utf16_and_counts_units() -> None:
    columns = [Column("open", VOType("unicodeChar", "*")), Column("fixed", VOType("unicodeChar", "3"))]
    data = payload(tree_of(write_binary, columns, ["é😀", ""], ["ab", None]))
    first = struct.pack(">i", 3) + "é😀".encode("utf-16-be") + "ab\0".encode("utf-16-be")
    assert data == first + struct.pack(">i", 0) + bytes(6)


def test_binary_fixed_texts_are_padded_with_nul() -> None:
    columns = [Column("s", VOType("char", "4")), Column("two", VOType("char", "2x2"))]
    data = payload(tree_of(write_binary, columns, ["é", None], [["a", "bc"], None]))
    assert data == "é".encode() + b"\0\0a\0bc" + bytes(8)


@pytest.mark.parametrize("write", [write_binary, write_binary2], ids=["BINARY", "BINARY2"])
def test_a_text_beyond_its_declared_size_is_an_error_not_a_cut(write: Writer) -> None:
    document = text_of(write, [Column("s", VOType("char", "2"))], ["abc"])
    assert 'value="ERROR">Column "s": a text of length 3 does not fit' in document


def test_binary_declares_magic_nulls_and_widens_bytes() -> None:
    columns = [Column("n", VOType("short")), Column("u", VOType("unsignedByte")), Column("k", LONG, nullable=False)]
    tree = tree_of(write_binary, columns, [1, None], [255, None], [-(2**63), 0])
    fields = list(tree.iter(f"{NS}FIELD"))
    assert [f.get("datatype") for f in fields] == ["short", "short", "long"]
    assert [v.get("null") for v in tree.iter(f"{NS}VALUES")] == ["-32768", "-32768"]
    assert payload(tree) == struct.pack(">hhq", 1, 255, -(2**63)) + struct.pack(">hhq", -32768, -32768, 0)


def test_binary_refuses_data_that_hold_the_magic_null() -> None:
    document = text_of(write_binary, [Column("a", LONG)], [-(2**63)])
    assert 'value="ERROR">Column "a": the value -9223372036854775808 stands for null' in document


@each_writer
def test_a_null_inside_an_array_of_integers_is_said_or_refused(write: Writer) -> None:
    document = text_of(write, [Column("a", VOType("int", "2"))], [[1, None]])
    if write is write_binary:
        assert list(read(document.encode()).array["a"].mask[0]) == [False, True]
    else:
        assert 'value="ERROR">' in document


@pytest.mark.parametrize("write", [write_binary, write_binary2], ids=["BINARY", "BINARY2"])
def test_arrays_of_open_texts_travel_as_json(write: Writer) -> None:
    table = read(text_of(write, [Column("s", VOType("char", "*x2"))], [["a", 'b"'], None, ["", None]]).encode())
    assert list(table.array["s"]) == ['["a","b\\""]', "", '["",null]']
    assert table.fields[0].xtype == "json"


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 100])
def test_base64_is_one_stream_over_all_batches(rows: int) -> None:
    columns = [Column("s", STRING)]
    batches = [batch_of(columns, ["x" * (i % 7)]) for i in range(rows)]
    document = b"".join(write_binary(ResultStream(columns, iter(batches))))
    assert payload(ET.fromstring(document)) == b"".join(struct.pack(">i", i % 7) + b"x" * (i % 7) for i in range(rows))


@each_writer
def test_two_thousand_columns(write: Writer) -> None:
    columns = [Column(f"c{i}", (LONG, STRING, DOUBLE)[i % 3]) for i in range(2000)]
    data = [[(1, "a", 0.5)[i % 3], None] for i in range(2000)]
    tree = tree_of(write, columns, *data)
    assert len(list(tree.iter(f"{NS}FIELD"))) == 2000
    if write is write_tabledata:
        assert cells(tree) == [[("1", "a", "0.5")[i % 3] for i in range(2000)], [""] * 2000]
    else:
        flags = 250 if write is write_binary2 else 0
        assert len(payload(tree)) == 2 * (flags + 667 * (8 + 4) + 666 * 8) + 667


@each_writer
def test_sliced_batches_are_written_as_they_look(write: Writer) -> None:
    columns = [
        Column("a", LONG),
        Column("s", STRING),
        Column("p", POINT),
        Column("poly", POLYGON),
        Column("b", BOOLEAN),
    ]
    data: list[list[Any]] = [
        [1, None, 3, 4],
        ["a", "bb", None, "dddd"],
        [[1, 2], None, [5, 6], [7, 8]],
        [[1.0], [2.0, 3.0], None, []],
        [True, None, False, True],
    ]
    whole = batch_of(columns, *data)
    fresh = stream(columns, *[v[1:3] for v in data])
    assert b"".join(write(ResultStream(columns, iter([whole.slice(1, 2)])))) == b"".join(write(fresh))


def test_numbers_of_another_width_are_cast_and_never_wrapped() -> None:
    columns = [Column("a", INTEGER)]
    good, bad = (pa.record_batch([pa.array([value])], ["a"]) for value in (7, 2**40))
    assert b"<TD>7</TD>" in b"".join(write_tabledata(ResultStream(columns, iter([good]))))
    assert b'value="ERROR"' in b"".join(write_tabledata(ResultStream(columns, iter([bad]))))


MATRIX = (
    (LONG, [1, -(2**63) + 1, None]),
    (INTEGER, [1, 2**31 - 1, None]),
    (VOType("short"), [1, -5, None]),
    (VOType("unsignedByte"), [0, 255, None]),
    (DOUBLE, [5e-324, float("nan"), None]),
    (FLOAT, [0.5, float("inf"), None]),
    (BOOLEAN, [True, False, None]),
    (STRING, ["plain", "", None]),
    (VOType("char", "5"), ["abcde", "x", None]),
    (VOType("unicodeChar", "*"), ["αβγ", "", None]),
    (TIMESTAMP, [0, 1_500_000, None]),
    (POINT, [[1, 2], [359.5, -90], [0, 0]]),
    (POLYGON, [[1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1], [1, 1, 2, 1, 2, 2]]),
    (VOType("double", "*"), [[1.0], [], None]),
    (VOType("short", "2x3"), [[1, 2, 3, 4, 5, 6]] * 3),
    (VOType("bit", "10"), [[True] * 10] * 3),
    (VOType("floatComplex"), [[1, 2], [3, 4], [5, 6]]),
)
MISREAD_BY_VOTLINT = {POLYGON, VOType("floatComplex")}  # in streams; it fails on STIL's own output, too

needs_stilts = pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed")


def stilts(*commands: str) -> str:
    done = subprocess.run(["sh", "-c", " && ".join(commands)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def matrix_file(path: Path, write: Writer, without: Iterable[VOType]) -> Path:
    matrix = [(kind, values) for kind, values in MATRIX if kind not in without]
    columns = [Column(f"c{i}", kind) for i, (kind, _) in enumerate(matrix)]
    path.write_bytes(b"".join(write(stream(columns, *[values for _, values in matrix]))))
    return path


@needs_stilts
def test_votlint_finds_nothing_in_any_serialisation(tmp_path: Path) -> None:
    skipped = {"TABLEDATA": (), "BINARY2": MISREAD_BY_VOTLINT, "BINARY": MISREAD_BY_VOTLINT}
    files = [matrix_file(tmp_path / f"{name}.vot", write, skipped[name]) for name, write in WRITERS.items()]
    assert stilts(*[f"stilts votlint {path}" for path in files]) == ""


@needs_stilts
def test_stil_reads_the_same_from_every_serialisation(tmp_path: Path) -> None:
    files = [matrix_file(tmp_path / f"{name}.vot", write, ()) for name, write in WRITERS.items()]
    tables = [stilts(f"stilts tpipe in={path} ofmt=csv") for path in files]
    assert tables[0].count("\n") == 4
    assert tables[1:] == tables[:1] * 2


def test_frames_have_ids_that_no_column_has() -> None:
    """VOT-40, VOT-41: COOSYS and TIMESYS before their users; astropy and the schema check the references."""
    columns = [Column("sky_1", DOUBLE), Column("SKY_1_", DOUBLE), Column("time_utc", TIMESTAMP), Column("t", TIMESTAMP)]
    info = ResultInfo(systems=(SkySystem((0,), 2016.0), SkySystem((1,))))
    tree = ET.fromstring(text_of(write_tabledata, columns, [1.0], [2.0], [0], [0], info=info))
    systems = {one.get("ID"): one for one in (*tree.iter(f"{NS}COOSYS"), *tree.iter(f"{NS}TIMESYS"))}
    assert len(systems) == 3
    assert not set(systems) & {one.get("ID") for one in tree.iter(f"{NS}FIELD")}
    used = [systems[str(one.get("ref"))] for one in tree.iter(f"{NS}FIELD")]
    assert [one.get("epoch") for one in used] == ["J2016", None, None, None]
    assert [one.get("timescale") for one in used] == [None, None, "UTC", "UTC"]


@each_writer
def test_what_ends_the_rows_early_is_kept_for_others(write: Writer) -> None:
    """The document ends in order, so a job or a status could not know otherwise."""
    gone = ResultStream([Column("a", LONG)], failing(EngineError("gone")))
    list(write(gone))
    assert isinstance(gone.failure, EngineError)
    bad = stream([Column("v", VOType("bit", "2"))], [[True, None]])
    assert b'value="ERROR"' in b"".join(write(bad))
    assert isinstance(bad.failure, ParameterError)
