"""Queries of the resolved tree → SQL for PostgreSQL."""

from __future__ import annotations

from sqlglot.dialects.postgres import Postgres

from .duckdb import Printed, QueryPrinter
from .resolved import Query


def print_query(query: Query, limit: int | None) -> Printed:
    """Print a query of at most `limit` rows."""
    printer = PostgresPrinter()
    node = printer.outermost(query, limit)
    return Printed(Postgres().generator().generate(node, copy=False), tuple(printer.scans), printer.cut)


class PostgresPrinter(QueryPrinter):
    """Makes nodes of queries for PostgreSQL."""
