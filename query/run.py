"""The one door to rows: a question in ADQL becomes a stream of columns, limited, cancellable, logged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import structlog

from ..adql.translate import translate
from ..adql.translation import Translation
from ..config.errors import Cancelled, EngineError, NashiraError, ParameterError, QueryError
from ..engines.base import Running
from ..formats.stream import ResultInfo, ResultStream
from ..schema.arrow import schema_of
from ..schema.model import Column, Relation, Table
from .site import Lease, QueryEnd, Site

log = structlog.get_logger(__name__)

_CACHED_CHARS = 20_000  # longer queries are not kept: they come from programs, once


@dataclass(frozen=True, slots=True)
class UploadedTable:
    """A table that a question brings along: TAP_UPLOAD.`name`; `rows` correspond to `columns` by position."""

    name: str
    columns: tuple[Column, ...]
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class Question:
    """A query and its limits: `maxrec` rows (None: all), `seconds` of running (None: any); `tag` for logs."""

    text: str
    version: str = "2.1"
    maxrec: int | None = None
    uploads: tuple[UploadedTable, ...] = ()
    seconds: float | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A stream to read or close, how the query was understood, and a way to stop it from any thread."""

    stream: ResultStream
    translation: Translation
    cancel: Callable[[], None]


def run(site: Site, question: Question) -> Answer:
    """Translate a question and start it; rows and their errors come from the stream.

    Raises QueryError and its kinds where the text is at fault and ParameterError where it is too long. With
    `maxrec` 0 nothing is run. The stream must be read to its end or closed.
    """
    most = site.folder.settings.limits.query_chars
    if len(question.text) > most:
        message = f"the query has {len(question.text)} characters; this service takes {most}"
        raise ParameterError(message)
    began = time.monotonic()
    lease = site.lease()
    try:
        translation = _translated(lease, question)
        record = _Record(question, translation, lease, began)
        running = None if question.maxrec == 0 else _start(lease, question, translation)
    except BaseException as error:
        lease.release()
        kind = type(error).__name__
        log.info("query refused", tag=question.tag, ms=_since(began), error=kind, detail=str(error))
        raise
    stream = ResultStream(
        columns=translation.columns,
        batches=iter(())
        if running is None
        else _shaped(_cut(running, translation.cut), schema_of(translation.columns), record),
        maxrec=question.maxrec,
        info=ResultInfo(query=question.text),
    )
    stream.on_close = lambda: record.end(stream, running)
    return Answer(stream, translation, _nothing if running is None else running.cancel)


def _nothing() -> None:
    """There is nothing to cancel."""


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 2)


def _translated(lease: Lease, question: Question) -> Translation:
    """Give the translation, from the cache of the catalog where it is there; long texts are not kept."""
    limit = None if question.maxrec is None else question.maxrec + 1
    uploads = tuple(
        Table("TAP_UPLOAD", table.name, table.columns, Relation((_relation(n),), table.rows.num_rows))
        for n, table in enumerate(question.uploads, start=1)
    )

    def make() -> Translation:
        return translate(
            question.text,
            lease.catalog,
            uploads=uploads,
            limit=limit,
            version=question.version,
            target=lease.engine.name,
            service=lease.language,
        )

    if len(question.text) > _CACHED_CHARS:
        return make()
    return lease.translations.get((question.text, question.version, limit, uploads), make)


def _relation(number: int) -> str:
    return f"upload_{number}"


def _start(lease: Lease, question: Question, translation: Translation) -> Running:
    uploads = {
        _relation(n): table.rows.rename_columns([column.name for column in table.columns])
        for n, table in enumerate(question.uploads, start=1)
    }
    return lease.engine.run(translation.sql, uploads=uploads, seconds=question.seconds, tag=question.tag)


@dataclass(slots=True)
class _Record:
    """What is told about a query when it has ended."""

    question: Question
    translation: Translation
    lease: Lease
    began: float
    outcome: Literal["done", "stopped", "failed", "unread"] = "unread"
    error: NashiraError | None = None

    def end(self, stream: ResultStream, running: Running | None) -> None:
        """Release everything and write the log line."""
        try:
            if running is not None:
                running.close()
        finally:
            self.lease.release()
            outcome = "done" if running is None else self.outcome
            self.lease.tell(QueryEnd(self.lease.engine.name, outcome, time.monotonic() - self.began, stream.rows))
            log.info(
                "query",
                tag=self.question.tag,
                ms=_since(self.began),
                rows=stream.rows,
                overflow=stream.overflow,
                outcome=outcome,
                tables=_read(self.translation.tables),
                **({"error": type(self.error).__name__, "detail": str(self.error)} if self.error else {}),
            )


def _read(tables: tuple[str, ...]) -> list[str]:
    """Give the tables for the log; names of uploaded ones are their users' affair."""
    uploads = "TAP_UPLOAD."
    return [uploads[:-1] if name.upper().startswith(uploads) else name for name in tables]


def _cut(batches: Iterable[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """Give the first `rows` rows; all where it is None."""
    for batch in batches:
        if rows is None or batch.num_rows <= rows:
            yield batch
            rows = None if rows is None else rows - batch.num_rows
        else:
            yield batch.slice(0, rows)
            rows = 0
        if rows == 0:
            return


def _shaped(batches: Iterator[pa.RecordBatch], schema: pa.Schema, record: _Record) -> Iterator[pa.RecordBatch]:
    """Give the engine's batches with the names, types and metadata that were promised."""
    try:
        for batch in batches:
            record.outcome = "stopped"  # unless it goes on
            yield _as_promised(batch, schema)
        record.outcome = "done"
    except NashiraError as error:
        record.outcome = "stopped" if isinstance(error, Cancelled) else "failed"
        record.error = error
        raise


def _as_promised(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.num_columns != len(schema):
        log.error("the engine gave other columns than promised", given=batch.num_columns, promised=len(schema))
        message = "The query failed for an internal reason; the operator finds it in the log"
        raise EngineError(message)
    arrays = [
        column if column.type.equals(field.type) else _cast(column, field)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    """Change the type of a column; a value that does not fit is an error, never another value."""
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        log.warning("a column does not fit its type", given=str(column.type), detail=f"{field.name}: {error}")
        message = f"A value of the result column {field.name} does not fit its type"
        raise QueryError(message) from error
