"""Parquet results: values, VOParquet metadata, status, row groups."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse

from nashira.config.errors import EngineError
from nashira.formats import parquet_write
from nashira.formats.parquet_write import write_parquet
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.arrow import column_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, LONG, POLYGON, STRING, TIMESTAMP
from tests.formats.samples import failing, stream

COLUMNS = [
    Column("HIP", LONG, "number", ucd="meta.id"),
    Column("Vmag", DOUBLE, unit="mag"),
    Column("name", STRING),
    Column("seen", TIMESTAMP),
    Column("shape", POLYGON),
]
DATA: list[list[Any]] = [
    [1, None, -(2**63)],
    [float("nan"), None, 5e-324],
    ["a\0", None, ""],
    [0, None, 1],
    [[1.0, None], None, []],
]


def written(columns: Sequence[Column], data: Sequence[Sequence[object]], **more: Any) -> pa.BufferReader:
    return pa.BufferReader(b"".join(write_parquet(stream(columns, *data, **more))))


def test_values_and_columns_come_back() -> None:
    table = pq.read_table(written(COLUMNS, DATA))
    assert [column_of(field) for field in table.schema] == COLUMNS
    expected = pa.Table.from_arrays(
        [pa.array(v, f.type) for v, f in zip(DATA, table.schema, strict=True)], schema=table.schema
    )
    assert str(table.to_pylist()) == str(expected.to_pylist())


@pytest.mark.parametrize(("maxrec", "status"), [(None, b"OK"), (2, b"OVERFLOW"), (0, b"OVERFLOW")])
def test_the_footer_tells_the_status_and_holds_a_votable_without_data(maxrec: int | None, status: bytes) -> None:
    metadata = pq.read_metadata(written(COLUMNS, DATA, maxrec=maxrec, info=ResultInfo(query="SELECT 1"))).metadata
    assert metadata[b"QUERY_STATUS"] == status
    assert metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = parse(io.BytesIO(metadata[b"IVOA.VOTable-Parquet.content"]))
    fields = document.get_first_table().fields
    assert [field.name for field in fields] == [column.name for column in COLUMNS]
    assert str(fields[1].unit) == "mag"
    assert [info.value for info in document.resources[0].infos] == [status.decode(), "SELECT 1"]


def test_names_are_unique_without_regard_to_case() -> None:
    table = pq.read_table(written([Column("ra", LONG), Column("RA", LONG), Column("ra_2", LONG)], [[1], [2], [3]]))
    assert table.column_names == ["ra", "RA_2", "ra_2_2"]


def test_small_batches_are_gathered_and_large_ones_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_write, "GROUP_ROWS", 10)
    batches = [pa.record_batch([pa.array(range(size))], ["a"]) for size in (3, 4, 25, 1)]
    document = b"".join(write_parquet(ResultStream([Column("a", LONG)], iter(batches))))
    found = pq.ParquetFile(pa.BufferReader(document)).metadata
    assert found.num_rows == 33
    assert max(found.row_group(i).num_rows for i in range(found.num_row_groups)) < 20


def test_no_rows() -> None:
    assert pq.read_table(written([Column("a", LONG)], [[]])).num_rows == 0


def test_a_failure_leaves_no_readable_file() -> None:
    sent: list[bytes | memoryview] = []
    with pytest.raises(EngineError):
        sent.extend(write_parquet(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(pa.BufferReader(b"".join(sent)))
