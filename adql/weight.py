"""How often the parts of a value stand in it: a guard against expressions that double with every level.

A point that a function gives stands twice in the resolved tree, once for each coordinate; so does the subject of CASE
with every WHEN. Nested thirty times, that is a thousand million parts, of which each would be printed.
"""

from __future__ import annotations

from ..config.errors import Position, Unsupported
from .resolved import Condition, Constant, Value, parts

MOST = 30_000
"""Parts that all values of a query may grow by, repeated ones counted each time, literals not."""


class Weights:
    """The weights of values that are known already, and how much the values of a query have grown."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, int]] = {}  # by id; the object itself keeps the id in use
        self._below = 0
        self._grown = 0

    def begin(self) -> int:
        """Begin a value; what is given goes to `end`."""
        outer, self._below = self._below, 0
        return outer

    def end(self, outer: int, made: Value, at: Position) -> None:
        """Count how much heavier a value is than those inside of it; Unsupported where all grow too much."""
        weight = self._weight(made)
        self._grown += max(0, weight - self._below)
        self._below = outer + weight
        if self._grown > MOST:
            message = "The expression is nested too deeply"
            raise Unsupported(message, at, "Compute inner parts in a subquery")

    def _weight(self, node: Value | Condition) -> int:
        if isinstance(node, Constant):
            return 0
        known = self._known.get(id(node))
        if known is not None:
            return known[1]
        weight = 1 + sum(map(self._weight, parts(node)))
        self._known[id(node)] = (node, weight)
        return weight
