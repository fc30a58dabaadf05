"""The cursor over the tokens that all parts of the parser share, with the limits on depth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..config.errors import AdqlSyntaxError, Position
from . import tree
from .expected import A_COUNT, A_NAME, AN_ALIAS
from .tokens import DELIMITED, NAME, Tokens
from .unexpected import unexpected

# One nested operator costs up to five frames of Python, one subquery about ten; both limits together keep parser,
# resolver and printer far from the interpreter's recursion limit.
NESTING = 80
SUBQUERY_COST = 3
HEIGHT = 128
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """How many of something one query may have, so that no engine plans it for minutes."""

    most: int
    what: str
    advice: str


# At these limits planning takes DuckDB about two seconds, which nothing can interrupt, and some hundred megabytes;
# conditions cost it the square of their number.
VALUES = Limit(10_000, "columns, values and functions", "Split the query, or upload a table and join it")
LISTED = Limit(50_000, "values in lists", "Upload a table and join it")
PREDICATES = Limit(1000, "comparisons", "Use IN for lists of values, or upload a table and join it")
SUBQUERIES = Limit(20, "subqueries in conditions", "Join the tables, or upload a table and join it")
TABLES = Limit(200, "tables", "Split the query")
ARGUMENTS = Limit(4096, "arguments of one function", "Simplify the region, or split the query")
TERMS = Limit(256, "terms of GROUP BY and ORDER BY", "Order and group by fewer values")


class Reader:
    """A position in the tokens of one text.

    `depth` counts what is open now; `height` is the height of the tallest tree built since it was last set to 0.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.index = 0
        self.depth = 0
        self.height = 0
        self.spent: Counter[Limit] = Counter()

    def since(self, first: int) -> Position:
        """Give the place from token `first` to the token just read."""
        return self.tokens.span(first, self.index - 1)

    def accept(self, kind: str) -> bool:
        """Step over the next token if it is of `kind`, and tell so."""
        if self.kinds[self.index] != kind:
            return False
        self.index += 1
        return True

    def expect(self, kind: str, expected: str = "") -> None:
        """Step over the next token, which must be of `kind`."""
        if self.kinds[self.index] != kind:
            raise self.unexpected(expected or kind)
        self.index += 1

    def unexpected(self, expected: str) -> AdqlSyntaxError:
        """Make the error for the next token standing where `expected` is needed."""
        return unexpected(self.tokens, self.index, expected)

    def enter(self, cost: int = 1) -> None:
        """Count what is opened; the same cost is taken off `depth` when it closes."""
        self.depth += cost
        if self.depth > NESTING:
            raise AdqlSyntaxError(
                "The query is nested too deeply",
                self.tokens.span(self.index, self.index),
                "Take parentheses away, or name subqueries with WITH",
            )

    def spend(self, limit: Limit, count: int = 1) -> None:
        """Count what the query has; AdqlSyntaxError at the last token beyond the limit."""
        self.spent[limit] += count
        if self.spent[limit] > limit.most:
            place = self.tokens.span(max(0, self.index - 1), max(0, self.index - 1))
            raise AdqlSyntaxError(f"The query has more than {limit.most} {limit.what}", place, limit.advice)

    def grow(self) -> None:
        """Count one more node above the tallest tree."""
        self.height += 1
        if self.height > HEIGHT:
            raise AdqlSyntaxError(
                f"More than {HEIGHT} operations, joins or set operations follow on each other",
                self.tokens.span(self.index - 1, self.index - 1),
                "Split the query, use IN for long lists of values, or upload a table",
            )

    def name(self, expected: str = A_NAME) -> tree.Identifier:
        """Read one regular or delimited identifier."""
        index = self.index
        kind = self.kinds[index]
        if kind == NAME:
            text = self.tokens.piece(index)
        elif kind == DELIMITED:
            text = self.tokens.piece(index)[1:-1].replace('""', '"')
            if not text:
                raise AdqlSyntaxError("A name in double quotes is empty", self.tokens.span(index, index))
        else:
            raise self.unexpected(expected)
        self.index = index + 1
        return tree.Identifier(text, kind == DELIMITED, self.tokens.span(index, index))

    def names(self, expected: str, most: int) -> tuple[tree.Identifier, ...]:
        """Read a name with its qualifiers, `a.b.c`, of at most `most` parts."""
        first = self.index
        parts = [self.name(expected)]
        while self.accept("."):
            parts.append(self.name(expected))
        if len(parts) > most:
            raise AdqlSyntaxError(
                f"The name has {len(parts)} parts, at most {most} are possible",
                self.since(first),
                'A point inside a name needs double quotes around the name: "a.b"',
            )
        return tuple(parts)

    def name_list(self, expected: str) -> tuple[tree.Identifier, ...]:
        """Read `( name, … )`."""
        self.expect("(")
        parts = [self.name(expected)]
        while self.accept(","):
            parts.append(self.name(expected))
        self.expect(")")
        return tuple(parts)

    def alias(self) -> tree.Identifier | None:
        """Read `[AS] name` if there is one."""
        if self.accept("AS"):
            return self.name(AN_ALIAS)
        return self.name() if self.kinds[self.index] in (NAME, DELIMITED) else None

    def whole_number(self, after: str) -> int:
        """Read an unsigned integer; one beyond 64 bits stands for the largest of them."""
        index = self.index
        text = self.tokens.piece(index)
        if not (text.isascii() and text.isdigit()):
            raise unexpected(self.tokens, index, A_COUNT + after)
        self.index = index + 1
        return min(int(text), _LARGEST) if len(text) < 100 else _LARGEST
