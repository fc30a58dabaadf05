"""Look at units and UCDs with forgiving eyes: what clients will not understand, in a sentence.

Sources: VOUnits 1.1, UCD1+ 1.11 with the controlled vocabulary that astropy carries.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

_UCD1 = re.compile(r"[A-Z][A-Z0-9]*(?:[_/-][A-Z0-9]+)+\Z")
_UCD_SHAPE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:;[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)*\Z")
# astropy computes 10**999999999 to its last digit, and nothing can stop it
_COSTLY = re.compile(r"(?<![.\d])\d{5}")
_LONGEST = 200


def is_costly(unit: str) -> bool:
    """Tell whether reading the text as a unit could take for ever: it has a number of 5 digits or 200 characters."""
    return len(unit) > _LONGEST or _COSTLY.search(unit) is not None


@lru_cache(maxsize=4096)
def unit_fault(unit: str) -> str:
    """Say why `unit` is no VOUnit; empty where it is one (or empty)."""
    if not unit.strip():
        return ""
    if is_costly(unit):
        return f"the unit {unit[:40]!r} is no VOUnit (it is too long or has too large a power)"
    from astropy.units import Unit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated units are understood by all clients
        try:
            Unit(unit, format="vounit", parse_strict="raise")
        except (ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
            return f"the unit {unit!r} is no VOUnit ({_first_sentence(error)})"
    return ""


@lru_cache(maxsize=4096)
def ucd_fault(ucd: str) -> str:
    """Say why `ucd` is no UCD1+; empty where it is one (or empty)."""
    if not ucd.strip():
        return ""
    if _UCD1.match(ucd):
        return f"the UCD {ucd} is of the old kind UCD1, which few clients know"
    if not _UCD_SHAPE.match(ucd):
        return f"the UCD {ucd!r} is not made of words such as pos.eq.ra;meta.main"
    from astropy.io.votable.ucd import parse_ucd

    try:
        parse_ucd(ucd, check_controlled_vocabulary=True)
    except ValueError as error:
        return f"the UCD {ucd} is not in the vocabulary ({_first_sentence(error)})"
    return ""


def _first_sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.split(". ")[0][:160].rstrip(".")
