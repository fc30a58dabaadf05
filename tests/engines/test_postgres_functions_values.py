"""Functions on numbers of the schema nashira against NumPy: they overflow, underflow and end like the C library."""
# ruff: noqa: E501  (values stay on few lines)

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from nashira.engines.postgres_functions import install
from tests.postgres_server import PostgresServer

EXTREME = (
    0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 0.5, 0.49999999999999994, 1e-300, 1e300, -1e300, 5e-324, -5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1.1e-308, 1e154,
    1.5e154, 3e-162, 7.3, 1e16, math.inf, -math.inf, math.nan, 8.98e307, 9e307, 4503599627370497.5, math.pi, 709.5, -745.1, 3.0, -2.0, 16.0,
)  # fmt: skip
RANDOM = tuple(
    np.ldexp(np.random.default_rng(1).uniform(-1, 1, 25), np.random.default_rng(2).integers(-1070, 1020, 25)).tolist()
)
VALUES = EXTREME + RANDOM

Real = Callable[..., Any]
TWO: dict[str, Real] = {
    "ns_add": lambda x, y: x + y,
    "ns_sub": lambda x, y: x - y,
    "ns_mul": lambda x, y: x * y,
    "ns_div": lambda x, y: None if y == 0 else x / y,
    "ns_mod": lambda x, y: None if y == 0 else np.fmod(x, y),
    "ns_pow": lambda x, y: math.inf if (x, y) == (-math.inf, 0.5) else np.power(x, y),  # C has it so
}
ONE: dict[str, Real] = {
    "ns_exp": np.exp,
    "ns_sin": np.sin,
    "ns_cos": np.cos,
    "ns_tan": np.tan,
    "ns_degrees": lambda x: x * (180 / math.pi),
    "ns_exact_radians": lambda x: x * (math.pi / 180),
    "ns_real": np.float32,
    "ns_ln": lambda x: np.log(x) if x > 0 or math.isnan(x) else None,
    "ns_sqrt": lambda x: np.sqrt(x) if x >= 0 or math.isnan(x) else None,
}


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.fresh().url) as connection:
        install(connection)
        connection.execute("SET search_path = pg_catalog, nashira")
        yield connection


def alike(got: float | None, want: float | None, tolerance: float) -> bool:
    if got is None or want is None:
        return got is None and want is None
    if math.isnan(got) or math.isnan(want):
        return math.isnan(got) and math.isnan(want)
    return got == want or abs(got - want) <= max(tolerance * abs(want), 5e-324)


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_numbers(server: psycopg.Connection, name: str) -> None:
    query = (
        f"SELECT x, y, {name}(x, y) FROM unnest(%s::float8[]) WITH ORDINALITY AS a(x, i), "
        "unnest(%s::float8[]) WITH ORDINALITY AS b(y, j) ORDER BY i, j"
    )
    rows = server.execute(query, (list(VALUES), list(VALUES))).fetchall()
    with np.errstate(all="ignore"):
        want = [TWO[name](np.float64(x), np.float64(y)) for x, y, _ in rows]
    tolerance = 1e-12 if name == "ns_pow" else 2.3e-16
    wrong = [(row, w) for row, w in zip(rows, want, strict=True) if not alike(row[2], w, tolerance)]
    assert not wrong


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_number(server: psycopg.Connection, name: str) -> None:
    query = f"SELECT x, {name}(x)::float8 FROM unnest(%s::float8[]) WITH ORDINALITY AS a(x, i) ORDER BY i"
    rows = server.execute(query, (list(VALUES),)).fetchall()
    with np.errstate(all="ignore"):
        want = [ONE[name](np.float64(x)) for x, _ in rows]
    wrong = [(row, w) for row, w in zip(rows, want, strict=True) if not alike(row[1], w, 1e-15)]
    assert not wrong


def test_integers_beyond_their_bits_are_null(server: psycopg.Connection) -> None:
    values = (0, 1, -1, 7, -7, 2**63 - 1, -(2**63), 2**62, 3037000500, 2**31)
    operations: dict[str, Callable[[int, int], int | None]] = {
        "ns_add": lambda x, y: x + y,
        "ns_sub": lambda x, y: x - y,
        "ns_mul": lambda x, y: x * y,
        "ns_div": lambda x, y: None if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1),
    }
    for name, operation in operations.items():
        query = f"SELECT x, y, {name}(x, y) FROM unnest(%s::bigint[]) AS a(x), unnest(%s::bigint[]) AS b(y)"
        for x, y, got in server.execute(query, (list(values), list(values))).fetchall():
            want = operation(x, y)
            assert got == (want if want is not None and -(2**63) <= want < 2**63 else None), (name, x, y)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"), (-0.0, "-0.0"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1.2345e15, "1234500000000000.0"), (1e-5, "1e-05"), (0.0001, "0.0001"),
        (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (0.1, "0.1"), (123456.789, "123456.789"), (1e22, "1e+22"), (5e-324, "5e-324"),
    ],
)  # fmt: skip
def test_floats_are_written_alike(server: psycopg.Connection, value: float, text: str) -> None:
    assert server.execute("SELECT ns_text(%s::float8)", (value,)).fetchone() == (text,)


def test_installing_twice_is_harmless_and_casts_give_null(server: psycopg.Connection) -> None:
    install(server)
    row = server.execute(
        "SELECT ns_try_integer('1e3'::text), ns_try_integer('2147483648'::text), ns_try_double('x'), ns_try_double('1e999'),"
        " ns_try_timestamp('2000-02-30'), ns_try_timestamp('now'), ns_try_smallint(40000::bigint), ns_try_bigint(1e19::float8)"
    ).fetchone()
    assert row == (1000, None, None, math.inf, None, None, None, None)
