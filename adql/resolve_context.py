"""What the resolver knows at a place in the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from . import tree
from .resolve_names import Names, Scope
from .resolved import Condition, Query, Value


@dataclass(frozen=True, slots=True)
class Context:
    """A place: what names mean there and what may stand there.

    `aggregates` is empty where aggregates may stand, else it names the clause that forbids them.
    `aliases` are output names that ORDER BY and GROUP BY may use (lower case → value); `named` are those that SELECT
    gives, also where they mean nothing yet (lower case).
    `query` and `condition` resolve subqueries and conditions.
    """

    names: Names
    scope: Scope
    query: Callable[[tree.Query, Names, Scope | None], Query]
    condition: Callable[[tree.Condition, Context], Condition]
    aggregates: str = ""
    aliases: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    named: frozenset[str] = frozenset()

    def without_aggregates(self, clause: str) -> Context:
        """The same place where aggregates are forbidden."""
        return replace(self, aggregates=clause)
