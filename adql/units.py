"""Units through expressions: cheap rules on VOUnit texts; astropy is loaded only where a query needs more.

An unknown outcome is the empty text: a wrong unit is worse than none.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ATOM = re.compile(r"[A-Za-z]+\Z")


@lru_cache(maxsize=4096)
def combined(operator: str, left: str, right: str) -> str:
    """Give the unit of a product (`*`) or quotient (`/`) of two values with known units; empty where it is unknown."""
    if not left or not right:
        return ""
    if operator == "/" and left == right:
        return ""
    if _ATOM.match(left) and _ATOM.match(right):
        if operator == "/":
            return f"{left}/{right}"
        return f"{left}**2" if left == right else f"{left}.{right}"
    return _parsed(operator, left, right)


def _parsed(operator: str, left: str, right: str) -> str:
    from astropy import units

    try:
        one, other = (units.Unit(text, format="vounit") for text in (left, right))
        result = one * other if operator == "*" else one / other
        return str(result.to_string("vounit"))
    except (ValueError, TypeError):  # not a VOUnit, or a logarithmic one
        return ""


@lru_cache(maxsize=1024)
def factor(unit: str, target: str) -> float:
    """Give the number that converts `unit` into `target`; ValueError says why there is none."""
    from astropy import units

    try:
        wanted = units.Unit(target, format="vounit")
    except (ValueError, TypeError):
        message = f"'{target[:40]}' is no VOUnit"
        raise ValueError(message) from None
    try:
        return float(units.Unit(unit, format="vounit").to(wanted))
    except (ValueError, TypeError):  # UnitConversionError is a TypeError
        message = f"{unit} cannot be converted to {target[:40]}"
        raise ValueError(message) from None
