"""What printed SQL names: tables, files and functions, as the engines' own parsers see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
from pglast import parser as pg

from nashira.schema.model import Catalog, Files, Table
from nashira.sphere.functions import FUNCTIONS


@dataclass
class Names:
    """Names in one statement: tables by their dotted path, functions in lower case, files as they are written."""

    tables: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)  # names of WITH


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    """All objects of a JSON document; deep ones too, so without recursion."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def duckdb_names(connection: duckdb.DuckDBPyConnection, sql: str) -> Names:
    """Read the names of one DuckDB SELECT; AssertionError where it is anything else."""
    found = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    assert found is not None
    document = json.loads(found[0])
    assert document["error"] is False, f"{document.get('error_message')}: {sql[:2000]}"
    assert len(document["statements"]) == 1, sql[:2000]
    names = Names()
    for node in _dicts(document):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            path = (node.get("catalog_name"), node.get("schema_name"), node["table_name"])
            names.tables.add(".".join(part for part in path if part))
        elif kind == "TABLE_FUNCTION":
            function = node["function"]
            names.functions.add(function["function_name"].lower())
            for inner in _dicts(function["arguments"]):
                text = inner.get("literal", {}) if inner.get("class") == "CONSTANT" else {}
                if text.get("kind") == "STRING":
                    names.files.add(text["text"])
        elif kind == "FUNCTION":
            names.functions.add(node["function_name"].lower())
        if "cte_map" in node:
            names.own.update(entry["key"] for entry in node["cte_map"]["map"])
    return names


def postgres_names(sql: str) -> Names:
    """Read the names of one PostgreSQL SELECT; AssertionError where it is anything else."""
    document = json.loads(pg.parse_sql_json(sql))
    assert len(document["stmts"]) == 1, sql[:2000]
    assert list(document["stmts"][0]["stmt"]) == ["SelectStmt"], sql[:2000]
    names = Names()
    for node in _dicts(document):
        if "RangeVar" in node:
            one = node["RangeVar"]
            path = (one.get("catalogname"), one.get("schemaname"), one["relname"])
            names.tables.add(".".join(part for part in path if part))
        if "FuncCall" in node:
            names.functions.add(".".join(part["String"]["sval"] for part in node["FuncCall"]["funcname"]).lower())
        if "CommonTableExpr" in node:
            names.own.add(node["CommonTableExpr"]["ctename"])
    return names


def undeclared(names: Names, catalog: Catalog, uploads: tuple[Table, ...], functions: frozenset[str]) -> set[str]:
    """Give the names that neither the catalog nor the lists of functions declare."""
    tables, files = set(names.own), set[str]()
    for table in (*uploads, *catalog.tables()):
        if isinstance(table.source, Files):
            files.update(part.path for part in table.source.partitions)
        else:
            path = table.source.path
            tables.add(".".join(path if len(path) > 1 else ("pg_temp", *path)))
            tables.add(".".join(path))
    return (names.tables - tables) | (names.files - files) | (names.functions - functions)


OURS = frozenset(function.name for function in FUNCTIONS)
OPERATORS = frozenset(("+", "-", "*", "/", "//", "%", "||", ">>", "<<", "~~", "!~~", "~~*", "!~~*", "&", "|", "**"))
