"""How long the translation of a query takes: a cone, sixty lines, a long list; for each engine. No server is needed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from nashira.adql.targets import TARGETS
from nashira.adql.translate import translate
from nashira.schema.model import Catalog, Column, Files, Partition, Relation, Schema, SkyColumns, Table
from nashira.schema.types import DOUBLE, FLOAT, LONG, STRING

CONE = """SELECT TOP 100 source_id, ra, dec, phot_g_mean_mag FROM gaia.source
WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10.68, 41.27, 0.1)) AND phot_g_mean_mag < 15"""
LIST = (
    f"SELECT ra, dec FROM gaia.source WHERE source_id IN ({', '.join(str(4 * 10**18 + 7 * n) for n in range(10_000))})"
)
LONG_QUERY = """-- Members of clusters, with the period of those that vary
-- and the place of each among its like.
WITH bright AS (
  SELECT source_id, ra, dec, parallax, parallax_error,
         phot_g_mean_mag, bp_rp,
         phot_g_mean_mag + 5 * LOG10(parallax / 1000.0) + 5 AS abs_mag
  FROM gaia.source
  WHERE parallax > 1
    AND parallax / parallax_error > 10
    AND phot_g_mean_mag BETWEEN 3 AND 15
    AND bp_rp IS NOT NULL
),
members AS (
  SELECT b.source_id, b.ra, b.dec, b.abs_mag, b.bp_rp,
         c.name, c.distance_pc,
         DISTANCE(b.ra, b.dec, c.ra, c.dec) AS apart
  FROM bright AS b
  JOIN lab.clusters AS c
    ON 1 = CONTAINS(POINT(b.ra, b.dec),
                    CIRCLE(c.ra, c.dec, c.radius))
  WHERE ABS(1000.0 / b.parallax - c.distance_pc) < 0.2 * c.distance_pc
    AND c.name NOT LIKE 'UBC%'
),
counted AS (
  SELECT name,
         COUNT(*) AS stars,
         AVG(abs_mag) AS mean_mag,
         MIN(bp_rp) AS bluest,
         MAX(bp_rp) AS reddest,
         AVG(apart) AS mean_apart
  FROM members
  GROUP BY name
  HAVING COUNT(*) > 10
)
-- the result
SELECT TOP 1000
       m.source_id,
       m.name,
       m.ra, m.dec,
       ROUND(m.abs_mag, 3) AS abs_mag,
       CASE WHEN m.bp_rp < 0.5 THEN 'blue'
            WHEN m.bp_rp < 1.5 THEN 'yellow'
            ELSE 'red' END AS colour,
       COALESCE(s.period, -1) AS period,
       k.stars,
       k.mean_mag,
       ivo_healpix_index(8, m.ra, m.dec) AS cell
FROM members AS m
JOIN counted AS k ON k.name = m.name
LEFT JOIN gaia.variables AS s USING (source_id)
WHERE m.apart < 0.5
  AND (m.abs_mag < k.mean_mag
       OR m.bp_rp BETWEEN k.bluest + 0.1 AND k.reddest - 0.1)
  AND m.source_id NOT IN (
    SELECT source_id
    FROM gaia.variables
    WHERE quality < 0.5 OR UPPER(kind) = 'ARTEFACT'
  )
ORDER BY k.stars DESC, m.abs_mag
OFFSET 10"""


@dataclass(frozen=True, slots=True)
class Timed:
    """One line of the report; `aim_s` is what it should stay below, on an idle core."""

    name: str
    target: str
    median_s: float
    aim_s: float

    def __str__(self) -> str:
        verdict = "" if self.median_s <= self.aim_s else "  above the aim"
        name = f"translation of {self.name}, {self.target}"
        return f"{name:52s}{self.median_s * 1e3:9.2f}  (aim {self.aim_s * 1e3:g}){verdict}"


def _table(schema: str, name: str, columns: tuple[Column, ...], *, placed: bool) -> Table:
    position = SkyColumns("ra", "dec") if placed else None
    return Table(schema, name, columns, Relation((schema, name), 1_000_000, indexed=placed), position=position)


def _numbers(names: str) -> tuple[Column, ...]:
    return tuple(Column(name, DOUBLE) for name in names.split())


_ID, _PLACE = Column("source_id", LONG), _numbers("ra dec")
_MORE = _numbers("parallax parallax_error pmra pmdec bp_rp radial_velocity")
_TABLES = (
    _table("gaia", "source", (_ID, *_PLACE, *_MORE, Column("phot_g_mean_mag", FLOAT)), placed=True),
    _table("gaia", "variables", (_ID, Column("kind", STRING), *_numbers("period quality")), placed=False),
    _table("lab", "clusters", (Column("name", STRING), *_PLACE, *_numbers("radius distance_pc")), placed=True),
)


def catalog(target: str, files: int = 2000) -> Catalog:
    """Give the catalogue of the queries as an engine has it; for DuckDB the tables consist of `files` files."""
    tables = tuple(replace(table, source=_files(table, files)) for table in _TABLES) if target == "duckdb" else _TABLES
    return Catalog(tuple(Schema(name, tuple(t for t in tables if t.schema == name)) for name in ("gaia", "lab")))


def _files(table: Table, files: int) -> Files:
    width = (12 << 58) // files
    cells = ((width * number, width * (number + 1)) for number in range(files))
    parts = tuple(Partition(f"/store/{table.name}/{low}.parquet", 500_000, low, high) for low, high in cells)
    return Files(parts, indexed=table.position is not None)


def timed(run: Callable[[], object], times: int) -> float:
    """Median CPU seconds of `run`, after a warm-up: other processes matter less to them than to a clock."""
    run()
    spent = []
    for _ in range(times):
        began = time.process_time()
        run()
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def report() -> Iterator[Timed]:
    """Time each kind of query for each engine."""
    for target in TARGETS:
        for name, query, aim_s, times in (
            ("a cone", CONE, 0.7e-3, 201),
            ("60 lines", LONG_QUERY, 15e-3, 31),
            ("10,000 values in a list", LIST, 100e-3, 11),
        ):
            run = partial(translate, query, catalog(target), limit=2001, target=target)
            yield Timed(name, target, timed(run, times), aim_s)


if __name__ == "__main__":
    for line in report():
        print(line, flush=True)
