"""Positions at other epochs: uniform rectilinear motion in space, as in the Hipparcos and Gaia astrometric model."""

from __future__ import annotations

import numpy as np

from .vectors import Floats, dot, lonlat, norm, vectors

AU_KM_YEAR_S = 4.740470446  # km/s in one au per Julian year
_MAS_RAD = np.pi / (180.0 * 3600.0 * 1000.0)


def propagate(
    ra_deg: Floats,
    dec_deg: Floats,
    parallax_mas: Floats,
    pmra_mas_yr: Floats,
    pmdec_mas_yr: Floats,
    velocity_km_s: Floats,
    from_year: Floats,
    to_year: Floats,
) -> tuple[Floats, Floats]:
    """Give right ascensions and declinations in degrees at `to_year` (Julian years), all arguments (n,).

    `pmra_mas_yr` includes cos(dec). The parallax turns the radial velocity into a change of distance;
    a parallax of 0 is an infinite distance. Light-travel time is left out. NaN gives NaN.
    """
    east, north = _axes(ra_deg, dec_deg)
    motion = (east * pmra_mas_yr[:, None] + north * pmdec_mas_yr[:, None]) * _MAS_RAD
    receding = velocity_km_s * parallax_mas * _MAS_RAD / AU_KM_YEAR_S
    years = to_year - from_year
    place = vectors(ra_deg, dec_deg)
    return lonlat(place * (1.0 + receding * years)[:, None] + motion * years[:, None])


def moved(
    ra_deg: Floats,
    dec_deg: Floats,
    parallax_mas: Floats,
    pmra_mas_yr: Floats,
    pmdec_mas_yr: Floats,
    velocity_km_s: Floats,
    from_year: Floats,
    to_year: Floats,
) -> Floats:
    """Give position, parallax, proper motions and radial velocity at `to_year`, (n, 6), in the units of the arguments.

    At an infinite distance (parallax 0) the radial velocity stays as it is. NaN gives NaN.
    """
    east, north = _axes(ra_deg, dec_deg)
    place = vectors(ra_deg, dec_deg)
    receding = velocity_km_s * parallax_mas * _MAS_RAD / AU_KM_YEAR_S
    speed = (east * pmra_mas_yr[:, None] + north * pmdec_mas_yr[:, None]) * _MAS_RAD + place * receding[:, None]
    there = place + speed * (to_year - from_year)[:, None]
    distance = norm(there)
    towards = there / distance[:, None]
    lon, lat = lonlat(there)
    east, north = _axes(lon, lat)
    pmra, pmdec = (dot(speed, axis) / (distance * _MAS_RAD) for axis in (east, north))
    parallax = parallax_mas / distance
    near = parallax_mas * _MAS_RAD / AU_KM_YEAR_S
    velocity = np.where(near == 0.0, velocity_km_s, dot(speed, towards) / np.where(near == 0.0, 1.0, near))
    return np.stack((lon, lat, parallax, pmra, pmdec, velocity), axis=-1)


def _axes(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Unit vectors towards east and north at positions, (n, 3) each."""
    lon, lat = np.deg2rad(ra_deg), np.deg2rad(dec_deg)
    east = np.stack((-np.sin(lon), np.cos(lon), np.zeros_like(lon)), axis=-1)
    north = np.stack((-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)), axis=-1)
    return east, north
