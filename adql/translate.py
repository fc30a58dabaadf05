"""The door of the room: ADQL text in, SQL and its columns out."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.errors import QueryError, Unsupported
from ..schema.model import Catalog, Table
from .duckdb import print_query
from .excerpt import excerpt
from .parser import parse
from .resolve import resolve
from .translation import Translation


def translate(
    text: str,
    catalog: Catalog,
    *,
    uploads: Sequence[Table] = (),
    limit: int | None = None,
    version: str = "2.1",
) -> Translation:
    """Translate one ADQL query; `limit` is the most rows the outermost query may give (MAXREC + 1).

    Uploads are tables of the schema TAP_UPLOAD. Raises AdqlSyntaxError, UnknownName, AdqlTypeError and Unsupported,
    all with a place in the text and advice where there is any.
    """
    try:
        query, names = resolve(parse(text, version), catalog, uploads)
        printed = print_query(query, limit)
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
