"""What the parser refuses: with which place and words, and how it stands deep, long and random texts."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.adql import tree
from nashira.adql.parser import parse
from nashira.config.errors import AdqlSyntaxError

CONE = """SELECT TOP 100 ra, dec, phot_g_mean_mag FROM gaia.dr3
WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10.68, 41.27, 0.1)) AND phot_g_mean_mag < 15"""


def fault(text: str) -> AdqlSyntaxError:
    with pytest.raises(AdqlSyntaxError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "piece", "said"),
    [
        ("", "", "empty"),
        ("-- nothing", "", "empty"),
        ("SELECT x FORM t", "FORM", "Did you mean FROM?"),
        ("SELECT * FORM t", "FORM", "Did you mean FROM"),
        ("SELCT x FROM t", "SELCT", "Did you mean SELECT"),
        ("SELECT x FROM t WHER a = 1", "WHER", "Did you mean WHERE?"),
        ("SELECT x FROM t GRUOP BY x", "GRUOP", "Did you mean GROUP?"),
        ("SELECT x FROM t WHERE a LIK 'x'", "LIK", "LIKE"),
        ("SELECT x FROM t WHERE a BETWEN 1 AND 2", "BETWEN", "BETWEEN"),
        ("SELECT size FROM t", "size", 'write "size" in double quotes'),
        ("SELECT a FROM t AS date", "date", 'write "date" in double quotes'),
        ("SELECT point FROM t", "point", 'write "point" in double quotes'),
        ("SELECT SUBSTRING(a) FROM t", "SUBSTRING", "no substrings"),
        ("SELECT OVERLAPS(a) FROM t", "OVERLAPS", "no function of ADQL"),
        ("SELECT a FROM t LIMIT 5", "LIMIT", "SELECT TOP"),
        ("SELECT a FROM t WHERE b = 1 LIMIT 5", "LIMIT", "SELECT TOP"),
        ("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", "FETCH", "SELECT TOP"),
        ("SELECT a FROM t OFFSET 5 ROWS", "ROWS", "SELECT TOP"),
        ("SELECT TOP 5 DISTINCT a FROM t", "DISTINCT", "before TOP"),
        ("SELECT DISTINCT ON (a) a FROM t", "ON", "DISTINCT ON"),
        ("SELECT a FROM t WHERE a == 1", "=", "single ="),
        ("SELECT a FROM t WHERE a => 1", ">", ">="),
        ("SELECT a FROM t /* no */", "/", "comment begins with --"),
        ("SELECT RANK() OVER (ORDER BY a) FROM t", "OVER", "window functions"),
        ("SELECT a::int FROM t", "::", "CAST"),
        ("SELECT 1", "", "Every ADQL query reads a table"),
        ("SELECT FROM t", "FROM", "Nothing is selected"),
        ("SELECT a, FROM t", ",", "comma too many before FROM"),
        ("SELECT a FROM t,", ",", "comma too many before the end"),
        ("SELECT a b c FROM t", "c", "comma"),
        ("SELECT a FROM t WHERE (a = 1", "", "opened in line 1, column 23"),
        ("SELECT a FROM t WHERE (a = 1))", ")", "No parenthesis is open"),
        ("SELECT a FROM t WHERE 1 < a < 3", "1 < a", "not chained"),
        ("SELECT a FROM t WHERE CONTAINS(a, b)", "CONTAINS(a, b)", "1 = CONTAINS"),
        ("SELECT a FROM t WHERE flag", "flag", "flag = 1"),
        ("SELECT a = 1 FROM t", "=", "WHERE"),
        ("SELECT a FROM t WHERE (a = 1) + 2 > 3", "(a = 1)", "condition"),
        ("SELECT a FROM t WHERE a = (SELECT 1 FROM u)", "SELECT", "not as a value"),
        ("SELECT a FROM t WHERE a = ANY (SELECT 1 FROM u)", "ANY", "IN (subquery)"),
        ("SELECT a FROM t WHERE a IN SELECT b FROM u", "SELECT", "in parentheses"),
        ("SELECT a FROM t WHERE a IS TRUE", "TRUE", "NULL"),
        ("SELECT a FROM t WHERE a LIKE 'x' ESCAPE '!'", "ESCAPE", "no ESCAPE"),
        ("SELECT a FROM t1 JOIN t2", "", "ON or USING"),
        ("SELECT a FROM t1 NATURAL JOIN t2 ON a = b", "ON", "NATURAL"),
        ("SELECT a FROM (SELECT b FROM t)", "", "needs a name"),
        ("SELECT a FROM (t)", "(t)", "Leave the parentheses out"),
        ("SELECT a FROM f(1)", "(", "no functions"),
        ("SELECT a FROM db..t", ".", "one point"),
        ("SELECT a FROM a.b.c.d", "a.b.c.d", "at most 3"),
        ('SELECT "f"(1) FROM t', '"f"', "plain name"),
        ('SELECT "" FROM t', '""', "empty"),
        ('SELECT IN_UNIT(a, "deg") FROM t', 'IN_UNIT(a, "deg")', "'deg' in single quotes"),
        ("SELECT a || -1 FROM t", "-", "arithmetic in parentheses"),
        ("SELECT a + 1 || b FROM t", "||", "arithmetic in parentheses"),
        ("SELECT a || b + 1 FROM t", "+", "arithmetic in parentheses"),
        ("SELECT CAST(a AS FLOAT) FROM t", "FLOAT", "DOUBLE PRECISION"),
        ("SELECT CAST(a AS jsonb) FROM t", "jsonb", "VARCHAR(n)"),
        ("SELECT a FROM t; SELECT b FROM u", "SELECT", "one query"),
        ("SELECT a FROM t SELECT b FROM u", "SELECT", "UNION"),
        ("DROP TABLE t", "DROP", "only reads"),
        ("SELECT a FROM (WITH x AS (SELECT b FROM t) SELECT b FROM x) q", "WITH", "beginning"),
        ("WITH RECURSIVE x AS (SELECT b FROM t) SELECT b FROM x", "RECURSIVE", "not recursive"),
        ("WITH x AS (SELECT b FROM t)", "", "comes the query"),
        ("SELECT TOP -1 a FROM t", "-", "not negative"),
        ("SELECT TOP 1.5 a FROM t", "1.5", "whole number"),
        ("SELECT a FROM t ORDER BY 1.5", "1.5", "whole number"),
        ("SELECT COUNT(DISTINCT a, b) FROM t", ",", ")"),
    ],
)
def test_errors_show_the_piece_and_teach(text: str, piece: str, said: str) -> None:
    error = fault(text)
    assert error.position is not None
    assert text[error.position.start : error.position.end] == piece
    assert said in str(error)


# ---------------------------------------------------------------- limits


NESTED = [
    "SELECT {}1{} FROM t".format("(" * 1000, ")" * 1000),
    "SELECT a FROM t WHERE " + "(" * 1000 + "a = 1" + ")" * 1000,
    "SELECT a FROM " + "(" * 1000 + "a NATURAL JOIN b" + ")" * 1000,
    "(" * 1000 + "SELECT a FROM t" + ")" * 1000,
    "SELECT " + "f(" * 1000,
    "SELECT a FROM t WHERE " + "NOT " * 1000 + "a = 1",
    "SELECT " + "CASE WHEN a = 1 THEN " * 1000,
    "SELECT a FROM " + "(SELECT a FROM " * 1000,
    "SELECT a FROM t WHERE " + "a IN (SELECT a FROM t WHERE " * 1000,
    "SELECT a FROM t WHERE " + "EXISTS (SELECT a FROM t WHERE a=1 OR a=1 AND a = a + a * (1) AND " * 1000,
    "SELECT a FROM a " + "JOIN a " * 1000,
    "SELECT a FROM t WHERE " + "a = 1 OR a = 1 AND a = a + a * (" * 1000,
    "SELECT " + " + ".join("a" * 1000) + " FROM t",
    "SELECT " + " || ".join("a" * 1000) + " FROM t",
    "SELECT a FROM " + ", ".join("a" * 1000),
    "SELECT a FROM " + " NATURAL JOIN ".join("a" * 1000),
    " UNION ".join(["SELECT a FROM t"] * 1000),
]


@pytest.mark.parametrize("text", NESTED, ids=lambda text: text[:40])
def test_deep_and_long_chains_end_in_a_clear_error(text: str) -> None:
    limit, frame, depth = sys.getrecursionlimit(), sys._getframe(), 0
    while frame.f_back:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 550)  # leaves a server room for its own frames
    try:
        error = fault(text)
    finally:
        sys.setrecursionlimit(limit)
    assert "too deeply" in error.message or "follow on each other" in error.message


def test_ordinary_depth_is_fine() -> None:
    assert parse("SELECT " + "(" * 60 + "1" + ")" * 60 + " FROM t").body
    assert parse("SELECT " + "+".join("a" * 100) + " FROM t").body
    assert parse("SELECT a FROM " + "(SELECT a FROM " * 15 + "t" + ") q" * 15).body


def test_long_lists_are_read_in_linear_time() -> None:
    text = "SELECT a FROM t WHERE id IN (" + ",".join(map(str, range(10_000))) + ")"
    started = time.perf_counter()
    body = parse(text).body
    assert isinstance(body, tree.Select)
    node = body.where
    assert isinstance(node, tree.InList)
    assert len(node.items) == 10_000
    assert time.perf_counter() - started < 2


def test_a_cone_is_read_in_well_under_a_millisecond() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(20):
            parse(CONE)
        return (time.perf_counter() - started) / 20

    assert min(seconds() for _ in range(10)) < 1e-3


# ---------------------------------------------------------------- properties


SOUP = """SELECT FROM WHERE GROUP ORDER BY HAVING WITH AS UNION ALL EXCEPT INTERSECT TOP DISTINCT OFFSET JOIN LEFT
    NATURAL ON USING AND OR NOT IN IS NULL LIKE BETWEEN EXISTS CASE WHEN THEN ELSE END CAST COUNT POINT CIRCLE POLYGON
    REGION SIZE TRUE INTEGER DOUBLE PRECISION LIMIT OVER
    a b "c" 'd' 1 2.5 0x1F ( ( ) ) , . * + - / % || = <> < ; -- [ ’"""
WORDS = st.sampled_from([*SOUP.split(), "\n", "''", '"', "'"])


def refusal(text: str, version: str = "2.1") -> AdqlSyntaxError | None:
    try:
        parse(text, version)
    except AdqlSyntaxError as error:
        return error
    return None


def check_place(error: AdqlSyntaxError, text: str) -> None:
    place = error.position
    assert place is not None
    assert 0 <= place.start <= place.end <= len(text)
    before = text[: place.start].replace("\r\n", "\n").replace("\r", "\n")
    assert place.line == before.count("\n") + 1
    assert place.column == len(before) - (before.rfind("\n") + 1) + 1


@settings(max_examples=500, deadline=None)
@given(st.lists(WORDS, max_size=40), st.sampled_from(["2.0", "2.1"]))
def test_token_soup_is_parsed_or_refused_with_a_place(words: list[str], version: str) -> None:
    text = " ".join(words)
    error = refusal(text, version)
    if error:
        check_place(error, text)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_a_mangled_query_is_parsed_or_refused(data: st.DataObject) -> None:
    words = CONE.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    for _ in range(data.draw(st.integers(1, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(WORDS)
    text = " ".join(words[: data.draw(st.integers(0, len(words)))])
    error = refusal(text)
    if error:
        check_place(error, text)
