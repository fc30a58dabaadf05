"""Short names for the nodes that only PostgreSQL reads; those of `nodes` that are not about types serve both engines.

A float literal alone would be NUMERIC, so floats carry their type; arrays are subscripted in parentheses; texts are
ordered by their bytes whatever the collation of a column is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp

from ..schema.types import VOType, postgres_type
from . import nodes as n

Node = n.Node

FLOAT8 = "::float8"
_SMALL = 24
_LEAST_LONG = -(2**63)


@lru_cache(maxsize=256)
def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="postgres")


def cast(value: Node, vo: VOType) -> Node:
    """CAST(value AS the type that carries vo)."""
    return cast_to(value, postgres_type(vo))


def cast_to(value: Node, name: str) -> Node:
    """CAST(value AS a type by its name)."""
    return exp.Cast(this=value, to=_type(name).copy())


def real(value: float) -> Node:
    """Print a finite float that is read as the same DOUBLE PRECISION."""
    literal = exp.Literal(this=repr(abs(value)) + FLOAT8, is_string=False)
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 or repr(value) == "-0.0" else literal


def integer(value: int) -> Node:
    """Print an integer; the least has no opposite that could be negated."""
    return cast_to(n.text(str(value)), "bigint") if value <= _LEAST_LONG else n.integer(value)


def literal(node: Node) -> float | None:
    """Give the number of a numeric literal; None for anything else."""
    sign = 1.0
    if isinstance(node, exp.Paren) and isinstance(node.this, exp.Neg):
        sign, node = -1.0, node.this.this
    if isinstance(node, exp.Literal) and not node.is_string:
        return sign * float(str(node.this).removesuffix(FLOAT8))
    return None


def div(left: Node, right: Node) -> Node:
    """Left / right, as the types of both say."""
    return exp.Div(this=n.operand(left), expression=n.operand(right), typed=True, safe=False)


def null_if(value: Node, other: Node) -> Node:
    """NULL where both are equal, else the first."""
    return n.call("nullif", value, other)


def element(value: Node, index: int) -> Node:
    """(value)[index], from 1."""
    held = value if isinstance(value, exp.Column) else exp.Paren(this=value)
    return exp.Bracket(this=held, expressions=[exp.Literal.number(index)], offset=1)


def by_bytes(value: Node) -> Node:
    """A text as one that is ordered by its bytes."""
    return exp.Collate(this=n.operand(value), expression=n.identifier("C"))


def by_case(value: Node) -> Node:
    """A text whose letters have upper and lower case beyond ASCII."""
    return exp.Collate(this=n.operand(value), expression=n.identifier("ns_case"))


def is_small(node: Node) -> bool:
    """Tell whether a node may be repeated without a thought."""
    return n.size(node, _SMALL) < _SMALL


def all_small(nodes: Sequence[Node]) -> bool:
    """Tell whether nodes may all be repeated."""
    return all(is_small(node) for node in nodes)


def inside(value: Node, low: float, high: float) -> Node:
    """Value BETWEEN two floats."""
    return n.between(value.copy(), real(low), real(high))


def sized(value: Node, low: float, high: float) -> Node:
    """Tell whether the magnitude lies BETWEEN two floats."""
    return n.between(n.call("abs", value.copy()), real(low), real(high))
