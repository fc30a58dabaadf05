"""Parquet: every Arrow type brought home, metadata, and damaged files."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.arrow_json_read import json_texts
from nashira.formats.parquet_write import write_parquet
from nashira.formats.readers import read_upload
from nashira.formats.source import ReadLimits, SourceTable
from nashira.formats.stream import ResultStream
from nashira.schema.arrow import field_of
from nashira.schema.model import Column
from nashira.schema.types import VOType, arrow_type
from tests.formats.arrow_samples import EVERY_TYPE, WHEN
from tests.formats.samples import rows_of

LIMITS = ReadLimits()
Folders = pytest.TempPathFactory


def stored(path: Path, table: pa.Table) -> SourceTable:
    pq.write_table(table, path / "t.parquet")
    return read_upload(path / "t.parquet", LIMITS)


@pytest.mark.parametrize(("array", "kind", "values"), EVERY_TYPE)
def test_every_arrow_type_comes_home(tmp_path: Path, array: pa.Array, kind: VOType, values: list[Any]) -> None:
    table = stored(tmp_path, pa.table({"c": array}))
    assert table.columns[0].type == kind
    assert table.rows == len(array)
    assert rows_of(table)["c"].to_pylist() == values


def test_field_metadata_is_read_under_both_kinds_of_keys(tmp_path: Path) -> None:
    ours = Column("a", VOType("double", "2", "point"), "where", "deg", "pos.eq", "x:y")
    plain = pa.field("b", pa.float64(), metadata={"unit": "mag", "ucd": "phot.mag", "description": "how bright"})
    lie = pa.field("c", pa.int32(), metadata={"vo:datatype": "char", "vo:arraysize": "bad", "vo:unit": "s"})
    schema = pa.schema([field_of(ours), plain, lie])
    table = stored(tmp_path, pa.table([pa.array([[1.0, 2.0]], schema.field(0).type), [1.5], [1]], schema=schema))
    assert table.columns == (
        ours,
        Column("b", VOType("double"), "how bright", "mag", "phot.mag"),
        Column("c", VOType("int"), "", "s"),
    )


def test_an_embedded_votable_describes_the_columns(tmp_path: Path) -> None:
    content = (
        '<VOTABLE><RESOURCE><TABLE><FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra"><DESCRIPTION>Where'
        '</DESCRIPTION></FIELD><FIELD name="n" datatype="char" arraysize="5"/></TABLE></RESOURCE></VOTABLE>'
    )
    for text in (content, content[:100], "<!DOCTYPE x [<!ENTITY a 'b'>]><VOTABLE/>"):
        schema = pa.schema([("ra", pa.float64()), ("n", pa.string())])
        keys = {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": text}
        table = stored(tmp_path, pa.table([[1.5], ["a"]], schema=schema.with_metadata(keys)))
        known = text is content
        assert table.columns[0] == Column("ra", VOType("double"), *("Where", "deg", "pos.eq.ra") if known else ())
        assert table.columns[1].type == VOType("char", "5" if known else "*")


def test_many_row_groups_come_in_order(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": np.arange(200_000)}), tmp_path / "t.parquet", row_group_size=30_000)
    table = read_upload(tmp_path / "t.parquet", LIMITS)
    assert rows_of(table)["a"].to_pylist() == list(range(200_000))


def test_what_we_write_is_what_we_read(tmp_path: Path) -> None:
    columns = (
        Column("i", VOType("int"), "number", "mag", "phot.mag"),
        Column("t", VOType("char", "*", "timestamp")),
        Column("c", VOType("floatComplex")),
        Column("p", VOType("double", "*", "polygon")),
    )
    values = [[1, None], [WHEN, None], [[1, 2], None], [[1, 2, 3], None]]
    arrays = [pa.array(v, arrow_type(c.type)) for v, c in zip(values, columns, strict=True)]
    batch = pa.record_batch(arrays, names=[c.name for c in columns])
    path = tmp_path / "w.parquet"
    path.write_bytes(b"".join(write_parquet(ResultStream(columns, iter([batch])))))
    table = read_upload(path, LIMITS)
    assert table.columns == columns
    assert rows_of(table).to_pylist() == batch.to_pylist()


leaves = st.none() | st.integers(-(2**31), 2**31 - 1)
structs = st.fixed_dictionaries({"s": st.none() | st.text(max_size=5), "l": st.none() | st.lists(leaves, max_size=3)})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | structs, min_size=1, max_size=8))
def test_json_texts_are_what_json_reads(values: list[Any]) -> None:
    kind = pa.struct([("s", pa.string()), ("l", pa.list_(pa.int32()))])
    texts = json_texts(pa.array(values, kind)).to_pylist()
    assert [None if text is None else json.loads(text) for text in texts] == values


# --- damage ------------------------------------------------------------------------------------------------------


def test_texts_that_unfold_beyond_memory_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    long = pa.DictionaryArray.from_arrays(np.zeros(20_000, "i4"), ["x" * 50_000])
    pq.write_table(pa.table({"a": long}), path)
    assert path.stat().st_size < 200_000
    with pytest.raises(UploadTooLarge):
        rows_of(read_upload(path, ReadLimits(memory_bytes=100_000_000)))


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + b"\0" * 100, b"PAR1" + b"\0" * 100 + b"\xff\xff\xff\x7fPAR1"])
def test_damaged_files_are_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(UploadError, match="Parquet"):
        rows_of(read_upload(path, LIMITS))


def assert_table_or_error(path: Path) -> None:
    with contextlib.suppress(UploadError):
        for batch in read_upload(path, LIMITS).batches:
            batch.validate(full=True)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: Folders) -> bytes:
    path = tmp_path_factory.mktemp("valid") / "v.parquet"
    table = pa.table(
        {"i": [1, 2, None], "s": ["a", "b", "a"], "l": [[1.5], None, [2.0, 3.0]], "x": [{"y": 1}, None, {"y": 2}]}
    )
    pq.write_table(table, path)
    return bytes(path.read_bytes())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_raises_nothing_but_upload_errors(tmp_path_factory: Folders, valid: bytes, data: st.DataObject) -> None:
    content = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place : place + 4] = data.draw(st.binary(min_size=1, max_size=4))
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    path.write_bytes(bytes(content))
    assert_table_or_error(path)
