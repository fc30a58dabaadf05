"""The tree of an ADQL query as it was written: frozen nodes, each with its place in the text.

The parser builds it, the resolver reads it; nothing here knows tables, types or engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Word

from ..config.errors import Position


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name: `text` without quotes; `delimited` names match case-sensitively."""

    text: str
    delimited: bool
    at: Position


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Null:
    """NULL."""

    at: Position


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric literal; `text` as written (`12`, `1.5E-3`, `0xFF`), without a sign."""

    text: str
    at: Position


@dataclass(frozen=True, slots=True)
class String:
    """A character literal, quotes and doubling removed."""

    value: str
    at: Position


@dataclass(frozen=True, slots=True)
class Boolean:
    """TRUE or FALSE (extension)."""

    value: bool
    at: Position


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """[[catalog.]schema.]table.]column; `qualifier` holds what stands before the last dot, outermost first."""

    qualifier: tuple[Identifier, ...]
    name: Identifier
    at: Position


@dataclass(frozen=True, slots=True)
class Unary:
    """Sign of a number."""

    operator: Word["+", "-"]
    operand: Expression
    at: Position


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic or concatenation."""

    operator: Word["+", "-", "*", "/", "%", "||"]
    left: Expression
    right: Expression
    at: Position


@dataclass(frozen=True, slots=True)
class Function:
    """A call of any function: core, string, geometry or user defined; `name` in the spelling of the author."""

    name: str
    arguments: tuple[Expression, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT, SUM, AVG, MIN or MAX; `argument` None is `COUNT(*)`."""

    name: Word["COUNT", "SUM", "AVG", "MIN", "MAX"]
    distinct: bool
    argument: Expression | None
    at: Position


@dataclass(frozen=True, slots=True)
class Cast:
    """CAST(operand AS type); `type_name` upper case, single spaces (`DOUBLE PRECISION`); `length` of CHAR(n)."""

    operand: Expression
    type_name: str
    length: int | None
    at: Position


@dataclass(frozen=True, slots=True)
class Case:
    """CASE [subject] WHEN … THEN … [ELSE …] END (extension); with a subject the conditions are values."""

    subject: Expression | None
    branches: tuple[tuple[Condition | Expression, Expression], ...]
    otherwise: Expression | None
    at: Position


Expression = Null | Number | String | Boolean | ColumnRef | Unary | Binary | Function | Aggregate | Cast | Case

# ----------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Comparison:
    """left operator right; `!=` is kept as `<>`."""

    operator: Word["=", "<>", "<", ">", "<=", ">="]
    left: Expression
    right: Expression
    at: Position


@dataclass(frozen=True, slots=True)
class Between:
    """operand [NOT] BETWEEN low AND high."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool
    at: Position


@dataclass(frozen=True, slots=True)
class InList:
    """operand [NOT] IN (e, …)."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool
    at: Position


@dataclass(frozen=True, slots=True)
class InQuery:
    """operand [NOT] IN (subquery)."""

    operand: Expression
    query: Query
    negated: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Like:
    """operand [NOT] LIKE|ILIKE pattern."""

    operand: Expression
    pattern: Expression
    negated: bool
    ignore_case: bool
    at: Position


@dataclass(frozen=True, slots=True)
class IsNull:
    """operand IS [NOT] NULL."""

    operand: Expression
    negated: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Exists:
    """EXISTS (subquery)."""

    query: Query
    at: Position


@dataclass(frozen=True, slots=True)
class Not:
    """NOT condition."""

    operand: Condition
    at: Position


@dataclass(frozen=True, slots=True)
class Logical:
    """AND or OR over two or more conditions, flat."""

    operator: Word["AND", "OR"]
    operands: tuple[Condition, ...]
    at: Position


Condition = Comparison | Between | InList | InQuery | Like | IsNull | Exists | Not | Logical

# --------------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class Sample:
    """TABLESAMPLE [BERNOULLI|SYSTEM] (percent) [REPEATABLE (seed)] (extension); percent between 0 and 100."""

    method: Word["BERNOULLI", "SYSTEM"]
    percent: float
    seed: int | None
    at: Position


@dataclass(frozen=True, slots=True)
class TableName:
    """[[catalog.]schema.]table [AS alias], and the sample taken of it."""

    qualifier: tuple[Identifier, ...]
    name: Identifier
    alias: Identifier | None
    at: Position
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class DerivedTable:
    """( query ) [AS] alias."""

    query: Query
    alias: Identifier
    at: Position


@dataclass(frozen=True, slots=True)
class Join:
    """left [NATURAL] kind JOIN right [ON condition | USING (…)]; `CROSS` with `comma` is that in FROM."""

    kind: Word["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    natural: bool
    left: TableRef
    right: TableRef
    on: Condition | None
    using: tuple[Identifier, ...]
    at: Position
    comma: bool = False


TableRef = TableName | DerivedTable | Join

# -------------------------------------------------------------------- queries


@dataclass(frozen=True, slots=True)
class Star:
    """`*` or `qualifier.*` in a select list."""

    qualifier: tuple[Identifier, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Item:
    """expression [AS alias] in a select list."""

    expression: Expression
    alias: Identifier | None
    at: Position


@dataclass(frozen=True, slots=True)
class Ordering:
    """A term of ORDER BY; `key` is a 1-based column number, or an expression."""

    key: int | Expression
    descending: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT … without ORDER BY; `top` of the select clause."""

    distinct: bool
    top: int | None
    items: tuple[Item | Star, ...]
    tables: TableRef
    where: Condition | None
    group_by: tuple[Expression, ...]
    having: Condition | None
    at: Position


@dataclass(frozen=True, slots=True)
class SetOperation:
    """left UNION|EXCEPT|INTERSECT [ALL] right."""

    operator: Word["UNION", "EXCEPT", "INTERSECT"]
    all: bool
    left: Select | SetOperation | Query
    right: Select | SetOperation | Query
    at: Position


@dataclass(frozen=True, slots=True)
class CommonTable:
    """name [(columns)] AS ( query ) in WITH."""

    name: Identifier
    columns: tuple[Identifier, ...]
    query: Query
    at: Position


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query or subquery: WITH, body, ORDER BY, OFFSET."""

    with_tables: tuple[CommonTable, ...]
    body: Select | SetOperation | Query
    order_by: tuple[Ordering, ...]
    offset: int | None
    at: Position
