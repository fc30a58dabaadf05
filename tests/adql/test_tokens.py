"""Lexical rules (ADQL 2.1 section 2.1)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.adql.spelling import closest, reserved_advice, show
from nashira.adql.tokens import Tokens, read
from nashira.config.errors import AdqlSyntaxError, ParameterError


def pieces(text: str, version: str = "2.1") -> list[tuple[str, str]]:
    tokens = read(text, version)
    return [(kind, tokens.piece(index)) for index, kind in enumerate(tokens.kinds)][:-1]


def fault(text: str) -> AdqlSyntaxError:
    with pytest.raises(AdqlSyntaxError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize("word", ["SELECT", "select", "SeLeCt"])
def test_keywords_have_no_case(word: str) -> None:
    assert pieces(word) == [("SELECT", word)]


@pytest.mark.parametrize("name", ["ra", "RA_2000", "a1_", "selection", "and7", "Z"])
def test_regular_identifiers(name: str) -> None:
    assert pieces(name) == [("name", name)]


@pytest.mark.parametrize("name", ['"size"', '"a""b"', "\"Ünïcode 'x' --\"", '"two\nlines"'])
def test_delimited_identifiers_hold_any_character(name: str) -> None:
    assert pieces(f"{name} x") == [("delimited", name), ("name", "x")]


@pytest.mark.parametrize("text", ["''", "'Earth''s'", "'back\\slash'", "'-- no comment'", "'“curly”'"])
def test_strings(text: str) -> None:
    assert pieces(f"{text}x") == [("string", text), ("name", "x")]


@pytest.mark.parametrize("number", ["12", "12.", "12.3", ".5", "1.2E-4", "1e5", "10E3", "5.e+1", "0xFF", "0Xa0"])
def test_numbers(number: str) -> None:
    assert pieces(f"-{number}*2") == [("-", "-"), ("number", number), ("*", "*"), ("number", "2")]


@pytest.mark.parametrize("text", ["2mass_id", "12abc", "1E", "1e+x", "0x", "0xFG", "1_000", ".5x", "3é"])
def test_a_number_does_not_run_into_a_name(text: str) -> None:
    error = fault(f"SELECT {text} FROM t")
    assert error.position is not None
    assert error.position.start == 7


def test_unequal_has_two_spellings() -> None:
    assert [kind for kind, _ in pieces("a <> b != c <= d >= e || f")][1::2] == ["<>", "<>", "<=", ">=", "||"]


def test_comments_are_white_space_up_to_the_end_of_the_line() -> None:
    assert pieces("a--b 'c\n--\r--x\r\n,b -- end") == [("name", "a"), (",", ","), ("name", "b")]


@pytest.mark.parametrize("space", [" ", "\t", "\r\n", "\u00a0", "\u2003"])
def test_white_space_as_it_is_pasted(space: str) -> None:
    assert pieces(f"a{space}b") == [("name", "a"), ("name", "b")]


@pytest.mark.parametrize("word", ["OFFSET", "ILIKE", "BIGINT", "IN_UNIT"])
def test_words_new_in_2_1_are_names_in_2_0(word: str) -> None:
    assert pieces(word, "2.1")[0][0] == word
    assert pieces(word, "2.0")[0][0] == "name"


def test_unknown_version() -> None:
    with pytest.raises(ParameterError, match=r"3\.0"):
        read("SELECT", "3.0")


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("a = “M31”", "“", "straight quotes"),
        ("a = ‘M31’", "‘", "straight quotes"),
        ("a = 'M31", "not closed", "Close it"),
        ('"a', "not closed", "Close it"),
        (r"a = 'it\'s'", "not closed", "doubled"),
        ("_a", "_a", "double quotes"),
        ("déc", "déc", "double quotes"),
        ("a::int", "::", "CAST"),
        ("`a`", "`", "double quotes"),
        ("a[1]", "[", "no arrays"),
        ("a & 4", "&", "bitwise"),
        ("a ≤ 4", "≤", "<="),
        ("5 − 4", "−", "minus"),
        ("a = $1", "$", "no variables"),
        ("a = ?", "?", "no variables"),
        ("a\0b", "\\u0000", ""),
        ("☃", "☃", "SNOWMAN"),
    ],
)
def test_what_no_token_begins_with_is_explained(text: str, message: str, advice: str) -> None:
    error = fault(text)
    assert message in error.message
    assert advice in error.advice


def test_places_count_lines_and_columns_from_one() -> None:
    error = fault("a\r\nb\n  c\r  `")
    assert error.position is not None
    assert (error.position.line, error.position.column) == (4, 3)
    tokens = read("a\r\nbc\n  d")
    assert [(tokens.span(i, i).line, tokens.span(i, i).column) for i in range(3)] == [(1, 1), (2, 1), (3, 3)]


def cut(text: str) -> Tokens | AdqlSyntaxError:
    try:
        return read(text)
    except AdqlSyntaxError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text("aB1.e'\"- \n\r/*_é0x", max_size=40))
def test_any_text_is_cut_or_refused_within_its_bounds(text: str) -> None:
    tokens = cut(text)
    if isinstance(tokens, AdqlSyntaxError):
        assert tokens.position is not None
        assert 0 <= tokens.position.start < tokens.position.end <= len(text)
        return
    assert tokens.kinds[-1] == "end"
    bounds = [bound for pair in zip(tokens.starts, tokens.ends, strict=True) for bound in pair]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= len(text)


@given(st.text(max_size=30))
def test_any_string_survives_quoting(value: str) -> None:
    written = "'" + value.replace("'", "''") + "'"
    assert pieces(f"{written}, 1")[0] == ("string", written)


def test_closest_names_come_first() -> None:
    assert closest("phot_g_mean_mga", ["phot_bp_mean_mag", "phot_g_mean_mag", "ra"])[0] == "phot_g_mean_mag"
    assert closest("RADEC", ["ra_dec", "parallax"]) == ["ra_dec"]
    assert closest("FORM", ["FROM", "WHERE"]) == ["FROM"]
    assert closest("x", ["ra", "dec"]) == []
    assert closest("", ["ra"]) == []
    assert closest("a" * 1000, ["a" * 1000]) == []
    assert len(closest("ra1", [f"ra{number}" for number in range(9)])) == 3


def test_pieces_are_shown_short_and_printable() -> None:
    assert show("a\n\tb") == "'a b'"
    assert len(show("x" * 1000)) < 50
    assert "\x1b" not in show("\x1b[31m")


def test_reserved_words_are_quoted_as_the_author_wrote_them() -> None:
    assert '"Size"' in reserved_advice("Size")
