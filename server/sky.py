"""The demo sky: a made-up catalogue of stars and the clusters some of them belong to.

Everything is drawn from simple laws that give densities like the real sky's: an exponential disc seen from
inside, a bulge, a halo, two small galaxies and open clusters; counts that rise with magnitude; parallaxes and
proper motions that fall with distance; errors, nulls and texts where catalogues have them. The same seed gives
the same sky. Positions are ICRS degrees at epoch 2016.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..schema.arrow import schema_of
from ..schema.model import Column
from ..schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, STRING, TIMESTAMP, VOType

Floats = NDArray[np.float64]

EPOCH = 2016.0
CLUSTERS = 60
# Rows are the ICRS axes in Galactic coordinates (Hipparcos catalogue, volume 1, section 1.5.3).
ICRS_TO_GALACTIC = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [0.4941094278755837, -0.4448296299600112, 0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, 0.4559837761750669],
    ]
)

STAR_COLUMNS: tuple[Column, ...] = (
    Column("source_id", LONG, "Unique identifier of the star", ucd="meta.id;meta.main"),
    Column("designation", STRING, "Name made of the position", ucd="meta.id"),
    Column("ra", DOUBLE, "Right ascension (ICRS) at epoch 2016.0", "deg", "pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, "Declination (ICRS) at epoch 2016.0", "deg", "pos.eq.dec;meta.main"),
    Column("parallax", FLOAT, "Parallax; null for one star in twelve", "mas", "pos.parallax.trig"),
    Column("parallax_error", FLOAT, "Standard error of the parallax", "mas", "stat.error;pos.parallax.trig"),
    Column("pmra", FLOAT, "Proper motion in right ascension, times cos(dec)", "mas/yr", "pos.pm;pos.eq.ra"),
    Column("pmdec", FLOAT, "Proper motion in declination", "mas/yr", "pos.pm;pos.eq.dec"),
    Column("radial_velocity", FLOAT, "Radial velocity; bright stars only", "km/s", "spect.dopplerVeloc"),
    Column("gmag", FLOAT, "Magnitude in the broad G band", "mag", "phot.mag;em.opt"),
    Column("bp_rp", FLOAT, "Colour BP - RP", "mag", "phot.color;em.opt.B;em.opt.R"),
    Column("ugriz", VOType("float", "5"), "Magnitudes in five bands, u to z", "mag", "phot.mag;em.opt"),
    Column("spectral_type", STRING, "Spectral type; bright stars only", ucd="src.spType"),
    Column("variable", BOOLEAN, "True where the brightness varies", ucd="meta.code;src.var"),
    Column("n_obs", INTEGER, "Number of observations", ucd="meta.number"),
    Column("first_obs", TIMESTAMP, "Time of the first observation (UTC)", ucd="time.start"),
    Column("cluster_id", INTEGER, "Cluster the star belongs to", ucd="meta.id.parent"),
)
CLUSTER_COLUMNS: tuple[Column, ...] = (
    Column("cluster_id", INTEGER, "Number of the cluster", ucd="meta.id;meta.main"),
    Column("name", STRING, "Name of the cluster", ucd="meta.id"),
    Column("RAJ2000", DOUBLE, "Right ascension of the centre (ICRS)", "deg", "pos.eq.ra;meta.main"),
    Column("DEJ2000", DOUBLE, "Declination of the centre (ICRS)", "deg", "pos.eq.dec;meta.main"),
    Column("radius", FLOAT, "Radius that holds half of the stars", "deg", "phys.angSize"),
    Column("distance", FLOAT, "Distance from the Sun", "pc", "pos.distance"),
    Column("B-V", FLOAT, "Mean colour; its name needs double quotes in ADQL", "mag", "phot.color;em.opt.B;em.opt.V"),
    Column("size", INTEGER, "Number of member stars; a reserved word in ADQL", ucd="meta.number"),
)


@dataclass(frozen=True, slots=True)
class Sky:
    """The two tables of the demo, with VO metadata on their fields."""

    stars: pa.Table
    clusters: pa.Table


def _unit_vectors(longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _angles(vectors: Floats) -> tuple[Floats, Floats]:
    x, y, z = vectors / np.linalg.norm(vectors, axis=0)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(np.clip(z, -1, 1)))


def _galactic_to_icrs(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    return _angles(ICRS_TO_GALACTIC.T @ _unit_vectors(longitude_deg, latitude_deg))


def _disc(rng: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats]:
    """Place stars of disc, bulge and halo around the Sun; give ra_deg, dec_deg, distance_pc."""
    kind = rng.choice(3, count, p=[0.80, 0.12, 0.08])
    distance = np.where(kind == 1, rng.normal(8000, 900, count), rng.gamma(2.6, 620, count)).clip(8, 30_000)
    longitude = np.where(kind == 1, rng.normal(0, 8, count), rng.uniform(-180, 180, count))
    towards_centre = rng.random(count) < 0.35
    longitude = np.where((kind == 0) & towards_centre, rng.normal(0, 55, count), longitude)
    height = rng.laplace(0, np.where(kind == 0, 240, 420), count)
    latitude = np.degrees(np.arctan2(height, distance))
    isotropic = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    latitude = np.where(kind == 2, isotropic, latitude)
    ra, dec = _galactic_to_icrs(longitude % 360, latitude)
    return ra, dec, distance


def _around(rng: np.random.Generator, ra: Floats, dec: Floats, radius_deg: Floats) -> tuple[Floats, Floats]:
    """Scatter one star around each given centre, Gaussian with the given radius."""
    centres = _unit_vectors(ra, dec)
    return _angles(centres + rng.normal(0, 1, centres.shape) * np.radians(radius_deg))


def _clusters(rng: np.random.Generator) -> dict[str, Floats]:
    """Draw the clusters: two small galaxies first, then open clusters near the Galactic plane."""
    distance = rng.gamma(2.0, 500, CLUSTERS).clip(45, 6000)
    ra, dec = _galactic_to_icrs(rng.uniform(0, 360, CLUSTERS), rng.normal(0, 6, CLUSTERS))
    radius = np.degrees(np.arctan2(rng.uniform(1.5, 5, CLUSTERS), distance))
    ra[:2], dec[:2], radius[:2], distance[:2] = (80.9, 13.2), (-69.8, -72.8), (2.6, 1.1), (49_600, 62_000)
    weight = rng.pareto(1.4, CLUSTERS) + 0.5
    weight[:2] = weight.sum() * np.array([0.75, 0.25])
    return {"ra": ra, "dec": dec, "radius": radius, "distance": distance, "weight": weight / weight.sum()}


def _designations(ra: Floats, dec: Floats) -> list[str]:
    """Name stars by position, as `NS J123456.78+012345.6` (truncated, not rounded)."""
    centi = np.floor(ra / 15 * 360_000).astype(np.int64)
    deci = np.floor(np.abs(dec) * 36_000).astype(np.int64)
    sign = np.where(dec < 0, "-", "+")
    parts = zip(centi.tolist(), sign.tolist(), deci.tolist(), strict=True)
    return [
        f"NS J{c // 360_000:02d}{c // 6000 % 60:02d}{c % 6000 / 100:05.2f}"
        f"{s}{d // 36_000:02d}{d // 600 % 60:02d}{d % 600 / 10:04.1f}"
        for c, s, d in parts
    ]


def _masked(values: NDArray[np.generic], null: NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    return pa.array(values, mask=null).cast(kind)


def _photometry(rng: np.random.Generator, count: int) -> tuple[Floats, Floats, pa.Array]:
    """Draw G magnitudes rising as 10^(0.22 m) from 5 to 18, colours, and five bands as fixed lists."""
    low, high, slope = 5.0, 18.0, 0.22
    share = rng.random(count)
    gmag = np.log10(10 ** (slope * low) + share * (10 ** (slope * high) - 10 ** (slope * low))) / slope
    colour = np.where(rng.random(count) < 0.7, rng.normal(1.05, 0.35, count), rng.normal(2.0, 0.45, count))
    steps = np.array([2.1, 0.55, -0.2, -0.55, -0.8])
    bands = gmag[:, None] + steps * colour[:, None] / 1.2 + rng.normal(0, 0.02, (count, 5))
    return gmag, colour, pa.FixedSizeListArray.from_arrays(pa.array(bands.ravel().astype(np.float32)), 5)


def make_sky(stars: int = 200_000, seed: int = 2016) -> Sky:
    """Draw a sky with `stars` stars; the same seed gives the same sky."""
    rng = np.random.default_rng(seed)
    clusters = _clusters(rng)
    members = stars // 12
    cluster = np.sort(rng.choice(CLUSTERS, members, p=clusters["weight"]))
    ra, dec, distance = _disc(rng, stars)
    ra[:members], dec[:members] = _around(
        rng, clusters["ra"][cluster], clusters["dec"][cluster], clusters["radius"][cluster]
    )
    distance[:members] = clusters["distance"][cluster] * rng.normal(1, 0.01, members)
    order = rng.permutation(stars)
    ra, dec, distance = ra[order], dec[order], distance[order]
    cluster_id = np.concatenate([cluster + 1, np.zeros(stars - members, np.int64)])[order]
    sizes = np.bincount(cluster, minlength=CLUSTERS)
    return Sky(_stars(rng, ra, dec, distance, cluster_id), _cluster_table(rng, clusters, sizes))


def _stars(rng: np.random.Generator, ra: Floats, dec: Floats, distance: Floats, cluster: NDArray[np.int64]) -> pa.Table:
    count = len(ra)
    gmag, colour, bands = _photometry(rng, count)
    error = 0.02 * 10 ** (0.13 * (gmag - 12)).clip(0.3, None)
    faint = gmag > 13.5
    no_parallax = rng.random(count) < 1 / 12
    speed = 4740.0 / distance
    types = np.array(["O9V", "B5V", "A0V", "F5V", "G2V", "K1III", "M3III", "M5V"])
    kind = types[np.digitize(colour, [0.1, 0.35, 0.6, 0.85, 1.05, 1.5, 2.3])]
    year = np.datetime64("2014-07-25T10:30:00.000000")
    first = year + (rng.random(count) * 180 * 86_400e6).astype("timedelta64[us]")
    arrays = [
        pa.array(np.arange(1, count + 1, dtype=np.int64) * 64 + 7),
        pa.array(_designations(ra, dec)),
        pa.array(ra),
        pa.array(dec),
        _masked(1000 / distance + rng.normal(0, error), no_parallax, pa.float32()),
        _masked(error, no_parallax, pa.float32()),
        _masked(rng.normal(-1.2, 6, count) * speed, no_parallax, pa.float32()),
        _masked(rng.normal(-2.1, 6, count) * speed, no_parallax, pa.float32()),
        _masked(rng.normal(-4, 32, count), faint, pa.float32()),
        pa.array(gmag.astype(np.float32)),
        _masked(colour, rng.random(count) < 0.02, pa.float32()),
        bands,
        _masked(kind, gmag > 10, pa.string()),
        pa.array(rng.random(count) < 0.03),
        pa.array(rng.poisson(180, count).astype(np.int32)),
        pa.array(first),
        _masked(cluster.astype(np.int32), cluster == 0, pa.int32()),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(STAR_COLUMNS))


def _cluster_table(rng: np.random.Generator, drawn: dict[str, Floats], sizes: NDArray[np.int64]) -> pa.Table:
    names = ["Large Cloud", "Small Cloud", *(f"Capra {number}" for number in range(3, CLUSTERS + 1))]
    arrays = [
        pa.array(np.arange(1, CLUSTERS + 1, dtype=np.int32)),
        pa.array(names),
        pa.array(drawn["ra"]),
        pa.array(drawn["dec"]),
        pa.array(drawn["radius"].astype(np.float32)),
        pa.array(drawn["distance"].astype(np.float32)),
        pa.array(rng.normal(0.6, 0.25, CLUSTERS).astype(np.float32)),
        pa.array(sizes.astype(np.int32)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(CLUSTER_COLUMNS))
