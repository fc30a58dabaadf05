"""Calls of functions, aggregates, CAST and CASE (ADQL 2.1 sections 2.3, 4.2 to 4.8)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, cast

from ..config.errors import AdqlSyntaxError
from . import tree
from .expected import A_COLUMN, A_LIST_END, A_TYPE, A_VALUE
from .reader import ARGUMENTS, Reader
from .signatures import CALLABLE, fault
from .spelling import TYPES, show, type_instead

AGGREGATES = ("COUNT", "SUM", "AVG", "MIN", "MAX")
# Targets of CAST; the value tells whether a length in parentheses may follow.
_TYPES = {
    **dict.fromkeys(("SMALLINT", "INTEGER", "BIGINT", "REAL", "TIMESTAMP", "POINT", "CIRCLE", "POLYGON"), False),
    **dict.fromkeys(("CHAR", "VARCHAR"), True),
}
LONGEST_TEXT = 10_000
"""Most characters of CHAR(n) and VARCHAR(n): texts of fixed length take that room in every row of a result."""


class FunctionReader(Reader, ABC):
    """Reads everything that is written with a name and parentheses."""

    @abstractmethod
    def value(self) -> tree.Expression:
        """Read one value."""

    @abstractmethod
    def condition(self) -> tree.Condition:
        """Read one condition."""

    def call(self) -> tree.Function:
        """Read `name(argument, …)`; the counts and shapes that the grammar fixes are checked."""
        first = self.index
        name = self.tokens.piece(first)
        if self.kinds[first] in CALLABLE and self.kinds[first + 1] != "(":
            raise self.unexpected(A_VALUE)
        self.index = first + 2
        arguments: list[tree.Expression] = []
        if not self.accept(")"):
            arguments.append(self.value())
            while self.accept(","):
                arguments.append(self.value())
            self.expect(")", A_LIST_END)
        if len(arguments) > ARGUMENTS.most:
            self.spend(ARGUMENTS, len(arguments))
        self.grow()
        at = self.since(first)
        found = tuple(arguments)
        wrong = fault(self.kinds[first], found)
        if wrong:
            raise AdqlSyntaxError(wrong[0], at, wrong[1])
        return tree.Function(name, found, at)

    def aggregate(self) -> tree.Aggregate:
        """Read `COUNT(*)` or `name([ALL|DISTINCT] value)`."""
        first = self.index
        name = cast(Literal["COUNT", "SUM", "AVG", "MIN", "MAX"], self.kinds[first])
        if self.kinds[first + 1] != "(":
            raise self.unexpected(A_VALUE)
        self.index = first + 2
        argument: tree.Expression | None = None
        distinct = False
        if name != "COUNT" or not self.accept("*"):
            distinct = self.accept("DISTINCT")
            if not distinct:
                self.accept("ALL")
            argument = self.value()
        self.expect(")")
        self.grow()
        return tree.Aggregate(name, distinct, argument, self.since(first))

    def cast(self) -> tree.Cast:
        """Read `CAST(value AS type)`."""
        first = self.index
        self.index += 1
        self.expect("(")
        operand = self.value()
        self.expect("AS")
        type_name, length = self._type()
        self.expect(")")
        self.grow()
        return tree.Cast(operand, type_name, length, self.since(first))

    def _type(self) -> tuple[str, int | None]:
        index = self.index
        word = self.tokens.piece(index).upper()
        if word == "DOUBLE" and self.kinds[index + 1] == "PRECISION":
            self.index += 2
            return "DOUBLE PRECISION", None
        if word not in _TYPES:
            message = f"Expected {A_TYPE}, found {show(self.tokens.piece(index)) or 'the end of the query'}"
            instead = type_instead(word)
            place = self.tokens.span(index, index)
            if instead:
                raise AdqlSyntaxError(message, place, f"Write {instead}", expected=(A_TYPE,), suggestions=(instead,))
            raise AdqlSyntaxError(message, place, TYPES, expected=(A_TYPE,))
        self.index += 1
        length = None
        if _TYPES[word] and self.accept("("):
            length = self.whole_number(f"{word}(")
            if length > LONGEST_TEXT:
                message = f"{word}({self.tokens.piece(self.index - 1)[:20]}) is too long"
                place = self.tokens.span(self.index - 1, self.index - 1)
                raise AdqlSyntaxError(message, place, f"At most {word}({LONGEST_TEXT}) is possible")
            self.expect(")")
        return word, length

    def case(self) -> tree.Case:
        """Read `CASE [subject] WHEN … THEN … [ELSE …] END`, an extension that TAP services declare."""
        first = self.index
        self.index += 1
        subject = None if self.kinds[self.index] == "WHEN" else self.value()
        branches: list[tuple[tree.Condition | tree.Expression, tree.Expression]] = []
        self.expect("WHEN")
        while True:
            when = self.condition() if subject is None else self.value()
            self.expect("THEN")
            branches.append((when, self.value()))
            if not self.accept("WHEN"):
                break
        otherwise = self.value() if self.accept("ELSE") else None
        self.expect("END", "WHEN, ELSE or END")
        self.grow()
        return tree.Case(subject, tuple(branches), otherwise, self.since(first))

    def column(self) -> tree.ColumnRef:
        """Read `[[[catalog.]schema.]table.]column`."""
        first = self.index
        if self.kinds[first + 1] != ".":
            name = self.name(A_COLUMN)
            parts: tuple[tree.Identifier, ...] = (name,)
            at = name.at
        else:
            parts = self.names(A_COLUMN, 4)
            at = self.since(first)
        if self.kinds[self.index] == "(":
            raise AdqlSyntaxError(
                "A function is called by its plain name", at, "Leave out quotes and schema before the parenthesis"
            )
        return tree.ColumnRef(parts[:-1], parts[-1], at)
