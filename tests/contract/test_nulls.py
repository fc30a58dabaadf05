"""ADQL 2.1 section 2.3 and 4: a NULL argument gives NULL, in every function but those that are there for NULLs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nashira.adql.functions import FUNCTIONS

GIVEN = {"integer": "n", "number": "d", "string": "s", "timestamp": "t", "point": "p", "geometry": "c", "any": "i"}
NULL = {
    "integer": "nil", "number": "nod", "string": "nos", "timestamp": "nothing", "point": "nop", "geometry": "noc",
    "any": "nil", "moc": "nos", "region": "nos",
}  # fmt: skip
LITERALS = {
    "IVO_GEOM_TRANSFORM": ("'ICRS'", "'GALACTIC'"),
    "GAVO_TRANSFORM": ("'ICRS'", "'GALACTIC'"),
    "GAVO_MATCH": ("'a.c'",),
}
KEEPERS = {"COALESCE", "GREATEST", "LEAST", "NULLIF", "IVO_STRING_AGG", "IVO_HISTOGRAM", "GAVO_HISTOGRAM"}
"""What NULL means in these stands in cases_functions."""
WORDED = {"GAVO_SPECCONV", "IVO_SIMBADPOINT", "GAVO_SIMBADPOINT", "GAVO_VOCMATCH"}
"""Their first texts are literals that mean something."""
DEFAULTS = {"IVO_EPOCH_PROP_POS": {2, 3, 4, 5}, "IVO_EPOCH_PROP": {2, 3, 4, 5}, "RAND": {0}}
"""Arguments that NULL leaves at a default."""


def calls() -> Iterator[tuple[str, str]]:
    for name, function in FUNCTIONS.items():
        if name in KEEPERS or name in WORDED or function.aggregate:
            continue
        for signature in function.signatures:
            fixed = LITERALS.get(name, ())
            given = [*fixed, *(GIVEN.get(kind, "") for kind in signature.kinds[len(fixed) :])]
            for index, kind in enumerate(signature.kinds):
                if index < len(fixed) or index in function.literals or index in DEFAULTS.get(name, ()) or "" in given:
                    continue
                yield name, f"{name}({', '.join([*given[:index], NULL[kind], *given[index + 1 :]])})"


@pytest.mark.parametrize("text", [text for _, text in calls()])
def test_null_gives_null(service: Any, text: str) -> None:
    assert service.rows(f"SELECT {text} AS x FROM one") == [(None,)]


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%", "||"])
def test_null_operands_give_null(service: Any, operator: str) -> None:
    one, none, literal = ("s", "nos", "'x'") if operator == "||" else ("d", "nod", "2")
    pairs = [(one, none), (none, one), (none, none), (none, literal), (literal, none), (one, "NULL"), ("NULL", one)]
    texts = [f"{left} {operator} {right} AS c{i}" for i, (left, right) in enumerate(pairs)]
    assert service.rows(f"SELECT {', '.join(texts)} FROM one") == [(None,) * len(pairs)]
