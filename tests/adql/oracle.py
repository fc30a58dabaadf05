"""`python -m tests.adql.oracle`: our parser and queryparser-python3 on the same queries, and where they differ.

The oracle knows ADQL 2.0 without WITH, CAST, set operations and more. What is known to be its fault, or a matter of
choice, stands in `oracle_known.json`: patterns of queries with the reason. Any other difference is news.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nashira.adql import tree
from nashira.adql.parser import parse
from nashira.config.errors import AdqlSyntaxError

from .guess import CORPUS, Labelled, labelled, nodes

ROOT = Path(__file__).parents[2]
KNOWN: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "oracle_known.json").read_text())
POSTGRESQL = {"TRUNCATE": "trunc", "LOG": "ln", "LOG10": "log", "RAND": "random", "CEILING": "ceiling"}
GEOMETRY = frozenset("BOX CIRCLE POINT POLYGON REGION CONTAINS INTERSECTS DISTANCE AREA CENTROID COORD1 COORD2".split())


@dataclass(frozen=True)
class Difference:
    """What the two say of a query; `kind` is accepted, refused, tables, columns or functions, seen from our side."""

    row: Labelled
    kind: str
    ours: str
    theirs: str

    @property
    def reason(self) -> str:
        """Why that is known; empty where it is news."""
        text = " ".join(self.row.query.split())
        for pattern, reason in KNOWN[self.kind].items():
            if pattern == self.row.id or re.search(pattern, text, re.IGNORECASE) or re.search(pattern, self.theirs):
                return reason
        return ""


def ours(query: str) -> dict[str, Any]:
    """Say what our parser finds; names in lower case."""
    try:
        found = list(nodes(parse(query)))
    except AdqlSyntaxError as error:
        return {"accepted": False, "error": str(error)}
    own = {one.name.text.lower() for one in found if isinstance(one, tree.CommonTable)}
    tables = {_dotted(one) for one in found if isinstance(one, tree.TableName)}
    functions = {one.name.upper() for one in found if isinstance(one, tree.Function | tree.Aggregate)}
    columns = {one.name.text.lower() for one in found if isinstance(one, tree.ColumnRef)}
    aliases = {one.alias.text.lower() for one in found if isinstance(one, tree.Item) and one.alias}
    return {
        "accepted": True,
        "tables": sorted(tables - own),
        "columns": sorted(columns - aliases),
        "functions": sorted(POSTGRESQL.get(name, name.lower()) for name in functions - GEOMETRY),
    }


def qualified(query: str) -> str:
    """Put a schema before tables without one: the oracle wants it, table names of the corpus are free."""
    try:
        found = list(nodes(parse(query)))
    except AdqlSyntaxError:
        return query
    own = {one.name.text.lower() for one in found if isinstance(one, tree.CommonTable)}
    tables = {one.name.at.start for one in found if isinstance(one, tree.TableName) and _is_free(one, own)}
    for start in sorted(tables, reverse=True):
        query = f"{query[:start]}free.{query[start:]}"
    return query


def _is_free(table: tree.TableName, own: set[str]) -> bool:
    return not table.qualifier and table.name.text.lower() not in own


def _dotted(table: tree.TableName) -> str:
    return ".".join(part.text.lower() for part in (*table.qualifier, table.name))


def theirs(queries: Sequence[str], seconds: float) -> Iterator[dict[str, Any]]:
    """Ask the oracle in a process of its own; ends early when the time is up."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.adql.oracle_worker"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        end = time.monotonic() + seconds
        try:
            for query in queries:
                process.stdin.write(json.dumps(query) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
                if not answer:
                    return
                yield json.loads(answer)
                if time.monotonic() > end:
                    return
        finally:
            process.kill()


def differences(rows: Sequence[Labelled], seconds: float) -> Iterator[Difference | None]:
    """Compare row by row; None where both agree in all."""
    queries = [qualified(row.query) for row in rows]
    for row, query, other in zip(rows, queries, theirs(queries, seconds), strict=False):
        one = ours(query)
        if one["accepted"] != other["accepted"]:
            kind = "accepted" if one["accepted"] else "refused"
            yield Difference(row, kind, one.get("error", "accepted"), other.get("error", "accepted"))
        elif one["accepted"] and (kind := _names_differ(one, other)):
            yield Difference(row, kind, str(one[kind]), str(other[kind]))
        else:
            yield None


def _names_differ(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Name what differs first: tables; columns but for stars and names of USING; functions but for geometry."""
    if set(one["tables"]) != set(other["tables"]):
        return "tables"
    if not set(one["columns"]) <= set(other["columns"]) | set(other["functions"]):
        return "columns"
    return "functions" if not set(one["functions"]) <= set(other["functions"]) else ""


def main() -> int:
    """Print all differences and their reasons; status 1 where one is news."""
    options = argparse.ArgumentParser(prog="python -m tests.adql.oracle")
    options.add_argument("--seconds", type=float, default=600)
    given = options.parse_args()
    if not CORPUS.exists():
        sys.stdout.write("the corpus of labelled queries is not beside this checkout\n")
        return 2
    news, counts = 0, Counter[str]()
    for one in differences(labelled(), given.seconds):
        counts["same" if one is None else one.kind] += 1
        if one is not None:
            news += not one.reason
            text = " ".join(one.row.query.split())
            sys.stdout.write(f"{one.kind} {one.row.suite} {one.row.id} valid={one.row.valid}: {text[:160]}\n")
            sys.stdout.write(f"   {one.reason or f'NEWS: ours {one.ours[:150]}; theirs {one.theirs[:150]}'}\n")
    sys.stdout.write(f"{dict(counts)}, {news} without a known reason\n")
    return int(news > 0)


if __name__ == "__main__":
    sys.exit(main())
