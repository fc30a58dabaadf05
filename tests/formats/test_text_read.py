"""CSV, TSV and ECSV: inferred types, nulls, headers and comments, and what astropy writes."""

import contextlib
import datetime as dt
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.source import ReadLimits, SourceTable
from nashira.formats.stream import ResultStream
from nashira.formats.text_write import write_csv, write_tsv
from nashira.schema.model import Column
from nashira.schema.types import VOType, arrow_type

LIMITS = ReadLimits()
Folders = pytest.TempPathFactory
Upload = Callable[..., SourceTable]


def rows_of(table: SourceTable) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in table.batches:
        assert batch.schema.types == [arrow_type(column.type) for column in table.columns]
        batch.validate(full=True)
        rows += batch.to_pylist()
    return rows


@pytest.mark.parametrize(
    ("texts", "datatype", "values"),
    [
        (["1", "-2", "+3"], "int", [1, -2, 3]),
        (["1", "", "NA"], "int", [1, None, None]),
        (["1", "5853498713190525696"], "long", [1, 5853498713190525696]),
        (["1", "2.5"], "double", [1.0, 2.5]),
        (["1e3", "-.5", "5.", "012.5"], "double", [1000.0, -0.5, 5.0, 12.5]),
        (["NaN", "1.5", "inf"], "double", [math.nan, 1.5, math.inf]),
        (["true", "False", ""], "boolean", [True, False, None]),
        (["2000-01-01", "2001-02-03T04:05:06Z"], "char", [dt.datetime(2000, 1, 1), dt.datetime(2001, 2, 3, 4, 5, 6)]),
        (["007", "12"], "char", ["007", "12"]),
        (["0x1F", "2"], "char", ["0x1F", "2"]),
        (["123456789012345678901", "1"], "char", ["123456789012345678901", "1"]),
        (["1", "a"], "char", ["1", "a"]),
        (["true", "1"], "char", ["true", "1"]),
        (["2000-01-01", "soon"], "char", ["2000-01-01", "soon"]),
        (["NA", "x", '""', ""], "char", ["NA", "x", "", None]),
        (["", "", ""], "char", [None, None, None]),
    ],
)  # fmt: skip
def test_the_narrowest_type_that_reads_all(upload: Upload, texts: list[str], datatype: str, values: list[Any]) -> None:
    table = upload("a,b\n" + "".join(f"{text},x\n" for text in texts))
    assert table.columns[0].type.datatype == datatype
    assert table.rows == len(texts)
    read = [row["a"] for row in rows_of(table)]
    assert str(read) == str(values)


def test_types_are_found_over_all_rows_not_the_first_ones(upload: Upload) -> None:
    count = 700_000
    table = upload("n,s\n" + "".join(f"{n},\n" for n in range(count)) + "2.5,late\n")
    assert [column.type.datatype for column in table.columns] == ["double", "char"]
    total, last = 0, None
    for batch in table.batches:
        total, last = total + batch.num_rows, batch
    assert total == count + 1
    assert last is not None
    assert last.to_pylist()[-1] == {"n": 2.5, "s": "late"}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_recognised(upload: Upload, delimiter: str, end: str) -> None:
    rows = rows_of(upload(end.join([f"a{delimiter}b", f"1{delimiter}x", f"2{delimiter}y"])))
    assert rows == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_quotes_protect_delimiters_quotes_and_line_breaks(upload: Upload) -> None:
    assert rows_of(upload('"a, b",c\n"x, ""y""\nz",2\n')) == [{"a, b": 'x, "y"\nz', "c": 2}]


def test_comments_may_precede_the_header(upload: Upload) -> None:
    assert rows_of(upload("# my stars\n#\n\nra,dec\n1.5,2\n")) == [{"ra": 1.5, "dec": 2}]


def test_a_commented_header_gives_the_names(upload: Upload) -> None:
    assert rows_of(upload("# stars\n# ra,dec\n1.5,2\n2.5,3\n")) == [{"ra": 1.5, "dec": 2}, {"ra": 2.5, "dec": 3}]


def test_without_a_header_columns_are_numbered(upload: Upload) -> None:
    assert rows_of(upload("1.5,2\n2.5,3\n")) == [{"column_1": 1.5, "column_2": 2}, {"column_1": 2.5, "column_2": 3}]


def test_one_column_and_no_rows(upload: Upload) -> None:
    assert rows_of(upload("name\nSirius\nVega\n")) == [{"name": "Sirius"}, {"name": "Vega"}]
    table = upload("a,b\n")
    assert ([column.name for column in table.columns], rows_of(table), table.name) == (["a", "b"], [], "stars")


def test_one_quoted_name_may_have_spaces(upload: Upload) -> None:
    assert rows_of(upload('"Star name"\nSirius\n')) == [{"Star name": "Sirius"}]


def test_names_are_made_unique_and_bom_is_dropped(upload: Upload) -> None:
    table = upload("\ufeffRA,ra,\n1,2,3\n")
    assert [column.name for column in table.columns] == ["RA", "ra_2", "column"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n1,2,3\n", "row 2 has 3 fields, but there are 2 columns"),
        ("a,b\n1\n", "row 1 has 1 fields"),
        ("name,b\nSm\xe4ll,1\n".encode("latin-1"), "not in UTF-8.*Latin-1"),
        ("n\xe4me,b\nx,1\n".encode("latin-1"), "not in UTF-8"),
        ("\n\n", "empty"),
        ("Dear reader\nthere are no stars\n", "'Dear reader', has no comma"),
        ("ra dec mag\n1 2 3\n", "spaces between its columns can be converted to ECSV"),
        ("# only a comment\n", "empty"),
    ],
)
def test_faults_are_told(upload: Upload, text: str | bytes, why: str) -> None:
    with pytest.raises(UploadError, match=why):
        rows_of(upload(text))


def test_an_open_quote_is_no_endless_row(upload: Upload) -> None:
    with pytest.raises(UploadTooLarge, match="quote"):
        rows_of(upload('a,b\n1,"' + "x\n" * 5_000_000))


@pytest.mark.parametrize("write", [write_csv, write_tsv])
def test_what_we_write_is_what_we_read(upload: Upload, write: Callable[[ResultStream], Iterator[bytes]]) -> None:
    kinds = {"i": VOType("int"), "d": VOType("double"), "s": VOType("char", "*"), "b": VOType("boolean")}
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    values = [[1, None], [0.1, None], ['say "hi", all', "x"], [True, None]]
    arrays = [pa.array(v, arrow_type(c.type)) for v, c in zip(values, columns, strict=True)]
    batch = pa.record_batch(arrays, names=list(kinds))
    table = upload(b"".join(write(ResultStream(columns, iter([batch])))))
    assert rows_of(table) == batch.to_pylist()


@pytest.mark.parametrize(
    ("media_type", "text", "names"),
    [
        ("", "a|b|c,d\n1|2|3,4\n", ["a", "b", "c,d"]),
        ("text/csv", "a|b|c,d\n1|2|3,4\n", ["a|b|c", "d"]),
        ("text/csv", "a\tb\n1\t2\n", ["a", "b"]),  # the content decides
        ("text/tab-separated-values", "a,b\tc\n1,2\t3\n", ["a,b", "c"]),
        ("text/csv;header=absent", "a,b\n1,2\n", ["column_1", "column_2"]),
        ('Text/CSV; Header="Present"', "1,2\n3,4\n", ["1", "2"]),
        ("application/x-votable+xml", "a,b\n1,2\n", ["a", "b"]),
    ],
)
def test_a_media_type_is_a_hint(tmp_path: Path, media_type: str, text: str, names: list[str]) -> None:
    (tmp_path / "t").write_text(text)
    found = read_upload(tmp_path / "t", ReadLimits(), media_type)
    assert [column.name for column in found.columns] == names
    assert sum(batch.num_rows for batch in found.batches) == text.count("\n") - ("absent" not in media_type)


# --- ECSV --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_ecsv_of_astropy_keeps_types_and_metadata(upload: Upload, delimiter: str) -> None:
    table = Table(
        {
            "b": np.array([True, False]),
            "u1": np.array([1, 255], "u1"),
            "i1": np.array([1, -5], "i1"),
            "u4": np.array([1, 2**32 - 1], "u4"),
            "u8": np.array([1, 2**64 - 1], "u8"),
            "i8": MaskedColumn(np.array([1, 2]), mask=[True, False]),
            "f4": np.array([1.5, np.nan], "f4"),
            "f8": MaskedColumn([1.5, 2], unit="km/s", description="a speed", mask=[False, True]),
            "s": MaskedColumn(["a b", 'q"'], mask=[False, False]),
            "c": np.array([1 + 2j, -1.5e-3 - 1j]),
            "v": np.arange(4.0).reshape(2, 2),
            "m": np.arange(12).reshape(2, 2, 3),
        },
        meta={"description": "of mine", "other": [1, {"x": 2}]},
    )
    table["f8"].meta["ucd"] = "phys.veloc"
    objects = np.empty(2, object)
    objects[:] = [np.array([1, 2]), np.array([3])]
    table["var"] = objects
    out = io.StringIO()
    table.write(out, format="ascii.ecsv", delimiter=delimiter)
    read = upload(out.getvalue())
    kinds = {c.name: (c.type.datatype, c.type.arraysize) for c in read.columns}
    assert kinds["u8"] == ("char", "20")
    assert (kinds["v"], kinds["m"], kinds["var"]) == (("double", "2"), ("long", "3x2"), ("long", "*"))
    speed = next(c for c in read.columns if c.name == "f8")
    assert (speed.unit, speed.description, speed.ucd) == ("km.s**-1", "a speed", "phys.veloc")
    assert read.description == "of mine"
    first, second = rows_of(read)
    nan = second.pop("f4")
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert first == {
        "b": True, "u1": 1, "i1": 1, "u4": 1, "u8": "1", "i8": None, "f4": 1.5, "f8": 1.5, "s": "a b", "c": [1, 2],
        "v": [0, 1], "m": [0, 1, 2, 3, 4, 5], "var": [1, 2],
    }  # fmt: skip
    assert second == {
        "b": False, "u1": 255, "i1": -5, "u4": 2**32 - 1, "u8": str(2**64 - 1), "i8": 2, "f8": None, "s": 'q"',
        "c": [-1.5e-3, -1], "v": [2, 3], "m": [6, 7, 8, 9, 10, 11], "var": [3],
    }  # fmt: skip


HEADER = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int32}\n# schema: astropy-2.0\na\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEADER + "x\n", 'row 1, column "a": "x" is not an integer'),
        (HEADER.replace("\na\n", "\nb\n") + "1\n", "not those of its header"),
        (HEADER.replace("int32", "quaternion") + "1\n", "unknown datatype"),
        (HEADER.replace("datatype:\n", "datatypes:\n") + "1\n", "no list of columns"),
        (HEADER.replace("{name: a", "{[name: a") + "1\n", "no valid YAML"),
        (HEADER.replace("name: a, ", "") + "1\n", "no name"),
        (HEADER.replace("# schema", "# delimiter: [1]\n# schema") + "1\n", "delimiter"),
    ],
)
def test_faults_of_ecsv_are_told(upload: Upload, text: str, why: str) -> None:
    with pytest.raises(UploadError, match=why):
        rows_of(upload(text))


def test_yaml_cannot_run_anything(upload: Upload, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"# meta: !!python/object/apply:os.system ['touch {mark}']\n"
    assert rows_of(upload(HEADER.replace("# schema", evil + "# schema") + "1\n")) == [{"a": 1}]
    assert not mark.exists()


def test_yaml_bombs_do_not_go_off(upload: Upload) -> None:
    aliases = ["# x0: &x0 [lol, lol]"] + [f"# x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 30)]
    merges = ["# y0: &y0 {k: v}"] + [f"# y{n}: &y{n} {{<<: [{', '.join([f'*y{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    more = "\n".join([*aliases, *merges, "# schema"])
    assert rows_of(upload(HEADER.replace("# schema", more) + "1\n")) == [{"a": 1}]
    with pytest.raises(UploadError, match="unknown datatype"):
        upload(HEADER.replace("# datatype", "\n".join(aliases) + "\n# datatype").replace("int32", "*x29") + "1\n")


def test_nested_yaml_is_refused(upload: Upload) -> None:
    with pytest.raises(UploadError, match="YAML"):
        upload("# %ECSV 1.0\n# ---\n# datatype: " + "[" * 100_000 + "\na\n")


def assert_table_or_error(path: Path) -> None:
    with contextlib.suppress(UploadError):
        rows_of(read_upload(path, LIMITS))
    with contextlib.suppress(UploadError):
        for table in open_tables(path):
            rows_of(table)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.text(alphabet='a1.,;"\n\r\t#|- ', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_an_upload_error(tmp_path_factory: Folders, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    assert_table_or_error(path)


TOLD = "# - {name: a, datatype: string, subtype: 'float64[2]', meta: {xtype: point, ucd: pos.eq}}"


@pytest.mark.parametrize(
    ("entry", "cell", "kind", "value"),
    [
        (TOLD, '"[1,2.5]"', VOType("double", "2", "point"), [1.0, 2.5]),
        (
            "# - {name: a, datatype: string, subtype: 'float32[2]', meta: {datatype: floatComplex}}",
            '"[1,null]"',
            VOType("floatComplex"),
            [1.0, math.nan],
        ),
        (
            "# - {name: a, datatype: string, subtype: 'string[null]', meta: {datatype: char, arraysize: 5x*}}",
            """"[""x"",""é\\n""]\"""",
            VOType("char", "5x*"),
            ["x", "é\n"],
        ),
        ("# - {name: a, datatype: string, subtype: 'int32[null]'}", "[]", VOType("int", "*"), []),
        (
            "# - {name: a, datatype: int32, meta: {datatype: char, arraysize: '*'}}",
            "7",
            VOType("int"),
            7,
        ),
        ("# - {name: a, datatype: int32, meta: {datatype: no, arraysize: [1]}}", "7", VOType("int"), 7),
    ],
)
def test_ecsv_columns_may_tell_more_in_meta(upload: Upload, entry: str, cell: str, kind: VOType, value: Any) -> None:
    found = upload(
        HEADER.replace("# - {name: a, datatype: int32}", f"# delimiter: ','\n# datatype:\n{entry}").replace(
            "# datatype:\n# delimiter", "# delimiter"
        )
        + cell
        + "\n"
    )
    assert found.columns[0].type == kind
    assert repr(rows_of(found)) == repr([{"a": value}])


@pytest.mark.parametrize("cell", ["[1]", '"[""a""}"', '"[""a""],""b"":1"', "x", '"[""a""]}', '"[""\\ud800""]"'])
def test_json_that_is_no_array_of_texts_is_named(upload: Upload, cell: str) -> None:
    entry = "# - {name: a, datatype: string, subtype: 'string[null]', meta: {datatype: char, arraysize: 5x*}}"
    head = HEADER.replace("# datatype:\n", "# delimiter: ','\n# datatype:\n").replace(
        "# - {name: a, datatype: int32}", entry
    )
    with pytest.raises(UploadError, match=r'row 2, column "a": the value is no JSON array of texts|text table'):
        rows_of(upload(head + '"[""ok""]"\n' + cell + "\n"))
