"""ECSV, read back by astropy without a warning."""

import math
from typing import Any

import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from nashira.config.errors import EngineError
from nashira.formats.ecsv_write import write_ecsv
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, STRING, TIMESTAMP, VOType
from tests.formats.samples import failing, stream, text_of


def read(text: str) -> Any:
    return Table.read(text, format="ascii.ecsv")


def column(kind: VOType, *values: object) -> Any:
    """Write one column beside another, so that no line is empty, and read it back."""
    columns = [Column("x", kind), Column("n", INTEGER)]
    return read(text_of(write_ecsv, columns, values, range(len(values))))["x"]


def test_a_file_an_astronomer_can_read() -> None:
    columns = [
        Column("HIP", INTEGER, ucd="meta.id"),
        Column("RA deg", DOUBLE, "Right ascension", "deg"),
        Column("name", STRING),
    ]
    info = ResultInfo((("publisher", "Me"), ("creator", "A"), ("creator", "B"), ("query", "SELECT 1")), "SELECT 1", "T")
    assert text_of(write_ecsv, columns, [32349, None], [101.5, 2.0], ["Sirius, A", None], info=info) == (
        "# %ECSV 1.0\n"
        "# ---\n"
        "# delimiter: ','\n"
        "# datatype:\n"
        '# - {"name": "HIP", "datatype": "int32", "meta": {"ucd": "meta.id"}}\n'
        '# - {"name": "RA deg", "unit": "deg", "datatype": "float64", "description": "Right ascension"}\n'
        '# - {"name": "name", "datatype": "string"}\n'
        '# meta: {"title": "T", "publisher": "Me", "creator": ["A", "B"], "query": "SELECT 1", '
        '"status": "OK unless the last line of the file is a comment that says OVERFLOW"}\n'
        "# schema: astropy-2.0\n"
        "HIP,RA deg,name\n"
        '32349,101.5,"Sirius, A"\n'
        ",2,\n"
    )


def test_columns_come_with_their_metadata() -> None:
    description = "quotes \" ' colon: hash # \u2028 \x85 \x7f emoji 😀 {[&*!|>%@`"
    table = read(text_of(write_ecsv, [Column("a b", LONG, description, "m.s**-1", "phys.veloc", "x:y")], [1]))
    assert table["a b"].description == description
    assert str(table["a b"].unit) == "m / s"
    assert table["a b"].meta == {"ucd": "phys.veloc", "utype": "x:y"}


def test_the_query_and_its_origin_are_the_meta_of_the_table() -> None:
    query = "SELECT *\nFROM x -- \u2029 'é'"
    info = ResultInfo((("publisher", "Me"), ("citation", "2026")), query, "Title")
    meta = read(text_of(write_ecsv, [Column("a", LONG)], [1], info=info)).meta
    assert meta["query"] == query
    assert (meta["title"], meta["publisher"], meta["citation"]) == ("Title", "Me", "2026")


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        (LONG, [-(2**63), 2**63 - 1, None], "int64"),
        (VOType("unsignedByte"), [0, 255, None], "uint8"),
        (VOType("short"), [-32768, None, 1], "int16"),
        (BOOLEAN, [True, False, None], "bool"),
        (VOType("bit"), [True, False, True], "bool"),
        (DOUBLE, [0.1, 5e-324, None, -1.7976931348623157e308], "float64"),
        (FLOAT, [1.401298464324817e-45, None, 3.4028234663852886e38], "float32"),
        (POINT, [[1.0, 2.5], None, [0.0, -90.0]], "float64"),
        (VOType("int", "2x3"), [[1, 2, 3, 4, 5, 6]], "int32"),
        (VOType("bit", "3"), [[True, False, True]], "bool"),
        (VOType("doubleComplex"), [[1.5, -2.0], None], "float64"),
    ],
)
def test_values_come_back(kind: VOType, values: list[Any], dtype: str) -> None:
    back = column(kind, *values)
    assert str(back.dtype) == dtype
    for place, value in enumerate(values):
        if value is None:
            assert back.mask[place].all()
        elif isinstance(value, list):
            assert back[place].reshape(-1).tolist() == value
        else:
            assert back[place].item() == value


def test_shapes_are_those_of_numpy() -> None:
    """VOTable names the fastest index first, NumPy last."""
    assert column(VOType("int", "2x3"), [1, 2, 3, 4, 5, 6]).tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert column(VOType("floatComplex", "2"), [[1.0, 2.0], [3.0, 4.0]]).shape == (1, 2, 2)
    open_ended = column(VOType("double", "*"), [1.0, 2.0], [], None)
    assert [list(one) for one in open_ended[:2]] == [[1.0, 2.0], []]
    assert open_ended.mask[2]


def test_nan_is_not_null() -> None:
    back = column(DOUBLE, float("nan"), None, float("inf"), -math.inf)
    assert math.isnan(back[0])
    assert not back.mask[0]
    assert back.mask[1]
    assert back[2:].tolist() == [math.inf, -math.inf]


def test_timestamps_are_texts() -> None:
    assert column(TIMESTAMP, 1_500_000, None).tolist() == ["1970-01-01T00:00:01.5", None]


# astropy cuts blanks at the ends of fields, quoted or not, takes empty ones for null, and makes \n of other line ends
LINE_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
TEXTS = st.text(st.characters(exclude_characters=LINE_ENDS + "\x00", exclude_categories=("Cs",)))  # type: ignore[arg-type]


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_texts_come_back(texts: list[str]) -> None:
    kept = [text.strip() for text in texts]
    back = column(STRING, *kept)
    for place, text in enumerate(kept):
        assert (back[place] == text) if text else back.mask[place]


def test_overflow_is_a_comment_at_the_end() -> None:
    text = text_of(write_ecsv, [Column("a", LONG)], [1, 2, 3], maxrec=2)
    assert text.endswith("2\n# OVERFLOW: the result was cut after 2 rows; there are more\n")
    assert len(read(text)) == 2


def test_a_failure_breaks_the_transfer() -> None:
    with pytest.raises(EngineError):
        list(write_ecsv(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))


def test_no_rows_and_equal_names() -> None:
    table = read(b"".join(write_ecsv(stream([Column("a", LONG), Column("A", LONG)], [], []))).decode())
    assert table.colnames == ["a", "A_2"]
    assert len(table) == 0
