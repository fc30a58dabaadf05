"""The optional features of the language, for `/capabilities` (TAPRegExt 1.0 section 2.3, ADQL 2.1 section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.language import EXTENSIONS
from .functions import FUNCTIONS
from .geometry import BUILDERS
from .service import EVERYTHING, Service

_STANDARD = "ivo://ivoa.net/std/TAPRegExt#features-"
TYPES: dict[str, str] = {
    "geo": f"{_STANDARD}adqlgeo",
    "string": f"{_STANDARD}adql-string",
    "common-table": f"{_STANDARD}adql-common-table",
    "sets": f"{_STANDARD}adql-sets",
    "type": f"{_STANDARD}adql-type",
    "unit": f"{_STANDARD}adql-unit",
    "offset": f"{_STANDARD}adql-offset",
    "udf": f"{_STANDARD}udf",
    "extension": "ivo://org.gavo.dc/std/exts#extra-adql-keywords",
}
"""Feature key → type URI in the spelling that clients of all ages know.

There is no `adql-conditional` of ADQL 2.1: widespread validators (STILTS taplint 3.4.7) report it as an error, so
COALESCE stands among the extensions.
"""

_SYNTAX = (
    ("string", "ILIKE", "LIKE whatever the case."),
    ("common-table", "WITH", ""),
    ("sets", "UNION", ""),
    ("sets", "EXCEPT", ""),
    ("sets", "INTERSECT", ""),
    ("type", "CAST", "Values that the target cannot hold become NULL, literals are refused."),
    ("unit", "IN_UNIT", ""),
    ("offset", "OFFSET", ""),
    ("extension", "CASE", "CASE WHEN … THEN … ELSE … END, and CASE x WHEN … ."),
    ("extension", "CROSS JOIN", "All pairs of rows, as with a comma in FROM."),
    ("extension", "%", "The remainder of a division of numbers, as MOD."),
    ("extension", "TABLESAMPLE", "Behind a table: TABLESAMPLE [BERNOULLI|SYSTEM] (percent) [REPEATABLE (seed)]."),
    ("extension", "MOC", "MOC('4/13 17-18') or MOC(order, geometry): coverage maps in CONTAINS, INTERSECTS and AREA."),
)


@dataclass(frozen=True, slots=True)
class LanguageFeature:
    """One feature: its type URI, its form (a keyword or a signature), and a description that may be empty."""

    type: str
    form: str
    description: str


def features(service: Service = EVERYTHING) -> tuple[LanguageFeature, ...]:
    """Give all optional features of a site, in the order of their types."""
    found = [(key, form, description) for key, form, description in _SYNTAX]
    found += [("geo", name, "") for name in BUILDERS if name not in EXTENSIONS]
    for row in FUNCTIONS.values():
        if row.feature == "udf":
            found += [("udf", signature.text, row.description) for signature in row.signatures]
        elif row.feature != "core":
            found.append((row.feature, row.name, row.description))
    found = [item for item in found if _is_there(item[1], service)]
    order = list(TYPES)
    found.sort(key=lambda item: order.index(item[0]))
    return tuple(LanguageFeature(TYPES[key], form, description) for key, form, description in found)


def _is_there(form: str, service: Service) -> bool:
    """Tell whether a site has switched a form on and given it what it needs."""
    if form in EXTENSIONS:
        return form in service.extensions
    needs = {"gavo_vocmatch": bool(service.vocabularies)}
    needs |= dict.fromkeys(("ivo_simbadpoint", "gavo_simbadpoint"), service.position is not None)
    if "MOC" not in service.extensions and form.startswith("gavo_moc"):
        return False
    return needs.get(form.partition("(")[0], True)
