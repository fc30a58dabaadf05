"""JSON: `{"metadata": [columns], "info": [[name, value], …], "data": [[row], …], "rows": n, "status": "OK"}`.

`status` comes last, since it is known last: OK or OVERFLOW; a document that breaks off before it failed. Null is
`null`. JSON has no NaN or infinity: they are the strings "NaN", "Infinity" and "-Infinity", so that they differ from
null (float("NaN") and Number("NaN") take them). Arrays are flat lists, complex numbers are pairs, bits are 0 and 1,
timestamps are texts. Integers are exact; JavaScript readers must take care beyond 2**53.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform
from .cells_text import JSON, texts
from .layout import layout_of
from .pipeline import encoded
from .rows import join_texts
from .stream import Chunk, ResultStream


def write_json(stream: ResultStream) -> Iterator[Chunk]:
    """Write a result as one JSON object; errors of the source break the transfer."""
    try:
        metadata = ",\n".join(json.dumps(column_metadata(column), ensure_ascii=False) for column in stream.columns)
        about = json.dumps(_about(stream), ensure_ascii=False)
        yield f'{{"metadata":[\n{metadata}\n],\n"info":{about},\n"data":[\n'.encode()
        types = [arrow_type(column.type) for column in stream.columns]
        layouts = [layout_of(column.type) for column in stream.columns]

        def lines(piece: pa.RecordBatch) -> bytes:
            """Give each row behind a comma; the first one is cut off."""
            cells = [texts(array, layout, JSON) for array, layout in zip(conform(piece, types), layouts, strict=True)]
            return join_texts(cells, ",\n[", ",", "]", null="null")

        skipped = len(b",\n")
        for rows in encoded(stream, lines):
            yield memoryview(rows)[skipped:]
            skipped = 0
        status = "OVERFLOW" if stream.overflow else "OK"
        yield f'\n],\n"rows":{stream.rows},\n"status":"{status}"}}\n'.encode()
    finally:
        stream.close()


def column_metadata(column: Column) -> dict[str, str]:
    """Give what is known about a column as a flat mapping; empty entries are left out."""
    kind = column.type
    entries = {
        "name": column.name,
        "datatype": kind.datatype,
        "arraysize": kind.arraysize,
        "xtype": kind.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "description": column.description,
    }
    return {key: value for key, value in entries.items() if value}


def _about(stream: ResultStream) -> list[tuple[str, str]]:
    query = [("QUERY", stream.info.query)] if stream.info.query else []
    return query + list(stream.info.infos)
