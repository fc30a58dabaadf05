"""What the store writes beside the data: one JSON record a table version and one a schema.

The records are the store's whole knowledge: a server reads them and nothing else. They are checked when
read, so a damaged one is a StoreError and never a wrong answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..config.errors import StoreError
from ..schema.model import (
    Column,
    Files,
    ForeignKey,
    Partition,
    Relation,
    Schema,
    SkyColumns,
    SkyIndex,
    Table,
)
from ..schema.types import VOType

RECORD_FORMAT = 1
TABLE_FILE = "table.json"


class Record(BaseModel):
    """A JSON record; unknown keys are damage."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRecord(Record):
    """A column with its metadata; fields as in `schema.model.Column` and `schema.types.VOType`."""

    name: str
    datatype: str
    arraysize: str | None = None
    xtype: str | None = None
    description: str = ""
    unit: str = ""
    ucd: str = ""
    utype: str = ""
    indexed: bool = False
    principal: bool = False
    std: bool = False
    nullable: bool = True


class PositionRecord(Record):
    """Names of the columns in ICRS degrees; epoch in Julian years."""

    ra: str
    dec: str
    epoch: float | None = None


class PartitionRecord(Record):
    """A Parquet file below the root of the data; bounds as in `schema.model.Partition`; size 0 where it is not ours."""

    path: str
    rows: int = Field(ge=0)
    low: int = 0
    high: int = 0
    size_bytes: int = 0


class KeyRecord(Record):
    """A foreign key to `schema`.`table` by (own column, their column) pairs."""

    target: tuple[str, str]
    pairs: tuple[tuple[str, str], ...]
    description: str = ""


class RelationRecord(Record):
    """Where the rows of a table lie in the site's database; fields as in `schema.model.Relation`.

    `owned` tells that publishing loaded it, so that it goes with its version. `estimated`: `rows` is the database's
    guess. `primary` and `keys` are those that the database declares, targets named as (schema, relation) there.
    `types` are those of the columns of a table that is published in place, as (column, type) in the database's words.
    """

    path: tuple[str, str]
    rows: int = Field(ge=0)
    owned: bool = True
    estimated: bool = False
    indexed: bool = False
    sky: Literal["q3c", "pgsphere"] | None = None
    sky_column: str = ""
    native: tuple[tuple[str, str], ...] = ()
    primary: tuple[str, ...] = ()
    keys: tuple[KeyRecord, ...] = ()
    types: tuple[tuple[str, str], ...] = ()


class SourceRecord(Record):
    """A file the data were made from, as it was then."""

    path: str
    size_bytes: int
    modified_ns: int


class TableRecord(Record):
    """A version of a table.

    `columns` are what is published, `file_columns` what the source says of all stored columns before the
    descriptor's edits, `added` those of them that the file did not have. `built` names what the data depend on
    besides the source files, so that a change of it asks for a new build. `root` is the folder of data published
    in place, None where they lie beside this record. `relation` is where the rows lie on a site with a database; then
    there are no partitions. `listing` is a digest of the descriptor's text for the table.
    """

    format: int = RECORD_FORMAT
    schema_name: str
    name: str
    title: str = ""
    description: str = ""
    file_description: str = ""
    utype: str = ""
    columns: tuple[ColumnRecord, ...]
    file_columns: tuple[ColumnRecord, ...]
    added: tuple[str, ...] = ()
    position: PositionRecord | None = None
    indexed: bool = False
    primary: tuple[str, ...] = ()
    keys: tuple[KeyRecord, ...] = ()
    root: str | None = None
    partitions: tuple[PartitionRecord, ...] = ()
    relation: RelationRecord | None = None
    sources: tuple[SourceRecord, ...] = ()
    position_reason: str = ""
    built: str = ""
    listing: str = ""
    created: str = ""

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.relation.rows if self.relation else sum(part.rows for part in self.partitions)


class SchemaRecord(Record):
    """Metadata of a schema and the order of its tables."""

    format: int = RECORD_FORMAT
    name: str
    title: str = ""
    description: str = ""
    utype: str = ""
    creators: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    citation: str = ""
    rights: str = ""
    tables: tuple[str, ...] = ()


AnyRecord = TypeVar("AnyRecord", bound=Record)


def read_record(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    """Read a record; StoreError where it is missing or damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"the store misses {path.parent.name}/{path.name}: {error.strerror}"
        raise StoreError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        message = f"the store's {path.parent.name}/{path.name} is damaged: {first['msg']}"
        raise StoreError(message) from error


def write_record(path: Path, record: Record) -> None:
    """Write a record in place of an older one by one rename."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with draft.open("wb") as file:
        file.write(record.model_dump_json(indent=1, exclude_defaults=True).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def column_records(columns: Sequence[Column]) -> tuple[ColumnRecord, ...]:
    """Give the records of columns."""
    return tuple(
        ColumnRecord(
            name=c.name,
            datatype=c.type.datatype,
            arraysize=c.type.arraysize,
            xtype=c.type.xtype,
            description=c.description,
            unit=c.unit,
            ucd=c.ucd,
            utype=c.utype,
            indexed=c.indexed,
            principal=c.principal,
            std=c.std,
            nullable=c.nullable,
        )
        for c in columns
    )


def columns_of(records: Sequence[ColumnRecord]) -> tuple[Column, ...]:
    """Give the columns of records."""
    return tuple(
        Column(
            r.name,
            VOType(r.datatype, r.arraysize, r.xtype),
            r.description,
            r.unit,
            r.ucd,
            r.utype,
            r.indexed,
            r.principal,
            r.std,
            r.nullable,
        )
        for r in records
    )


def table_of(record: TableRecord, folder: Path) -> Table:
    """Give the table of a record that lies in `folder`; paths of partitions become absolute."""
    sky = record.position
    return Table(
        record.schema_name,
        record.name,
        columns_of(record.columns),
        _files(record, folder) if record.relation is None else relation_of(record.relation),
        title=record.title,
        description=record.description,
        utype=record.utype,
        position=None if sky is None else SkyColumns(sky.ra, sky.dec, sky.epoch),
        keys=tuple(ForeignKey(k.target, k.pairs, k.description) for k in record.keys),
        primary=record.primary,
    )


def _files(record: TableRecord, folder: Path) -> Files:
    root = os.path.join(folder if record.root is None else record.root, "")  # noqa: PTH118 (a hundred times faster)
    return Files(tuple(Partition(root + p.path, p.rows, p.low, p.high) for p in record.partitions), record.indexed)


def relation_of(record: RelationRecord) -> Relation:
    """Give the relation of a record."""
    sky = None if record.sky is None else SkyIndex(record.sky, record.sky_column)
    return Relation(record.path, record.rows, record.indexed, sky, record.native)


def schema_of_record(record: SchemaRecord, tables: Sequence[Table]) -> Schema:
    """Give the schema of a record with `tables`, in the record's order, others behind."""
    rank = {name: n for n, name in enumerate(record.tables)}
    ordered = sorted(tables, key=lambda t: (rank.get(t.name, len(rank)), t.name))
    return Schema(
        record.name,
        tuple(ordered),
        title=record.title,
        description=record.description,
        utype=record.utype,
        creators=record.creators,
        subjects=record.subjects,
        citation=record.citation,
        rights=record.rights,
    )
