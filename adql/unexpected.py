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
_SETS = ("UNION", "EXCEPT", "INTERSECT", "ORDER BY", "OFFSET")
_AFTER_WHERE = ("GROUP BY", "HAVING", *_SETS)
# The last clause begun -> what may go on behind a complete part of it, before the end.
_FOLLOWING: dict[str, tuple[str, ...]] = {
    "FROM": ("a comma", "JOIN", "WHERE", *_AFTER_WHERE),
    "ON": ("AND", "OR", "JOIN", "WHERE", *_AFTER_WHERE),
    "USING": ("JOIN", "WHERE", *_AFTER_WHERE),
    "WHERE": ("AND", "OR", *_AFTER_WHERE),
    "GROUP": ("a comma", "HAVING", *_SETS),
    "HAVING": ("AND", "OR", *_SETS),
    "ORDER": ("a comma", "ASC", "DESC", "OFFSET"),
    "OFFSET": (),
}
_SELDOM = frozenset({"HAVING", "UNION", "EXCEPT", "INTERSECT", "OFFSET", "ASC"})  # left out of messages
_VALUES = ("a column", "a number", "a text in single quotes", "a function", "(")
_CHOICES: dict[str, tuple[str, ...]] = {
    A_VALUE: _VALUES,
    A_CONDITION: (*_VALUES, "NOT", "EXISTS"),
    A_COMPARISON: ("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "LIKE", "ILIKE", "IS NULL"),
    A_TABLE: ("a table name", "( and a subquery"),
    A_QUERY: ("SELECT",),
    A_FROM: ("a comma", "AS", "FROM"),
    A_JOIN_CONDITION: ("ON", "USING"),
    A_JOIN: ("JOIN", ")"),
}
_BEGINNINGS = {
    "(": "",
    "FROM": "Write SELECT columns before FROM: SELECT * FROM …",
    ";": "Remove the semicolon",
}
_COMPARING = ("BETWEEN", "IN", "IS", "LIKE", "ILIKE", "NOT", "AND", "OR")
_OPERANDS = frozenset({NAME, DELIMITED, STRING, NUMBER})
_BEFORE_ALIAS = _OPERANDS | {")", "END", "NULL", "WITH"}
# Of other dialects' words, those that are written in place of a value; the others are perhaps meant as names there.
_OTHER_VALUES = frozenset({"ANY", "SOME", "CURRENT_DATE", "CURRENT_TIMESTAMP"})


def unexpected(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError:
    """Make the error for token `index` standing where `expected` is needed."""
    return (
        _comma_too_many(tokens, index, expected)
        or _misspelled_word(tokens, index, expected)
        or _misspelled_alias(tokens, index, expected)
        or _other(tokens, index, expected)
    )


def _comma_too_many(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Blame the comma before a clause, a parenthesis or the end."""
    kind = tokens.kinds[index]
    ends = kind in (")", END) or (kind in _STRUCTURE and expected in _NAMING)
    if not ends or index == 0 or tokens.kinds[index - 1] != "," or _unclosed_before(tokens, index):
        return None
    before = "the end" if kind == END else kind
    return AdqlSyntaxError(f"There is a comma too many before {before}", tokens.span(index - 1, index - 1), "Remove it")


def _misspelled_word(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Offer keywords for a word that is near one, where none of another dialect or version explains it."""
    if tokens.kinds[index] != NAME:
        return None
    piece = tokens.piece(index)
    other = OTHER_SQL.get(piece.upper()) or new_word_advice(piece)
    pair = (tokens.piece(index - 1).upper(), piece.upper()) if index else ("", "")
    near = [] if other or pair in PAIRS else closest(piece, _wanted(expected) if index else ("SELECT", "WITH"))
    if not near:
        return None
    return AdqlSyntaxError(
        _message(tokens, index, expected),
        tokens.span(index, index),
        expected=_choices(tokens, index, expected),
        suggestions=near,
    )


def _misspelled_alias(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Blame the name before `index`: a misspelled keyword is taken for an alias there."""
    if not _follows_alias(tokens, index, expected):
        return None
    alias = tokens.piece(index - 1)
    near = [] if alias.upper() in OTHER_SQL or new_word_advice(alias) else closest(alias, _KEYWORDS)
    if not near:
        return None
    return AdqlSyntaxError(
        f"{show(alias)} is no keyword of ADQL, and as an alias it cannot stand before {_found(tokens, index)}",
        tokens.span(index - 1, index - 1),
        expected=_choices(tokens, index - 1, expected),
        suggestions=near,
    )


def _other(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError:
    return AdqlSyntaxError(
        _message(tokens, index, expected),
        tokens.span(index, index),
        _advice(tokens, index, expected),
        expected=_choices(tokens, index, expected),
    )


def _message(tokens: Tokens, index: int, expected: str) -> str:
    if tokens.kinds[index] == END:
        return "The query is empty" if index == 0 else f"The query ends where {_needed(tokens, index, expected)} expected"
    if index == 0 and expected == A_QUERY:
        return f"A query begins with SELECT or WITH, not with {_found(tokens, index)}"
    return f"Expected {_listed(tokens, index, expected)}, found {_found(tokens, index)}"


def _found(tokens: Tokens, index: int) -> str:
    return show(tokens.piece(index)) if tokens.kinds[index] != END else "the end of the query"


def _needed(tokens: Tokens, index: int, expected: str) -> str:
    listed = _listed(tokens, index, expected)
    return f"{listed} {'are' if listed.endswith('s') else 'is'}"


def _listed(tokens: Tokens, index: int, expected: str) -> str:
    """Name what could stand here in a few words."""
    if expected not in (THE_END, AN_END):
        return expected
    choices = _choices(tokens, index, expected)
    some = [choice for choice in choices[:-1] if choice not in _SELDOM]
    return f"{', '.join(some)} or {choices[-1]}" if some else choices[-1]


def _choices(tokens: Tokens, index: int, expected: str) -> tuple[str, ...]:
    """List what could stand at `index`."""
    if expected not in (THE_END, AN_END):
        return _CHOICES.get(expected, (expected,))
    end = "the end of the query" if expected == THE_END else ")"
    depth = 0
    for kind in reversed(tokens.kinds[:index]):
        depth += (kind == ")") - (kind == "(")
        if depth < 0:
            break
        if depth == 0 and kind in _FOLLOWING:
            return (*_FOLLOWING[kind], end)
    return (*_SETS, end)


def _advice(tokens: Tokens, index: int, expected: str) -> str:
    """Choose the most telling advice; the order matters."""
    kinds = tokens.kinds
    kind, piece = kinds[index], tokens.piece(index)
    before = tokens.piece(index - 1).upper() if index else ""
    if kind == END:
        return _advice_at_end(tokens, index, expected)
    if index == 0:
        return _BEGINNINGS.get(kind, READ_ONLY)
    for pair in ((before, piece.upper()), (piece.upper(), tokens.piece(index + 1).upper())):
        if pair in PAIRS:
            return PAIRS[pair]
    if kind == ")":
        return _advice_at_parenthesis(tokens, index)
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
    if expected == A_QUERY and tokens.kinds[index - 1] == ")":
        return "After WITH … AS ( … ) comes the query that reads from it"
    return _advice_from_alias(tokens, index, expected)


def _advice_at_parenthesis(tokens: Tokens, index: int) -> str:
    depth = 0
    for kind in tokens.kinds[:index]:
        depth += (kind == "(") - (kind == ")")
    if depth <= 0:
        return "No parenthesis is open here: remove it, or open one before"
    return "There is nothing between the parentheses" if tokens.kinds[index - 1] == "(" else ""


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
        return new_word_advice(piece)
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
    """Advise on a word of another dialect or version before `index`, which is taken for an alias there."""
    if not _follows_alias(tokens, index, expected):
        return ""
    alias = tokens.piece(index - 1)
    return OTHER_SQL.get(alias.upper(), "") or new_word_advice(alias)


def _follows_alias(tokens: Tokens, index: int, expected: str) -> bool:
    return (
        expected in _AFTER_ALIAS and tokens.kinds[index - 1] == NAME and tokens.kinds[index - 2] in _BEFORE_ALIAS
    )


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


def _unclosed_before(tokens: Tokens, index: int) -> bool:
    """Tell whether the query ends at `index` within a parenthesis, which is the greater fault."""
    return tokens.kinds[index] == END and _unclosed(tokens) is not None


def _unclosed(tokens: Tokens) -> int | None:
    """Find the innermost parenthesis that is never closed."""
    opened: list[int] = []
    for index, kind in enumerate(tokens.kinds):
        if kind == "(":
            opened.append(index)
        elif kind == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None
