"""What a TAP request asks (TAP 1.1 section 2.7): from parameters to one value, the same for sync and async.

Parameters that TAP does not know are ignored. Checks happen here, when the query is to run, never when a job
is created.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..config.errors import ParameterError
from ..config.settings import Limits
from ..dali.parameters import Form, Part
from ..dali.values import integer, run_id, shorten, uploads
from ..formats.registry import ChosenFormat, find_format

# LANG, case exact (TAP-43) → version of ADQL; without LANG the newest (TAP-45)
LANGUAGES = {"ADQL": "2.1", "ADQL-2.0": "2.0", "ADQL-2.1": "2.1"}
_SCHEMES = ("http://", "https://")
_PART = "param:"


@dataclass(frozen=True, slots=True)
class UploadReference:
    """A table to upload as TAP_UPLOAD.`name`: `path` is the part that came along, None where `uri` is to be fetched.

    `media_type` is what the client says of the part; it may be empty or wrong.
    """

    name: str
    uri: str
    path: Path | None = None
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class TapRequest:
    """A checked request; `maxrec` is the row limit that applies, `version` that of ADQL."""

    query: str
    version: str
    maxrec: int
    format: ChosenFormat
    uploads: tuple[UploadReference, ...] = ()
    run_id: str = ""


def read_request(form: Form, limits: Limits) -> TapRequest:
    """Check the parameters; ParameterError names the first that cannot be."""
    language = version(form.one("LANG"))
    query = form.one("QUERY")
    if query is None or not query.strip():
        message = "The parameter QUERY is missing: send the ADQL text in it"
        raise ParameterError(message)
    if len(query) > limits.query_chars:
        message = f"The query has {len(query)} characters, {limits.query_chars} are allowed"
        raise ParameterError(message)
    return TapRequest(
        query=query,
        version=language,
        maxrec=_maxrec(form.one("MAXREC"), limits),
        format=chosen_format(form),
        uploads=_references(form, limits),
        run_id=run_id(form.one("RUNID") or ""),
    )


def chosen_format(form: Form) -> ChosenFormat:
    """Find the format that RESPONSEFORMAT or its old name FORMAT asks for, VOTable where neither is sent."""
    asked = [*form.all("RESPONSEFORMAT"), *form.all("FORMAT")]
    formats = [find_format(text) for text in dict.fromkeys(asked)] or [find_format(None)]
    if any(other != formats[0] for other in formats):
        message = f"RESPONSEFORMAT and FORMAT contradict each other: {', '.join(map(shorten, dict.fromkeys(asked)))}"
        raise ParameterError(message)
    return formats[0]


def version(language: str | None) -> str:
    """Give the version of ADQL that LANG asks for; ParameterError where it is another language."""
    if not language:
        return LANGUAGES["ADQL"]
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        message = f"Unknown query language '{shorten(language)}'; LANG can be {known}"
        raise ParameterError(message)
    return LANGUAGES[language]


def _maxrec(text: str | None, limits: Limits) -> int:
    wanted = integer("MAXREC", text) if text and text.strip() else limits.maxrec_default
    return min(wanted, limits.maxrec_hard)


def _references(form: Form, limits: Limits) -> tuple[UploadReference, ...]:
    pairs = uploads(form.all("UPLOAD"))
    if len(pairs) > limits.upload_tables:
        message = f"{len(pairs)} tables to upload, {limits.upload_tables} are allowed"
        raise ParameterError(message)
    return tuple(_reference(name, uri, form) for name, uri in pairs)


def _reference(name: str, uri: str, form: Form) -> UploadReference:
    if uri[: len(_PART)].lower() == _PART:
        part = _part(name, uri[len(_PART) :], form)
        return UploadReference(name, uri, part.path, part.media_type)
    if uri.lower().startswith(_SCHEMES):
        return UploadReference(name, uri)
    message = f"UPLOAD {name}: '{shorten(uri)}' is not supported; give http:, https: or param:"
    raise ParameterError(message)


def _part(name: str, label: str, form: Form) -> Part:
    parts = [part for part in form.parts if part.label == label]
    if len(parts) != 1:
        found = "no part" if not parts else f"{len(parts)} parts"
        message = f"UPLOAD {name}: the request has {found} named '{shorten(label)}'"
        raise ParameterError(message)
    return parts[0]
