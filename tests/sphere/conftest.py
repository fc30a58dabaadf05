"""Shared tools: rotations of the sky and star-shaped polygons with an independent point test."""

import numpy as np
import pytest


def rotation(seed):
    """A random rotation matrix."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


class Star:
    """A star-shaped polygon: spikes of different lengths around a centre, and brute-force answers."""

    def __init__(self, seed, n, size_deg, turn=None):
        rng = np.random.default_rng(seed)
        r = np.radians(size_deg) * rng.uniform(0.3, 1.0, n)
        step = 2 * np.pi / n
        azimuth = step * (np.arange(n) + rng.uniform(0, 0.45, n))
        local = np.stack((np.sin(r) * np.cos(azimuth), np.sin(r) * np.sin(azimuth), np.cos(r)), axis=-1)
        turn = rotation(seed) if turn is None else turn
        self.centre = turn @ np.array([0, 0, 1.0])
        self.corners = local @ turn.T

    @property
    def lonlat(self):
        x, y, z = self.corners.T
        return np.stack((np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))), axis=-1)

    def holds(self, points):
        """Union of the triangles from the centre: points on the same side of three planes."""
        inside = np.zeros(len(points), dtype=bool)
        for a, b in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            planes = [np.cross(self.centre, a), np.cross(a, b), np.cross(b, self.centre)]
            inside |= np.all([points @ plane >= 0 for plane in planes], axis=0)
        return inside

    def area(self):
        """Sum of the triangles' areas by L'Huilier's theorem, in steradians."""
        total = 0.0
        for a, b in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            sides = [2 * np.arcsin(np.linalg.norm(p - q) / 2) for p, q in ((self.centre, a), (a, b), (b, self.centre))]
            s = sum(sides) / 2
            product = np.prod([np.tan(max(0.0, s - side) / 2) for side in sides])
            total += 4 * np.arctan(np.sqrt(np.tan(s / 2) * product))
        return total

    def around(self, seed, count, size_deg):
        """Points scattered around the centre."""
        scatter = np.random.default_rng(seed).normal(size=(count, 3)) * np.radians(size_deg) * 0.6
        points = self.centre + scatter
        return points / np.linalg.norm(points, axis=1)[:, None]


@pytest.fixture(scope="session")
def star():
    return Star
