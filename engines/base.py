"""What every engine offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import pyarrow as pa

from ..schema.model import Relation, Table


class Running(Protocol):
    """A query under way; iterate its batches once, from any single thread."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches; raises Cancelled, QueryTimeout, OutOfResources, StoreError or EngineError."""
        ...

    def cancel(self) -> None:
        """Stop the query from any thread; harmless when it has ended."""
        ...

    def close(self) -> None:
        """Stop if running, release everything; harmless when repeated."""
        ...


class Engine(Protocol):
    """An engine serves SQL that the translator printed for it, never other text."""

    name: str

    def run(
        self, sql: str, *, uploads: Mapping[str, pa.Table] | None = None, seconds: float | None = None, tag: str = ""
    ) -> Running:
        """Start a query; `uploads` are tables by the relation name the translation uses for them.

        `seconds` is the time limit of the whole query, `tag` a request id that reaches the SQL as a comment.
        """
        ...

    def estimate(self, sql: str) -> int | None:
        """Give the number of rows that the planner expects, None where it cannot tell; nothing is executed."""
        ...

    def put_table(self, table: Table, rows: pa.Table) -> Relation:
        """Keep a small table (TAP_SCHEMA, later ObsCore and RegTAP) inside the engine and say where."""
        ...

    def drop(self, relation: Relation) -> None:
        """Forget a table of `put_table`; harmless when it is gone."""
        ...

    def close(self) -> None:
        """End all queries and release everything."""
        ...
