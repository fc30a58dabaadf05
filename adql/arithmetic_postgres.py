"""Arithmetic in PostgreSQL, where an overflow, an underflow or a division by zero would end the query.

A sum, product or quotient of small operands is printed twice: plainly, behind a test that all operands have
magnitudes for which nothing can happen, and else by functions `ns_…` that give infinity, 0 or NULL. With larger
operands only the functions remain. Measured on a million rows: plain 65 ms, tested 105 ms, functions 340 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from ..schema.types import DOUBLE, INTEGERS, LONG
from . import nodes as n
from . import nodes_postgres as pg
from .kinds import is_integer, kind_of, number_of
from .resolved import Arithmetic, CastValue, Constant, Negative, Value

Node = n.Node
Lower = Callable[[Value], Node]

_FUNCTIONS = {"+": "ns_add", "-": "ns_sub", "*": "ns_mul", "/": "ns_div"}
_KINDS: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_NARROW = {"unsignedByte": "ns_try_smallint", "short": "ns_try_smallint", "int": "ns_try_integer"}
_BITS = {"unsignedByte": 14, "short": 14, "int": 30}
_MOST_OPERANDS = 8


@dataclass(frozen=True, slots=True)
class _Range:
    """Magnitudes for which a formula is harmless; `low` 0: any small ones are."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a literal is harmless."""
        return self.low <= abs(value) <= self.high


def arithmetic(node: Arithmetic | Negative, lower: Lower) -> Node:
    """+, -, *, / and the opposite of numbers, whose operands have the type of the result."""
    leaves = list(_leaves(node))
    printed = {id(leaf): lower(leaf) for leaf in leaves}
    whole = is_integer(node.info.type)
    if whole and isinstance(node, Arithmetic) and node.operator == "/":
        return _quotient(node, printed)
    if whole and _fits(node, leaves):
        return _plainly(node, printed)
    if len(leaves) > _MOST_OPERANDS or not pg.all_small(list(printed.values())):
        return _carefully(node, printed)
    limits = _whole_range(node, leaves) if whole else _range(node, leaves)
    numbers = [number for leaf in leaves if (number := number_of(leaf)) is not None]
    if not all(limits.holds(number) for number in numbers):
        return _carefully(node, printed)
    tested = {leaf: printed[id(leaf)] for leaf in leaves if number_of(leaf) is None and not _is_tame(leaf, limits)}
    tests = [_test(made, limits, whole=whole) for made in tested.values()]
    plain = _plainly(node, printed)
    return n.case(n.all_of(*tests), plain, _carefully(node, printed)) if tests else plain


def _is_tame(leaf: Value, limits: _Range) -> bool:
    """Tell whether a number comes from a narrower type, all values of which are harmless: 0, 1.4e-45 to 3.4e38."""
    if not isinstance(leaf, CastValue) or leaf.info.type != DOUBLE or kind_of(leaf.operand) != "number":
        return False
    return leaf.operand.info.type != DOUBLE and limits.low <= 1e-45 and limits.high >= 1e39


def remainder(left: Node, right: Node) -> Node:
    """Left % right of integers, with the sign of the left; NULL for 0."""
    divisor = pg.literal(right)
    return n.binary(exp.Mod, left, right if divisor else pg.null_if(right, n.integer(0)))


def _quotient(node: Arithmetic, printed: dict[int, Node]) -> Node:
    """The quotient of two integers, cut towards zero; the least divided by -1 has none."""
    left, right = printed[id(node.left)], printed[id(node.right)]
    divisor = number_of(node.right)
    if divisor not in (None, 0.0, -1.0):
        return pg.div(left, right)
    careful = _carefully(node, printed)
    if divisor is not None or not pg.all_small([left, right]):
        return careful
    return n.case(n.compare(">", right, n.integer(0)), pg.div(left, right.copy()), careful)


def _fits(node: Arithmetic | Negative, leaves: list[Value]) -> bool:
    """Tell whether a formula of integers of 32 bits at most fits its 64, or of 16 bits its 32."""
    if isinstance(node, Negative) or not all(_has_few_bits(leaf) for leaf in leaves):
        return False
    return node.info.type.datatype == "int" or (
        _operations(node, "*") == 0 or (_operations(node, "*") == 1 and _operations(node, "+-") == 0)
    )


def _has_few_bits(value: Value) -> bool:
    if isinstance(value, CastValue):
        return value.operand.info.type.datatype in INTEGERS - {"long"}
    if isinstance(value, Constant):
        return isinstance(value.value, int) and abs(value.value) < 2**31
    return value.info.type.datatype in INTEGERS - {"long"}


def _leaves(node: Value) -> Iterator[Value]:
    """The operands of a formula; integers divide in formulas of their own."""
    if isinstance(node, Negative):
        yield from _operand_leaves(node, node.operand)
    elif isinstance(node, Arithmetic):
        yield from _operand_leaves(node, node.left)
        yield from _operand_leaves(node, node.right)


def _operand_leaves(node: Arithmetic | Negative, operand: Value) -> Iterator[Value]:
    if _continues(node, operand):
        yield from _leaves(operand)
    else:
        yield operand


def _continues(node: Arithmetic | Negative, operand: Value) -> bool:
    """Tell whether an operand is part of the formula of its node."""
    if not isinstance(operand, Arithmetic | Negative) or operand.info.type != node.info.type:
        return False
    divides = is_integer(node.info.type) and any(
        isinstance(part, Arithmetic) and part.operator == "/" for part in (node, operand)
    )
    return not divides and not (isinstance(operand, Arithmetic) and operand.operator in ("%", "||"))


def _operations(node: Value, operators: str) -> int:
    """Count operations of a formula."""
    if isinstance(node, Negative):
        return _operations(node.operand, operators) if _continues(node, node.operand) else 0
    if not isinstance(node, Arithmetic):
        return 0
    below = sum(_operations(part, operators) for part in (node.left, node.right) if _continues(node, part))
    return below + (node.operator in operators)


def _range(node: Value, leaves: list[Value]) -> _Range:
    """Each product may have all factors at the end of the range, each difference may cancel to the last digit."""
    exponents, digits = (37, 8) if node.info.type.datatype == "float" else (300, 17)
    factors = 1 + _operations(node, "*/")
    sums = _operations(node, "+-")
    high = 10.0 ** math.floor(exponents / factors - math.log10(len(leaves)))
    if factors == 1:
        return _Range(0.0, high)
    return _Range(10.0 ** math.ceil((digits if sums else 0) - exponents / factors), high)


def _whole_range(node: Value, leaves: list[Value]) -> _Range:
    """A range in which no sum of products leaves its bits."""
    bits = _BITS.get(node.info.type.datatype, 62)
    factors = 1 + _operations(node, "*")
    return _Range(0.0, float(int(2.0 ** ((bits - len(leaves)) / factors))))


def _test(made: Node, limits: _Range, *, whole: bool) -> Node:
    if whole:
        return n.between(made.copy(), n.integer(-int(limits.high)), n.integer(int(limits.high)))
    if limits.low == 0.0:
        return pg.inside(made, -limits.high, limits.high)
    return pg.sized(made, limits.low, limits.high)


def _plainly(node: Arithmetic | Negative, printed: dict[int, Node]) -> Node:
    if isinstance(node, Negative):
        return exp.Neg(this=n.operand(_part(node, node.operand, printed, _plainly)))
    left, right = (_part(node, part, printed, _plainly) for part in (node.left, node.right))
    if node.operator == "/":
        return pg.div(left, right if number_of(node.right) else pg.null_if(right, n.integer(0)))
    return n.binary(_KINDS[node.operator], left, right)


def _carefully(node: Arithmetic | Negative, printed: dict[int, Node]) -> Node:
    if isinstance(node, Negative):
        made = _part(node, node.operand, printed, _carefully)
        if not is_integer(node.info.type):
            return exp.Neg(this=n.operand(made))
        return _narrowed(node, n.call("ns_neg", pg.cast(made, LONG)))
    left, right = (_part(node, part, printed, _carefully) for part in (node.left, node.right))
    single = node.info.type.datatype == "float"
    if single:
        left, right = (_double(part) for part in (left, right))
    elif is_integer(node.info.type):
        left, right = (pg.cast(part, LONG) for part in (left, right))
    made = n.call(_FUNCTIONS[node.operator], left, right)
    return n.call("ns_real", made) if single else _narrowed(node, made)


def _narrowed(node: Value, made: Node) -> Node:
    """A BIGINT as an integer of the promised type; NULL where it does not fit."""
    name = _NARROW.get(node.info.type.datatype)
    return n.call(name, made) if name else made


def _double(made: Node) -> Node:
    return made if pg.literal(made) is not None else pg.cast(made, DOUBLE)


Formula = Callable[[Any, dict[int, Node]], Node]


def _part(node: Arithmetic | Negative, part: Value, printed: dict[int, Node], formula: Formula) -> Node:
    """An operand: a formula of its own, or what was printed of it."""
    return formula(part, printed) if _continues(node, part) else printed[id(part)].copy()
