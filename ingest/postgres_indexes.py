"""Which indexes of a relation serve queries by position: the planner is asked, and rows are looked at.

An index counts when the planner uses it for the very predicates that queries are printed with, so that every way to
have made it is understood: on a column or an expression, below a view, on each partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from psycopg import sql

from ..engines.store_records import RelationRecord
from ..sphere.coverage import healpix29
from .names import INDEX_COLUMN
from .postgres_database import Database, Path, named, statement
from .postgres_describe import Described

SAMPLE = 1000
_SPARE = 20  # so many times more rows are drawn than wanted, since whole pages are
_SCANS = frozenset({"Index Scan", "Index Only Scan", "Bitmap Index Scan"})
_READS = frozenset({"Seq Scan", "Foreign Scan", "Function Scan", "CTE Scan", "Sample Scan"}) | _SCANS
_SAME_RADIANS = 1e-10


@dataclass(frozen=True, slots=True)
class Served:
    """What serves positions: the HEALPix column with an index, and an index of an extension; sentences on the rest."""

    indexed: bool = False
    sky: Literal["q3c", "pgsphere"] | None = None
    column: str = ""
    notes: tuple[str, ...] = ()

    def on(self, record: RelationRecord) -> RelationRecord:
        """Give a record that says so."""
        return record.model_copy(update={"indexed": self.indexed, "sky": self.sky, "sky_column": self.column})


def served(database: Database, found: Described, ra: str, dec: str) -> Served:
    """Find what serves the position in degrees `ra`, `dec` of a relation."""
    notes: list[str] = []
    indexed = INDEX_COLUMN in found.types and uses_index(database, found.path, _HEALPIX)
    if indexed and not _healpix_agrees(database, found, ra, dec):
        notes.append(f"{INDEX_COLUMN} is not that of {ra}, {dec} (HEALPix order 29, nested); it is not used")
        indexed = False
    for kind, column, predicate in _candidates(database, found, ra, dec):
        if not uses_index(database, found.path, predicate):
            continue
        if column and not _points_agree(database, found, column, ra, dec):
            notes.append(f"the points of {column} are not those of {ra}, {dec}; its index is not used")
            continue
        return Served(indexed, kind, column, tuple(notes))
    return Served(indexed, notes=tuple(notes))


_HEALPIX = statement("t.{} BETWEEN 1 AND 1000").format(sql.Identifier(INDEX_COLUMN))


def q3c_predicate(ra: str, dec: str) -> sql.Composed:
    """Write the prefilter of a cone that q3c serves."""
    return statement("q3c_join(10.0, 10.0, t.{}, t.{}, 0.001)").format(sql.Identifier(ra), sql.Identifier(dec))


def sphere_predicate(ra: str, dec: str, column: str) -> sql.Composed:
    """Write the prefilter of a cone that pg_sphere serves: on a column of points, or on the expression of both."""
    point = statement("spoint(radians(t.{}), radians(t.{}))").format(sql.Identifier(ra), sql.Identifier(dec))
    left = statement("t.{}").format(sql.Identifier(column)) if column else point
    return left + statement(" <@ scircle(spoint(0.1, 0.1), 0.0001)")


def _candidates(
    database: Database, found: Described, ra: str, dec: str
) -> Iterator[tuple[Literal["q3c", "pgsphere"], str, sql.Composed]]:
    kinds = database.kinds()
    if "q3c" in kinds:
        yield "q3c", "", q3c_predicate(ra, dec)
    if "pgsphere" in kinds:
        points = [name for name, native in found.native if native == "spoint"]
        for column in (*points, ""):
            yield "pgsphere", column, sphere_predicate(ra, dec, column)


def uses_index(database: Database, path: Path, predicate: sql.Composable) -> bool:
    """Tell whether the planner reads a relation through indexes alone when it is asked for this."""
    query = statement("EXPLAIN (FORMAT JSON, COSTS off) SELECT 1 FROM {} AS t WHERE ").format(named(path)) + predicate
    with database.connection.transaction(force_rollback=True):
        database.connection.execute("SET LOCAL enable_seqscan = off")
        row = database.connection.execute(query).fetchone()
    plan = row[0] if row else None
    reads = list(_reads(plan[0]["Plan"])) if isinstance(plan, list) else []
    return bool(reads) and all(node["Node Type"] in _SCANS and _has_condition(node) for node in reads)


def _reads(node: dict[str, object]) -> Iterator[dict[str, object]]:
    if node.get("Node Type") in _READS:
        yield node
    below = node.get("Plans", [])
    for child in below if isinstance(below, list) else ():
        yield from _reads(child)


def _has_condition(node: dict[str, object]) -> bool:
    """Tell whether the index is searched; one that is only walked through serves nothing."""
    return "Index Cond" in node


def _sample(found: Described) -> sql.Composable:
    """Write a subquery `t` of about a thousand rows: from anywhere in a large table, else the first ones."""
    if found.kind in {"view", "foreign table"} or found.rows <= 100 * SAMPLE:
        return statement("(SELECT * FROM {} LIMIT {}) AS t").format(named(found.path), sql.Literal(SAMPLE))
    percent = 100.0 * _SPARE * SAMPLE / found.rows
    return statement("(SELECT * FROM {} TABLESAMPLE SYSTEM ({}) LIMIT {}) AS t").format(
        named(found.path), sql.Literal(percent), sql.Literal(SAMPLE)
    )


def positions(database: Database, found: Described, ra: str, dec: str) -> pa.RecordBatch:
    """Give the position columns of about a thousand rows as float64."""
    query = statement("SELECT t.{}::float8, t.{}::float8 FROM ").format(sql.Identifier(ra), sql.Identifier(dec))
    rows = database.connection.execute(query + _sample(found)).fetchall()
    arrays = [pa.array([row[n] for row in rows], pa.float64()) for n in (0, 1)]
    return pa.RecordBatch.from_arrays(arrays, names=[ra, dec])


def _healpix_agrees(database: Database, found: Described, ra: str, dec: str) -> bool:
    """Compare the index column of some rows with their positions; a row without a position may hold anything."""
    names = [sql.Identifier(name) for name in (ra, dec, INDEX_COLUMN)]
    query = statement("SELECT t.{}::float8, t.{}::float8, t.{}::int8 FROM ").format(*names) + _sample(found)
    rows = [row for row in database.connection.execute(query) if row[0] is not None and row[1] is not None]
    ra_deg, dec_deg = (np.array([row[n] for row in rows], dtype=np.float64) for n in (0, 1))
    cells = healpix29(ra_deg, dec_deg)
    said = np.array([-1 if row[2] is None else row[2] for row in rows], dtype=np.int64)
    return bool(np.all((cells == said) | (cells < 0)))


def _points_agree(database: Database, found: Described, column: str, ra: str, dec: str) -> bool:
    """Tell whether the points of some rows are their positions, and missing only where these are."""
    point, ra_name, dec_name = (sql.Identifier(name) for name in (column, ra, dec))
    query = statement(
        "SELECT count(*) FROM {sample} WHERE t.{ra} IS NOT NULL AND t.{dec} IS NOT NULL AND"
        " coalesce(t.{point} <-> spoint(radians(t.{ra}), radians(t.{dec})), 10) > {most}"
    ).format(sample=_sample(found), ra=ra_name, dec=dec_name, point=point, most=sql.Literal(_SAME_RADIANS))
    return database.connection.execute(query).fetchone() == (0,)
