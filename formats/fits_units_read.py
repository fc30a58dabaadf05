"""Units as FITS files write them → VOUnits spelling."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from ..schema.units import is_costly

_READINGS = ("fits", "vounit", "generic", "ogip", "cds")
_SPELLINGS = (
    (re.compile(r"(?i)\bergs\b"), "erg"),
    (re.compile(r"(?i)\bphotons\b"), "photon"),
    (re.compile(r"(?i)\bcounts\b"), "count"),
    (re.compile(r"(?i)\bpixels\b"), "pixel"),
    (re.compile(r"(?i)\b(degrees|degree|degs)\b"), "deg"),
    (re.compile(r"(?i)\b(arcsecs|arcseconds?)\b"), "arcsec"),
    (re.compile(r"(?i)\b(seconds?|secs?)\b"), "s"),
    (re.compile(r"(?i)\b(days)\b"), "d"),
    (re.compile(r"(?i)\b(years)\b"), "yr"),
    (re.compile(r"(?i)\bdeg2\b"), "deg**2"),
    (re.compile(r"(?i)\bmags\b"), "mag"),
)
_LONGEST = 200
# Frequent units and how they are written: no need for the parser, whose import takes a third of a second.
FREQUENT = {
    unit: unit for unit in "deg arcmin arcsec mas rad mag s min h d yr m km cm um nm pc kpc AU Jy K eV".split()
} | {
    "km/s": "km.s**-1",
    "mas/yr": "mas.yr**-1",
    "mas.yr-1": "mas.yr**-1",
    "arcsec/yr": "arcsec.yr**-1",
}


@lru_cache(maxsize=4096)  # strangers' files have endless units
def vo_unit(text: str) -> str:
    """Write a unit as VOUnits 1.1 does, `erg.s**-1.cm**-2`; one that nobody understands stays as it is."""
    text = text.strip()
    if not text or is_costly(text):
        return text[:_LONGEST]
    if text in FREQUENT:
        return FREQUENT[text]
    spellings = [text]
    for pattern, plain in _SPELLINGS:
        spellings.append(pattern.sub(plain, spellings[-1]))
    for spelling in dict.fromkeys((text, spellings[-1])):
        for reading in _READINGS:
            written = _rewrite(spelling, reading)
            if written is not None:
                return written
    return text


def _rewrite(text: str, reading: str) -> str | None:
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        try:
            return str(units.Unit(text, format=reading).to_string(format="vounit"))
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError, ZeroDivisionError):
            return None
