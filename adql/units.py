"""Units through expressions: cheap rules on VOUnit texts; astropy is loaded only where a query needs more.

An unknown outcome is the empty text: a wrong unit is worse than none.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any

from ..schema.units import is_costly

_ATOM = re.compile(r"[A-Za-z]+\Z")
_POWER = re.compile(r"([A-Za-z]+)(?:\*\*(\d{1,4}))?\Z")
_MOST = 20.0


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
    return _product(operator, left, right)


def parsed(text: str) -> Any:
    """Read a VOUnit with astropy, deprecated ones (Angstrom) too; ValueError or TypeError where it is none."""
    if is_costly(text):
        message = "the unit has a power that is too large, or is too long"
        raise ValueError(message)
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        try:
            return units.Unit(text, format="vounit")
        except (OverflowError, ZeroDivisionError, RecursionError) as error:
            raise ValueError(str(error)) from error


def _product(operator: str, left: str, right: str) -> str:
    try:
        one, other = parsed(left), parsed(right)
        result = one * other if operator == "*" else one / other
        return str(result.to_string("vounit"))
    except (ValueError, TypeError, OverflowError):  # not a VOUnit, or a logarithmic one
        return ""


@lru_cache(maxsize=1024)
def raised(unit: str, exponent: float) -> str:
    """Give the unit of a power; empty where it is unknown or one of its exponents would be no integer."""
    if not unit or not 0 < abs(exponent) <= _MOST:
        return ""
    simple = _POWER.match(unit)
    if simple:
        power = exponent * int(simple[2] or 1)
        if not power.is_integer():
            return ""
        return simple[1] if power == 1 else f"{simple[1]}**{power:.0f}"
    try:
        result = parsed(unit) ** exponent
        whole = all(float(power).is_integer() for power in result.powers)
        return str(result.to_string("vounit")) if whole else ""
    except (ValueError, TypeError, AttributeError, OverflowError):  # not a VOUnit, or a logarithmic one
        return ""


@lru_cache(maxsize=1024)
def alike(one: str, other: str) -> bool:
    """Tell whether two texts mean the same unit; texts that cannot be read do not."""
    try:
        return bool(parsed(one) == parsed(other))
    except (ValueError, TypeError):
        return False


_SPECTRAL = {"length": "em.wl", "frequency": "em.freq", "energy": "em.energy", "wavenumber": "em.wavenumber"}


@lru_cache(maxsize=1024)
def spectral(unit: str, target: str) -> tuple[float, bool, str]:
    """Give the number, whether it is to be divided by the value, and the UCD for a spectral conversion; ValueError."""
    from astropy import units

    try:
        one, wanted = parsed(unit), parsed(target)
    except (ValueError, TypeError):
        message = f"'{unit[:40]}' or '{target[:40]}' is no VOUnit"
        raise ValueError(message) from None
    try:
        single, double = (float(one.to(wanted, value, equivalencies=units.spectral())) for value in (1.0, 2.0))
    except (ValueError, TypeError, OverflowError):  # UnitConversionError is a TypeError
        message = f"{unit[:40]} cannot be converted to {target[:40]}"
        raise ValueError(message) from None
    ucds = [ucd for name, ucd in _SPECTRAL.items() if name in wanted.physical_type]
    return single, double < single, ucds[0] if ucds else ""


@lru_cache(maxsize=1024)
def factor(unit: str, target: str) -> float:
    """Give the number that converts `unit` into `target`; ValueError says why there is none."""
    try:
        wanted = parsed(target)
    except (ValueError, TypeError):
        message = f"'{target[:40]}' is no VOUnit"
        raise ValueError(message) from None
    try:
        return float(parsed(unit).to(wanted))
    except (ValueError, TypeError, OverflowError):  # UnitConversionError is a TypeError
        message = f"{unit} cannot be converted to {target[:40]}"
        raise ValueError(message) from None
