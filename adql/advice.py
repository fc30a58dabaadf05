"""Say what to do about a token that the grammar does not expect."""

from __future__ import annotations

from ..schema.names import RESERVED
from .dialects import (
    A_CASE,
    BEGINNINGS,
    ORDER_OF_CLAUSES,
    OTHER_FUNCTIONS,
    OTHER_SQL,
    PAIRS,
    READ_ONLY,
    TYPED_LITERALS,
)
from .expected import (
    A_COMPARISON,
    A_COUNT,
    A_FROM,
    A_JOIN,
    A_JOIN_CONDITION,
    A_LIST_END,
    A_NAME,
    A_QUERY,
    A_SUBQUERY_NAME,
    A_TABLE,
    A_VALUE,
    AN_END,
    ENDS,
    NAMING,
    THE_END,
    clause,
)
from .signatures import CALLABLE
from .spelling import new_word_advice, reserved_advice, show
from .tokens import DELIMITED, END, NAME, NUMBER, STRING, Tokens

_AFTER_ALIAS = frozenset({A_FROM, THE_END, AN_END, A_JOIN_CONDITION, A_JOIN, "AS"})
# Reserved words that carry the structure of a query: nobody means them as names.
_STRUCTURE = frozenset(
    """ALL AND AS ASC BETWEEN BY CASE CAST CROSS DESC DISTINCT ELSE END EXCEPT FROM FULL GROUP HAVING ILIKE IN INNER
    INTERSECT IS JOIN LEFT LIKE NATURAL NOT NULL OFFSET ON OR ORDER OUTER RIGHT SELECT THEN TOP UNION USING WHEN WHERE
    WITH""".split()
)
_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "ORDER"})
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_OPERANDS = frozenset({NAME, DELIMITED, STRING, NUMBER})
_BEFORE_ALIAS = _OPERANDS | {")", "END", "NULL", "WITH"}
# Of other dialects' words, those that are written in place of a value; the others are perhaps meant as names there.
_OTHER_VALUES = frozenset({"ANY", "SOME", "CURRENT_DATE", "CURRENT_TIMESTAMP"})
# What is expected -> advice where nothing more telling is known.
_GENERAL: dict[str, str] = {
    A_JOIN_CONDITION: "For all combinations of rows write a comma in place of JOIN",
    A_SUBQUERY_NAME: "A subquery in FROM needs a name: ( … ) AS q",
    A_QUERY: "A subquery begins with SELECT",
    A_COMPARISON: "A condition compares two values, as in ra > 10",
    A_TABLE: "Tables are written schema.table, as TAP_SCHEMA.tables lists them",
    A_LIST_END: "Arguments and values are separated by commas",
    "AND and the upper end of BETWEEN": "Write BETWEEN low AND high",
    "NULL": "Only NULL is tested with IS: write = or <> for other values",
    "NULL or NOT NULL": "Only NULL is tested with IS: write = or <> for other values",
    "BETWEEN, IN, LIKE or ILIKE after NOT": "Write <> for unequal, or NOT before the whole condition",
    "WHEN, ELSE or END": A_CASE,
    "AS": "Write CAST(value AS type), and WITH name AS (SELECT …)",
    "(": "Values and subqueries after IN, and subqueries after EXISTS, stand in parentheses",
    "JOIN": "Write JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN or NATURAL JOIN",
}


def is_structure(kind: str) -> bool:
    """Tell whether a reserved word carries the structure of a query."""
    return kind in _STRUCTURE


def is_foreign(word: str) -> bool:
    """Tell whether a word belongs to another dialect, or to a later version than was asked for."""
    return word.upper() in OTHER_SQL or bool(new_word_advice(word))


def follows_alias(tokens: Tokens, index: int, expected: str) -> bool:
    """Tell whether a name that was perhaps no name, but taken for an alias, stands before `index`."""
    return (
        index > 1
        and expected in _AFTER_ALIAS
        and tokens.kinds[index - 1] == NAME
        and tokens.kinds[index - 2] in _BEFORE_ALIAS
    )


def reserved_here(tokens: Tokens, index: int, said: str) -> bool:
    """Tell whether the advice `said` is to quote the reserved word at `index`."""
    return tokens.kinds[index] in RESERVED and said == reserved_advice(tokens.piece(index))


def unclosed(tokens: Tokens, before: int) -> int | None:
    """Find the innermost parenthesis that is still open at token `before`."""
    opened: list[int] = []
    for index, kind in enumerate(tokens.kinds[:before]):
        if kind == "(":
            opened.append(index)
        elif kind == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None


def advice(tokens: Tokens, index: int, expected: str) -> str:
    """Choose the most telling advice; the order matters."""
    kinds = tokens.kinds
    kind, piece = kinds[index], tokens.piece(index)
    before = tokens.piece(index - 1).upper() if index else ""
    if kind == END:
        return _at_end(tokens, index, expected)
    if index == 0:
        known = BEGINNINGS.get(piece.upper(), "" if kind == NAME else READ_ONLY)
        return known or "Write SELECT before the columns, and FROM and a table behind them"
    for pair in ((before, piece.upper()), (piece.upper(), tokens.piece(index + 1).upper())):
        if pair in PAIRS:
            return PAIRS[pair]
    if kind == ")":
        return _at_parenthesis(tokens, index)
    return (
        _from_alias(tokens, index, expected)
        or _for_word(tokens, index, expected)
        or _for_place(tokens, index, expected)
        or _for_operand(tokens, index, expected)
        or _GENERAL.get(expected, "")
        or "Look at what stands before it, too"
    )


def _at_end(tokens: Tokens, index: int, expected: str) -> str:
    opened = unclosed(tokens, index)
    if opened is not None:
        return _open(tokens, opened)
    if index == 0:
        return "Write SELECT columns FROM table"
    comment = tokens.text[tokens.ends[index] :].find("--")
    if comment >= 0:
        hidden = tokens.text[tokens.ends[index] + comment :].strip()
        return f"All behind -- is a comment up to the end of its line: {show(hidden)}"
    if expected == A_FROM:
        return "Every ADQL query reads a table: for a constant write SELECT TOP 1 … FROM TAP_SCHEMA.tables"
    if expected == A_QUERY and tokens.kinds[index - 1] == ")":
        return "After WITH … AS ( … ) comes the query that reads from it"
    missing = f"Something is missing behind {show(tokens.piece(index - 1))}"
    return _from_alias(tokens, index, expected) or _GENERAL.get(expected, missing)


def _open(tokens: Tokens, opened: int) -> str:
    place = tokens.span(opened, opened)
    return f"The parenthesis opened in line {place.line}, column {place.column} is not closed"


def _at_parenthesis(tokens: Tokens, index: int) -> str:
    if unclosed(tokens, index) is None:
        return "No parenthesis is open here: remove it, or open one before"
    between = tokens.kinds[index - 1]
    if between == "(":
        return "There is nothing between the parentheses"
    return f"Something is missing between {show(tokens.piece(index - 1))} and )"


def _from_alias(tokens: Tokens, index: int, expected: str) -> str:
    """Advise on a word of another dialect or version before `index`, which is taken for a name there."""
    before = tokens.piece(index - 1)
    if tokens.kinds[index] == "(" and tokens.kinds[index - 1] == NAME and before.upper() in OTHER_SQL:
        return OTHER_SQL[before.upper()]
    if not follows_alias(tokens, index, expected):
        return ""
    return OTHER_SQL.get(before.upper(), "") or new_word_advice(before)


def _for_word(tokens: Tokens, index: int, expected: str) -> str:
    """Advise on a word of another dialect, of another version, or reserved."""
    kind, piece = tokens.kinds[index], tokens.piece(index)
    upper, following = piece.upper(), tokens.kinds[index + 1]
    if kind == "WITH":
        hint = tokens.piece(index + 2).upper() if following == "(" else ""
        return OTHER_SQL.get(hint, "WITH stands only at the beginning of the whole query")
    if kind == "SELECT":
        return _for_select(tokens, index, expected)
    called = OTHER_FUNCTIONS.get(upper, "") if following == "(" else ""
    if called or (following == STRING and upper in TYPED_LITERALS):
        return called or TYPED_LITERALS[upper]
    naming = expected in NAMING and following != "("
    if kind in (NAME, upper) and upper in (_OTHER_VALUES if naming else OTHER_SQL):
        return OTHER_SQL[upper]
    if kind == NAME:
        return new_word_advice(piece)
    if kind not in RESERVED:
        return ""
    if kind in CALLABLE and following == "(":
        return ""
    if kind not in _STRUCTURE and following == "(":
        return f"{upper} is no function of ADQL; if it is meant as a name, write it in double quotes"
    misplaced = _for_clause(tokens, index, expected)
    if misplaced or (kind in _STRUCTURE and (expected not in NAMING or kind in ("FROM", "WHERE"))):
        return misplaced
    return reserved_advice(piece)


def _for_clause(tokens: Tokens, index: int, expected: str) -> str:
    """Advise on a word of a query's structure in a wrong place."""
    kind, before = tokens.kinds[index], tokens.kinds[index - 1]
    if before == "." and kind in ("FROM", "WHERE"):
        return "A name is missing behind the point"
    if kind == "FROM" and expected == A_VALUE and before in ("SELECT", "DISTINCT", "ALL"):
        return "Nothing is selected: write * for all columns"
    if kind == "DISTINCT" and expected == A_VALUE:
        return "DISTINCT stands directly after SELECT, before TOP"
    if kind == "TOP" and expected not in NAMING:
        return "TOP stands directly after SELECT or SELECT DISTINCT: SELECT TOP 10 …"
    if kind in _CLAUSES and expected in ENDS:
        return "Conditions are joined by AND and OR" if clause(tokens, index) == kind == "WHERE" else ORDER_OF_CLAUSES
    opened = unclosed(tokens, index)
    if kind in _CLAUSES and opened is not None and expected.endswith(")"):
        return _open(tokens, opened)
    if kind in _CLAUSES and expected in (A_VALUE, "a condition"):
        return f"Something is missing between {show(tokens.piece(index - 1))} and {kind}"
    return ""


def _for_select(tokens: Tokens, index: int, expected: str) -> str:
    if expected == A_VALUE and tokens.kinds[index - 1] == "(":
        return "A subquery stands only in FROM, after IN and after EXISTS, not as a value"
    if expected == A_NAME and tokens.kinds[index - 1] == "(":
        return "AS is missing: WITH name AS (SELECT …)"
    if expected == THE_END:
        return "One request holds one query; join two of them with UNION, EXCEPT or INTERSECT"
    return ""


def _for_place(tokens: Tokens, index: int, expected: str) -> str:
    """Advise by what is expected and the clause that the token stands in."""
    kinds = tokens.kinds
    kind, before = kinds[index], kinds[index - 1]
    if expected in ("THEN", "WHEN"):
        return A_CASE
    if expected == "BY":
        return f"Write {before} BY"
    if expected.startswith(A_COUNT):
        example = expected.removeprefix(A_COUNT).rstrip("(")
        return f"Write {example}(10)" if expected.endswith("(") else f"Write {example} 10: without parentheses or sign"
    if kind == "." and expected == A_FROM and before == NAME:
        return f"Perhaps FROM is missing before {show(tokens.piece(index - 1))}"
    if kind == "," and expected in ENDS:
        if before == kinds[index + 1] == NUMBER:
            return "Decimals are written with a point: 1.5"
        return "Conditions are joined by AND and OR" if clause(tokens, index) in ("WHERE", "ON", "HAVING") else ""
    if kind == "," and expected == ")":
        return "It takes one value: join texts with ||, or use a subquery with SELECT DISTINCT"
    if kind in _COMPARISONS:
        return _for_comparison(tokens, index, expected)
    if kind == STRING and expected == A_TABLE:
        return "Only tables that TAP_SCHEMA.tables lists can be read; their names need no quotes"
    return ""


def _for_comparison(tokens: Tokens, index: int, expected: str) -> str:
    if expected == A_FROM:
        return "Conditions stand after WHERE, ON and HAVING, not among the columns"
    if expected == A_LIST_END:
        return f"A condition is no argument: {A_CASE[0].lower()}{A_CASE[1:]}"
    if expected in ENDS and clause(tokens, index) in ("FROM", "USING"):
        return f"Perhaps WHERE is missing before {show(tokens.piece(index - 1))}"
    if expected in ENDS and clause(tokens, index) in ("WHERE", "ON", "HAVING"):
        return "Comparisons are not chained: write a < b AND b < c, or BETWEEN"
    return ""


def _for_operand(tokens: Tokens, index: int, expected: str) -> str:
    kinds = tokens.kinds
    begins = kinds[index] in _OPERANDS or (kinds[index] in CALLABLE and kinds[index + 1] == "(")
    if begins and kinds[index - 1] in _OPERANDS | {")"}:
        return f"Perhaps a comma, an operator or AS is missing before {show(tokens.piece(index))}"
    if kinds[index] == "(" and kinds[index - 1] == NAME and expected in ENDS:
        return "Only tables and subqueries stand in FROM, no functions"
    return ""
