"""Columns that queries hand up unseen: an index column of a table, for a condition on a query of it.

A printer keeps the nodes of SELECTs; a column of a table below that the query does not select is added to them, under a
name of ours, where a condition around asks for it. Nothing else sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from . import nodes as n
from .places import Place, place_of
from .resolved import AggregateValue, QuerySource, SelectQuery, TableSource, sources_of, walk


def table_of(place: Place) -> Place | None:
    """Follow a position through queries that keep single rows, down to its table; None where one does not."""
    while isinstance(place.source, QuerySource):
        inner = inner_place(place.source, place)
        if inner is None:
            return None
        place = inner
    return place


def inner_place(source: QuerySource, place: Place) -> Place | None:
    """Give the position in the FROM of a query that a position of it is; None where its rows are not single rows."""
    query = source.query
    if not isinstance(query, SelectQuery) or query.distinct or query.group_by or query.having is not None:
        return None
    if any(isinstance(part, AggregateValue) for value in query.values for part in walk(value)):
        return None
    found = place_of(*(query.values[int(name[1:]) - 1] for name in (place.lon, place.lat)))
    return found if found is not None and found.source in set(sources_of(query.tables)) else None


def is_open(place: Place) -> bool:
    """Tell whether a condition on a position reaches its table: no query on the way counts rows."""
    while isinstance(place.source, QuerySource):
        query, inner = place.source.query, inner_place(place.source, place)
        if inner is None or not isinstance(query, SelectQuery) or query.top is not None or query.offset is not None:
            return False
        place = inner
    return isinstance(place.source, TableSource)


@dataclass(slots=True)
class Carried:
    """The SELECTs that were made, and the columns added to each: (query, name in the table) -> name of ours."""

    selects: dict[SelectQuery, n.Node] = field(default_factory=dict)
    names: dict[tuple[SelectQuery, str], str] = field(default_factory=dict)
    waiting: dict[SelectQuery, list[n.Node]] = field(default_factory=dict)

    def made(self, query: SelectQuery, node: n.Node) -> None:
        """Note the node of a SELECT; it gets the columns that were asked for before it was made."""
        self.selects[query] = node
        for column in self.waiting.pop(query, ()):
            node.append("expressions", column)

    def add(self, query: SelectQuery, name: str, value: n.Node) -> str:
        """Add a column to a SELECT, once; give its name there."""
        alias = f"_ns_c{len(self.names) + 1}"
        self.names[query, name] = alias
        column = exp.Alias(this=value, alias=n.identifier(alias))
        if query in self.selects:
            self.selects[query].append("expressions", column)
        else:
            self.waiting.setdefault(query, []).append(column)
        return alias
