"""Find the columns that hold a table's position: by UCD, then by usual names; and its HEALPix index.

Sources of the names: UCD1+ controlled vocabulary 1.5 (`pos.eq.ra`), UCD1 (`POS_EQ_RA_MAIN`), and the habits of
VizieR, the Gaia, SDSS, Pan-STARRS, DES, LSST and DESI archives and SExtractor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..config.errors import PublishError
from ..schema.model import Column
from ..schema.types import is_scalar_number
from ..sphere.coverage import healpix29

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DEGREE = dict.fromkeys(("", "deg", "degs", "degree", "degrees", "°", "dd"), 1.0)
_RADIAN = dict.fromkeys(("rad", "radian", "radians"), 180.0 / math.pi)
_HOUR = dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "hourangle"), 15.0)
DEGREES_PER = {"ra": _DEGREE | _RADIAN | _HOUR, "dec": _DEGREE | _RADIAN}

_LIMITS_DEG = {"ra": 360.0, "dec": 90.0}
_PLAUSIBLE = 0.99  # share of the values of a guessed column that must lie on the sphere

USUAL_NAMES: tuple[tuple[str, str], ...] = (
    ("ra", "dec"),
    ("s_ra", "s_dec"),
    ("ra_icrs", "de_icrs"),
    ("raicrs", "deicrs"),
    ("ra_icrs", "dec_icrs"),
    ("raj2000", "dej2000"),
    ("raj2000", "decj2000"),
    ("ra_j2000", "dec_j2000"),
    ("ra2000", "dec2000"),
    ("ra", "de"),
    ("ra_deg", "dec_deg"),
    ("radeg", "dedeg"),
    ("radeg", "decdeg"),
    ("ra_degrees", "dec_degrees"),
    ("alphawin_j2000", "deltawin_j2000"),
    ("alpha_j2000", "delta_j2000"),
    ("alphawin_sky", "deltawin_sky"),
    ("alpha_sky", "delta_sky"),
    ("alphawin_world", "deltawin_world"),
    ("_ra", "_de"),
    ("_ra", "_dec"),
    ("_ra_icrs", "_de_icrs"),
    ("_raj2000", "_dej2000"),
    ("right_ascension", "declination"),
    ("ramean", "decmean"),
    ("ra_mean", "dec_mean"),
    ("rastack", "decstack"),
    ("target_ra", "target_dec"),
    ("coord_ra", "coord_dec"),
    ("ra_main", "dec_main"),
    ("alpha", "delta"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Columns of a position, the factors that make them degrees, and why they were chosen."""

    ra: str
    dec: str
    ra_factor: float
    dec_factor: float
    reason: str
    guessed: bool = True

    @property
    def in_degrees(self) -> bool:
        """Tell whether the columns hold degrees as they are."""
        return self.ra_factor == self.dec_factor == 1.0


def find_position(columns: Sequence[Column]) -> Choice | None:
    """Find the position among a table's columns; None where nothing fits."""
    fit = {axis: [c for c in columns if _fits(c, axis)] for axis in DEGREES_PER}
    for rank in range(len(_UCD_RANKS)):
        ra, dec = ([c for c in fit[axis] if _ucd_rank(c.ucd, axis) == rank] for axis in ("ra", "dec"))
        if ra and dec:
            return _choose(*_best_pair(ra, dec), "by UCD")
    pair = _usual_pair(fit["ra"], fit["dec"])
    return None if pair is None else _choose(*pair, "by name")


def named_position(columns: Sequence[Column], ra: str, dec: str, where: str) -> Choice:
    """Give the position that a descriptor names; PublishError where the columns cannot be one."""
    by_name = {column.name: column for column in columns}
    for axis, name in (("ra", ra), ("dec", dec)):
        column = by_name[name]
        if not is_scalar_number(column.type):
            message = f"{where}.position.{axis}: the column {name} is no number; sexagesimal texts are no position"
            raise PublishError(message)
        if _unit(column) not in DEGREES_PER[axis]:
            message = f"{where}.position.{axis}: the unit of {name}, {column.unit!r}, is no angle; set its unit"
            raise PublishError(message)
    choice = _choose(by_name[ra], by_name[dec], "in the descriptor")
    return Choice(choice.ra, choice.dec, choice.ra_factor, choice.dec_factor, choice.reason, guessed=False)


def _choose(ra: Column, dec: Column, how: str) -> Choice:
    detail = f" {ra.ucd}" if how == "by UCD" else ""
    factors = DEGREES_PER["ra"][_unit(ra)], DEGREES_PER["dec"][_unit(dec)]
    return Choice(ra.name, dec.name, *factors, f"position found {how}{detail}: {ra.name}, {dec.name}")


def _unit(column: Column) -> str:
    return column.unit.strip().lower()


def _fits(column: Column, axis: str) -> bool:
    return is_scalar_number(column.type) and _unit(column) in DEGREES_PER[axis]


_UCD_RANKS = ("{};meta.main", "{}", "{};…")
_SHADES = frozenset({"stat.mean", "stat.median", "src", "obs", "obs.field", "meta.modelled"})


def _ucd_rank(ucd: str, axis: str) -> int | None:
    """Rank a UCD as one of a position: 0 main, 1 plain, 2 with a harmless second word; None is none."""
    words = [word.strip() for word in ucd.lower().split(";") if word.strip()]
    if len(words) == 1:
        plain = f"pos_eq_{axis}"
        ranks = {f"pos.eq.{axis}": 1, f"{plain}_main": 0, plain: 1}
        return ranks.get(words[0])
    if not words or words[0] != f"pos.eq.{axis}":
        return None
    others = set(words[1:])
    if "meta.main" in others:
        return 0
    return 2 if others <= _SHADES or all(word.startswith("em.") for word in others) else None


def _best_pair(ra: list[Column], dec: list[Column]) -> tuple[Column, Column]:
    """Choose among equals: usual names first, else the first of each."""
    return _usual_pair(ra, dec) or (ra[0], dec[0])


def _usual_pair(ra: list[Column], dec: list[Column]) -> tuple[Column, Column] | None:
    ra_by, dec_by = ({c.name.lower(): c for c in reversed(columns)} for columns in (ra, dec))
    return next(((ra_by[a], dec_by[d]) for a, d in USUAL_NAMES if a in ra_by and d in dec_by), None)


def degrees(batch: pa.RecordBatch, column: str, factor: float) -> Floats:
    """Give a column of a batch in degrees, (n,) float64, NaN where null."""
    values = batch.column(column).cast(pa.float64())
    if values.null_count:
        values = values.fill_null(math.nan)
    plain: Floats = values.to_numpy(zero_copy_only=False)
    return plain if factor == 1.0 else plain * factor


def index_of(batch: pa.RecordBatch, choice: Choice) -> Ints:
    """Give the HEALPix order-29 NESTED cells of a batch, (n,) int64, -1 where there is no valid position."""
    ra, dec = degrees(batch, choice.ra, choice.ra_factor), degrees(batch, choice.dec, choice.dec_factor)
    cells: Ints = healpix29(ra, dec)
    return cells


def implausible(batch: pa.RecordBatch, choice: Choice) -> str:
    """Say why the first rows of a table deny a guessed position; empty where they do not."""
    for axis, name, factor in (("ra", choice.ra, choice.ra_factor), ("dec", choice.dec, choice.dec_factor)):
        values = degrees(batch, name, factor)
        values = values[np.isfinite(values)]
        if values.size and np.mean(np.abs(values) <= _LIMITS_DEG[axis]) < _PLAUSIBLE:
            return f"{name} holds values such as {np.abs(values).max():g} degrees"
    return ""
