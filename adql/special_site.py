"""Functions whose meaning hangs on what the site keeps or asks: vocabularies, positions of named objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..config.errors import AdqlTypeError, Position, Unsupported
from ..schema.types import INTEGER
from ..sphere.regions import Point
from .kinds import constant, typed
from .resolved import Compare, Constant, Member, TestValue, Value
from .service import Service
from .shapes import region_constant
from .spelling import closest

_LONGEST_NAME = 200


def _text(value: Value, what: str) -> str:
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    message = f"{what} must be a text in single quotes"
    raise AdqlTypeError(message, value.at)


def _position(arguments: Sequence[Value], at: Position, service: Service) -> Value:
    """The position of an object by name, looked up while the query is read (UDF catalogue 1.2, ivo_simbadpoint)."""
    name = _text(arguments[0], "The name of an object").strip()
    if service.position is None:
        message = "This service does not look up the names of objects"
        raise Unsupported(message, at, "Look the name up first and write POINT(longitude, latitude)")
    found = service.position(name) if 0 < len(name) <= _LONGEST_NAME else None
    if found is None:
        message = f"No object '{name[:40]}' is known"
        raise AdqlTypeError(message, arguments[0].at, "Check the name, or write POINT(longitude, latitude)")
    try:
        return region_constant(Point(*found), at)
    except ValueError as error:
        message = f"The position of '{name[:40]}' cannot be used: {error}"
        raise AdqlTypeError(message, arguments[0].at) from None


def _vocabulary_match(arguments: Sequence[Value], at: Position, service: Service) -> Value:
    """1 where a text is a term of a vocabulary or a narrower one (gavo_vocmatch)."""
    name, term = _text(arguments[0], "The name of a vocabulary"), _text(arguments[1], "A term")
    vocabulary = service.vocabulary(name)
    if vocabulary is None:
        message = f"This service keeps no vocabulary '{name[:40]}'"
        kept = f"It keeps {', '.join(service.vocabularies)}" if service.vocabularies else "It keeps none"
        raise Unsupported(message, arguments[0].at, f"{kept}; write the terms out: column IN ('term', 'narrower term')")
    if term not in vocabulary.terms:
        message = f"The vocabulary {name} has no term '{term[:40]}'"
        raise AdqlTypeError(message, arguments[1].at, suggestions=closest(term, vocabulary.terms))
    items = tuple(constant(one, arguments[1].at) for one in sorted({term} | vocabulary.terms[term]))
    test = Member(arguments[2], items, False) if len(items) > 1 else Compare("=", arguments[2], items[0])
    return TestValue(test, typed(INTEGER), at)


SITE_SPECIAL: dict[str, Callable[[Sequence[Value], Position, Service], Value]] = {
    "IVO_SIMBADPOINT": _position,
    "GAVO_SIMBADPOINT": _position,
    "GAVO_VOCMATCH": _vocabulary_match,
}
"""Function -> what makes its value from arguments that fit its signature, and the site."""
