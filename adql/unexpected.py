"""Explain a token that the grammar does not expect: what was expected, what stands there, and what to do."""

from __future__ import annotations

from ..config.errors import AdqlSyntaxError, Position
from ..schema.names import RESERVED
from .signatures import CALLABLE
from .spelling import (
    OTHER_SQL,
    PAIRS,
    READ_ONLY,
    closest,
    did_you_mean,
    new_word_advice,
    reserved_advice,
    show,
)
from .tokens import DELIMITED, END, NAME, NUMBER, STRING, Tokens

# What the readers expect; the explanations below depend on it.
A_NAME, A_TABLE, AN_ALIAS, A_COLUMN = "a name", "a table name", "an alias", "a column name"
A_VALUE, A_CONDITION, A_COMPARISON = "a column or a value", "a condition", "a comparison"
A_QUERY, A_FROM = "SELECT", "FROM"
THE_END, AN_END = "the end of the query", "a clause, a set operator or )"
A_JOIN_CONDITION, A_JOIN = "ON or USING after JOIN", "JOIN or )"

_NAMING = frozenset({A_NAME, A_TABLE, AN_ALIAS, A_COLUMN, A_VALUE})
_AFTER_ALIAS = frozenset({A_FROM, THE_END, AN_END, A_JOIN_CONDITION, A_JOIN, "AS"})
# Reserved words that carry the structure of a query: nobody means them as names.
_STRUCTURE = frozenset(
    """ALL AND AS ASC BETWEEN BY CASE CAST CROSS DESC DISTINCT ELSE END EXCEPT FROM FULL GROUP HAVING ILIKE IN INNER
    INTERSECT IS JOIN LEFT LIKE NATURAL NOT NULL OFFSET ON OR ORDER OUTER RIGHT SELECT THEN TOP UNION USING WHEN WHERE
    WITH""".split()
)
# Keywords that can follow where a value or a table ends; misspelled, they are taken for aliases.
_KEYWORDS = (
    *("FROM", "WHERE", "GROUP", "GROUP BY", "HAVING", "ORDER", "ORDER BY", "OFFSET", "UNION", "EXCEPT", "INTERSECT"),
    *("JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "USING", "BETWEEN", "LIKE", "ILIKE", "DESC"),
)
_COMPARING = ("BETWEEN", "IN", "IS", "LIKE", "ILIKE", "NOT", "AND", "OR")
_OPERANDS = frozenset({NAME, DELIMITED, STRING, NUMBER})
_BEFORE_ALIAS = _OPERANDS | {")", "END", "NULL", "WITH"}
# Of other dialects' words, those that are written in place of a value; the others are perhaps meant as names there.
_OTHER_VALUES = frozenset({"ANY", "SOME", "CURRENT_DATE", "CURRENT_TIMESTAMP"})


def unexpected(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError:
    """Make the error for token `index` standing where `expected` is needed."""
    piece = tokens.piece(index)
    place = tokens.span(index, index)
    kind = tokens.kinds[index]
    if kind == END:
        message = "The query is empty" if index == 0 else f"The query ends where {expected} is expected"
    elif index == 0 and expected == A_QUERY:
        message = f"A query begins with SELECT or WITH, not with {show(piece)}"
    else:
        message = f"Expected {expected}, found {show(piece)}"
    return AdqlSyntaxError(message, place, _advice(tokens, index, expected))


def _advice(tokens: Tokens, index: int, expected: str) -> str:
    """Choose the most telling advice; the order matters."""
    kinds = tokens.kinds
    kind, piece = kinds[index], tokens.piece(index)
    before = tokens.piece(index - 1).upper() if index else ""
    if kind == END:
        return _advice_at_end(tokens, index, expected)
    if index == 0:
        return did_you_mean(piece, ("SELECT", "WITH")) or READ_ONLY
    for pair in ((before, piece.upper()), (piece.upper(), tokens.piece(index + 1).upper())):
        if pair in PAIRS:
            return PAIRS[pair]
    if kind == ")":
        return _advice_at_parenthesis(tokens, index)
    if kinds[index - 1] == "," and kind in _STRUCTURE and expected in _NAMING:
        return f"There is a comma too many before {kind}"
    return (
        _advice_for_word(tokens, index, expected)
        or _advice_from_alias(tokens, index, expected)
        or _advice_for_operand(tokens, index, expected)
    )


def _advice_at_end(tokens: Tokens, index: int, expected: str) -> str:
    opened = _unclosed(tokens)
    if opened is not None:
        place: Position = tokens.span(opened, opened)
        return f"The parenthesis opened in line {place.line}, column {place.column} is not closed"
    if index == 0:
        return "Write SELECT columns FROM table"
    if expected == A_FROM:
        return "Every ADQL query reads a table: for a constant write SELECT TOP 1 … FROM TAP_SCHEMA.tables"
    if tokens.kinds[index - 1] == ",":
        return "There is a comma too many at the end"
    if expected == A_QUERY and tokens.kinds[index - 1] == ")":
        return "After WITH … AS ( … ) comes the query that reads from it"
    return _advice_from_alias(tokens, index, expected)


def _advice_at_parenthesis(tokens: Tokens, index: int) -> str:
    depth = 0
    for kind in tokens.kinds[:index]:
        depth += (kind == "(") - (kind == ")")
    if depth <= 0:
        return "No parenthesis is open here: remove it, or open one before"
    return "There is a comma too many before )" if tokens.kinds[index - 1] == "," else ""


def _advice_for_word(tokens: Tokens, index: int, expected: str) -> str:
    """Advise on a word of another dialect, of another version, or reserved."""
    kind, piece = tokens.kinds[index], tokens.piece(index)
    upper = piece.upper()
    if kind == "FROM" and expected == A_VALUE and tokens.kinds[index - 1] in ("SELECT", "DISTINCT", "ALL"):
        return "Nothing is selected: write * for all columns"
    if kind == "DISTINCT" and expected == A_VALUE:
        return "DISTINCT stands directly after SELECT, before TOP"
    if kind == "WITH":
        return "WITH stands only at the beginning of the whole query"
    if kind == "SELECT":
        return _advice_for_select(tokens, index, expected)
    if kind in (NAME, upper) and upper in (OTHER_SQL if expected not in _NAMING else _OTHER_VALUES):
        return OTHER_SQL[upper]
    if kind in RESERVED and kind not in _STRUCTURE and kind not in CALLABLE and tokens.kinds[index + 1] == "(":
        return f"{upper} is no function of ADQL; if it is meant as a name, write it in double quotes"
    if kind == NAME:
        return new_word_advice(piece) or did_you_mean(piece, _wanted(expected))
    if kind in RESERVED and (kind not in _STRUCTURE or (expected in _NAMING and kind not in ("FROM", "WHERE"))):
        return reserved_advice(piece)
    return ""


def _advice_for_select(tokens: Tokens, index: int, expected: str) -> str:
    if expected == A_VALUE and tokens.kinds[index - 1] == "(":
        return "A subquery stands only in FROM, after IN and after EXISTS, not as a value"
    if expected == THE_END:
        return "One request holds one query; join two of them with UNION, EXCEPT or INTERSECT"
    return ""


def _advice_from_alias(tokens: Tokens, index: int, expected: str) -> str:
    """Advise on the name before `index`: a misspelled or foreign keyword is taken for an alias there."""
    if expected not in _AFTER_ALIAS or tokens.kinds[index - 1] != NAME or tokens.kinds[index - 2] not in _BEFORE_ALIAS:
        return ""
    alias = tokens.piece(index - 1)
    near = closest(alias, _KEYWORDS)
    meant = f"Did you mean {' or '.join(near)} instead of {show(alias)}?" if near else ""
    return OTHER_SQL.get(alias.upper(), "") or new_word_advice(alias) or meant


def _advice_for_operand(tokens: Tokens, index: int, expected: str) -> str:
    kinds = tokens.kinds
    if kinds[index] in _OPERANDS and kinds[index - 1] in _OPERANDS | {")"}:
        return f"Perhaps a comma, an operator or AS is missing before {show(tokens.piece(index))}"
    if kinds[index] == "(" and kinds[index - 1] == NAME and expected == THE_END:
        return "Only tables and subqueries stand in FROM, no functions"
    if kinds[index] in ("=", "<>", "<", ">", "<=", ">=") and expected == A_FROM:
        return "Conditions stand after WHERE, ON and HAVING, not among the columns"
    return ""


def _wanted(expected: str) -> tuple[str, ...]:
    """Give the keywords to compare a misspelled word with."""
    if expected.isupper():
        return (expected,)
    if expected == A_COMPARISON:
        return _COMPARING
    return _KEYWORDS if expected not in _NAMING else ()


def _unclosed(tokens: Tokens) -> int | None:
    """Find the innermost parenthesis that is never closed."""
    opened: list[int] = []
    for index, kind in enumerate(tokens.kinds):
        if kind == "(":
            opened.append(index)
        elif kind == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None
