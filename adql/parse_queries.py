"""Whole queries: SELECT and its clauses, set operations, WITH, ORDER BY, OFFSET (ADQL 2.1 sections 2.2, 4.4 to 4.9)."""

from __future__ import annotations

from typing import Any

from ..config.errors import AdqlSyntaxError
from . import tree
from .expected import A_FROM, A_NAME, A_QUERY, AN_END, THE_END
from .parse_tables import TableReader
from .reader import SUBQUERY_COST, TERMS
from .tokens import DELIMITED, END, NAME, NUMBER

_NAMES = (NAME, DELIMITED)
Body = tree.Select | tree.SetOperation | tree.Query


class QueryReader(TableReader):
    """Reads one query from the first token to the last."""

    def statement(self) -> tree.Query:
        """Read the whole text: `[WITH …] query`; one or more `;` at the end are tolerated."""
        first = self.index
        common: list[tree.CommonTable] = []
        if self.accept("WITH"):
            common.append(self._common_table())
            while self.accept(","):
                common.append(self._common_table())
        query = self._query(tuple(common), first)
        self._finish()
        return query

    def subquery(self) -> tree.Query:
        """Read `( query )`, without WITH."""
        self.enter(SUBQUERY_COST)
        self.expect("(", "( and a subquery")
        query = self._query((), self.index)
        self.expect(")", AN_END)
        self.depth -= SUBQUERY_COST
        return query

    def _finish(self) -> None:
        if self.accept(";"):
            while self.accept(";"):
                pass
            if self.kinds[self.index] != END:
                raise AdqlSyntaxError(
                    "Only one query can be sent at a time",
                    self.tokens.span(self.index, self.index),
                    "Remove what follows the semicolon",
                )
        if self.kinds[self.index] != END:
            raise self.unexpected(THE_END)

    def _common_table(self) -> tree.CommonTable:
        first = self.index
        name = self.name(A_NAME)
        columns = self.name_list(A_NAME) if self.kinds[self.index] == "(" else ()
        self.expect("AS")
        query = self.subquery()
        return tree.CommonTable(name, columns, query, self.since(first))

    def _query(self, common: tuple[tree.CommonTable, ...], first: int) -> tree.Query:
        """Read set operations, ORDER BY and OFFSET.

        A query that is only another one in parentheses is that one.
        """
        body = self._sets()
        ordering = self._order_by() if self.accept("ORDER") else ()
        offset = self.whole_number("OFFSET") if self.accept("OFFSET") else None
        if isinstance(body, tree.Query) and not (common or ordering or offset is not None):
            return body
        return tree.Query(common, body, ordering, offset, self.since(first))

    # ------------------------------------------------------------ set operations

    def _sets(self) -> Body:
        """Read UNION and EXCEPT, from left to right."""
        outer, self.height = self.height, 0
        first = self.index
        left = self._intersections()
        while (operator := self.kinds[self.index]) in ("UNION", "EXCEPT"):
            left = self._set_operation(operator, left, self._intersections, first)
        self.height = max(outer, self.height)
        return left

    def _intersections(self) -> Body:
        """Read INTERSECT, which binds stronger."""
        first = self.index
        left = self._primary()
        while self.kinds[self.index] == "INTERSECT":
            left = self._set_operation("INTERSECT", left, self._primary, first)
        return left

    def _set_operation(self, operator: Any, left: Body, read_right: Any, first: int) -> tree.SetOperation:
        self.index += 1
        keep_all = self.accept("ALL")
        right: Body = read_right()
        self.grow()
        return tree.SetOperation(operator, keep_all, _bare(left), _bare(right), self.since(first))

    def _primary(self) -> Body:
        return self.subquery() if self.kinds[self.index] == "(" else self._select()

    # ------------------------------------------------------------ SELECT

    def _select(self) -> tree.Select:
        first = self.index
        self.expect("SELECT", A_QUERY)
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        top = self.whole_number("TOP") if self.accept("TOP") else None
        items = [self._item()]
        while self.accept(","):
            items.append(self._item())
        self.expect(A_FROM)
        tables = self.tables()
        where = self.condition() if self.accept("WHERE") else None
        group_by = self._group_by() if self.accept("GROUP") else ()
        having = self.condition() if self.accept("HAVING") else None
        return tree.Select(distinct, top, tuple(items), tables, where, group_by, having, self.since(first))

    def _item(self) -> tree.Item | tree.Star:
        first = self.index
        if self.accept("*"):
            return tree.Star((), self.since(first))
        if self.kinds[first] in _NAMES and self._is_star(first):
            return self._qualified_star(first)
        expression = self.value()
        alias = self.alias()
        return tree.Item(expression, alias, self.since(first))

    def _is_star(self, index: int) -> bool:
        """Tell whether `name.…*` begins at `index`."""
        kinds = self.kinds
        while kinds[index + 1] == ".":
            if kinds[index + 2] == "*":
                return True
            if kinds[index + 2] not in _NAMES:
                return False
            index += 2
        return False

    def _qualified_star(self, first: int) -> tree.Star:
        parts = [self.name()]
        while self.accept(".") and not self.accept("*"):
            parts.append(self.name())
        at = self.since(first)
        if len(parts) > 3:
            raise AdqlSyntaxError("A table name has at most 3 parts", at)
        return tree.Star(tuple(parts), at)

    def _group_by(self) -> tuple[tree.Expression, ...]:
        self.expect("BY")
        terms = [self.value()]
        while self.accept(","):
            terms.append(self.value())
        self.spend(TERMS, len(terms))
        return tuple(terms)

    def _order_by(self) -> tuple[tree.Ordering, ...]:
        self.expect("BY")
        terms = [self._ordering()]
        while self.accept(","):
            terms.append(self._ordering())
        self.spend(TERMS, len(terms))
        return tuple(terms)

    def _ordering(self) -> tree.Ordering:
        first = self.index
        key: tree.Expression | int = self.value()
        # A number alone is the number of a column; as part of an expression it is a value.
        if self.kinds[first] == NUMBER and self.index == first + 1:
            self.index = first
            key = self.whole_number("ORDER BY")
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        return tree.Ordering(key, descending, self.since(first))


def _bare(operand: Body) -> Body:
    """Take the parentheses off an operand that has neither ORDER BY nor OFFSET."""
    if isinstance(operand, tree.Query) and not operand.order_by and operand.offset is None:
        return operand.body
    return operand
