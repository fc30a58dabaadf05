"""FITS binary tables against FITS 4.0 sections 4 and 7.3, read by astropy."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from nashira.config.errors import EngineError, OutOfResources, ParameterError
from nashira.formats.fits_cards import card, commentary
from nashira.formats.fits_write import write_fits
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POLYGON, STRING, TIMESTAMP, VOType
from tests.formats.samples import batch_of, failing, stream

BYTE, SHORT = VOType("unsignedByte"), VOType("short")


def hdus_of(columns: Sequence[Column], *data: Sequence[object], **more: Any) -> fits.HDUList:
    document = b"".join(write_fits(stream(columns, *data, **more)))
    assert len(document) % 2880 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hdus = fits.open(io.BytesIO(document))
        hdus.verify("exception")
    return hdus


def table_of(columns: Sequence[Column], *data: Sequence[object], **more: Any) -> fits.BinTableHDU:
    return hdus_of(columns, *data, **more)[1]


def test_a_table_of_two_stars_with_its_metadata() -> None:
    columns = [
        Column("HIP", INTEGER, "Hipparcos number", ucd="meta.id;meta.main"),
        Column("Vmag", FLOAT, "Johnson V; " + "very " * 30 + "long 'text'", unit="mag", utype="phot:v"),
        Column("name", STRING),
        Column("seen", TIMESTAMP),
    ]
    query = "SELECT *\nFROM hip.main -- " + "x" * 200
    infos = (("publisher", "O'Hara Observatory"), ("remark", "n" * 100))
    hdus = hdus_of(
        columns, [32349, 2], [-1.44, None], ["Sirius", None], [0, None], info=ResultInfo(infos, query, "Bright stars")
    )
    primary, header, data = hdus[0].header, hdus[1].header, hdus[1].data
    assert primary["QUERY"] == " ".join(query.split())
    assert primary["PUBLISHR"] == "O'Hara Observatory"
    assert "remark: nnn" in str(primary["HISTORY"])
    assert (primary["QSTATUS"], primary["OBJECT"]) == ("OK", "Bright stars")
    assert [header[f"TFORM{i}"] for i in (1, 2, 3, 4)] == ["1J", "1E", "6A", "19A"]
    assert (header["TUNIT2"], header["TUCD1"], header["TUTYP2"]) == ("mag", "meta.id;meta.main", "phot:v")
    assert header["TCOMM2"] == columns[1].description
    assert "TNULL1" not in header
    assert data["HIP"].tolist() == [32349, 2]
    assert np.isnan(data["Vmag"][1])
    assert data["name"].tolist() == ["Sirius", ""]
    assert data["seen"].tolist() == ["1970-01-01T00:00:00", ""]


@pytest.mark.parametrize(
    ("kind", "values", "form", "null"),
    [
        (SHORT, [1, None], "1I", -32768),
        (SHORT, [-32768, None], "1I", 32767),
        (SHORT, [-32768, 32767, None], "1J", -(2**31)),
        (BYTE, [0, None], "1B", 255),
        (BYTE, [255, 1, None], "1B", 0),
        (BYTE, [0, 255, None], "1I", -32768),
        (LONG, [-(2**63), None], "1K", 2**63 - 1),
        (LONG, [None, None], "1K", -(2**63)),
        (VOType("int", "2"), [[1, None], None], "2J", -(2**31)),
    ],
)
def test_integer_nulls_take_a_value_that_the_data_do_not_hold(
    kind: VOType, values: list[Any], form: str, null: int
) -> None:
    table = table_of([Column("n", kind)], values)
    assert (table.header["TFORM1"], table.header["TNULL1"]) == (form, null)
    found = np.asarray(table.data["n"]).reshape(len(values), -1).tolist()
    expected = [[null if v is None else v for v in (value if isinstance(value, list) else [value])] for value in values]
    assert found == [row * (len(found[0]) // len(row)) for row in expected]


def test_longs_that_use_both_ends_leave_no_null() -> None:
    with pytest.raises(ParameterError, match='Column "n"'):
        list(write_fits(stream([Column("n", LONG)], [-(2**63), 2**63 - 1, None])))


def test_null_booleans_are_zero_bytes() -> None:
    document = b"".join(write_fits(stream([Column("b", BOOLEAN)], [True, False, None])))
    with fits.open(io.BytesIO(document), logical_as_bytes=True) as hdus:
        assert hdus[1].data["b"].tolist() == [b"T", b"F", b""]


def test_arrays_keep_their_shape_and_open_ones_lie_in_the_heap() -> None:
    columns = [Column("m", VOType("short", "2x3")), Column("p", POLYGON), Column("c", VOType("doubleComplex", "*"))]
    table = table_of(
        columns,
        [[1, 2, 3, 4, 5, 6], [0] * 6],
        [[1, 2, 3, 4, 5, 6], None],
        [[[1, 2]], [[3, 4], [5, 6]]],
    )
    assert (table.header["TFORM1"], table.header["TDIM1"]) == ("6I", "(2,3)")
    assert (table.header["TFORM2"], table.header["TFORM3"]) == ("1PD(6)", "1PM(2)")
    assert table.header["PCOUNT"] == 6 * 8 + 3 * 16
    assert table.data["m"][0].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert table.data["p"][0].tolist() == [1, 2, 3, 4, 5, 6]
    assert len(table.data["p"][1]) == 0
    assert table.data["c"][1].tolist() == [3 + 4j, 5 + 6j]


def test_bits_and_texts_in_arrays() -> None:
    columns = [Column("x", VOType("bit", "10")), Column("t", VOType("char", "9x2")), Column("o", VOType("char", "3x*"))]
    table = table_of(columns, [[True] + [False] * 9] * 2, [["ab", "é"], None], [["a"], None])
    assert [table.header[f"TFORM{i}"] for i in (1, 2, 3)] == ["10X", "8A", "5A"]
    assert table.header["TDIM2"] == "(4,2)"
    assert table.data["x"][0].tolist() == [True] + [False] * 9
    assert table.data["t"].tolist() == [["ab", "\\xe9"], ["", ""]]
    assert table.data["o"].tolist() == ['["a"]', ""]


def test_texts_are_ascii_and_lossless() -> None:
    texts = ["plain", "é", "中", "😀", "a\0b\n", ""]
    found = table_of([Column("s", STRING)], texts).data["s"].tolist()
    assert found == ["plain", "\\xe9", "\\u4e2d", "\\U0001f600", "a\\x00b\\x0a", ""]


def test_one_long_text_among_short_ones_goes_to_the_heap() -> None:
    texts = ["x"] * 99 + ["y" * 5000]
    table = table_of([Column("s", STRING), Column("n", LONG)], texts, list(range(100)))
    assert table.header["TFORM1"] == "1PA(5000)"
    assert ["".join(text) for text in table.data["s"]] == texts
    assert table.data["n"].tolist() == list(range(100))


def test_many_batches_share_one_heap() -> None:
    columns = [Column("v", VOType("int", "*")), Column("s", STRING)]
    rows = [[[i] * (i % 4) for i in range(start, start + 5)] for start in (0, 5, 10)]
    batches = [batch_of(columns, values, ["a"] * 5) for values in rows]
    document = b"".join(write_fits(ResultStream(columns, iter(batches))))
    table = fits.open(io.BytesIO(document))[1]
    assert [table.data["v"][i].tolist() for i in range(15)] == [v for batch in rows for v in batch]


def test_overflow_stands_in_both_headers() -> None:
    hdus = hdus_of([Column("a", LONG)], [1, 2, 3], maxrec=2)
    assert [hdu.header["QSTATUS"] for hdu in hdus] == ["OVERFLOW", "OVERFLOW"]
    assert "cut after 2 rows" in str(hdus[0].header["HISTORY"])
    assert hdus[1].data["a"].tolist() == [1, 2]


def test_no_rows() -> None:
    columns = [Column("a", LONG), Column("s", STRING), Column("p", POLYGON), Column("t", VOType("char", "9x2"))]
    table = table_of(columns, [], [], [], [])
    assert table.header["NAXIS2"] == 0
    assert table.header["TFORM2"] == "1A"


def test_names_are_unique_ascii_and_short() -> None:
    table = table_of([Column(n, LONG) for n in ("ra", "RA", "é", "n" * 100)], [1], [2], [3], [4])
    names = [table.header[f"TTYPE{i}"] for i in (1, 2, 3, 4)]
    assert names[:2] == ["ra", "RA_2"]
    assert all(name.isascii() and len(name) <= 68 for name in names)


def test_a_failure_comes_before_the_first_byte() -> None:
    with pytest.raises(EngineError):
        next(write_fits(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))


def test_999_columns_and_no_more() -> None:
    columns = [Column(f"c{i}", DOUBLE) for i in range(1000)]
    assert table_of(columns[:999], *[[0.5]] * 999).header["TFIELDS"] == 999
    with pytest.raises(ParameterError, match="at most 999 columns"):
        list(write_fits(stream(columns, *[[0.5]] * 1000)))


@pytest.mark.parametrize("length", [0, 1, 67, 68, 69, 134, 135, 500])
@pytest.mark.parametrize("letter", ["a", "'", " "])
def test_cards_hold_any_text(length: int, letter: str) -> None:
    text = letter * length + "z"
    written = card("QUERY", text)
    assert len(written) % 80 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fits.Header.fromstring(written)["QUERY"] == text


def test_commentary_is_cut_at_72_characters() -> None:
    assert str(fits.Header.fromstring(commentary("HISTORY", "x" * 100))["HISTORY"]).replace("\n", "") == "x" * 100


def test_a_result_too_large_for_the_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nashira.formats.fits_spool.SPOOL_BYTES", 10_000)
    assert len(b"".join(write_fits(stream([Column("a", DOUBLE)], [0.0] * 1000)))) > 8000
    with pytest.raises(OutOfResources, match="temporary space for FITS"):
        b"".join(write_fits(stream([Column("a", DOUBLE)], [0.0] * 2000)))
