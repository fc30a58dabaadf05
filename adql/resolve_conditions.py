"""Conditions: types checked; tests on regions recognised whatever their spelling."""

from __future__ import annotations

import operator as comparing
from collections.abc import Callable
from typing import Any

from ..config.errors import AdqlTypeError, Position
from ..schema.types import TIMESTAMP
from . import tree
from .kinds import SHAPES, combine, common_type, constant, convert, double, kind, kind_of, name_of, number_of
from .resolve_context import Context
from .resolve_values import value
from .resolved import (
    CaseValue,
    Combined,
    Compare,
    Condition,
    Constant,
    Inverse,
    Matches,
    Member,
    MemberQuery,
    Missing,
    Near,
    Separation,
    Some,
    TestValue,
    Truth,
    Value,
    Within,
)

_FLIPPED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "=": comparing.eq,
    "<>": comparing.ne,
    "<": comparing.lt,
    ">": comparing.gt,
    "<=": comparing.le,
    ">=": comparing.ge,
}
_ORDERED = frozenset({"<", ">", "<=", ">="})


def condition(node: tree.Condition, context: Context) -> Condition:
    """Resolve a condition."""
    return _RULES[type(node)](node, context)


def _comparison(node: tree.Comparison, context: Context) -> Condition:
    left, right = value(node.left, context), value(node.right, context)
    _note_null(node, (left, right), context)
    return compared(node.operator, left, right, node.at)


def _note_null(node: tree.Comparison, sides: tuple[Value, Value], context: Context) -> None:
    """Say that a comparison with NULL is never true, which surprises many."""
    if any(isinstance(side, Constant) and side.value is None for side in sides):
        word = "IS NOT NULL" if node.operator == "<>" else "IS NULL"
        warning = f"A comparison with NULL (line {node.at.line}, column {node.at.column}) is never true: write {word}"
        if warning not in context.names.warnings:
            context.names.warnings.append(warning)


def compared(operator: str, left: Value, right: Value, at: Position) -> Condition:
    """Compare two values; tests against 1 or 0 and distances against radii become conditions of their own."""
    if isinstance(right, TestValue | Separation) and not isinstance(left, TestValue | Separation):
        left, right, operator = right, left, _FLIPPED[operator]
    if isinstance(left, TestValue):
        tested = _tested(operator, left, number_of(right))
        if tested is not None:
            return tested
    if isinstance(left, Separation) and operator in _ORDERED and kind_of(right) == "number":
        return _distance(operator, left, right)
    left, right = _comparable(left, right, at, operator)
    return Compare(operator, left, right)  # type: ignore[arg-type]


def _tested(operator: str, test: TestValue, number: float | None) -> Condition | None:
    """Read a comparison of 1 or 0 with a number as the test or its opposite; None where both or neither satisfy it."""
    if number is None:
        return None
    met, unmet = (_OPERATORS[operator](value, number) for value in (1.0, 0.0))
    if met == unmet:
        return None
    return test.condition if met else Inverse(test.condition)


def _distance(operator: str, distance: Separation, radius: Value) -> Condition:
    inside = operator in ("<", "<=")
    strict = operator in ("<", ">=")
    near = Near(distance.lon1, distance.lat1, distance.lon2, distance.lat2, double(radius), strict)
    return near if inside else Inverse(near)


def _comparable(left: Value, right: Value, at: Position, operator: str) -> tuple[Value, Value]:
    kinds = {kind_of(left), kind_of(right)}
    if kinds & set(SHAPES):
        if operator in ("=", "<>") and len(kinds - {"null"}) == 1:
            return left, right
        message = f"{operator} cannot compare geometries"
        raise AdqlTypeError(message, at, "Use CONTAINS, INTERSECTS or DISTANCE")
    if "other" in kinds:
        odd = left if kind_of(left) == "other" else right
        message = f"{operator} cannot compare values of type {name_of(odd.info.type)}"
        raise AdqlTypeError(message, odd.at, "Such values can only be selected, counted and tested with IS NULL")
    kinds.discard("null")
    if len(kinds) < 2:
        if kinds == {"boolean"} and operator not in ("=", "<>"):
            message = f"{operator} cannot compare booleans"
            raise AdqlTypeError(message, at, "Compare them with TRUE or FALSE by =")
        return left, right
    if kinds == {"timestamp", "string"}:
        return convert(left, TIMESTAMP), convert(right, TIMESTAMP)
    if kinds == {"boolean", "number"}:
        return _boolean(left, operator), _boolean(right, operator)
    message = f"{name_of(left.info.type)} and {name_of(right.info.type)} cannot be compared by {operator}"
    raise AdqlTypeError(message, at, _incomparable(left, right))


def _incomparable(left: Value, right: Value) -> str:
    """Say how two kinds of values are compared after all."""
    kinds = {kind_of(left), kind_of(right)}
    literal = next((side for side in (left, right) if isinstance(side, Constant)), None)
    if kinds == {"number", "string"}:
        if isinstance(left, TestValue) or isinstance(right, TestValue):
            return "Compare it with 1 or 0"
        if literal is None:
            return "CAST one of them: CAST(x AS VARCHAR) or CAST(x AS DOUBLE PRECISION)"
        text = str(literal.value)[:40]
        return "Numbers stand without quotes" if kind_of(literal) == "string" else f"Texts stand in quotes: '{text}'"
    if kinds == {"number", "timestamp"}:
        return "Times are texts like '2020-01-31T12:00:00'; ivo_to_mjd(t) makes days of them"
    return "Booleans compare with TRUE and FALSE" if "boolean" in kinds else "Use CAST"


def _boolean(operand: Value, operator: str) -> Value:
    """Read the literals 0 and 1 as booleans."""
    if kind_of(operand) == "boolean":
        return operand
    if isinstance(operand, Constant) and operand.value in (0, 1) and operator in ("=", "<>"):
        return constant(operand.value == 1, operand.at)
    message = f"A boolean and {name_of(operand.info.type)} cannot be compared by {operator}"
    advice = "Compare it with 1 or 0" if isinstance(operand, TestValue) else "Compare by = with TRUE, FALSE, 1 or 0"
    raise AdqlTypeError(message, operand.at, advice)


def _between(node: tree.Between, context: Context) -> Condition:
    operand, low, high = (value(part, context) for part in (node.operand, node.low, node.high))
    if isinstance(operand, Separation):
        both = (compared(">=", operand, low, node.at), compared("<=", operand, high, node.at))
        return Inverse(Combined("AND", both)) if node.negated else Combined("AND", both)
    low_pair = _comparable(operand, low, node.at, "BETWEEN")
    high_pair = _comparable(operand, high, node.at, "BETWEEN")
    kinds = {kind_of(part) for part in (*low_pair, *high_pair)} - {"null"}
    if len(kinds) > 1:  # text BETWEEN two timestamps of which one is a text too
        return Within(convert(operand, TIMESTAMP), convert(low, TIMESTAMP), convert(high, TIMESTAMP), node.negated)
    return Within(low_pair[0], low_pair[1], high_pair[1], node.negated)


def _in_list(node: tree.InList, context: Context) -> Condition:
    operand = value(node.operand, context)
    items = [value(item, context) for item in node.items]
    kinds = {kind(vo) for vo in {part.info.type for part in (operand, *items)}}
    if kinds in ({"number"}, {"string"}):  # the usual list, which may be long
        return Member(operand, tuple(items), node.negated)
    pairs = [_comparable(operand, item, item.at, "=") for item in items]
    kinds = {kind_of(part) for pair in pairs for part in pair} - {"null"}
    if len(kinds) > 1:  # a text among timestamps
        return Member(convert(operand, TIMESTAMP), tuple(convert(item, TIMESTAMP) for item in items), node.negated)
    return Member(pairs[0][0], tuple(item for _, item in pairs), node.negated)


def _in_query(node: tree.InQuery, context: Context) -> Condition:
    operand = value(node.operand, context)
    query = context.query(node.query, context.names, context.scope)
    if len(query.columns) != 1:
        message = f"A subquery after IN has one column, this one {len(query.columns)}"
        raise AdqlTypeError(message, node.query.at, "Select one column, or use EXISTS with a condition on several")
    found = common_type(operand.info.type, query.columns[0].type)
    if found is None or kind_of(operand) in (*SHAPES, "other"):
        message = (
            f"{name_of(operand.info.type)} cannot be looked for among values of type {name_of(query.columns[0].type)}"
        )
        raise AdqlTypeError(message, node.at, "Use CAST")
    return MemberQuery(operand, query, node.negated)


def _like(node: tree.Like, context: Context) -> Condition:
    word = "ILIKE" if node.ignore_case else "LIKE"
    if node.ignore_case:
        context.names.features.add("ILIKE")
    operand, pattern = value(node.operand, context), value(node.pattern, context)
    for part in (operand, pattern):
        if kind_of(part) not in ("string", "region", "moc", "null"):
            message = f"{word} matches texts, not {name_of(part.info.type)}"
            raise AdqlTypeError(message, part.at, "Other values become text by CAST(… AS VARCHAR)")
    return Matches(operand, pattern, node.negated, node.ignore_case)


def _exists(node: tree.Exists, context: Context) -> Condition:
    return Some(context.query(node.query, context.names, context.scope))


def _logical(node: tree.Logical, context: Context) -> Condition:
    return Combined(node.operator, tuple(condition(operand, context) for operand in node.operands))


def case_value(node: tree.Case, context: Context) -> Value:
    """Resolve CASE; with a subject each branch compares it."""
    context.names.extension("CASE", node.at)
    subject = value(node.subject, context) if node.subject is not None else None
    tests: list[Condition] = []
    for test, _ in node.branches:
        if subject is not None:
            tests.append(compared("=", subject, value(test, context), test.at))  # type: ignore[arg-type]
        elif type(test) in _RULES:
            tests.append(condition(test, context))  # type: ignore[arg-type]
        else:
            tests.append(_truth(value(test, context)))  # type: ignore[arg-type]
    results = [value(result, context) for _, result in node.branches]
    if node.otherwise is not None:
        results.append(value(node.otherwise, context))
    made, info = combine(results, "CASE")
    otherwise = made[-1] if node.otherwise is not None else None
    return CaseValue(tuple(zip(tests, made, strict=False)), otherwise, info, node.at)


def _truth(operand: Value) -> Condition:
    if kind_of(operand) != "boolean":
        message = f"A condition is needed, not {name_of(operand.info.type)}"
        raise AdqlTypeError(message, operand.at, "Compare it with another value")
    return Truth(operand)


_RULES: dict[type, Callable[[Any, Context], Condition]] = {
    tree.Comparison: _comparison,
    tree.Between: _between,
    tree.InList: _in_list,
    tree.InQuery: _in_query,
    tree.Like: _like,
    tree.IsNull: lambda node, context: Missing(value(node.operand, context), node.negated),
    tree.Exists: _exists,
    tree.Not: lambda node, context: Inverse(condition(node.operand, context)),
    tree.Logical: _logical,
}
