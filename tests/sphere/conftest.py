"""Shared tools: rotations of the sky and star-shaped polygons with an independent point test."""

from typing import Any

import numpy as np
import pytest


def rotation(seed: Any) -> Any:
    """A random rotation matrix."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


class Star:
    """A star-shaped polygon: spikes of different lengths around a centre, and brute-force answers."""

    def __init__(self, seed: Any, n: Any, size_deg: Any, turn: Any = None) -> None:
        rng = np.random.default_rng(seed)
        r = np.radians(size_deg) * rng.uniform(0.3, 1.0, n)
        step = 2 * np.pi / n
        azimuth = step * (np.arange(n) + rng.uniform(0, 0.45, n))
        local = np.stack((np.sin(r) * np.cos(azimuth), np.sin(r) * np.sin(azimuth), np.cos(r)), axis=-1)
        turn = rotation(seed) if turn is None else turn
        self.centre = turn @ np.array([0, 0, 1.0])
        self.corners = local @ turn.T

    @property
    def lonlat(self) -> Any:
        x, y, z = self.corners.T
        return np.stack((np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))), axis=-1)

    def holds(self, points: Any) -> Any:
        """Union of the triangles from the centre: points on the same side of three planes."""
        inside = np.zeros(len(points), dtype=bool)
        for a, b in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            c = self.centre
            # Differences first: products of whole unit vectors would round away arcseconds.
            heights = [(points - start) @ np.cross(start, end - start) for start, end in ((c, a), (a, b), (b, c))]
            inside |= np.all([height >= 0 for height in heights], axis=0)
        return inside

    def area(self) -> Any:
        """Sum of the triangles' areas by L'Huilier's theorem, in steradians."""
        total = 0.0
        for a, b in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            sides = [2 * np.arcsin(np.linalg.norm(p - q) / 2) for p, q in ((self.centre, a), (a, b), (b, self.centre))]
            s = sum(sides) / 2
            product = np.prod([np.tan(max(0.0, s - side) / 2) for side in sides])
            total += 4 * np.arctan(np.sqrt(np.tan(s / 2) * product))
        return total

    def around(self, seed: Any, count: Any, size_deg: Any) -> Any:
        """Points scattered around the centre."""
        scatter = np.random.default_rng(seed).normal(size=(count, 3)) * np.radians(size_deg) * 0.6
        points = self.centre + scatter
        return points / np.linalg.norm(points, axis=1)[:, None]


@pytest.fixture(scope="session")
def star() -> Any:
    return Star
