"""What is decided about a query before it is printed: index ranges of its tables and its positional joins.

Nothing here knows an engine. Printers enter each SELECT before they print it, and finish a common table after all
references to it are printed: only then is known which of its rows are needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..sphere.coverage import circle_ranges
from .kinds import number_of
from .places import Place, below, indexed_position, is_indexed, place_of
from .resolved import Common, Condition, From, Joined, QuerySource, SelectQuery, Source, TableSource, sources_of
from .spatial import Cone, Finder, cone_of, filtered_sides, joins_of
from .spatial_forms import literals, near_of
from .spatial_joins import CellJoin, pairs_of, rows
from .spatial_ranges import Ranges, intersection, union

Regions = dict[TableSource, Ranges]


@dataclass(frozen=True, slots=True)
class Lateral:
    """An outer join ON a distance: each row of `kept` lists its cells, in which rows of `pair.other` are looked for."""

    kept: From
    pair: CellJoin
    on: Condition


@dataclass(slots=True)
class Plan:
    """The plan of one whole query, by sources and conditions.

    `pruning`: no row of a table outside of these ranges counts; they choose files. `filters`: what the conditions of
    the SELECT itself say, `handed`: what queries around it say: only rows within count, so that it may be tested in
    its WHERE. `cells`: the joins that repeat a source for each of its cells. `keys`: those tuned ones in
    which a source is the other side. `tests`: the joins of a whole condition.
    `laterals`: outer joins whose kept side lists its cells. `listed`: the joins of a subquery with a source of a query
    around it, whose cells are listed inside.
    """

    finder: Finder = field(default_factory=Finder)
    pruning: Regions = field(default_factory=dict)
    filters: Regions = field(default_factory=dict)
    handed: Regions = field(default_factory=dict)
    cells: dict[Source, list[CellJoin]] = field(default_factory=dict)
    keys: dict[Source, list[CellJoin]] = field(default_factory=dict)
    orders: dict[Source, int] = field(default_factory=dict)
    tests: dict[int, list[CellJoin]] = field(default_factory=dict)
    laterals: dict[Joined, Lateral] = field(default_factory=dict)
    listed: dict[SelectQuery, list[CellJoin]] = field(default_factory=dict)
    _references: dict[Common, dict[QuerySource, dict[tuple[str, str], Ranges]]] = field(default_factory=dict)

    def enter(self, query: SelectQuery) -> None:
        """Plan one SELECT."""
        own = frozenset(sources_of(query.tables))
        for source in own:
            if isinstance(source, QuerySource) and source.common is not None:
                self._references.setdefault(source.common, {}).setdefault(source, {})
        if query.where is not None:
            self._prune(query.where, own)
        joins = list(joins_of(query.tables))
        for join in joins:
            if join.on is not None:
                self._prune(join.on, _filtered(join))
        if len(own) > 1:
            for join in joins:
                self._match_on(join)
        if query.where is not None:
            self._match_where(query, own)
        if len(own) > 1:
            self._spread(query)

    def finish(self, common: Common) -> None:
        """Hand down to a common table what all references to it say."""
        references = list(self._references.get(common, {}).values())
        for names in references[0] if references else ():
            known = [said[names] for said in references if names in said]
            if len(known) == len(references):
                ranges = union(part for ranges in known for part in ranges)
                self._below(Place(next(iter(self._references[common])), *names), ranges)

    def served(self, way: CellJoin) -> bool:  # noqa: ARG002
        """Tell whether an index of the engine itself finds the other position of a join; then it needs no cells."""
        return False

    # ----------------------------------------------------------------- regions

    def _prune(self, condition: Condition, sources: frozenset[Source]) -> None:
        for place, ranges in self.finder.regions(condition).items():
            if place.source not in sources:
                continue
            if isinstance(place.source, TableSource):
                _narrow(self.pruning, place.source, ranges)
                _narrow(self.filters, place.source, ranges)
            elif place.source.common is None:
                self._below(place, ranges)
            else:
                said = self._references[place.source.common][place.source]
                names = (place.lon, place.lat)
                said[names] = intersection(said[names], ranges) if names in said else ranges

    def _below(self, place: Place, ranges: Ranges) -> None:
        """Hand a region down into the query of a source."""
        for inner in below(place):
            if is_indexed(inner) and isinstance(inner.source, TableSource):
                _narrow(self.pruning, inner.source, ranges)
                _narrow(self.handed, inner.source, ranges)
            elif isinstance(inner.source, QuerySource) and inner.source.common is None:
                self._below(inner, ranges)
            elif isinstance(inner.source, QuerySource) and inner.source.common is not None:
                said = self._references.setdefault(inner.source.common, {}).setdefault(inner.source, {})
                names = (inner.lon, inner.lat)
                said[names] = intersection(said[names], ranges) if names in said else ranges

    # ------------------------------------------------------------------- joins

    def _match_on(self, join: Joined) -> None:
        free = _filtered(join)
        every = frozenset(sources_of(join))
        for ways in pairs_of(join.on):
            if any(way.other in free and self.served(way) for way in ways):
                continue
            if join in self.laterals or not all({way.expanded, way.other} <= every for way in ways):
                continue
            best = min(ways, key=self._cost)
            kept, listed = (join.right, join.left) if join.kind == "RIGHT" else (join.left, join.right)
            if join.on is not None and best.expanded not in free and best.other is listed and join.kind != "FULL":
                self.laterals[join] = Lateral(kept, best, join.on)
                self._note(best)
                continue
            self._add([way for way in ways if way.expanded in free], join.on)

    def _match_where(self, query: SelectQuery, own: frozenset[Source]) -> None:
        for ways in pairs_of(query.where):
            if any(way.other in own and self.served(way) for way in ways):
                continue
            inside = [way for way in ways if way.expanded in own and way.other in own]
            if inside:
                self._add(inside, query.where)
                continue
            across = [way for way in ways if way.expanded in own or way.other in own]
            if not across:
                continue
            best = min(across, key=self._cost)
            if best.expanded in own:  # the other side is printed already
                self._add([replace(best, tuned=False)], query.where)
            else:
                self.listed.setdefault(query, []).append(best)
                self._note(best)

    def _cost(self, way: CellJoin) -> int:
        return rows(way.expanded, self.pruning)

    def _add(self, ways: list[CellJoin], condition: Condition | None) -> None:
        """Take the best way; one join of two sources is enough."""
        if not ways or condition is None:
            return
        best = min(ways, key=self._cost)
        known = [pair for pairs in self.cells.values() for pair in pairs]
        if any({pair.expanded, pair.other} == {best.expanded, best.other} for pair in known):
            return
        self.cells.setdefault(best.expanded, []).append(best)
        self.tests.setdefault(id(condition), []).append(best)
        self._note(best)

    def _note(self, pair: CellJoin) -> None:
        self.orders[pair.expanded] = self.orders[pair.other] = pair.order
        if pair.tuned:
            self.keys.setdefault(pair.other, []).append(pair)

    def _spread(self, query: SelectQuery) -> None:
        """A cone on one partner of a positional join chooses the files of the other too."""
        nears = [near for part, wanted in literals(query.where) if (near := near_of(part, wanted)) is not None]
        cones = [cone for near in nears if (cone := cone_of(near)) is not None and cone.radius >= 0]
        if not cones:
            return
        own = frozenset(sources_of(query.tables))
        found = [pair for pairs in self.cells.values() for pair in pairs] + [
            found.pair for found in self.laterals.values()
        ]
        for pair in found:
            radius = number_of(pair.radius)
            if radius is None or radius < 0 or not {pair.expanded, pair.other} <= own:
                continue
            sides = ((pair.lon, pair.lat), (pair.other_lon, pair.other_lat))
            for one, other in (sides, sides[::-1]):
                here, there = place_of(*one), indexed_position(*other)
                for cone in cones:
                    if here == cone.place and there is not None and there not in self.filters:
                        self._widened(there, cone, radius)

    def _widened(self, source: TableSource, cone: Cone, radius: float) -> None:
        _narrow(self.pruning, source, circle_ranges(cone.lon, cone.lat, min(180.0, cone.radius + radius)))


def _filtered(join: Joined) -> frozenset[Source]:
    return frozenset(source for side in filtered_sides(join) for source in sources_of(side))


def _narrow(regions: Regions, source: TableSource, ranges: Ranges) -> None:
    known = regions.get(source)
    regions[source] = ranges if known is None else intersection(known, ranges)
