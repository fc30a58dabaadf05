"""Values of the parameters that all services share, parsed and checked.

Sources: DALI 1.1 sections 3.3 and 4.3 (the union of 1.1 and 1.2 where they differ), TAP 1.1 section 2.7.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from ..config.errors import ParameterError

RUNID_CHARS = 64
INTEGER_MOST = 2**63 - 1
_INTEGER = re.compile(r"\+?[0-9]{1,40}\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,12}))?)?)?Z?\Z", re.ASCII
)
_UPLOAD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_BOOLEANS = {"T": True, "TRUE": True, "1": True, "F": False, "FALSE": False, "0": False}


def integer(name: str, text: str) -> int:
    """Read an integer ≥ 0 (MAXREC, LAST…); numbers beyond 2^63-1 become that. ParameterError otherwise."""
    if not _INTEGER.match(text.strip()):
        message = f"{name} must be an integer of 0 or more, not '{shorten(text)}'"
        raise ParameterError(message)
    return min(int(text), INTEGER_MOST)


def timestamp(name: str, text: str) -> datetime:
    """Read `YYYY-MM-DD[Thh:mm[:ss[.f…]]][Z]` as UTC, cut to microseconds; ParameterError otherwise.

    A blank instead of the T is accepted, an offset is not (DALI 1.1 section 3.3.3).
    """
    match = _TIMESTAMP.match(text.strip())
    if match:
        *whole, fraction = match.groups(default="0")
        try:
            year, month, day, hour, minute, second = map(int, whole)
            return datetime(year, month, day, hour, minute, second, int(fraction.ljust(6, "0")[:6]), UTC)
        except ValueError:
            pass
    message = f"{name} must be a time like 2026-01-31T12:00:00Z, not '{shorten(text)}'"
    raise ParameterError(message)


def boolean(name: str, text: str) -> bool:
    """Read T/F/1/0/true/false in any case; ParameterError otherwise."""
    value = _BOOLEANS.get(text.strip().upper())
    if value is None:
        message = f"{name} must be true or false, not '{shorten(text)}'"
        raise ParameterError(message)
    return value


def run_id(text: str) -> str:
    """Check a RUNID: at most 64 characters (DALI 1.1 section 4.3.6), kept untouched; ParameterError if longer."""
    if len(text) > RUNID_CHARS:
        message = f"RUNID can have {RUNID_CHARS} characters at most, not {len(text)}"
        raise ParameterError(message)
    return text


def uploads(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Split UPLOAD values into (table name, URI), both `name,uri` repeated and TAP 1.0's list with semicolons.

    ParameterError where an item is no pair, a name no ADQL identifier or named twice (cases folded).
    """
    found: dict[str, tuple[str, str]] = {}
    for name, uri in _upload_items(values):
        if not _UPLOAD_NAME.match(name) or not uri:
            message = f"UPLOAD must be 'name,uri' with a plain table name, not '{shorten(f'{name},{uri}')}'"
            raise ParameterError(message)
        if name.lower() in found:
            message = f"UPLOAD names the table {name} twice"
            raise ParameterError(message)
        found[name.lower()] = (name, uri)
    return tuple(found.values())


def upload_labels(values: Iterable[str]) -> frozenset[str]:
    """Give the labels of parts that UPLOAD values refer to by `param:label`; never an error."""
    uris = (uri for _, uri in _upload_items(values))
    return frozenset(uri[6:] for uri in uris if uri[:6].lower() == "param:")


def _upload_items(values: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Split at semicolons that begin a new `name,`: a URI may contain others."""
    for value in values:
        for item in re.split(r";(?=\s*(?:[A-Za-z][A-Za-z0-9_]*\s*,|\Z))", value):
            name, _, uri = item.partition(",")
            if item.strip():
                yield name.strip(), uri.strip()


def shorten(text: str, most: int = 60) -> str:
    """Cut a text for a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
