"""What a database says of its tables: columns, comments, keys, indexes, sizes; from pg_catalog, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..config.errors import PublishError
from ..engines.store_records import KeyRecord
from ..schema.model import Column
from ..schema.types import STRING
from .names import INDEX_COLUMN, clean_text
from .postgres_database import Connection, Database, Path, named, statement
from .postgres_types import Mapped, RawType, mapped

Raw = tuple[Column, str, Mapped | None]

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialised view",
    "f": "foreign table",
}
COUNTED_BYTES = 64_000_000  # smaller tables are counted, of larger ones the estimate is taken

_RELATION = """
SELECT c.oid, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), ''),
  CASE WHEN c.relkind = 'p'
    THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
          WHERE t.isleaf)
    ELSE c.reltuples END,
  CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid)
    WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_relation_size(t.relid)), 0) FROM pg_partition_tree(c.oid) t)
    ELSE -1 END::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""

# Domains are followed to the type below; the modifier is the first one said on the way.
_COLUMNS = """
WITH RECURSIVE chain AS (
  SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier, a.attndims AS dimensions, a.attnotnull AS filled
  FROM pg_attribute a WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT chain.attnum, t.typbasetype, CASE WHEN chain.modifier < 0 THEN t.typtypmod ELSE chain.modifier END,
    greatest(chain.dimensions, t.typndims), chain.filled OR t.typnotnull
  FROM chain JOIN pg_type t ON t.oid = chain.type WHERE t.typtype = 'd'
)
SELECT a.attname, coalesce(col_description(a.attrelid, a.attnum), ''), chain.filled,
  CASE WHEN t.typcategory = 'A' THEN e.typname ELSE t.typname END, t.typcategory = 'A',
  CASE WHEN t.typcategory = 'A' THEN e.typtype ELSE t.typtype END, chain.modifier, chain.dimensions,
  format_type(a.atttypid, a.atttypmod),
  EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indkey[0] = a.attnum)
FROM chain JOIN pg_type t ON t.oid = chain.type AND t.typtype <> 'd'
JOIN pg_attribute a ON a.attrelid = %(oid)s AND a.attnum = chain.attnum
LEFT JOIN pg_type e ON e.oid = t.typelem
ORDER BY a.attnum
"""

_KEYS = """
SELECT c.contype, coalesce(n.nspname, ''), coalesce(f.relname, ''),
  ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, i)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i),
  ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, i)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i),
  coalesce(obj_description(c.oid, 'pg_constraint'), '')
FROM pg_constraint c LEFT JOIN pg_class f ON f.oid = c.confrelid LEFT JOIN pg_namespace n ON n.oid = f.relnamespace
WHERE c.conrelid = %s AND c.contype IN ('p', 'f') ORDER BY c.conname
"""

_ALL = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = ANY(%s) AND NOT c.relispartition
  AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class Described:
    """A relation of the database: what of it can be published, and what is told of the rest.

    `mapped` holds the type of each of `columns`; `types` gives all columns that are there with the types as people
    write them; `rows` is counted unless `estimated`; `analyzed` tells whether there are statistics of the rows.
    """

    path: Path
    kind: str
    comment: str
    columns: tuple[Column, ...]
    mapped: tuple[Mapped, ...]
    primary: tuple[str, ...]
    keys: tuple[KeyRecord, ...]
    rows: int
    estimated: bool
    analyzed: bool
    left_out: tuple[str, ...]
    types: Mapping[str, str]

    @property
    def native(self) -> tuple[tuple[str, str], ...]:
        """Columns that the SQL of queries converts, as in `schema.model.Relation`."""
        pairs = zip(self.columns, self.mapped, strict=True)
        return tuple((column.name, found.native) for column, found in pairs if found.native)


def describe(database: Database, path: Path) -> Described:
    """Describe a relation; PublishError where there is none or it cannot be published."""
    connection = database.connection
    row = connection.execute(statement(_RELATION), path).fetchone()
    if row is None:
        message = f"postgresql:{path[0]}.{path[1]}: the database has no such table{_near(connection, path)}"
        raise PublishError(message)
    oid, letter, comment, estimate, size = row
    kind = KINDS.get(str(letter))
    if kind is None:
        message = f"postgresql:{path[0]}.{path[1]}: this is no table or view"
        raise PublishError(message)
    raw = list(_columns(connection, oid))
    kept, left_out = _published(raw)
    columns = tuple(column for column, _ in kept)
    primary, keys = _keys(connection, oid, {column.name for column in columns})
    rows, estimated = _rows(database, path, float(str(estimate or 0)), int(str(size)))
    return Described(
        path=path,
        kind=kind,
        comment=clean_text(str(comment)),
        columns=columns,
        mapped=tuple(found for _, found in kept),
        primary=primary,
        keys=keys,
        rows=rows,
        estimated=estimated,
        analyzed=str(letter) in {"v", "f"} or float(str(estimate if estimate is not None else -1)) >= 0,
        left_out=tuple(left_out),
        types={column.name: written for column, written, _ in raw},
    )


def _published(raw: list[Raw]) -> tuple[list[tuple[Column, Mapped]], list[str]]:
    """Divide columns into those that can be published and sentences on the others."""
    kept: list[tuple[Column, Mapped]] = []
    left_out: list[str] = []
    taken = {INDEX_COLUMN}
    for column, written, found in raw:
        if column.name == INDEX_COLUMN:
            continue
        if found is None:
            left_out.append(f"column {column.name!r} is left out: the type {written} has no place in a VOTable")
        elif column.name.lower() in taken or clean_text(column.name) != column.name:
            left_out.append(f"column {column.name!r} is left out: no query could tell it from another column")
        else:
            taken.add(column.name.lower())
            kept.append((column, found))
    return kept, left_out


def relations_in(database: Database, schema: str) -> tuple[Path, ...]:
    """Give the tables and views of a schema that belong to no extension; PublishError where there are none."""
    rows = database.connection.execute(statement(_ALL), (schema, list(KINDS))).fetchall()
    if not rows:
        message = f"postgresql:{schema}.*: the database has no tables in a schema {schema}"
        raise PublishError(message)
    return tuple((schema, str(name)) for (name,) in rows)


def _columns(connection: Connection, oid: object) -> Iterator[Raw]:
    """Give each column, its type as people write it, and what it becomes: None where it cannot be published."""
    for row in connection.execute(statement(_COLUMNS), {"oid": oid}):
        name, comment, filled, base, array, kind, modifier, dimensions, written, indexed = row
        raw = RawType(str(base), bool(array), str(kind), int(str(modifier)), int(str(dimensions)), str(written))
        found = mapped(raw)
        column = Column(
            str(name),
            found.type if found else STRING,
            clean_text(str(comment)),
            indexed=bool(indexed),
            nullable=not filled,
        )
        yield column, raw.written, found


def _keys(connection: Connection, oid: object, known: set[str]) -> tuple[tuple[str, ...], tuple[KeyRecord, ...]]:
    """Give the primary key and the foreign keys whose columns can be published."""
    primary: tuple[str, ...] = ()
    keys: list[KeyRecord] = []
    for kind, schema, table, own, theirs, comment in connection.execute(statement(_KEYS), (oid,)):
        names = [str(name) for name in own] if isinstance(own, list) else []
        if not set(names) <= known:
            continue
        if kind == "p":
            primary = tuple(names)
        elif isinstance(theirs, list):
            pairs = tuple(zip(names, map(str, theirs), strict=True))
            keys.append(KeyRecord(target=(str(schema), str(table)), pairs=pairs, description=clean_text(str(comment))))
    return primary, tuple(keys)


def _rows(database: Database, path: Path, estimate: float, size: int) -> tuple[int, bool]:
    """Count a small table; of a large one, or a view, take the estimate of statistics or planner."""
    connection = database.connection
    if 0 <= size <= COUNTED_BYTES:
        row = connection.execute(statement("SELECT count(*) FROM {}").format(named(path))).fetchone()
        return int(str((row or (0,))[0])), False
    if size >= 0 and estimate > 0:
        return int(estimate), True
    plan = connection.execute(statement("EXPLAIN (FORMAT JSON) SELECT 1 FROM {}").format(named(path))).fetchone()
    found = plan[0] if plan else None
    return (int(found[0]["Plan"]["Plan Rows"]), True) if isinstance(found, list) else (0, True)


def _near(connection: Connection, path: Path) -> str:
    """Say a table of nearly this name."""
    row = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE lower(c.relname) = lower(%s) AND c.relkind = ANY(%s) ORDER BY n.nspname = %s DESC LIMIT 1",
        (path[1], list(KINDS), path[0]),
    ).fetchone()
    return f" (did you mean {row[0]}.{row[1]}?)" if row else ""
