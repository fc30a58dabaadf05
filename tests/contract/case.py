"""A case of the contract: one ADQL query and the rows that every engine must give for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]
RELATIVE = 1e-12
ABSOLUTE = 1e-12


@dataclass(frozen=True, slots=True)
class Case:
    """`section` of the ADQL 2.1 standard, the query, and its rows: in this order where the query orders them."""

    section: str
    adql: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        return f"{self.section} {self.adql}"


def values(section: str, *pairs: tuple[str, Any], table: str = "one") -> tuple[Case, ...]:
    """Cases of one expression each, on a table of one row."""
    return tuple(Case(section, f"SELECT {text} AS x FROM {table}", [(value,)]) for text, value in pairs)


def found(section: str, table: str, *pairs: tuple[str, Sequence[int]]) -> tuple[Case, ...]:
    """Cases of one condition each: the column `n` of the rows for which it is true."""
    return tuple(
        Case(section, f"SELECT n FROM {table} WHERE {text} ORDER BY n", [(n,) for n in numbers])
        for text, numbers in pairs
    )


def same(one: Any, other: Any) -> bool:
    """Compare two values: floats to 1e-12, lists element by element, NULL only with NULL, types with types."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        if isinstance(one, str) or isinstance(other, str):
            return False
        if isinstance(one, float) != isinstance(other, float):
            return False
        return one == other or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(one) is type(other) and bool(one == other)


def _key(row: Row) -> tuple[Any, ...]:
    return tuple((value is None, str(type(value)), str(value) if isinstance(value, list) else value) for value in row)


def agrees(got: Sequence[Row], case: Case) -> bool:
    """Compare the rows of a query with those of its case."""
    want = [tuple(row) for row in case.rows]
    rows = list(got)
    if "ORDER BY" not in case.adql:
        rows, want = (sorted(part, key=_safe) for part in (rows, want))
    return len(rows) == len(want) and all(same(one, other) for one, other in zip(rows, want, strict=True))


def _safe(row: Row) -> tuple[Any, ...]:
    return tuple((is_null, kind, "" if is_null else value) for is_null, kind, value in _key(row))
