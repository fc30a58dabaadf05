"""A small sky in Parquet and a real DuckDB: what the translator prints is executed and compared with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.adql.translate import translate
from nashira.adql.translation import Translation
from nashira.schema.model import Catalog, Column, Files, Partition, Relation, Schema, SkyColumns, Table
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, STRING, TIMESTAMP, VOType, arrow_type
from nashira.sphere.coverage import healpix29
from nashira.sphere.functions import FUNCTIONS

STARS = (
    Column("id", LONG, "Identifier", ucd="meta.id;meta.main"),
    Column("RAdeg", DOUBLE, "Right ascension", unit="deg", ucd="pos.eq.ra;meta.main"),
    Column("DEdeg", DOUBLE, "Declination", unit="deg", ucd="pos.eq.dec;meta.main"),
    Column("gmag", FLOAT, "Magnitude", unit="mag", ucd="phot.mag;em.opt.G"),
    Column("B-V", FLOAT, "Colour", unit="mag", ucd="phot.color"),
    Column("n", INTEGER, "A number"),
    Column("small", VOType("short"), "A small number"),
    Column("plx", DOUBLE, "Parallax", unit="mas", ucd="pos.parallax"),
    Column("name", STRING, "Name"),
    Column("t", TIMESTAMP, "Time"),
    Column("ok", BOOLEAN, "Flag"),
    Column("p", POINT, "Position", unit="deg"),
    Column("flags", VOType("short", "3"), "Flags"),
    Column("count", INTEGER, "A column with the name of a function"),
)
OBJECTS = (
    Column("id", LONG),
    Column("ra", DOUBLE, unit="deg", ucd="pos.eq.ra"),
    Column("dec", DOUBLE, unit="deg", ucd="pos.eq.dec"),
    Column("kind", STRING),
)
MINE = (Column("id", INTEGER), Column("ra", DOUBLE), Column("de", DOUBLE), Column("r", DOUBLE))


class Sky:
    """Tables as NumPy-readable Arrow, their catalogue, and an engine."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        uploads: tuple[Table, ...],
        tables: dict[str, pa.Table],
    ) -> None:
        self.con, self.catalog, self.uploads, self.tables = con, catalog, uploads, tables

    def __repr__(self) -> str:
        """Stay short: hypothesis prints the fixtures of failing examples."""
        return "sky"

    def translate(self, text: str, **options: object) -> Translation:
        return translate(text, self.catalog, uploads=self.uploads, **options)  # type: ignore[arg-type]

    def run(self, text: str, **options: object) -> pa.Table:
        """Run a query; types and number of columns must be those promised. Columns get their names."""
        made = self.translate(text, **options)
        result = self.con.sql(made.sql).to_arrow_table()
        assert [f.type for f in result.schema] == [arrow_type(c.type) for c in made.columns], made.sql
        names = [c.name for c in made.columns]
        assert len({name.lower() for name in names}) == len(names)
        return result.rename_columns(names)

    def rows(self, text: str, **options: object) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in self.run(text, **options).to_pylist()]

    def one(self, expression: str, where: str = "id = 1") -> object:
        """The value of one expression on one star."""
        ((value,),) = self.rows(f"SELECT {expression} AS x FROM hip.stars WHERE {where}")
        return value

    def numpy(self, table: str, column: str) -> np.ndarray:
        values: np.ndarray = self.tables[table].column(column).to_numpy(zero_copy_only=False)
        return values


def separation(lon1: np.ndarray, lat1: np.ndarray, lon2: np.ndarray, lat2: np.ndarray) -> np.ndarray:
    """Distances in degrees by Vincenty's formula, independently of the code under test."""
    l1, b1, l2, b2 = (np.radians(np.asarray(x, dtype=float)) for x in (lon1, lat1, lon2, lat2))
    dl = l2 - l1
    y = np.hypot(np.cos(b2) * np.sin(dl), np.cos(b1) * np.sin(b2) - np.sin(b1) * np.cos(b2) * np.cos(dl))
    x = np.sin(b1) * np.sin(b2) + np.cos(b1) * np.cos(b2) * np.cos(dl)
    apart: np.ndarray = np.degrees(np.arctan2(y, x))
    return apart


def _positions(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """All over the sky, with crowds at both poles and where longitudes wrap."""
    ra, dec = rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    quarter = count // 8
    dec[:quarter] = 90 - rng.uniform(0, 0.5, quarter)
    dec[quarter : 2 * quarter] = -90 + rng.uniform(0, 0.5, quarter)
    ra[2 * quarter : 4 * quarter] = rng.uniform(-0.5, 0.5, 2 * quarter) % 360
    dec[2 * quarter : 4 * quarter] = rng.uniform(-0.5, 0.5, 2 * quarter)
    return ra, dec


def _stars(rng: np.random.Generator, count: int = 3000) -> pa.Table:
    ra, dec = _positions(rng, count)
    ids = np.arange(1, count + 1)
    gone = ids % 97 == 0
    lon, lat = (pa.array(x, mask=gone) for x in (ra, dec))
    gmag = pa.array(rng.uniform(0, 12, count).astype("f4"), mask=ids % 7 == 0)
    points = pa.FixedSizeListArray.from_arrays(np.column_stack((ra, dec)).ravel(), 2)
    flags = pa.FixedSizeListArray.from_arrays(pa.array((np.arange(3 * count) % 5).astype("i2")), 3)
    times = np.datetime64("2000-01-01T12:00:00", "us") + (ids * 3600 * 10**6).astype("m8[us]")
    columns = [
        pa.array(ids),
        lon,
        lat,
        gmag,
        pa.array(rng.normal(0.5, 0.3, count).astype("f4")),
        pa.array((ids % 10 - 3).astype("i4")),
        pa.array((ids % 5).astype("i2")),
        pa.array(rng.normal(5, 5, count)),
        pa.array([f"Star {i}" if i % 2 else f"object_{i}%" for i in ids]),
        pa.array(times),
        pa.array(ids % 3 == 0),
        points,
        flags,
        pa.array(ids.astype("i4")),
    ]
    return pa.table(columns, names=[c.name for c in STARS])


def _objects(rng: np.random.Generator, stars: pa.Table) -> pa.Table:
    """Counterparts 0 to 4 arcsec away from two thirds of the stars, some double, and a background."""
    ra = stars["RAdeg"].to_numpy(zero_copy_only=False)
    dec = stars["DEdeg"].to_numpy(zero_copy_only=False)
    keep = np.flatnonzero(np.isfinite(ra) & (rng.uniform(size=len(ra)) < 0.7))
    keep = np.concatenate((keep, keep[:200]))
    reach, angle = rng.uniform(0, 4 / 3600, len(keep)), rng.uniform(0, 2 * np.pi, len(keep))
    lat = np.clip(dec[keep] + reach * np.sin(angle), -90, 90)
    lon = (ra[keep] + reach * np.cos(angle) / np.maximum(np.cos(np.radians(lat)), 1e-6)) % 360
    far_lon, far_lat = _positions(rng, 500)
    lon, lat = np.concatenate((lon, far_lon)), np.concatenate((lat, far_lat))
    kinds = ["near" if i < len(keep) else "far" for i in range(len(lon))]
    return pa.table({"id": np.arange(len(lon)), "ra": lon, "dec": lat, "kind": kinds})


def _store(folder: Path, name: str, rows: pa.Table, ra: str, dec: str, order: int = 1) -> Files:
    """Write a table as one file a cell, sorted by its index, rows without a position in an own file."""
    folder = folder / name / "Norder=1"
    folder.mkdir(parents=True)
    lon, lat = (rows[c].to_numpy(zero_copy_only=False) for c in (ra, dec))
    index = healpix29(lon, lat)
    rows = rows.append_column("_healpix_29", pa.array(index))
    cells = np.where(index < 0, -1, index >> (2 * (29 - order)))
    parts = []
    for cell in np.unique(cells):
        chosen = np.flatnonzero(cells == cell)
        chosen = chosen[np.argsort(index[chosen], kind="stable")]
        path = folder / f"Npix={cell}.parquet"
        pq.write_table(rows.take(chosen), path)
        width = 1 << (2 * (29 - order))
        low, high = (-1, -1) if cell < 0 else (int(cell) * width, (int(cell) + 1) * width)
        parts.append(Partition(str(path), len(chosen), low, high))
    return Files(tuple(parts), indexed=True)


@pytest.fixture(scope="session")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Sky:
    folder = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(42)
    stars = _stars(rng)
    objects = _objects(rng, stars)
    mine = pa.table(
        {
            "id": pa.array(np.arange(60, dtype="i4")),
            "ra": stars["RAdeg"].to_numpy(zero_copy_only=False)[100:2500:40],
            "de": stars["DEdeg"].to_numpy(zero_copy_only=False)[100:2500:40],
            "r": np.linspace(0, 2, 60),
        }
    )
    mine = mine.set_column(1, "ra", pa.array(mine["ra"].to_numpy(), from_pandas=True))
    mine = mine.set_column(2, "de", pa.array(mine["de"].to_numpy(), from_pandas=True))
    plain = folder / "plain.parquet"
    pq.write_table(stars, plain)
    tables = (
        Table(
            "hip",
            "stars",
            STARS,
            _store(folder, "stars", stars, "RAdeg", "DEdeg"),
            position=SkyColumns("RAdeg", "DEdeg"),
        ),
        Table(
            "hip", "objects", OBJECTS, _store(folder, "objects", objects, "ra", "dec"), position=SkyColumns("ra", "dec")
        ),
        Table("plain", "stars", STARS, Files((Partition(str(plain), len(stars)),))),
        Table("plain", "nothing", STARS, Files(())),
    )
    schemas = (Schema("hip", tables[:2]), Schema("plain", tables[2:]))
    upload = Table("TAP_UPLOAD", "mine", MINE, Relation(("upload_1",), rows=len(mine)))
    con = duckdb.connect(config={"threads": 1})
    for f in FUNCTIONS:
        # "special": a function may give NULL where no argument is NULL (a position that is none, a negative radius)
        con.create_function(  # type: ignore[call-overload]
            f.name, f.call, list(f.parameters), f.returns, type="arrow", null_handling="special"
        )
    con.register("upload_1", mine)
    return Sky(con, Catalog(schemas), (upload,), {"stars": stars, "objects": objects, "mine": mine})


@pytest.fixture(scope="session")
def distance() -> Callable[..., np.ndarray]:
    return separation
