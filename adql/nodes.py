"""Short names for the sqlglot nodes that SQL is printed from; operands are put in parentheses where they need them.

Nodes are built from sqlglot's stock classes only; no text of a user is ever parsed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlglot import exp

from ..config.errors import Unsupported
from ..schema.types import VOType, duckdb_type

Node = exp.Expr

_ATOMIC = (
    exp.Column,
    exp.Literal,
    exp.Anonymous,
    exp.Paren,
    exp.Cast,
    exp.Case,
    exp.Boolean,
    exp.Null,
    exp.Bracket,
    exp.Subquery,
    exp.Array,
    exp.Count,
    exp.Exists,
    exp.Identifier,
)
_SMALL = 24
_LARGEST = 20_000


def operand(node: Node) -> Node:
    """Put a node in parentheses unless it cannot be torn apart."""
    return node if isinstance(node, _ATOMIC) else exp.Paren(this=node)


def identifier(name: str) -> exp.Identifier:
    """Make a quoted identifier."""
    return exp.Identifier(this=name, quoted=True)


def column(label: str, name: str) -> Node:
    """Make label.name, both quoted."""
    return exp.Column(this=identifier(name), table=identifier(label))


def call(name: str, *arguments: Node) -> Node:
    """Make a function call."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def integer(value: int) -> Node:
    """Print an integer."""
    literal = exp.Literal(this=str(abs(value)), is_string=False)
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def real(value: float) -> Node:
    """Print a finite float so that the engine reads the same DOUBLE back."""
    text = repr(abs(value))
    literal = exp.Literal(this=text if "e" in text else text + "e0", is_string=False)
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 or text == "-0.0" else literal


def text(value: str) -> Node:
    """Print a text."""
    return exp.Literal(this=value, is_string=True)


def texts(values: Sequence[str]) -> Node:
    """Print an array of texts, which may be many: as one node, since each costs as much as an operator."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return exp.Array(expressions=[exp.Var(this=quoted)])


def moment(value: datetime) -> Node:
    """Print a timestamp."""
    return exp.Cast(this=text(value.isoformat(" ")), to=exp.DataType(this=exp.DataType.Type.TIMESTAMP))


def null() -> Node:
    """Print NULL."""
    return exp.Null()


def truth(value: bool) -> Node:
    """Print TRUE or FALSE."""
    return exp.Boolean(this=value)


def binary(kind: type[exp.Binary], left: Node, right: Node) -> Node:
    """Make an operation on two operands."""
    return kind(this=operand(left), expression=operand(right))


def add(left: Node, right: Node) -> Node:
    """Left + right."""
    return binary(exp.Add, left, right)


def sub(left: Node, right: Node) -> Node:
    """Left - right."""
    return binary(exp.Sub, left, right)


def mul(left: Node, right: Node) -> Node:
    """Left * right."""
    return binary(exp.Mul, left, right)


def div(left: Node, right: Node) -> Node:
    """Left / right, on floats; the divisor is not zero."""
    return binary(exp.Div, left, right)


def shift_right(value: Node, bits: Node) -> Node:
    """Value >> bits."""
    return binary(exp.BitwiseRightShift, value, bits)


def compare(operator: str, left: Node, right: Node) -> Node:
    """Left operator right."""
    return binary(_COMPARISONS[operator], left, right)


_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    ">": exp.GT,
    "<=": exp.LTE,
    ">=": exp.GTE,
    "IS DISTINCT FROM": exp.NullSafeNEQ,
}


def between(value: Node, low: Node, high: Node) -> Node:
    """Value BETWEEN low AND high."""
    return exp.Between(this=operand(value), low=operand(low), high=operand(high))


def plain_text(node: Node) -> str | None:
    """Give the SQL of a column of a source or of a number, as it is printed; None for anything else."""
    if isinstance(node, exp.Column) and node.args.get("table") is not None:
        return ".".join('"' + str(part.this).replace('"', '""') + '"' for part in (node.args["table"], node.this))
    if isinstance(node, exp.Literal) and not node.is_string:
        return str(node.this)
    if isinstance(node, exp.Paren) and isinstance(node.this, exp.Neg):
        inner = plain_text(node.this.this)
        return None if inner is None or not isinstance(node.this.this, exp.Literal) else f"(-{inner})"
    return None


def spans(label: str, name: str, ranges: Iterable[tuple[int, int]]) -> Node:
    """label.name lies in one of the half-open ranges; made as one text, since a node for each bound takes long."""
    column_ = f'"{label}"."{name}"'
    return exp.Paren(this=exp.Var(this=" OR ".join(f"{column_} BETWEEN {low} AND {high - 1}" for low, high in ranges)))


def is_null(value: Node) -> Node:
    """Value IS NULL."""
    return exp.Is(this=operand(value), expression=exp.Null())


def negation(condition: Node) -> Node:
    """NOT condition."""
    return exp.Not(this=operand(condition))


def chain(kind: type[exp.Connector], conditions: Iterable[Node]) -> Node:
    """Join one or more conditions by AND or OR, balanced so that long lists stay shallow."""
    level = [operand(condition) if isinstance(condition, exp.Connector) else condition for condition in conditions]
    while len(level) > 1:
        pairs = [kind(this=level[i], expression=level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) // 2 * 2 :]
    return level[0]


def all_of(*conditions: Node) -> Node:
    """Join conditions by AND."""
    return chain(exp.And, conditions)


def any_of(*conditions: Node) -> Node:
    """Join conditions by OR."""
    return chain(exp.Or, conditions)


def case(condition: Node, value: Node, otherwise: Node | None = None) -> Node:
    """CASE WHEN condition THEN value [ELSE otherwise] END."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=otherwise)


def array(*items: Node) -> Node:
    """[items]."""
    return exp.Array(expressions=list(items))


def element(value: Node, index: int) -> Node:
    """value[index], from 1."""
    return exp.Bracket(this=operand(value), expressions=[exp.Literal.number(index)], offset=1)


def lambda_(body: Callable[[Node], Node]) -> Node:
    """LAMBDA v : body(v)."""
    parameter = exp.Identifier(this="v", quoted=True)
    return exp.Lambda(this=body(exp.Column(this=parameter.copy())), expressions=[parameter])


@lru_cache(maxsize=256)
def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="duckdb")


def cast(value: Node, vo: VOType) -> Node:
    """CAST(value AS the type that carries vo)."""
    return exp.Cast(this=value, to=_type(duckdb_type(vo)).copy())


@lru_cache(maxsize=256)
def _type_text(name: str) -> str:
    return str(_type(name).sql("duckdb"))


def cast_column(value: Node, vo: VOType) -> Node:
    """Do as `cast`, but make that of a column as one text: results have many of them."""
    column_ = plain_text(value) if isinstance(value, exp.Column) else None
    return cast(value, vo) if column_ is None else exp.Var(this=f"CAST({column_} AS {_type_text(duckdb_type(vo))})")


def try_cast(value: Node, vo: VOType) -> Node:
    """CAST that gives NULL where it fails."""
    return exp.TryCast(this=value, to=_type(duckdb_type(vo)).copy())


def huge(value: Node) -> Node:
    """CAST(value AS HUGEINT)."""
    return exp.Cast(this=value, to=_type("HUGEINT").copy())


def attempt(value: Node) -> Node:
    """NULL where the engine would fail on the value."""
    return call("try", value)


def again(node: Node) -> Node:
    """Give a node a second time; Unsupported where repetition would make the SQL explode."""
    if size(node, _LARGEST) >= _LARGEST:
        message = "The expression is nested too deeply"
        raise Unsupported(message, None, "Compute inner parts in a subquery")
    return node.copy()


def size(node: Node, most: int) -> int:
    """Count nodes up to `most`."""
    count = 0
    for _ in node.walk():
        count += 1
        if count >= most:
            break
    return count


def keep(value: Node, test: Callable[[Node], Node]) -> Node:
    """Value where test(value) is true, else NULL; large values are not repeated."""
    if size(value, _SMALL) < _SMALL:
        return case(test(value.copy()), value)
    return element(call("list_filter", array(value), lambda_(test)), 1)
