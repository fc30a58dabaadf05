"""What a site decides about the language: extensions, the name of its catalogue, vocabularies, a resolver of names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..config.errors import Position, Unsupported
from ..config.language import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """An IVOA vocabulary: for each of its terms the narrower ones.

    All below in strict hierarchies, one level in SKOS.
    """

    name: str
    terms: Mapping[str, frozenset[str]]


def _no_vocabulary(_: str) -> Vocabulary | None:
    return None


@dataclass(frozen=True, slots=True)
class Service:
    """Decisions of a site.

    `extensions` are those switched on. `catalog` is the name that may stand before schemas; empty: none may.
    `vocabulary` gives the vocabulary of a name, None where the site keeps none so called; `vocabularies` are the names.
    `position` gives the ICRS degrees of an object's name, None where nobody knows it; without it, names are not looked
    up.
    """

    extensions: frozenset[str] = frozenset(EXTENSIONS)
    catalog: str = ""
    vocabulary: Callable[[str], Vocabulary | None] = _no_vocabulary
    position: Callable[[str], tuple[float, float] | None] | None = None
    vocabularies: tuple[str, ...] = ()

    def require(self, name: str, at: Position) -> None:
        """Raise Unsupported where an extension is switched off."""
        if name in EXTENSIONS and name not in self.extensions:
            message = f"{name} is an extension of ADQL that this service has switched off"
            raise Unsupported(message, at, _INSTEAD.get(name, ""))


EVERYTHING = Service()
"""All extensions, nothing from outside."""
_INSTEAD = {
    "%": "Write MOD(x, y)",
    "CROSS JOIN": "Write a comma between the tables",
}


def read_vocabulary(name: str, text: str) -> Vocabulary:
    """Read a vocabulary in desise, the JSON form of Vocabularies in the VO 2.0; ValueError on other texts."""
    try:
        content = json.loads(text)
        terms: dict[str, dict[str, list[str]]] = content["terms"]
        narrower = {term: set(map(str, entry.get("narrower", ()))) for term, entry in terms.items()}
        for term, entry in terms.items():
            for wider in entry.get("wider", ()):
                narrower.setdefault(str(wider), set()).add(term)
        flavour = str(content.get("flavour", ""))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, RecursionError) as error:
        message = f"{name} is no vocabulary in desise: {error}"
        raise ValueError(message) from None
    if flavour.upper() == "SKOS":
        return Vocabulary(name, MappingProxyType({term: frozenset(below) for term, below in narrower.items()}))
    return Vocabulary(name, MappingProxyType({term: _below(term, narrower) for term in narrower}))


def _below(term: str, narrower: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [term]
    while waiting:
        for one in narrower.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return frozenset(found)
