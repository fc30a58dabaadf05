"""One execution of a TAP request: the same function under sync and async.

It runs on the thread that will read the result, up to the first rows: whatever fails until then can still be
answered with an error document and a proper status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pyarrow as pa
import structlog

from .. import __version__
from ..config.errors import Cancelled, EngineError, LimitError, UserError
from ..config.settings import Service
from ..dali.parameters import Form
from ..formats.stream import Chunk, ResultInfo, ResultStream, SkySystem
from ..query.run import Answer, Question, run
from ..query.site import Site
from ..schema.model import Catalog, Column, Schema
from .parameters import TapRequest, read_request
from .uploads import read_uploads

STANDARD_ID = "ivo://ivoa.net/std/TAP"
SOFTWARE = f"nashira/{__version__}"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Execution:
    """A query under way: its result, and what the request asked for."""

    request: TapRequest
    stream: ResultStream

    def chunks(self) -> Iterator[Chunk]:
        """Write the result in the format asked for; close the iterator to stop early."""
        return self.request.format.format.write(self.stream)

    def check(self) -> None:
        """Raise the error that ended the rows early, if one did; VOTables tell it at their end and go on as if well."""
        if self.stream.failure is not None:
            raise self.stream.failure


@dataclass(frozen=True, slots=True)
class Context:
    """Where and how long a request may work: temporary files, seconds of the query, id for logs, its stop button."""

    folder: Path
    seconds: float | None
    tag: str
    on_cancel: Callable[[Callable[[], None]], None]


def execute(site: Site, form: Form, context: Context) -> Execution:
    """Check the parameters, read the uploads, start the query and wait for its first rows.

    Errors of any of these pass through. The stream is closed by its end, by `ResultStream.close`, or by what
    `context.on_cancel` was told.
    """
    folder = site.folder
    request = read_request(form, folder.settings.limits)
    uploads = read_uploads(request.uploads, context.folder, folder.settings.limits, context.on_cancel)
    catalog = site.catalog
    question = Question(request.query, request.version, request.maxrec, uploads, context.seconds, context.tag)
    answer = run(site, question)
    context.on_cancel(answer.cancel)
    answer.stream.info = _info(request, answer, catalog, folder.settings.service)
    _wait_for_rows(answer.stream, _noted(answer.stream, answer.stream.batches, context.tag))
    return Execution(request, answer.stream)


def _noted(stream: ResultStream, batches: Iterator[pa.RecordBatch], tag: str) -> Iterator[pa.RecordBatch]:
    """Pass batches on; keep an error, and let only a text for users travel to the writer."""
    try:
        yield from batches
    except (UserError, LimitError, Cancelled, EngineError) as error:
        stream.failure = error
        raise
    except Exception as error:
        stream.failure = error
        _log.exception("a query failed while its result was read", request_id=tag)
        message = f"The service failed for an internal reason; its operator finds it in the log under {tag}"
        raise EngineError(message) from error


def _wait_for_rows(stream: ResultStream, batches: Iterator[pa.RecordBatch]) -> None:
    """Read the first batch ahead; an error closes the stream and passes through."""
    try:
        first = [batch for batch in (next(batches, None),) if batch is not None]
    except BaseException:
        stream.close()
        raise
    stream.batches = chain[pa.RecordBatch](first, batches)


def _info(request: TapRequest, answer: Answer, catalog: Catalog, service: Service) -> ResultInfo:
    """Say where the result comes from: names of the IVOA note Data Origin in VOTables (VOT-46, TAP-87)."""
    origin = (
        ("standardID", STANDARD_ID),
        ("service_protocol", STANDARD_ID),
        ("server_software", SOFTWARE),
        ("publisher", service.publisher),
        ("contact", service.contact),
        ("request_date", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("query", request.query),
    )
    infos = [pair for pair in origin if pair[1]]
    for schema in _schemas(answer.translation.tables, catalog):
        infos += _data_origin(schema)
    infos += [("warning", warning) for warning in answer.translation.warnings]
    home = service.base_url.rstrip("/") + "/"
    systems = _sky_systems(answer.translation.columns, answer.translation.tables, catalog)
    return ResultInfo(tuple(infos), request.query, service.title, home, systems)


def _sky_systems(columns: Sequence[Column], tables: tuple[str, ...], catalog: Catalog) -> tuple[SkySystem, ...]:
    """Find the result columns that are a table's position as it is published; of others the frame is not known."""
    epochs: dict[Column, set[float | None]] = {}
    for table in catalog.tables():
        if table.position is not None and table.adql_name in tables:
            for name in (table.position.ra, table.position.dec):
                epochs.setdefault(_essence(table.column(name)), set()).add(table.position.epoch)
    places: dict[float | None, list[int]] = {}
    for place, column in enumerate(columns):
        known = epochs.get(_essence(column), set())
        if len(known) == 1:  # two tables may call theirs alike
            places.setdefault(next(iter(known)), []).append(place)
    return tuple(SkySystem(tuple(found), epoch) for epoch, found in places.items())


def _essence(column: Column) -> Column:
    """Leave what results and tables say alike."""
    return Column(column.name, column.type, column.description, column.unit, column.ucd, column.utype)


def _schemas(tables: tuple[str, ...], catalog: Catalog) -> list[Schema]:
    """Give the schemas that tables (by their ADQL names) belong to, each once."""
    read = frozenset(tables)
    return [schema for schema in catalog.schemas if any(table.adql_name in read for table in schema.tables)]


def _data_origin(schema: Schema) -> list[tuple[str, str]]:
    pairs = [("citation", schema.citation), ("rights", schema.rights)]
    pairs += [("creator", creator) for creator in schema.creators]
    return [pair for pair in pairs if pair[1]]
