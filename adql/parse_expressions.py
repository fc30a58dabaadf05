"""Values and conditions of ADQL, by operator precedence (ADQL 2.1 appendix A).

One loop, `climb`, reads both: whether `(` opens a value or a condition is seen only later, so both are read alike and
the kind of each operand is checked when it is used. Nothing is read twice; time is linear in the text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, cast, get_args

from ..config.errors import AdqlSyntaxError
from . import tree
from .dialects import OTHER_FUNCTIONS
from .expected import A_COMPARISON, A_CONDITION, A_LIST_END, A_VALUE
from .parse_functions import AGGREGATES, FunctionReader
from .reader import LISTED, PREDICATES, SUBQUERIES, VALUES
from .signatures import CALLABLE
from .spelling import show
from .tokens import DELIMITED, NAME, NUMBER, STRING

Node = tree.Expression | tree.Condition

_OR, _AND, _NOT, _PREDICATE, _SUM, _PRODUCT = 1, 2, 3, 4, 5, 6
_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
# How strongly what may stand behind an operand binds it; other tokens end the expression.
_POWERS: dict[str, int] = {
    "OR": _OR,
    "AND": _AND,
    **dict.fromkeys((*_COMPARISONS, "IS", "NOT", "BETWEEN", "IN", "LIKE", "ILIKE"), _PREDICATE),
    **dict.fromkeys(("+", "-", "||"), _SUM),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
}
_CONDITIONS = frozenset(get_args(tree.Condition))
_SIGNS = ("+", "-")
_LITERALS = (tree.Number, tree.String, tree.Null)
_CHAINED = "Comparisons are not chained: write a < b AND b < c, or BETWEEN"


class ExpressionReader(FunctionReader):
    """Reads values and conditions; subqueries are left to the reader of queries."""

    @abstractmethod
    def subquery(self) -> tree.Query:
        """Read `( query )`."""

    @abstractmethod
    def opens_query(self) -> bool:
        """Tell whether the next token is a parenthesis around a query."""

    def value(self) -> tree.Expression:
        """Read one value: anything that binds stronger than a comparison."""
        first = self.index
        return self._value(self.climb(_PREDICATE), first)

    def condition(self) -> tree.Condition:
        """Read one condition, with AND, OR and NOT."""
        first = self.index
        if self.kinds[first] not in _PREFIXES:
            raise self.unexpected(A_CONDITION)
        return self._condition(self.climb(0), first)

    def climb(self, minimum: int) -> Node:
        """Read an operand and all operators behind it that bind stronger than `minimum`."""
        self.enter()
        self.spend(VALUES)
        outer, self.height = self.height, 0
        first = self.index
        left = self._operand()
        families = {"number"} if self.kinds[first] in _SIGNS else set()
        while (power := _POWERS.get(operator := self.kinds[self.index], 0)) > minimum:
            if power >= _SUM:
                families.add("text" if operator == "||" else "number")
                if len(families) > 1:
                    raise self._mixed()
                left = self._binary(operator, left, first)
            elif power == _PREDICATE:
                left = self._predicate(left, first)
            else:
                left = self._logical(operator, left, first)
            self.grow()
        self.height = max(outer, self.height)
        self.depth -= 1
        return left

    def _operand(self) -> Node:
        read = _PREFIXES.get(self.kinds[self.index])
        if read is None:
            raise self.unexpected(A_VALUE)
        return read(self)

    # ------------------------------------------------------------ the kind of an operand

    def _value(self, node: Node, first: int) -> tree.Expression:
        if type(node) in _CONDITIONS:
            chained = self.kinds[self.index] in _COMPARISONS
            advice = _CHAINED if chained else "Conditions stand only after WHERE, ON, HAVING and WHEN"
            right = node.right if isinstance(node, tree.Comparison) else None
            if isinstance(right, tree.Binary) and right.operator == "||":
                advice = "|| joins texts: write OR between conditions"
            raise AdqlSyntaxError(
                f"{self._piece(first)} is a condition where a value is needed", self.since(first), advice
            )
        return cast(tree.Expression, node)

    def _condition(self, node: Node, first: int) -> tree.Condition:
        if type(node) not in _CONDITIONS:
            if self.kinds[self.index] in (NAME, STRING, NUMBER):
                raise self.unexpected(A_COMPARISON)
            advice = "Compare it with another value, as in flag = 1"
            if isinstance(node, tree.Function):
                advice = OTHER_FUNCTIONS.get(node.name.upper(), advice)
                if node.name.upper() in ("CONTAINS", "INTERSECTS"):
                    advice = f"Compare it with 1 or 0: 1 = {node.name}(…)"
            raise AdqlSyntaxError(
                f"{self._piece(first)} is a value where a condition is needed", self.since(first), advice
            )
        return cast(tree.Condition, node)

    def _piece(self, first: int) -> str:
        at = self.since(first)
        return show(self.tokens.text[at.start : at.end])

    def _mixed(self) -> AdqlSyntaxError:
        return AdqlSyntaxError(
            "|| joins texts and does not mix with arithmetic",
            self.tokens.span(self.index, self.index),
            "Put the arithmetic in parentheses",
        )

    # ------------------------------------------------------------ operators

    def _binary(self, operator: Any, left: Node, first: int) -> tree.Binary:
        one = self._value(left, first)
        self.index += 1
        second = self.index
        if operator == "||" and self.kinds[second] in _SIGNS:
            raise self._mixed()
        other = self._value(self.climb(_SUM if operator in _SIGNS else _PRODUCT), second)
        return tree.Binary(operator, one, other, self.since(first))

    def _logical(self, operator: Any, left: Node, first: int) -> tree.Logical:
        power = _POWERS[operator]
        operands = [self._condition(left, first)]
        while self.accept(operator):
            second = self.index
            operands.append(self._condition(self.climb(power), second))
        return tree.Logical(operator, tuple(operands), self.since(first))

    def _predicate(self, left: Node, first: int) -> tree.Condition:
        operand = self._value(left, first)
        kind: Any = self.kinds[self.index]
        self.index += 1
        self.spend(PREDICATES)
        if kind in _COMPARISONS:
            right = self.value()
            return tree.Comparison(kind, operand, right, self.since(first))
        if kind == "IS":
            negated = self.accept("NOT")
            self.expect("NULL", "NULL" if negated else "NULL or NOT NULL")
            return tree.IsNull(operand, negated, self.since(first))
        negated = kind == "NOT"
        if negated:
            kind = self.kinds[self.index]
            self.index += 1
        read = _NEGATABLE.get(kind)
        if read is None:
            self.index -= 1
            raise self.unexpected("BETWEEN, IN, LIKE or ILIKE after NOT")
        return read(self, operand, negated, first)

    def _between(self, operand: tree.Expression, negated: bool, first: int) -> tree.Between:
        self.spend(PREDICATES)
        low = self.value()
        self.expect("AND", "AND and the upper end of BETWEEN")
        high = self.value()
        return tree.Between(operand, low, high, negated, self.since(first))

    def _in(self, operand: tree.Expression, negated: bool, first: int) -> tree.InList | tree.InQuery:
        if self.opens_query():
            self.spend(SUBQUERIES)
            query = self.subquery()
            return tree.InQuery(operand, query, negated, self.since(first))
        self.expect("(")
        items = [self._listed()]
        while self.accept(","):
            items.append(self._listed())
        self.expect(")", A_LIST_END)
        return tree.InList(operand, tuple(items), negated, self.since(first))

    def _listed(self) -> tree.Expression:
        """Read an item of a list; literals have a larger limit of their own, and a short way since they are many."""
        kind = self.kinds[self.index]
        if kind in (NUMBER, STRING) and self.kinds[self.index + 1] in (",", ")"):
            self.spend(LISTED)
            return self._number() if kind == NUMBER else self._string()
        spent = self.spent[VALUES]
        item = self.value()
        if isinstance(item.operand if isinstance(item, tree.Unary) else item, _LITERALS):
            self.spent[VALUES] = spent
            self.spend(LISTED)
        return item

    def _like(self, operand: tree.Expression, negated: bool, first: int) -> tree.Like:
        ignore_case = self.kinds[self.index - 1] == "ILIKE"
        pattern = self.value()
        return tree.Like(operand, pattern, negated, ignore_case, self.since(first))

    # ------------------------------------------------------------ what an operand begins with

    def _named(self) -> tree.Function | tree.ColumnRef:
        return self.call() if self.kinds[self.index + 1] == "(" else self.column()

    def _number(self) -> tree.Number:
        index = self.index
        self.index = index + 1
        return tree.Number(self.tokens.piece(index), self.tokens.span(index, index))

    def _string(self) -> tree.String:
        index = self.index
        self.index = index + 1
        return tree.String(self.tokens.piece(index)[1:-1].replace("''", "'"), self.tokens.span(index, index))

    def _null(self) -> tree.Null:
        self.index += 1
        return tree.Null(self.since(self.index - 1))

    def _boolean(self) -> tree.Boolean:
        self.index += 1
        return tree.Boolean(self.kinds[self.index - 1] == "TRUE", self.since(self.index - 1))

    def _parenthesis(self) -> Node:
        self.index += 1
        inner = self.climb(0)
        self.expect(")")
        return inner

    def _signed(self) -> tree.Unary:
        first = self.index
        operator: Any = self.kinds[first]
        self.index += 1
        if self.kinds[self.index] in _SIGNS:
            raise self.unexpected("a number or a column after the sign")
        operand = self._value(self._operand(), first + 1)
        self.grow()
        return tree.Unary(operator, operand, self.since(first))

    def _not(self) -> tree.Not:
        first = self.index
        self.index += 1
        operand = self._condition(self.climb(_NOT), first + 1)
        self.grow()
        return tree.Not(operand, self.since(first))

    def _exists(self) -> tree.Exists:
        first = self.index
        self.index += 1
        self.spend(SUBQUERIES)
        query = self.subquery()
        self.grow()
        return tree.Exists(query, self.since(first))


_PREFIXES: dict[str, Callable[[ExpressionReader], Node]] = {
    **dict.fromkeys(CALLABLE, ExpressionReader.call),
    **dict.fromkeys(AGGREGATES, ExpressionReader.aggregate),
    NAME: ExpressionReader._named,
    DELIMITED: ExpressionReader.column,
    NUMBER: ExpressionReader._number,
    STRING: ExpressionReader._string,
    "NULL": ExpressionReader._null,
    "TRUE": ExpressionReader._boolean,
    "FALSE": ExpressionReader._boolean,
    "(": ExpressionReader._parenthesis,
    "+": ExpressionReader._signed,
    "-": ExpressionReader._signed,
    "NOT": ExpressionReader._not,
    "EXISTS": ExpressionReader._exists,
    "CASE": ExpressionReader.case,
    "CAST": ExpressionReader.cast,
}
_NEGATABLE: dict[str, Callable[[ExpressionReader, tree.Expression, bool, int], tree.Condition]] = {
    "BETWEEN": ExpressionReader._between,
    "IN": ExpressionReader._in,
    "LIKE": ExpressionReader._like,
    "ILIKE": ExpressionReader._like,
}
