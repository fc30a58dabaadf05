"""The FROM clause: tables, subqueries and joins (ADQL 2.1 section 2.2)."""

from __future__ import annotations

from typing import Literal

from ..config.errors import AdqlSyntaxError, Position
from . import tree
from .expected import A_JOIN, A_JOIN_CONDITION, A_SUBQUERY_NAME, A_TABLE
from .parse_expressions import ExpressionReader
from .reader import NESTING, TABLES
from .tokens import DELIMITED, END, NAME, NUMBER

_JOINS = frozenset({"JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "CROSS"})
# What follows the parenthesis around a query inside another parenthesis, if that holds a query as well.
_AFTER_QUERY = frozenset({")", "UNION", "EXCEPT", "INTERSECT", "ORDER", "OFFSET", END})
Kind = Literal["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
_KINDS: dict[str, Kind] = {"INNER": "INNER", "LEFT": "LEFT", "RIGHT": "RIGHT", "FULL": "FULL", "CROSS": "CROSS"}


class TableReader(ExpressionReader):
    """Reads table references."""

    _partners: dict[int, int] | None = None

    def tables(self) -> tree.TableRef:
        """Read `reference, …`; the comma becomes a CROSS join, to the left."""
        outer, self.height = self.height, 0
        first = self.index
        left = self._joined()
        while self.accept(","):
            right = self._joined()
            self.grow()
            left = tree.Join("CROSS", False, left, right, None, (), self.since(first), comma=True)
        self.height = max(outer, self.height)
        return left

    def opens_query(self) -> bool:
        """Tell whether the next token is a parenthesis around a query.

        `((SELECT …) UNION …` is one, `((SELECT …) AS a JOIN …` and `(1, 2)` are none.
        """
        kinds = self.kinds
        inner = self.index
        while kinds[inner] == "(" and inner <= self.index + NESTING:
            inner += 1
        if inner == self.index or kinds[inner] not in ("SELECT", "WITH"):
            return False
        partners = self._closings() if inner > self.index + 1 else {}
        return all(kinds[partners.get(opened, -2) + 1] in _AFTER_QUERY for opened in range(self.index + 1, inner))

    def _closings(self) -> dict[int, int]:
        """Map each `(` to its `)`; one that is never closed is left out."""
        if self._partners is None:
            self._partners = {}
            opened: list[int] = []
            for index, kind in enumerate(self.kinds):
                if kind == "(":
                    opened.append(index)
                elif kind == ")" and opened:
                    self._partners[opened.pop()] = index
        return self._partners

    # ------------------------------------------------------------ joins

    def _joined(self) -> tree.TableRef:
        first = self.index
        left = self._single()
        while self.kinds[self.index] in _JOINS:
            left = self._join(left, first)
            self.grow()
        return left

    def _join(self, left: tree.TableRef, first: int) -> tree.Join:
        """Read one join; in `a JOIN b JOIN c ON x ON y` the inner one is the right side of the outer."""
        natural = self.accept("NATURAL")
        kind = self._kind()
        second = self.index
        right = self._single()
        if natural or kind == "CROSS":
            if self.kinds[self.index] in ("ON", "USING"):
                word = "NATURAL" if natural else "CROSS"
                place = self.tokens.span(self.index, self.index)
                raise AdqlSyntaxError(f"A {word} join takes no {self.kinds[self.index]}", place, f"Leave out {word}")
            return tree.Join(kind, natural, left, right, None, (), self.since(first))
        self.enter()
        while self.kinds[self.index] in _JOINS:
            right = self._join(right, second)
            self.grow()
        self.depth -= 1
        if self.accept("ON"):
            on = self.condition()
            return tree.Join(kind, False, left, right, on, (), self.since(first))
        if not self.accept("USING"):
            raise self.unexpected(A_JOIN_CONDITION)
        using = self.name_list("a column name without qualifier")
        return tree.Join(kind, False, left, right, None, using, self.since(first))

    def _kind(self) -> Kind:
        word = self.kinds[self.index]
        kind = _KINDS.get(word, "INNER")
        if word in _KINDS:
            self.index += 1
            if word in ("LEFT", "RIGHT", "FULL"):
                self.accept("OUTER")
        self.expect("JOIN")
        return kind

    # ------------------------------------------------------------ single references

    def _single(self) -> tree.TableRef:
        kind = self.kinds[self.index]
        first = self.index
        if kind in (NAME, DELIMITED):
            self.spend(TABLES)
            parts = self.names(A_TABLE, 3)
            sample = self._sample()
            alias = self.alias()
            sample = sample or self._sample()
            return tree.TableName(parts[:-1], parts[-1], alias, self.since(first), sample)
        if kind != "(":
            raise self.unexpected(A_TABLE)
        if self.opens_query():
            return self._derived(self.subquery(), first)
        return self._parenthesised()

    def _sample(self) -> tree.Sample | None:
        """Read `TABLESAMPLE …` if there is one, before or behind the alias; the words are not reserved."""
        first = self.index
        if self.kinds[first] != NAME or self.tokens.piece(first).upper() != "TABLESAMPLE":
            return None
        word = self.tokens.piece(first + 1).upper()
        if self.kinds[first + 1] != "(" and word not in ("BERNOULLI", "SYSTEM"):
            return None
        self.index = first + (1 if self.kinds[first + 1] == "(" else 2)
        self.expect("(")
        percent = self._percent()
        self.expect(")")
        seed = None
        if self.kinds[self.index] == NAME and self.tokens.piece(self.index).upper() == "REPEATABLE":
            self.index += 1
            self.expect("(", "( and a seed")
            seed = self.whole_number("REPEATABLE(")
            self.expect(")")
        return tree.Sample("SYSTEM" if word == "SYSTEM" else "BERNOULLI", percent, seed, self.since(first))

    def _percent(self) -> float:
        index = self.index
        self.expect(NUMBER, "a number of percent")
        text = self.tokens.piece(index)
        percent = float(text) if text[:2] not in ("0x", "0X") else -1.0
        if not 0.0 <= percent <= 100.0:
            place = self.tokens.span(index, index)
            raise AdqlSyntaxError(f"A sample has 0 to 100 percent of the rows, not {text[:20]}", place)
        return percent

    def _derived(self, query: tree.Query, first: int) -> tree.DerivedTable:
        alias = self.alias()
        if alias is None:
            raise self.unexpected(A_SUBQUERY_NAME)
        return tree.DerivedTable(query, alias, self.since(first))

    def _parenthesised(self) -> tree.Join | tree.DerivedTable:
        """Read `( joined table )`; with an alias it stands for `(SELECT * FROM joined table)`."""
        first = self.index
        self.enter()
        self.index += 1
        inner = self._joined()
        self.expect(")", A_JOIN)
        self.depth -= 1
        if not isinstance(inner, tree.Join):
            raise AdqlSyntaxError(
                "Parentheses in FROM hold a join or a subquery", self.since(first), "Leave the parentheses out"
            )
        if self.kinds[self.index] in ("AS", NAME, DELIMITED):
            return self._derived(_everything(inner, self.since(first)), first)
        return inner


def _everything(tables: tree.Join, at: Position) -> tree.Query:
    star = tree.Star((), at)
    select = tree.Select(False, None, (star,), tables, None, (), None, at)
    return tree.Query((), select, (), None, at)
