"""POST /tap/check: how a query is understood, as JSON for editors; nothing is executed.

No standard has such a resource; docs/adql.md describes it. Faults of a query are part of the answer (status 200),
those of the request are told in the same form with the status that they have elsewhere.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ..adql.excerpt import place_end
from ..adql.translation import Scan
from ..config.errors import ParameterError, QueryError
from ..config.settings import Limits
from ..dali.errors import answer
from ..dali.parameters import read_body, read_form
from ..query.check import Checked, DeclaredTable, Inquiry, check
from ..query.site import Site
from ..schema.model import Column
from ..schema.types import ATOMS, VOType
from ..uws.routes import party_of
from .parameters import version
from .slots import Slots

_JSON = "application/json"
_SLOTS = 2  # planning keeps a core busy, so that few checks run at a time
_COLUMNS_MOST = 2000
_LONGEST = 256


class _Declared(BaseModel):
    """A column of an upload that is still to come."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=_LONGEST)
    datatype: str = Field(default="double", max_length=_LONGEST)
    arraysize: str | None = Field(default=None, max_length=_LONGEST)
    xtype: str | None = Field(default=None, max_length=_LONGEST)
    unit: str = Field(default="", max_length=_LONGEST)
    ucd: str = Field(default="", max_length=_LONGEST)


class _Upload(BaseModel):
    """An upload that is still to come."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=_LONGEST)
    columns: list[_Declared] = Field(min_length=1, max_length=_COLUMNS_MOST)


class _Asked(BaseModel):
    """The body of a request in JSON."""

    model_config = ConfigDict(extra="ignore", strict=True)

    query: str
    lang: str = Field(default="ADQL", max_length=_LONGEST)
    uploads: list[_Upload] = Field(default=[])


class Check:
    """The resource /check."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._slots = Slots(_SLOTS, 1)

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every error becomes an answer in the same form."""
        tag = str(request.scope.get("state", {}).get("request_id", ""))
        try:
            inquiry = await self._read(request, tag)
            async with self._slots.taken(party_of(request)):
                checked = await to_thread.run_sync(functools.partial(check, self._site, inquiry))
        except Exception as error:  # noqa: BLE001  every error becomes an answer
            found = answer(error)
            fault = {"kind": "request", "message": found.message}
            return _response({"valid": False, "errors": [fault]}, found.status, found.headers)
        return _response(document(checked, inquiry.text))

    async def _read(self, request: Request, tag: str) -> Inquiry:
        folder = self._site.folder
        limits = folder.settings.limits
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON:
            return _inquiry(await read_body(request, limits.upload_bytes), limits, tag)
        form = await read_form(request, folder.temp, limits.upload_bytes)
        form.discard()
        query = form.one("QUERY")
        if query is None:
            message = "The parameter QUERY is missing: send the ADQL text in it"
            raise ParameterError(message)
        return Inquiry(query, version(form.one("LANG")), tag=tag)


def _inquiry(body: bytes, limits: Limits, tag: str) -> Inquiry:
    """Read a request in JSON; ParameterError names the first thing that is wrong with it."""
    try:
        asked = _Asked.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"The JSON cannot be read: {where + ': ' if where else ''}{first['msg']}"
        raise ParameterError(message[:500]) from None
    if len(asked.uploads) > limits.upload_tables:
        message = f"{len(asked.uploads)} tables to upload, {limits.upload_tables} are allowed"
        raise ParameterError(message)
    uploads = tuple(DeclaredTable(one.name, tuple(map(_column, one.columns))) for one in asked.uploads)
    return Inquiry(asked.query, version(asked.lang), uploads, tag)


def _column(declared: _Declared) -> Column:
    if declared.datatype not in ATOMS:
        message = f"'{declared.datatype[:40]}' is no datatype of VOTable; those are {', '.join(ATOMS)}"
        raise ParameterError(message)
    kind = VOType(declared.datatype, declared.arraysize or None, declared.xtype or None)
    return Column(declared.name, kind, unit=declared.unit, ucd=declared.ucd)


# ---------------------------------------------------------------- the answer


def document(checked: Checked, text: str) -> dict[str, Any]:
    """Make the JSON document of a checked query; `text` is the query."""
    made = checked.translation
    if checked.error is not None or made is None:
        return {"valid": False, "errors": [] if checked.error is None else [fault(checked.error, text)], "warnings": []}
    return {
        "valid": True,
        "errors": [],
        "warnings": list(made.warnings),
        "columns": [_described(column) for column in made.columns],
        "tables": list(made.tables),
        "features": sorted(made.features),
        "scans": [_scan(scan) for scan in made.scans],
        "indexed": {name: any(_uses_index(scan) for scan in made.scans if scan.table == name) for name in made.tables},
        "sql": checked.sql,
        "rows_estimate": checked.rows,
    }


def fault(error: QueryError, text: str) -> dict[str, Any]:
    """Describe a fault: places count lines and columns from 1, offsets from 0, in characters; null without a place."""
    place = error.position
    line, column = (None, None) if place is None else place_end(text, place)
    return {
        "kind": error.kind,
        "message": error.message,
        "advice": error.advice,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
        "end_line": line,
        "end_column": column,
        "start": None if place is None else place.start,
        "end": None if place is None else place.end,
        "excerpt": error.excerpt,
        "expected": list(error.expected),
        "suggestions": list(error.suggestions),
    }


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "datatype": column.type.datatype,
        "arraysize": column.type.arraysize,
        "xtype": column.type.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "description": column.description,
    }


def _scan(scan: Scan) -> dict[str, Any]:
    return {
        "table": scan.table,
        "files": scan.files,
        "of_files": scan.of_files,
        "rows": scan.rows,
        "ranges": len(scan.ranges),
        "indexed": _uses_index(scan),
    }


def _uses_index(scan: Scan) -> bool:
    """Tell whether the spatial index serves a table: by a region, or by a positional join."""
    return bool(scan.ranges) or scan.join_order is not None


def _response(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, _JSON)
