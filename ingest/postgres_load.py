"""Load rows into the site's database: COPY in binary by ADBC, sorted along the sky, then indexes and statistics.

Measured, 1 M rows × 10 columns: COPY 1.3 s (770,000 rows/s), b-tree on `_healpix_29` 0.35 s, on q3c_ang2ipix 0.4 s,
GiST on spoint 4.6 s. Warm, a 0.1° cone takes 0.36 ms through q3c or the HEALPix column and 0.19 ms through pg_sphere;
a match of 10,000 positions 0.18 s through q3c and 0.20 s through pg_sphere. So q3c is the choice where it exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi
from psycopg import sql

from ..config.errors import PublishError
from ..engines.store_records import RelationRecord, TableRecord
from ..engines.store_write import Draft, forget_relation, name_relation
from ..formats.source import unique_names
from ..schema.model import Column, SkyColumns
from ..schema.types import LONG, postgres_type
from .density import Density
from .names import INDEX_COLUMN
from .postgres_database import Database, Path, drop_table, grant_reading, named, statement
from .postgres_indexes import q3c_predicate, sphere_predicate, uses_index
from .report import Report
from .shelf import Kept, file_schema

MOST_COLUMNS = 1_599  # of PostgreSQL, less the index
NAME_BYTES = 63
_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")  # names that no column may have
_INDEX_SQL = {
    "q3c": "CREATE INDEX IF NOT EXISTS {name} ON {table} (q3c_ang2ipix({ra}, {dec}))",
    "pgsphere": "CREATE INDEX IF NOT EXISTS {name} ON {table} USING gist (spoint(radians({ra}), radians({dec})))",
}


@dataclass(slots=True)
class DatabaseShelf:
    """Puts the rows of the table `name` (schema.table) into a fresh table of the database, named in `draft` first."""

    database: Database
    draft: Draft
    name: str
    report: Report
    _rows: int = field(default=0, init=False)

    @property
    def path(self) -> Path:
        """The table in the database: fresh, and telling for people who look there."""
        stem = re.sub(r"[^a-z0-9]+", "_", self.name.lower())[:36]
        stamp = re.sub(r"[^a-z0-9]+", "_", self.draft.name.removeprefix("v-").lower())
        return self.database.settings.data_schema, f"{stem}_{stamp}"

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Shorten names to 63 bytes and avoid those of system columns."""
        cut = [name.encode()[:NAME_BYTES].decode(errors="ignore") for name in names]
        for room in range(8):  # a number behind a name may make it too long again
            fitting = unique_names([INDEX_COLUMN, *_SYSTEM, *cut])[1 + len(_SYSTEM) :]
            if all(len(name.encode()) <= NAME_BYTES for name in fitting):
                return tuple(fitting)
            cut = [name.encode()[: NAME_BYTES - room - 2].decode(errors="ignore") for name in cut]
        message = f"{self.name}: its column names are too long and too alike for PostgreSQL, which keeps 63 bytes"
        raise PublishError(message)

    def put(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> Kept:
        """Load rows in their order."""
        self._create(columns)
        self._copy(batches, columns)
        return Kept(relation=self._finish(RelationRecord(path=self.path, rows=self._rows)))

    def put_on_sky(
        self,
        batches: Iterator[pa.RecordBatch],
        columns: Sequence[Column],
        sky: SkyColumns,
        density: Density,  # noqa: ARG002 (only files are divided by it)
    ) -> Kept:
        """Load sorted rows and make the indexes of their position."""
        stored = (*columns, Column(INDEX_COLUMN, LONG, nullable=False))
        self._create(stored)
        self._copy(batches, stored)
        self.report.begin(f"{self.name}: indexes", None)
        record = RelationRecord(path=self.path, rows=self._rows)
        record = with_sky_index(self.database, record, sky)
        return Kept(relation=self._finish(record))

    def discard(self) -> None:
        """Drop what was loaded, unless the draft has become the table."""
        if self.draft.folder.exists() and drop_table(self.database, self.path):
            forget_relation(self.draft)

    def _create(self, columns: Sequence[Column]) -> None:
        if not self.database.may_load:
            message = f"{self.name}: to load rows into the database set [engine] admin_url, a role that may make tables"
            raise PublishError(message)
        if len(columns) > MOST_COLUMNS:
            message = f"{self.name}: it has {len(columns):,} columns; PostgreSQL takes {MOST_COLUMNS:,}"
            raise PublishError(message)
        for column in columns:
            if _nested(column):
                message = f"{self.name}: the column {column.name} holds arrays of complex numbers; PostgreSQL cannot"
                raise PublishError(message)
        name_relation(self.draft, self.path)
        connection = self.database.connection
        body = sql.SQL(", ").join(_definition(column) for column in columns)
        connection.execute(statement("CREATE TABLE {} ({})").format(named(self.path), body))
        comment = sql.Literal(f"{self.name}, loaded by nashira publish")
        connection.execute(statement("COMMENT ON TABLE {} IS {}").format(named(self.path), comment))

    def _copy(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> None:
        """Append all batches in one transaction; an error of theirs comes out as it is."""
        fault: list[BaseException] = []
        schema = pa.schema([pa.field(f.name, storable(f.type)) for f in file_schema(columns)])
        reader = pa.RecordBatchReader.from_batches(schema, self._storable(batches, schema, fault))
        with dbapi.connect(self.database.settings.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            try:
                cursor.adbc_ingest(self.path[1], reader, mode="append", db_schema_name=self.path[0])
            except Exception:
                if fault:
                    raise fault[0] from None
                raise
            connection.commit()

    def _storable(
        self, batches: Iterator[pa.RecordBatch], schema: pa.Schema, fault: list[BaseException]
    ) -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                arrays = [_fitting(a, f.type) for a, f in zip(batch.columns, schema, strict=True)]
                self._rows += batch.num_rows
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:
            fault.append(error)
            raise

    def _finish(self, record: RelationRecord) -> RelationRecord:
        """Freeze rows, which spares later reads the work, take statistics, let the reader read."""
        self.report.begin(f"{self.name}: statistics", None)
        table = named(self.path)
        self.database.connection.execute(statement("VACUUM (FREEZE, ANALYZE) {}").format(table))
        if not grant_reading(self.database, self.path):
            message = f"{self.name}: the role {self.database.reader} could not be let read it"
            raise PublishError(message)
        return record


@contextmanager
def loading(shelf: DatabaseShelf) -> Iterator[DatabaseShelf]:
    """Use a shelf; what it loaded goes again where an error ends the block."""
    try:
        yield shelf
    except BaseException:
        shelf.discard()
        raise


def with_sky_index(database: Database, record: RelationRecord, sky: SkyColumns) -> RelationRecord:
    """Make the indexes of a loaded table's position, as far as they are missing, and record what serves it.

    An index of an extension counts where the planner uses it for the predicates of queries.
    """
    make_index(database, record.path, (INDEX_COLUMN,))
    update: dict[str, object] = {"indexed": True, "sky": None, "sky_column": ""}
    kind = wanted_kind(database)
    if kind is not None:
        name = sql.Identifier(index_name(record.path, (kind, sky.ra, sky.dec)))
        ra, dec = sql.Identifier(sky.ra), sql.Identifier(sky.dec)
        create = statement(_INDEX_SQL[kind]).format(name=name, table=named(record.path), ra=ra, dec=dec)
        database.connection.execute(create)
        predicate = {"q3c": q3c_predicate(sky.ra, sky.dec), "pgsphere": sphere_predicate(sky.ra, sky.dec, "")}[kind]
        if uses_index(database, record.path, predicate):
            update["sky"] = kind
    return record.model_copy(update=update)


def make_indexes(database: Database, record: TableRecord) -> RelationRecord:
    """Give a loaded table the indexes of its position and keys that it lacks, and record what serves the position."""
    relation = record.relation
    assert relation is not None  # noqa: S101 (told apart by the caller)
    keys = (record.primary, *(tuple(own for own, _ in key.pairs) for key in record.keys))
    for columns in dict.fromkeys(filter(None, keys)):
        make_index(database, relation.path, columns)
    if record.position is None:
        return relation
    return with_sky_index(database, relation, SkyColumns(record.position.ra, record.position.dec))


def wanted_kind(database: Database) -> str | None:
    """Give the kind of sky index that loaded tables get; None for the HEALPix column alone.

    PublishError where the settings ask for an extension that the database lacks.
    """
    asked, there = database.settings.sky_index, database.kinds()
    if asked == "healpix":
        return None
    if asked == "best":
        return there[0] if there else None
    if asked not in there:
        message = f"[engine] sky_index: {asked} is not installed in the database; `nashira check` says how"
        raise PublishError(message)
    return asked


def make_index(database: Database, path: Path, columns: Sequence[str]) -> None:
    """Make a b-tree on columns of a loaded table, where there is none yet."""
    names = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    query = statement("CREATE INDEX IF NOT EXISTS {} ON {} ({})")
    name = sql.Identifier(index_name(path, columns))
    database.connection.execute(query.format(name, named(path), names))


def index_name(path: Path, columns: Sequence[str]) -> str:
    """Name an index by its table and columns, within 63 bytes."""
    return f"{path[1][:50]}_{sha256(repr(tuple(columns)).encode()).hexdigest()[:8]}"


def _definition(column: Column) -> sql.Composable:
    kind = postgres_type(column.type)
    collation = ' COLLATE pg_catalog."C"' if kind in {"text", "text[]"} else ""  # texts are ordered as in other engines
    return sql.Identifier(column.name) + statement(f" {kind}{collation}")


def storable(kind: pa.DataType) -> pa.DataType:
    """Give the Arrow type that COPY takes for a type of ours: PostgreSQL has no bytes among its numbers."""
    if kind == pa.uint8():
        return pa.int16()
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(storable(kind.value_type))
    return kind


def _fitting(array: pa.Array, kind: pa.DataType) -> pa.Array:
    array = array if array.type == kind else array.cast(kind)
    return _without_nul(array) if pa.types.is_string(kind) else array


def _without_nul(array: pa.Array) -> pa.Array:
    """Leave out the character NUL, which PostgreSQL's texts cannot hold."""
    data = array.buffers()[2]
    if data is None or b"\0" not in data.to_pybytes():
        return array
    return pc.replace_substring(array, "\0", "")


def _nested(column: Column) -> bool:
    """Tell whether values are arrays of pairs, which have no type in PostgreSQL."""
    return column.type.datatype.endswith("Complex") and bool(column.type.arraysize)
