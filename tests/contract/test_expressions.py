"""Random expressions of numbers give on every engine what Python's integers and IEEE doubles give."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.case import same
from tests.contract.tables import ONE

ROW = dict(zip((column.name for column in ONE.columns), ONE.rows[0], strict=True))
RANKS = ("unsignedByte", "short", "int", "long", "double")
TYPES = {column.name: column.type.datatype for column in ONE.columns}
INTEGERS = ("i", "neg", "zero", "n", "h", "u", "b", "imax", "imin", "bmax", "bmin", "nil", "nob", "hmax")
DOUBLES = ("d", "dneg", "nod")
MOST = 2**63 - 1


@dataclass(frozen=True)
class Term:
    """An expression, its value (None: NULL) and its type."""

    text: str
    value: Any
    kind: str

    @property
    def number(self) -> float | None:
        return None if self.value is None else float(self.value)


columns = st.sampled_from((*INTEGERS, *DOUBLES)).map(lambda name: Term(name, ROW[name], TYPES[name]))
literals = st.one_of(
    st.integers(0, 1000).map(lambda v: Term(str(v), v, "int")),
    st.floats(0, 1000).map(lambda v: Term(repr(v), v, "double")),
)


def _fits(value: int | None) -> int | None:
    return value if value is not None and -MOST - 1 <= value <= MOST else None


def _result(kind: str, one: str, other: str) -> str:
    if "double" in (one, other):
        return "double"
    if kind in "/%":
        return max(one, other, key=RANKS.index)
    return "int" if {one, other} <= {"unsignedByte", "short"} else "long"


def _quotient(a: Any, b: Any) -> Any:
    if b == 0:
        return None
    if isinstance(a, float):
        return a / b
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _remainder(a: Any, b: Any) -> Any:
    if b == 0:
        return None
    return math.fmod(a, b) if isinstance(a, float) else abs(a) % abs(b) * (-1 if a < 0 else 1)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}


def calculated(symbol: str, one: Term, other: Term) -> Term:
    """one symbol other, by the rules of docs/adql.md."""
    kind = _result(symbol, one.kind, other.kind)
    text = f"({one.text} {symbol} {other.text})"
    if one.value is None or other.value is None:
        return Term(text, None, kind)
    if kind == "double":
        return Term(text, OPERATIONS[symbol](float(one.value), float(other.value)), kind)
    return Term(text, _fits(OPERATIONS[symbol](one.value, other.value)), kind)


def negated(term: Term) -> Term:
    kind = _result("-", term.kind, term.kind)
    value = None if term.value is None else -term.value
    return Term(f"(-{term.text})", value if kind == "double" else _fits(value), kind)


def real(name: str, function: Callable[[float], float | None]) -> Callable[[Term], Term]:
    def make(term: Term) -> Term:
        return Term(f"{name}({term.text})", None if term.number is None else function(term.number), "double")

    return make


FUNCTIONS = (
    real("ABS", abs),
    real("FLOOR", lambda x: float(math.floor(x))),
    real("CEILING", lambda x: float(math.ceil(x))),
    real("SQRT", lambda x: math.sqrt(x) if x >= 0 else None),
    real("TRUNCATE", lambda x: float(math.trunc(x))),
    real("ROUND", lambda x: math.copysign(math.floor(abs(x) + 0.5), x) if abs(x) < 1e15 else x),
)


def chosen(symbol: str, one: Term, other: Term, first: Term, second: Term) -> Term:
    """CASE WHEN one symbol other THEN first ELSE second END; a comparison with NULL is not true."""
    compare = {"<": operator.lt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne}[symbol]
    pair = (one.number, other.number) if "double" in (one.kind, other.kind) else (one.value, other.value)
    true = None not in pair and compare(*pair)
    kind = max(first.kind, second.kind, key=RANKS.index)
    value = (first if true else second).value
    text = f"CASE WHEN {one.text} {symbol} {other.text} THEN {first.text} ELSE {second.text} END"
    return Term(text, float(value) if kind == "double" and value is not None else value, kind)


def coalesced(one: Term, other: Term) -> Term:
    kind = max(one.kind, other.kind, key=RANKS.index)
    value = one.value if one.value is not None else other.value
    text = f"COALESCE({one.text}, {other.text})"
    return Term(text, float(value) if kind == "double" and value is not None else value, kind)


def _deeper(inner: Any) -> Any:
    binary = st.builds(calculated, st.sampled_from(sorted(OPERATIONS)), inner, st.one_of(inner, literals))
    return st.one_of(
        binary,
        st.builds(calculated, st.sampled_from(sorted(OPERATIONS)), literals, inner),
        st.builds(negated, inner),
        st.builds(lambda make, term: make(term), st.sampled_from(FUNCTIONS), inner),
        st.builds(chosen, st.sampled_from(["<", ">=", "=", "<>"]), inner, inner, inner, inner),
        st.builds(coalesced, inner, inner),
    )


def _is_safe(term: Term) -> bool:
    """No infinities, and no integers that a double of 53 bits would round in the middle of a comparison."""
    return not isinstance(term.value, float) or abs(term.value) < 1e150


terms = st.recursive(columns, _deeper, max_leaves=6).filter(_is_safe)


@given(st.lists(terms, min_size=1, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_expressions(service: Any, some: list[Term]) -> None:
    listed = ", ".join(f"{term.text} AS c{i}" for i, term in enumerate(some))
    (row,) = service.rows(f"SELECT {listed} FROM one")
    for got, term in zip(row, some, strict=True):
        if isinstance(got, int) and not isinstance(term.value, float | None):
            assert got == term.value, term
        else:
            assert same(got, term.value), f"{term}: {got}"
