"""The resolved tree: every name bound to a declared object, every value with type, unit and UCD.

Metadata of a value is a `schema.model.Column` whose `name` means nothing but for a plain column.
Sources compare by identity, everything else by content without its place in the text, so that
`GROUP BY` can tell the same expression when it sees it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any
from typing import Literal as Word

from ..config.errors import Position
from ..schema.model import Column, Table

# -------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of a table's rows: each by chance (BERNOULLI) or blocks of them (SYSTEM); the same ones for a `seed`."""

    method: Word["BERNOULLI", "SYSTEM"]
    percent: float
    seed: int | None


@dataclass(frozen=True, slots=True, eq=False)
class TableSource:
    """One reference to a declared or uploaded table; `label` is its unique SQL alias, `sample` what is taken of it."""

    label: str
    table: Table
    at: Position
    sample: Sample | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns it offers."""
        return self.table.columns

    def sql_name(self, index: int) -> str:
        """Name of column `index` in SQL."""
        return self.table.columns[index].name


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """A common table expression; `label` is its unique SQL name."""

    label: str
    query: Query
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, eq=False)
class QuerySource:
    """A derived table, or one reference to a common table where `common` is set."""

    label: str
    query: Query
    columns: tuple[Column, ...]
    common: Common | None
    at: Position

    def sql_name(self, index: int) -> str:
        """Name of column `index` in SQL: derived columns are named by their place."""
        return f"c{index + 1}"


Source = TableSource | QuerySource


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """left KIND JOIN right ON condition; CROSS has none. USING and NATURAL arrive as conditions."""

    kind: Word["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    left: From
    right: From
    on: Condition | None


From = TableSource | QuerySource | Joined


def sources_of(node: From) -> Iterator[Source]:
    """All sources below a FROM node, left to right."""
    if isinstance(node, Joined):
        yield from sources_of(node.left)
        yield from sources_of(node.right)
    else:
        yield node


# --------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: None, bool, int, float, str, datetime (UTC, naive), or a region as a tuple of degrees."""

    value: bool | int | float | str | datetime | tuple[float, ...] | None
    info: Column
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A column of a source by its SQL name."""

    source: Source
    name: str
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the function table, arguments converted to its parameter types."""

    name: str
    arguments: tuple[Value, ...]
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Both operands have the type of the result, but for `||`; integer `/` truncates, division by zero is NULL."""

    operator: Word["+", "-", "*", "/", "%", "||"]
    left: Value
    right: Value
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """- operand."""

    operand: Value
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class AggregateValue:
    """An aggregate; no arguments is COUNT(*). User defined aggregates carry their name in upper case."""

    name: str
    distinct: bool
    arguments: tuple[Value, ...]
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class CastValue:
    """Conversion to `info.type`; what cannot be converted is NULL. `length` cuts texts."""

    operand: Value
    length: int | None
    info: Column
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class CaseValue:
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Condition, Value], ...]
    otherwise: Value | None
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Element:
    """Element `index` (from 1) of an array value, such as a coordinate of a stored point."""

    operand: Value
    index: int
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class Separation:
    """Great-circle distance of two positions in degrees; all coordinates in degrees."""

    lon1: Value
    lat1: Value
    lon2: Value
    lat2: Value
    info: Column = field(compare=False)
    at: Position = field(compare=False)


@dataclass(frozen=True, slots=True)
class TestValue:
    """A condition as 1, 0 or NULL."""

    condition: Condition
    info: Column = field(compare=False)
    at: Position = field(compare=False)


Value = (
    Constant
    | ColumnValue
    | Call
    | Arithmetic
    | Negative
    | AggregateValue
    | CastValue
    | CaseValue
    | Element
    | Separation
    | TestValue
)

# ----------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Compare:
    """left operator right, both of one kind."""

    operator: Word["=", "<>", "<", ">", "<=", ">="]
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Within:
    """operand [NOT] BETWEEN low AND high."""

    operand: Value
    low: Value
    high: Value
    negated: bool


@dataclass(frozen=True, slots=True)
class Member:
    """operand [NOT] IN (values)."""

    operand: Value
    items: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class MemberQuery:
    """operand [NOT] IN (query of one column)."""

    operand: Value
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Matches:
    """operand [NOT] LIKE pattern; no escape character."""

    operand: Value
    pattern: Value
    negated: bool
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """operand IS [NOT] NULL."""

    operand: Value
    negated: bool


@dataclass(frozen=True, slots=True)
class Some:
    """EXISTS (query)."""

    query: Query


@dataclass(frozen=True, slots=True)
class Inverse:
    """NOT condition."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class Combined:
    """AND or OR over conditions."""

    operator: Word["AND", "OR"]
    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean value as a condition."""

    operand: Value


@dataclass(frozen=True, slots=True)
class Predicate:
    """A boolean function of the function table."""

    name: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """Two positions are at most (`strict`: less than) `radius` degrees apart."""

    lon1: Value
    lat1: Value
    lon2: Value
    lat2: Value
    radius: Value
    strict: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """A position lies in or on the border of a polygon."""

    lon: Value
    lat: Value
    polygon: Value


@dataclass(frozen=True, slots=True)
class Covered:
    """A position lies in a coverage map."""

    lon: Value
    lat: Value
    moc: Value


Condition = (
    Compare
    | Within
    | Member
    | MemberQuery
    | Matches
    | Missing
    | Some
    | Inverse
    | Combined
    | Truth
    | Predicate
    | Near
    | Inside
    | Covered
)

# -------------------------------------------------------------------- queries


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A term of ORDER BY: a 1-based column of the result, or a value."""

    key: int | Value
    descending: bool


@dataclass(frozen=True, slots=True, eq=False)
class SelectQuery:
    """SELECT with its ORDER BY, OFFSET and TOP; `values` and `columns` correspond."""

    distinct: bool
    top: int | None
    offset: int | None
    values: tuple[Value, ...]
    columns: tuple[Column, ...]
    tables: From
    where: Condition | None
    group_by: tuple[Value, ...]
    having: Condition | None
    order_by: tuple[OrderTerm, ...]
    commons: tuple[Common, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SetQuery:
    """left UNION|EXCEPT|INTERSECT [ALL] right; both sides are converted to the types of `columns`."""

    operator: Word["UNION", "EXCEPT", "INTERSECT"]
    all: bool
    left: Query
    right: Query
    columns: tuple[Column, ...]
    offset: int | None
    order_by: tuple[OrderTerm, ...]
    commons: tuple[Common, ...] = ()


Query = SelectQuery | SetQuery

_OTHERS = (
    str,
    int,
    float,
    bool,
    type(None),
    Column,
    Position,
    datetime,
    TableSource,
    QuerySource,
    SelectQuery,
    SetQuery,
)


def parts(node: Value | Condition) -> Iterator[Value | Condition]:
    """Values and conditions directly below a node; subqueries are not entered."""
    kind: type[Any] = type(node)
    for name in _names(kind):  # type: ignore[arg-type]
        yield from _nodes(getattr(node, name))


@lru_cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(kind))


def _nodes(content: object) -> Iterable[Value | Condition]:
    if isinstance(content, tuple):
        return [node for item in content for node in _nodes(item)]
    return () if isinstance(content, _OTHERS) else (content,)  # type: ignore[return-value]


def walk(node: Value | Condition) -> Iterator[Value | Condition]:
    """A node and all below it, subqueries not entered."""
    yield node
    for part in parts(node):
        yield from walk(part)


def contents(query: Query) -> Iterator[Value | Condition]:
    """All values and conditions of a query and of all queries in it."""
    for common in query.commons:
        yield from contents(common.query)
    if isinstance(query, SetQuery):
        yield from contents(query.left)
        yield from contents(query.right)
        roots: list[Value | Condition] = []
    else:
        yield from _below(query.tables)
        roots = [*query.values, *query.group_by, *(c for c in (query.where, query.having) if c is not None)]
    roots.extend(term.key for term in query.order_by if not isinstance(term.key, int))
    for root in roots:
        yield from _deep(root)


def _below(node: From) -> Iterator[Value | Condition]:
    if isinstance(node, Joined):
        yield from _below(node.left)
        yield from _below(node.right)
        if node.on is not None:
            yield from _deep(node.on)
    elif isinstance(node, QuerySource) and node.common is None:
        yield from contents(node.query)


def _deep(root: Value | Condition) -> Iterator[Value | Condition]:
    for node in walk(root):
        yield node
        if isinstance(node, MemberQuery | Some):
            yield from contents(node.query)
