"""Arrow streams, read back by pyarrow, DuckDB and astropy."""

import io
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from astropy.io.votable import parse

from nashira.config.errors import EngineError
from nashira.formats.arrow_write import write_arrow
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.arrow import column_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, LONG, POINT, STRING, TIMESTAMP
from tests.formats.samples import batch_of, failing, stream

COLUMNS = (
    Column("id", LONG, "Number", ucd="meta.id"),
    Column("ra", DOUBLE, unit="deg", ucd="pos.eq.ra"),
    Column("name", STRING),
    Column("seen", TIMESTAMP),
    Column("pos", POINT),
)
ROWS = ([1, None, 2**63 - 1], [0.1, None, float("nan")], ["é", "", None], [0, None, 1], [[1.0, 2.0], None, [3.0, 4.0]])


def opened(data: bytes) -> Any:
    return pa.ipc.open_stream(data)


def ending(data: bytes) -> dict[bytes, bytes]:
    """Give the custom metadata of the last batch, which must be empty."""
    reader = opened(data)
    last: Any = None
    while True:
        try:
            last = reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            break
    assert last.batch.num_rows == 0
    return dict(last.custom_metadata)


def test_values_and_columns_come_back() -> None:
    data = b"".join(write_arrow(stream(COLUMNS, *ROWS)))
    table = opened(data).read_all().combine_chunks()
    table.validate(full=True)
    assert str(table) == str(pa.Table.from_batches([batch_of(COLUMNS, *ROWS)]))  # NaN equals nothing but its text
    assert tuple(map(column_of, table.schema)) == COLUMNS
    assert ending(data) == {b"QUERY_STATUS": b"OK", b"rows": b"3"}


def test_the_schema_holds_a_votable() -> None:
    info = ResultInfo((("publisher", "Me"), ("citation", "2026 et al.")), "SELECT 1")
    metadata = opened(b"".join(write_arrow(stream(COLUMNS, *ROWS, info=info)))).schema.metadata
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    tree = parse(io.BytesIO(metadata[b"IVOA.VOTable-Parquet.content"]))
    assert [field.name for field in tree.get_first_table().fields] == ["id", "ra", "name", "seen", "pos"]
    infos = {one.name: one.value for one in tree.resources[0].infos}
    assert infos["QUERY"] == "SELECT 1"
    assert infos["citation"] == "2026 et al."


def test_a_cut_result_says_so_at_its_end() -> None:
    data = b"".join(write_arrow(stream(COLUMNS, *ROWS, maxrec=2)))
    assert opened(data).read_all().num_rows == 2
    assert ending(data) == {b"QUERY_STATUS": b"OVERFLOW", b"rows": b"2"}


def test_no_rows_and_equal_names() -> None:
    data = b"".join(write_arrow(ResultStream([Column("a", LONG), Column("A", LONG)], iter(()))))
    table = opened(data).read_all()
    assert table.column_names == ["a", "A_2"]
    assert ending(data)[b"rows"] == b"0"


def test_a_failure_breaks_the_transfer() -> None:
    with pytest.raises(EngineError):
        list(write_arrow(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))


def test_duckdb_reads_it() -> None:
    reader = opened(b"".join(write_arrow(stream(COLUMNS[:3], *ROWS[:3]))))
    with duckdb.connect() as connection:
        connection.register("result", reader)
        assert connection.sql("SELECT count(*), max(id), count(name) FROM result").fetchall() == [(3, 2**63 - 1, 2)]
