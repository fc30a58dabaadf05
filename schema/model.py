"""What is published: catalog, schemas, tables, columns; plain frozen data, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Literal

from .names import adql_name
from .types import VOType


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a result; `name` is the raw name, without quotes."""

    name: str
    type: VOType
    description: str = ""
    unit: str = ""
    ucd: str = ""
    utype: str = ""
    indexed: bool = False
    principal: bool = False
    std: bool = False
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class SkyColumns:
    """Names of the columns that hold a table's position: ICRS degrees; epoch in Julian years or None."""

    ra: str
    dec: str
    epoch: float | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """One file of a table. `low` ≤ _healpix_29 < `high` for all its rows; both 0 without an index."""

    path: str
    rows: int
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Files:
    """A table kept as Parquet files; sorted by `_healpix_29` in `partitions` order where `indexed`.

    `rows` and `ends` follow: the rows of all files, and for each file the largest end of its own and of those before
    it, for a search by bisection; `ends` is empty where the files are not in order.
    """

    partitions: tuple[Partition, ...]
    indexed: bool = False
    rows: int = field(init=False, repr=False, compare=False, default=0)
    ends: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        """Add up and order what is asked for with every query; tables may have many thousand files."""
        parts = self.partitions
        object.__setattr__(self, "rows", sum(part.rows for part in parts))
        if all(one.low <= other.low for one, other in pairwise(parts)):
            ends = accumulate((max(part.high, part.low + 1) for part in parts), max)
            object.__setattr__(self, "ends", tuple(ends))


@dataclass(frozen=True, slots=True)
class SkyIndex:
    """An index on a table's position that the engine's own extension serves.

    `q3c`: on q3c_ang2ipix(ra, dec) of the position columns. `pgsphere`: on the spoint column `column`, or, where that
    is empty, on spoint(radians(ra), radians(dec)) of the position columns.
    """

    kind: Literal["q3c", "pgsphere"]
    column: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table that lives inside the engine under these names (schema, table).

    `native` names columns that hold a type of an extension where the model promises a DALI array: (column, type),
    the types being spoint, scircle, spoly, sbox and smoc.
    """

    path: tuple[str, ...]
    rows: int = 0
    indexed: bool = False  # it has a _healpix_29 column with an index
    sky: SkyIndex | None = None
    native: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of this table that point to columns of another; `target` is (schema, table)."""

    target: tuple[str, str]
    pairs: tuple[tuple[str, str], ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A published or uploaded table; names are raw, without quotes."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    source: Files | Relation
    title: str = ""
    description: str = ""
    utype: str = ""
    kind: str = "table"
    position: SkyColumns | None = None
    keys: tuple[ForeignKey, ...] = ()
    primary: tuple[str, ...] = ()  # columns that identify a row

    @property
    def adql_name(self) -> str:
        """The name to paste into a query: `schema.table`, quoted where it must be."""
        return f"{adql_name(self.schema)}.{adql_name(self.name)}"

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.source.rows

    def column(self, name: str) -> Column:
        """Give the column of exactly this name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Schema:
    """A group of tables with the metadata of its dataset."""

    name: str
    tables: tuple[Table, ...]
    title: str = ""
    description: str = ""
    utype: str = ""
    creators: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    citation: str = ""
    rights: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that can be queried at one time; `version` changes whenever anything in it does."""

    schemas: tuple[Schema, ...]
    version: str = ""
    examples: tuple[tuple[str, str], ...] = field(default=())

    def tables(self) -> Iterator[Table]:
        """All tables in the order of their schemas."""
        for schema in self.schemas:
            yield from schema.tables
