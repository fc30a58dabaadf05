"""Index ranges of zones: all positions between two meridians and two parallels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from . import healpix
from .coverage import WHOLE_SPHERE, Ranges, merged
from .vectors import Bools, Floats, Ints

_CELLS = 600  # border cells at which refinement stops
_MARGIN_DEG = 1e-9
_COARSEST = 2
_FAR_DEG = 1e5


@lru_cache(maxsize=256)
def zone_ranges(lon1_deg: float, lon2_deg: float, lat1_deg: float, lat2_deg: float, most: int = 64) -> Ranges:
    """Give at most `most` order-29 NESTED ranges, half-open, that cover a zone in degrees; () where it is empty.

    Longitudes run from `lon1_deg` eastwards to `lon2_deg` and wrap; 360 and more, and infinite ones, are all. The
    cells are a superset of the zone, its border included.
    """
    if not (lat1_deg <= lat2_deg and lon1_deg <= lon2_deg and lat1_deg <= 90.0 and lat2_deg >= -90.0):
        return ()
    if not (lon1_deg > -_FAR_DEG and lon2_deg < _FAR_DEG):  # beyond, wrapped longitudes are no longer exact
        lon1_deg, lon2_deg = 0.0, 360.0
    if lon2_deg - lon1_deg >= 360.0 and lat1_deg <= -90.0 and lat2_deg >= 90.0:
        return WHOLE_SPHERE
    order, cells = _COARSEST, np.arange(12 << 2 * _COARSEST, dtype=np.int64)
    kept: list[tuple[Ints, Ints]] = []
    while True:
        touched, inside = _related(cells, order, (lon1_deg, lon2_deg), (lat1_deg, lat2_deg))
        kept.append(healpix.spans(cells[inside], order))
        cells = cells[touched & ~inside]
        if len(cells) == 0 or len(cells) >= _CELLS or order == healpix.MAX_ORDER:
            break
        order, cells = order + 1, healpix.children(cells, 1)
    kept.append(healpix.spans(cells, order))
    low, high = (np.concatenate(part) for part in zip(*kept, strict=True))
    return merged(low, high, most) if len(low) else ()


def _related(
    cells: Ints, order: int, lon_deg: tuple[float, float], lat_deg: tuple[float, float]
) -> tuple[Bools, Bools]:
    """Tell which cells may touch the zone, and which certainly lie in it."""
    lon, lat = healpix.centers(cells, order)
    reach = math.degrees(healpix.cell_radius_rad(order)) + _MARGIN_DEG
    touched = (lat >= lat_deg[0] - reach) & (lat <= lat_deg[1] + reach)
    inside = (lat >= lat_deg[0] + reach) & (lat <= lat_deg[1] - reach)
    if lon_deg[1] - lon_deg[0] < 360.0:
        wide = _longitudes(lat, reach)
        middle = lon_deg[0] / 2.0 + lon_deg[1] / 2.0
        half = (lon_deg[1] - lon_deg[0]) / 2.0
        away = np.abs((lon - middle + 180.0) % 360.0 - 180.0)
        touched &= away <= half + wide
        inside &= away <= half - wide
    return touched, inside


def _longitudes(lat: Floats, reach_deg: float) -> Floats:
    """Half the width in longitude of circles of `reach_deg` around latitudes; 360 where they hold a pole."""
    sine = math.sin(math.radians(min(reach_deg, 90.0))) / np.maximum(np.cos(np.deg2rad(lat)), 1e-300)
    wide: Floats = np.where(sine < 1.0, np.rad2deg(np.arcsin(np.minimum(sine, 1.0))) + _MARGIN_DEG, 360.0)
    return wide
