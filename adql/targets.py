"""The table of engines that the translator prints for."""

from __future__ import annotations

from collections.abc import Callable

from . import duckdb, postgres
from .duckdb import Printed
from .resolved import Query

Printer = Callable[[Query, int | None], Printed]

TARGETS: dict[str, Printer] = {
    "duckdb": duckdb.print_query,
    "postgresql": postgres.print_query,
}
"""Name of an engine -> what prints a query of at most so many rows for it."""
