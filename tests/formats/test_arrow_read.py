"""Arrow streams and files: every type brought home, metadata, and what strangers may send instead."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, ipc

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.arrow_sizes_read import value_bytes
from nashira.formats.readers import open_tables, read_upload
from nashira.formats.source import ReadLimits, SourceTable
from nashira.schema.arrow import field_of
from nashira.schema.model import Column
from nashira.schema.types import CIRCLE, LONG, STRING, VOType
from tests.formats.arrow_samples import EVERY_TYPE
from tests.formats.samples import rows_of

Upload = Callable[..., SourceTable]
Folders = pytest.TempPathFactory


def stream(table: pa.Table, rows: int = 65_536, **options: Any) -> bytes:
    """Write an Arrow stream."""
    out = io.BytesIO()
    with ipc.new_stream(out, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return out.getvalue()


def file(table: pa.Table, rows: int = 65_536, **options: Any) -> bytes:
    """Write an Arrow file."""
    out = io.BytesIO()
    with ipc.new_file(out, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return out.getvalue()


WAYS: dict[str, Callable[..., bytes]] = {
    "stream": stream,
    "file": file,
    "lz4": lambda table: stream(table, compression="lz4"),
    "zstd file": lambda table: file(table, compression="zstd"),
}
VIEWS: list[tuple[pa.Array, VOType, list[Any]]] = [
    (pa.array([[1], [2, 3], None, []], pa.list_view(pa.int16())), VOType("short", "*"), [[1], [2, 3], None, []]),
    (pa.array([[1], None, [2, 3]], pa.large_list_view(pa.int64())), VOType("long", "*"), [[1], None, [2, 3]]),
    (pa.array([["a"], None], pa.list_view(pa.string_view())), VOType("char", "*", "json"), ['["a"]', None]),
    (pa.array([b"\1", None], pa.binary_view()), VOType("unsignedByte", "*"), [[1], None]),
    (pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["a", None])), STRING, ["a", "a", None]),
]


@pytest.mark.parametrize(("array", "kind", "values"), EVERY_TYPE + VIEWS)
@pytest.mark.parametrize("way", WAYS)
def test_every_arrow_type_comes_home(
    upload: Upload, way: str, array: pa.Array, kind: VOType, values: list[Any]
) -> None:
    table = upload(WAYS[way](pa.table({"c": array})))
    assert table.columns[0].type == kind
    assert table.rows == len(array)
    assert rows_of(table)["c"].to_pylist() == values


def test_metadata_of_fields_is_kept(upload: Upload) -> None:
    ours = Column("a", CIRCLE, "where", "deg", "pos.eq", "x:y")
    schema = pa.schema([field_of(ours), pa.field("b", pa.int64(), metadata={"unit": "s"})])
    table = upload(stream(pa.table([pa.array([[1.0, 2.0, 3.0]], schema.field(0).type), [1]], schema=schema)))
    assert table.columns == (ours, Column("b", LONG, unit="s"))


def test_many_batches_come_in_order_and_dictionaries_may_change(upload: Upload) -> None:
    numbers = np.arange(200_000)
    assert rows_of(upload(stream(pa.table({"a": numbers}), 30_000)))["a"].to_pylist() == numbers.tolist()
    schema = pa.schema([("d", pa.dictionary(pa.int32(), pa.string()))])
    parts = [pa.array(words).dictionary_encode() for words in (["x", "y"], ["z", None], ["y", "x"])]
    out = io.BytesIO()
    with ipc.new_stream(out, schema) as writer:
        for part in parts:
            writer.write_batch(pa.record_batch([part], schema=schema))
    assert rows_of(upload(out.getvalue()))["d"].to_pylist() == ["x", "y", "z", None, "y", "x"]


def test_no_rows_and_feather_files(tmp_path: Path) -> None:
    feather.write_feather(pa.table({"a": [1, 2]}), tmp_path / "f.feather", compression="zstd")
    (table,) = open_tables(tmp_path / "f.feather")
    assert (table.name, rows_of(table).to_pydict()) == ("f", {"a": [1, 2]})
    (tmp_path / "empty").write_bytes(stream(pa.table({"a": pa.array([], pa.int64())})))
    (table,) = open_tables(tmp_path / "empty")
    assert (table.columns, table.rows, list(table.batches)) == ((Column("a", LONG),), 0, [])


# --- hostile ----------------------------------------------------------------------------------------------------------

FEW = ReadLimits(bytes=10_000_000, rows=1000, columns=5, cell_bytes=100_000, memory_bytes=1_000_000)
LONG_TEXT = "x" * 90_000


def runs(length: int, value: str) -> pa.Array:
    """Stand for `length` equal texts by one."""
    return pa.RunEndEncodedArray.from_arrays(pa.array([length], pa.int32()), pa.array([value]))


@pytest.mark.parametrize(
    "array",
    [
        pa.DictionaryArray.from_arrays(pa.array([0] * 900, pa.int32()), [LONG_TEXT]),
        runs(900, LONG_TEXT),
        pa.Array.from_buffers(
            pa.string_view(),
            900,
            [None, pa.py_buffer(np.array([90_000, 0x78787878, 0, 0] * 900, "<i4")), pa.py_buffer(LONG_TEXT.encode())],
        ),
        pa.ListViewArray.from_arrays(
            pa.array([0] * 900, pa.int32()), pa.array([10_000] * 900, pa.int32()), np.zeros(10_000)
        ),
        pa.StructArray.from_arrays(
            [pa.DictionaryArray.from_arrays(pa.array([0] * 900, pa.int8()), [LONG_TEXT])], ["s"]
        ),
    ],
    ids=["dictionary", "runs", "views", "list views", "struct of dictionary"],
)
def test_small_files_that_stand_for_much_are_refused(upload: Upload, array: pa.Array) -> None:
    document = stream(pa.table({"a": array}), compression="zstd")
    assert len(document) < 250_000
    with pytest.raises(UploadTooLarge, match="memory"):
        rows_of(upload(document, FEW))


def test_a_value_beyond_its_limit_names_the_column(upload: Upload) -> None:
    for array in (pa.array(["x" * 100_001]), pa.array(["x" * 100_001]).dictionary_encode()):
        with pytest.raises(UploadTooLarge, match='column "größe": a value has more than 100000 bytes'):
            rows_of(upload(stream(pa.table({"größe": array})), FEW))


def test_claims_are_refused_before_anything_is_decompressed(upload: Upload) -> None:
    zeros = stream(pa.table({"a": np.zeros(900, "i8"), "b": np.zeros(900, "i8")}), compression="zstd")
    claim = (900 * 8).to_bytes(8, "little")
    assert zeros.count(claim) >= 2
    with pytest.raises(UploadTooLarge, match="memory"):
        upload(zeros.replace(claim, (1 << 50).to_bytes(8, "little"), 1), FEW)
    with pytest.raises(UploadError, match="damaged"):
        rows_of(upload(zeros.replace(claim, (900 * 8 - 8).to_bytes(8, "little"), 1), FEW))


def test_rows_of_nothing_are_counted(upload: Upload) -> None:
    with pytest.raises(UploadTooLarge, match="1000 rows"):
        upload(stream(pa.table({"a": pa.nulls(1_000_000)}), 1_000_000), FEW)


def test_very_many_batches_and_columns_are_refused(upload: Upload) -> None:
    with pytest.raises(UploadTooLarge, match="5 columns"):
        upload(stream(pa.table({f"c{n}": [1] for n in range(6)})), FEW)
    head = stream(pa.table({"a": pa.array([], pa.int8())}))
    batch = pa.record_batch([pa.array([], pa.int8())], names=["a"])
    body = batch.serialize().to_pybytes() * 60_000
    with pytest.raises(UploadTooLarge, match="batches"):
        upload(head[:-8] + body)


@pytest.mark.parametrize("write", [stream, file])
def test_cut_files_are_told(upload: Upload, write: Callable[..., bytes]) -> None:
    document = write(pa.table({"a": np.arange(1000), "s": ["é"] * 1000}))
    for size in (9, 100, len(document) // 2, len(document) - 12):
        with pytest.raises(UploadError):
            rows_of(upload(document[:size]))


def test_offsets_that_lead_outside_are_told(upload: Upload) -> None:
    texts = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1 << 20, 4], "<i4")), pa.py_buffer(b"abcd")]
    )
    with pytest.raises(UploadError, match="damaged"):
        rows_of(upload(stream(pa.table({"a": texts}))))
    invalid = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], "<i4")), pa.py_buffer(b"\xff\xfe")]
    )
    with pytest.raises(UploadError, match=r"(?i)utf"):
        rows_of(upload(stream(pa.table({"a": invalid}))))


SAMPLE = pa.table(
    {
        "a": pa.array([1, None, 3]),
        "s": pa.array(["x", "yé", None]),
        "d": pa.array(["u", "v", "u"]).dictionary_encode(),
        "v": pa.array(["short", "a text of more than twelve bytes", None], pa.string_view()),
        "l": pa.array([[1], [2, 3], None], pa.list_view(pa.int16())),
        "m": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
        "r": runs(3, "aa"),
    }
)
DOCUMENTS = [stream(SAMPLE), file(SAMPLE), stream(SAMPLE, compression="lz4")]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_raises_nothing_but_upload_errors(tmp_path_factory: Folders, data: st.DataObject) -> None:
    document = bytearray(data.draw(st.sampled_from(DOCUMENTS)))
    for place in data.draw(st.lists(st.integers(0, len(document) - 1), max_size=4)):
        document[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "any.arrow"
    path.write_bytes(document[: data.draw(st.integers(8, len(document)))])
    with contextlib.suppress(UploadError):
        rows_of(read_upload(path, replace(FEW, columns=10)))


@pytest.mark.parametrize(("array", "kind", "values"), EVERY_TYPE + VIEWS)
def test_sizes_are_those_of_the_unfolded_values(array: pa.Array, kind: VOType, values: list[Any]) -> None:
    assert len(value_bytes(array)) == len(array)
    assert value_bytes(array.slice(1)).tolist() == value_bytes(array)[1:].tolist()
    assert (value_bytes(array) >= 0).all()


def test_sizes_of_texts_and_lists() -> None:
    texts = pa.array(["é", None, "", "abc"])
    assert value_bytes(texts).tolist() == [2, 0, 0, 3]
    assert value_bytes(texts.cast(pa.string_view())).tolist() == [2, 0, 0, 3]
    assert value_bytes(texts.dictionary_encode()).tolist() == [2, 0, 0, 3]
    assert value_bytes(pa.array([["é", "a"], None, ["abc"]])).tolist() == [3, 0, 3]
    assert value_bytes(pa.array([[1, 2], None, []], pa.list_(pa.int16()))).tolist() == [4, 0, 0]
    assert value_bytes(pa.array([{"a": "xy", "b": 1}])).tolist() == [10]
