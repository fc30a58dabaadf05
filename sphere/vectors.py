"""Directions on the sky as unit vectors: conversions and separations, vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def vectors(lon_deg: ArrayLike, lat_deg: ArrayLike) -> Floats:
    """Give unit vectors, shape (…, 3), of positions in degrees; longitudes may have any value."""
    lon, lat = np.deg2rad(lon_deg), np.deg2rad(lat_deg)
    flat = np.cos(lat)
    return np.stack(
        (flat * np.cos(lon), flat * np.sin(lon), np.broadcast_to(np.sin(lat), np.shape(lon * lat))), axis=-1
    )


def lonlat(direction: Floats) -> tuple[Floats, Floats]:
    """Give longitude in [0, 360) and latitude, in degrees, of vectors of any length, shape (…, 3)."""
    x, y, z = direction[..., 0], direction[..., 1], direction[..., 2]
    lon = np.rad2deg(np.arctan2(y, x)) % 360.0
    return np.where(lon >= 360.0, 0.0, lon), np.rad2deg(np.arctan2(z, np.hypot(x, y)))


def separation(lon1_deg: ArrayLike, lat1_deg: ArrayLike, lon2_deg: ArrayLike, lat2_deg: ArrayLike) -> Floats:
    """Give great-circle distances in degrees by Vincenty's formula, exact also for tiny and antipodal ones."""
    delta = np.deg2rad(np.subtract(lon2_deg, lon1_deg, dtype=np.float64))
    lat1, lat2 = np.deg2rad(lat1_deg), np.deg2rad(lat2_deg)
    sin1, cos1, sin2, cos2 = np.sin(lat1), np.cos(lat1), np.sin(lat2), np.cos(lat2)
    turned = cos2 * np.cos(delta)
    across = np.hypot(cos2 * np.sin(delta), cos1 * sin2 - sin1 * turned)
    result: Floats = np.rad2deg(np.arctan2(across, sin1 * sin2 + cos1 * turned))
    return result


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar products of vectors, shape (…, 3) each."""
    result: Floats = np.einsum("...i,...i->...", a, b)
    return result


def cross(a: Floats, b: Floats) -> Floats:
    """Vector products, shape (…, 3); faster than `numpy.cross` on short arrays."""
    return np.stack(
        (
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ),
        axis=-1,
    )


def norm(a: Floats) -> Floats:
    """Lengths of vectors, shape (…, 3)."""
    return np.sqrt(dot(a, a))


def unit(a: Floats) -> Floats:
    """Scale vectors, shape (…, 3), to length 1; null vectors stay null."""
    length = norm(a)
    return a / np.where(length > 0.0, length, 1.0)[..., None]


def angle(a: Floats, b: Floats) -> Floats:
    """Angles between vectors in radians, exact also for tiny and straight ones."""
    result: Floats = np.arctan2(norm(cross(a, b)), dot(a, b))
    return result
