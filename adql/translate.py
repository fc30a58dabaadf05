"""The door of the room: ADQL text in, SQL and its columns out."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.errors import QueryError, Unsupported
from ..schema.model import Catalog, Table
from .excerpt import excerpt
from .parser import parse
from .resolve import resolve
from .service import EVERYTHING, Service
from .targets import TARGETS
from .translation import Translation


def translate(
    text: str,
    catalog: Catalog,
    *,
    uploads: Sequence[Table] = (),
    limit: int | None = None,
    version: str = "2.1",
    target: str = "duckdb",
    service: Service = EVERYTHING,
) -> Translation:
    """Translate one ADQL query for an engine; `limit` is the most rows the outermost query may give (MAXREC + 1).

    `target` is the name of an engine in `targets.TARGETS`, `service` what the site decides about the language. Uploads
    are tables of the schema TAP_UPLOAD. Raises AdqlSyntaxError, UnknownName, AdqlTypeError and Unsupported, all with a
    place in the text and advice where there is any.
    """
    try:
        query, names = resolve(parse(text, version), catalog, uploads, service)
        printed = TARGETS[target](query, limit)
    except RecursionError:
        message = "The query is nested too deeply"
        raise Unsupported(message, None, "Compute inner parts in a subquery") from None
    except QueryError as error:
        error.excerpt = excerpt(text, error.position)
        raise
    return Translation(
        printed.sql,
        query.columns,
        tuple(names.read),
        frozenset(names.features),
        printed.scans,
        tuple(names.warnings),
        printed.cut,
    )
