"""What DuckDB's plan of a query tells without running it."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from ..config.errors import EngineError

_ROWS = "Estimated Cardinality"


def estimated_rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> int | None:
    """Give the number of rows that the plan of one SELECT expects; None where it names none.

    EngineError where `sql` is anything but one SELECT: only that is harmless behind EXPLAIN.
    """
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        message = "The query failed for an internal reason; the operator finds it in the log"
        raise EngineError(message)
    plans = cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}").fetchall()
    nodes = json.loads(plans[0][1]) if plans else []
    return _rows(nodes[0]) if nodes else None


def _rows(node: dict[str, Any]) -> int | None:
    """Read the estimate of a node; where it has none, that of its children, which a UNION adds up.

    Limits estimate nothing themselves: they give no more than their number of what is below.
    """
    info = node.get("extra_info", {})
    inner = [rows for child in node.get("children", ()) if (rows := _rows(child)) is not None]
    limit = info.get("Limit", info.get("Top"))
    if limit is not None and inner:
        return max(0, min(int(limit), inner[0] - int(info.get("Offset", 0))))
    if info.get(_ROWS) is not None:
        return int(info[_ROWS])
    if not inner:
        return None
    return sum(inner) if node.get("name") == "UNION" else inner[0]
