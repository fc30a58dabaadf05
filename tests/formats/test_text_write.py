"""CSV by RFC 4180 and TAP 1.1 section 3.2, TSV without quotes."""

import csv
import io

import pyarrow as pa
import pytest

from nashira.config.errors import EngineError
from nashira.formats.stream import ResultStream
from nashira.formats.text_write import write_csv, write_csv_bare, write_tsv
from nashira.schema.model import Column
from nashira.schema.types import BOOLEAN, DOUBLE, LONG, POLYGON, STRING, TIMESTAMP, VOType
from tests.formats.samples import Writer, failing, text_of

each_writer = pytest.mark.parametrize("write", [write_csv, write_csv_bare, write_tsv])


def test_a_csv_an_astronomer_can_read() -> None:
    columns = [Column("HIP", LONG), Column("Vmag, V", DOUBLE), Column("name", STRING), Column("seen", TIMESTAMP)]
    written = text_of(
        write_csv, columns, [32349, None], [-1.44, None], ['Sirius "A", big', None], [1_767_225_600_000_000, None]
    )
    assert written == ('HIP,"Vmag, V",name,seen\r\n32349,-1.44,"Sirius ""A"", big",2026-01-01T00:00:00\r\n,,,\r\n')


def test_csv_tells_null_from_the_empty_text() -> None:
    assert text_of(write_csv_bare, [Column("s", STRING), Column("t", STRING)], ["", None], ["x", ""]) == (
        '"",x\r\n,""\r\n'
    )


def test_csv_floats_booleans_and_arrays() -> None:
    columns = [Column("d", DOUBLE), Column("b", BOOLEAN), Column("p", POLYGON), Column("t", VOType("char", "3x2"))]
    nan, infinity = float("nan"), float("inf")
    written = text_of(
        write_csv_bare,
        columns,
        [nan, infinity, -infinity],
        [True, False, None],
        [[1, 2.5], [None], None],
        [["a", "b"]] * 3,
    )
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert rows == [
        ["NaN", "true", "1 2.5", '["a","b"]'],
        ["Infinity", "false", "null", '["a","b"]'],
        ["-Infinity", "", "", '["a","b"]'],
    ]


def test_an_overflow_is_a_last_line_that_data_cannot_imitate() -> None:
    written = text_of(write_csv, [Column("s", STRING)], ["# OVERFLOW: me", "b", "c"], maxrec=2)
    assert written.split("\r\n") == [
        "s",
        '"# OVERFLOW: me"',
        "b",
        "# OVERFLOW: the result was cut after 2 rows; there are more",
        "",
    ]


def test_tsv_has_neither_tabs_nor_line_breaks_in_values() -> None:
    columns = [Column("a\tb", STRING), Column("n", LONG)]
    assert text_of(write_tsv, columns, ["x\ty\r\nz", None, 'quo"te'], [1, 2, None]) == (
        'a b\tn\nx y  z\t1\n\t2\nquo"te\t\n'
    )


@each_writer
def test_no_rows(write: Writer) -> None:
    written = text_of(write, [Column("a", LONG), Column("b", LONG)], [], [])
    assert written.split() == ([] if write is write_csv_bare else ["a,b"] if write is write_csv else ["a", "b"])


@each_writer
def test_a_failure_breaks_the_transfer(write: Writer) -> None:
    closed: list[int] = []
    writer = write(ResultStream([Column("a", LONG)], failing(EngineError("gone")), on_close=lambda: closed.append(1)))
    with pytest.raises(EngineError):
        list(writer)
    assert closed == [1]


def test_many_batches_follow_each_other() -> None:
    columns = [Column("a", LONG)]
    batches = [pa.record_batch([pa.array([i, i + 1])], ["a"]) for i in (1, 3)]
    assert b"".join(write_csv(ResultStream(columns, iter(batches)))) == b"a\r\n1\r\n2\r\n3\r\n4\r\n"
