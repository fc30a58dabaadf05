"""A short run of the fuzzer, and inputs that once took long or crashed: deep, long, doubling."""

from __future__ import annotations

import time

import pytest

from nashira.adql.translate import translate
from nashira.config.errors import QueryError

from .fuzz import fuzz
from .test_messages import CATALOG

TARGETS = ("duckdb", "postgresql")


@pytest.mark.parametrize("seed", [1, 2])
def test_mutants_give_adql_errors_or_declared_names_only(seed: int) -> None:
    *_, report = fuzz(1500, seed, TARGETS, generated=100)
    assert not report.failures, str(report)
    assert report.outcomes["accepted"] > 20
    assert report.outcomes["SQL read by duckdb"] == report.outcomes["accepted"]


SELECT = "SELECT s.ra FROM gaia.source AS s WHERE "
# Each level holds the level below more than once: text of hundreds of characters, SQL of gigabytes.
DOUBLING = {
    "subject of CASE": ("CASE ", "s.ra", " WHEN 1 THEN 2 WHEN 3 THEN 4 END"),
    "coordinates of a rotated point": ("ivo_geom_transform('ICRS', 'GALACTIC', ", "POINT(s.ra, s.dec)", ")"),
    "distance between two bounds": ("CASE WHEN DISTANCE(1, 1, 2, ", "s.ra", ") BETWEEN 1 AND 2 THEN 1 END"),
    "distance of a distance": ("DISTANCE(1, ", "s.ra", ", 2, 3)"),
    "area of an area": ("AREA(CIRCLE(1, 2, ", "s.ra", "))"),
    "truncated digits": ("TRUNCATE(1.5, CAST(", "s.ra", " AS INTEGER))"),
    "remainders": ("MOD(s.dec, ", "s.ra", ")"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", DOUBLING)
def test_what_doubles_with_every_level_stays_short(name: str, target: str) -> None:
    """Refused, or printed in moderate length, at any depth; never worked on for long."""
    opening, middle, closing = DOUBLING[name]
    for depth in (10, 30):
        text = f"SELECT {opening * depth}{middle}{closing * depth} AS x FROM gaia.source AS s"
        began = time.process_time()
        try:
            made = translate(text, CATALOG, target=target)
        except QueryError as error:
            assert "too deeply" in error.message or "takes" in error.message  # noqa: PT017
        else:
            assert len(made.sql) < 1_000_000
        assert time.process_time() - began < 5


LONG = {
    "parentheses, opened": "(" * 1_000_000,
    "parentheses around a value": "SELECT " + "(" * 2000 + "1" + ")" * 2000 + " FROM gaia.source",
    "parentheses around a condition": SELECT + "(" * 2000 + "s.ra > 1" + ")" * 2000,
    "parentheses around a query": "(" * 2000 + "SELECT ra FROM gaia.source" + ")" * 2000,
    "closing parentheses": SELECT + "s.ra > 1" + ")" * 1_000_000,
    "NOT": SELECT + "NOT " * 250_000 + "s.ra > 1",
    "CASE": "SELECT " + "CASE WHEN s.ra > 1 THEN " * 20_000,
    "functions": "SELECT " + "SQRT(" * 200_000,
    "subqueries": "SELECT ra FROM " + "(SELECT ra FROM " * 20_000,
    "signs": SELECT + "s.ra > " + "- " * 300_000 + "1",
    "plus": SELECT + "s.ra > 1" + " + 1" * 200_000,
    "AND": SELECT + " AND ".join(["s.ra > 1"] * 60_000),
    "commas": "SELECT " + "," * 1_000_000,
    "one text": SELECT + "s.ra = '" + "x" * 1_000_000 + "'",
    "one text, not closed": SELECT + "s.ra = '" + "x" * 1_000_000,
    "doubled quotes, not closed": SELECT + "s.ra = '" + "''" * 400_000,
    "one name": "SELECT " + "a" * 1_000_000 + " FROM gaia.source",
    "one quoted name": 'SELECT "' + "a" * 1_000_000 + '" FROM gaia.source',
    "one number": "SELECT " + "9" * 1_000_000 + " FROM gaia.source",
    "digits and letters": "SELECT " + "9" * 500_000 + "a FROM gaia.source",
    "points": "SELECT " + "a." * 100_000 + "a FROM gaia.source",
    "blanks": " " * 1_000_000 + "SELECT",
    "comments": "--\n" * 300_000 + "x",
    "lines": "\n" * 1_000_000 + "SELECT x FORM gaia.source",
    "semicolons": "SELECT ra FROM gaia.source" + ";" * 1_000_000 + "x",
    "dashes": "-" * 1_000_000,
    "quotes": "'" * 999_999,
    "misspelled words": "SELECT ra FROM gaia.source WHER " + "FORM " * 100_000,
    "tables": "SELECT 1 FROM " + ",".join(["gaia.source"] * 60_000),
    "control characters": "\x01" * 100_000,
    "joins": "SELECT 1 FROM gaia.source AS s" + " NATURAL JOIN gaia.source" * 30_000,
}


@pytest.mark.parametrize("name", LONG)
def test_a_megabyte_of_anything_is_refused_in_linear_time(name: str) -> None:
    began = time.process_time()
    with pytest.raises(QueryError) as caught:
        translate(LONG[name], CATALOG)
    assert time.process_time() - began < 5
    assert len(str(caught.value)) < 1500
    assert len(caught.value.excerpt) < 500


def test_a_list_of_ten_thousand_numbers_takes_a_tenth_of_a_second() -> None:
    text = f"{SELECT}s.source_id IN ({','.join(map(str, range(10_000)))})"
    for target in TARGETS:
        spent = []
        for _ in range(3):
            began = time.process_time()
            assert translate(text, CATALOG, target=target).sql
            spent.append(time.process_time() - began)
        assert min(spent) < 0.3, "0.1 s on an idle machine"
