"""Celestial reference frames as fixed rotations of the sky (UDF catalogue 1.2, ivo_geom_transform).

FK5 and ECLIPTIC are those of J2000, FK4 that of B1950 without its elliptic terms of aberration (0.3″) and without
proper motions: the catalogue asks for plain rotations, so that all services give the same numbers.
Matrices turn unit vectors of a frame into ICRS. Sources: Reid and Brunthaler 2004 (GALACTIC), Murray 1989 (FK4),
IAU 2006 obliquity and frame bias (ECLIPTIC), IAU 2000 frame bias (FK5), de Vaucouleurs 1976 (SUPER_GALACTIC).
"""

from __future__ import annotations

import numpy as np

from .vectors import Floats, Ints, lonlat, vectors

_TO_ICRS = {
    "ICRS": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "FK5": (
        (0.999999999999992, 1.1102233738475019e-07, 4.4118034299296295e-08),
        (-1.1102233290551086e-07, 0.9999999999999888, -9.647792745026089e-08),
        (-4.4118044980967715e-08, 9.64779224601013e-08, 0.9999999999999942),
    ),
    "FK4": (
        (0.9999256809514493, -0.01118137220384984, -0.004858959705285335),
        (0.011181371753884797, 0.9999374861373449, -2.7258532094296838e-05),
        (0.004858960740738826, -2.707332853596626e-05, 0.999988194814096),
    ),
    "GALACTIC": (
        (-0.05487565771259163, 0.4941094371927268, -0.8676661375596576),
        (-0.8734370519556159, -0.4448297212232953, -0.19807633727300059),
        (-0.48383507361671546, 0.7469821839866676, 0.45598381368730156),
    ),
    "SUPER_GALACTIC": (
        (0.3750155557030316, -0.8983204377276124, 0.2288749093754372),
        (0.34135887185624725, -0.09572710024885117, -0.9350456902649066),
        (0.861880185168319, 0.4287851600030195, 0.27075049949244595),
    ),
    "ECLIPTIC": (
        (0.999999999999994, 3.289700416258305e-08, -1.020704472070512e-07),
        (-7.078369026537744e-08, 0.9174821299149584, -0.3977769994440431),
        (8.056213977613186e-08, 0.3977769994440479, 0.9174821299149555),
    ),
}

FRAMES = tuple(_TO_ICRS)
"""Names in the IVOA refframe vocabulary; a frame's number is its place here."""


def _turns() -> Floats:
    """Matrices from frame i to frame j, (i, j, 3, 3); exactly 1 from a frame to itself."""
    matrices = np.array(tuple(_TO_ICRS.values()))
    result: Floats = np.einsum("jki,akl->ajil", matrices, matrices)
    result[np.arange(len(FRAMES)), np.arange(len(FRAMES))] = np.eye(3)
    return result


TURNS = _turns()
"""Matrices that turn unit vectors of frame i into frame j, (i, j, 3, 3)."""


def rotate(old: Ints, new: Ints, lon_deg: Floats, lat_deg: Floats) -> tuple[Floats, Floats]:
    """Give longitudes in [0, 360) and latitudes in frame number `new` of positions in frame `old`, (n,) each.

    Numbers of frames must exist; NaN gives NaN.
    """
    return lonlat(np.einsum("nij,nj->ni", TURNS[old, new], vectors(lon_deg, lat_deg)))


def rotated(old: str, new: str, flat_deg: tuple[float, ...]) -> tuple[float, ...]:
    """Rotate (lon1, lat1, lon2, lat2, …) in degrees from one named frame to another."""
    pairs = np.array(flat_deg, dtype=np.float64).reshape(-1, 2)
    one, other = (np.full(len(pairs), FRAMES.index(name), dtype=np.int64) for name in (old, new))
    lon, lat = rotate(one, other, pairs[:, 0], pairs[:, 1])
    return tuple(np.stack((lon, lat), axis=-1).ravel().tolist())
