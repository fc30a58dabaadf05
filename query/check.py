"""How a query is understood, without running it: its columns, tables, plan and faults."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import structlog

from ..adql.translate import translate
from ..adql.translation import Translation
from ..config.errors import ParameterError, QueryError
from ..schema.model import Catalog, Column, Files, Relation, Table
from .site import Lease, Site

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """An upload that is not there yet: TAP_UPLOAD.`name` with these columns."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A text to be checked against the tables of a site and declared uploads."""

    text: str
    version: str = "2.1"
    uploads: tuple[DeclaredTable, ...] = ()
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a query: its `translation`, or the `error` in it.

    `sql` is what the engine would be given, with the names of published tables in place of files and inner names.
    `rows` is the number of rows that the engine expects, None where it cannot tell.
    """

    translation: Translation | None = None
    error: QueryError | None = None
    sql: str = ""
    rows: int | None = None


def check(site: Site, inquiry: Inquiry) -> Checked:
    """Translate a text and ask the engine for its plan; nothing is executed.

    ParameterError where the text is too long; faults of the query are part of the answer.
    """
    most = site.folder.settings.limits.query_chars
    if len(inquiry.text) > most:
        message = f"the query has {len(inquiry.text)} characters; this service takes {most}"
        raise ParameterError(message)
    began = time.monotonic()
    with site.lease() as lease:
        try:
            made = _translated(inquiry, lease, lease.catalog)
            checked = Checked(made, sql=_shown(inquiry, lease, made), rows=_rows(inquiry, lease, made))
        except QueryError as error:
            checked = Checked(error=error)
    ms = round((time.monotonic() - began) * 1000, 2)
    log.info("query checked", tag=inquiry.tag, ms=ms, valid=checked.error is None)
    return checked


def _translated(inquiry: Inquiry, lease: Lease, catalog: Catalog, *, path: tuple[str, ...] = ()) -> Translation:
    """Translate with uploads as relations `upload_<n>`, or below the schema `path`."""
    uploads = tuple(
        Table("TAP_UPLOAD", one.name, one.columns, Relation((*path, one.name) if path else (f"upload_{n}",)))
        for n, one in enumerate(inquiry.uploads, start=1)
    )
    return translate(
        inquiry.text,
        catalog,
        uploads=uploads,
        version=inquiry.version,
        target=lease.engine.name,
        service=lease.language,
    )


def _shown(inquiry: Inquiry, lease: Lease, made: Translation) -> str:
    """Print the SQL once more from a catalog that knows tables by their published names only.

    So no path, inner name or address of the operator's can be in it.
    """
    return _translated(inquiry, lease, _veiled(lease.catalog, frozenset(made.tables)), path=("TAP_UPLOAD",)).sql


def _veiled(catalog: Catalog, read: frozenset[str]) -> Catalog:
    schemas = (
        replace(schema, tables=tuple(_veil(table) for table in schema.tables if table.adql_name in read))
        for schema in catalog.schemas
    )
    return replace(catalog, schemas=tuple(schemas))


def _veil(table: Table) -> Table:
    source = table.source
    path = (table.schema, table.name)
    if isinstance(source, Files):
        return replace(table, source=Relation(path, source.rows, source.indexed))
    return replace(table, source=replace(source, path=path))


def _rows(inquiry: Inquiry, lease: Lease, made: Translation) -> int | None:
    """Ask for the expected rows; declared uploads are not there to be planned with."""
    if inquiry.uploads and any(name.upper().startswith("TAP_UPLOAD.") for name in made.tables):
        return None
    rows = lease.engine.estimate(made.sql)
    return rows if rows is None or made.cut is None else min(rows, made.cut)
