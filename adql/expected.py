"""What the parser expects at a place: its names for it, and the pieces that could stand there."""

from __future__ import annotations

from .tokens import Tokens

# What the readers expect; the explanations of unexpected tokens depend on it.
A_NAME, A_TABLE, AN_ALIAS, A_COLUMN = "a name", "a table name", "an alias", "a column name"
A_VALUE, A_CONDITION, A_COMPARISON = "a column or a value", "a condition", "a comparison"
A_QUERY, A_FROM, A_TYPE = "SELECT", "FROM", "the name of a type"
THE_END, AN_END = "the end of the query", "a clause, a set operator or )"
A_JOIN_CONDITION, A_JOIN = "ON or USING after JOIN", "JOIN or )"
A_LIST_END, A_SUBQUERY_NAME = "a comma or )", "an alias after the subquery"
A_COUNT = "a whole number, not negative, after "

NAMING = frozenset({A_NAME, A_TABLE, AN_ALIAS, A_COLUMN, A_VALUE, A_CONDITION, A_SUBQUERY_NAME})
ENDS = frozenset({THE_END, AN_END})

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
    A_LIST_END: ("a comma", ")"),
    "WHEN, ELSE or END": ("WHEN", "ELSE", "END"),
    "NULL or NOT NULL": ("NULL", "NOT NULL"),
    "BETWEEN, IN, LIKE or ILIKE after NOT": ("BETWEEN", "IN", "LIKE", "ILIKE"),
    "AND and the upper end of BETWEEN": ("AND",),
}
_JOINS = ("JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "CROSS")
_BEHIND_ALL = {"GROUP BY": "GROUP", "ORDER BY": "ORDER"}


def clause(tokens: Tokens, index: int) -> str:
    """Name the clause that token `index` stands in, on its level of parentheses; empty where there is none."""
    depth = 0
    for kind in reversed(tokens.kinds[:index]):
        depth += (kind == ")") - (kind == "(")
        if depth < 0:
            return ""
        if depth == 0 and kind in _FOLLOWING:
            return kind
    return ""


def choices(tokens: Tokens, index: int, expected: str) -> tuple[str, ...]:
    """List what could stand at `index`."""
    if expected.startswith(A_COUNT):
        return ("a whole number",)
    if expected not in ENDS:
        return _CHOICES.get(expected, (expected,))
    end = "the end of the query" if expected == THE_END else ")"
    return (*_FOLLOWING.get(clause(tokens, index), _SETS), end)


def listed(tokens: Tokens, index: int, expected: str) -> str:
    """Name what could stand at `index` in a few words."""
    if expected not in ENDS:
        return expected
    found = choices(tokens, index, expected)
    some = [choice for choice in found[:-1] if choice not in _SELDOM]
    return f"{', '.join(some)} or {found[-1]}" if some else found[-1]


def keywords(tokens: Tokens, index: int, expected: str) -> tuple[str, ...]:
    """List the keywords that could stand at `index`, to compare a misspelled word with."""
    if expected.isupper():
        return (expected,)
    if expected == A_COMPARISON:
        return ("BETWEEN", "IN", "IS", "LIKE", "ILIKE", "NOT", "AND", "OR")
    words = [choice for choice in choices(tokens, index, expected) if choice.isupper()]
    joins = _JOINS if "JOIN" in words or expected == A_JOIN_CONDITION else ()
    return (*dict.fromkeys((*words, *(_BEHIND_ALL[word] for word in words if word in _BEHIND_ALL), *joins)),)
