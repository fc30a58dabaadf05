"""Trees of ADQL back into text, every nested operation in parentheses; and trees without their places in a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from nashira.adql import tree


def bare(node: Any) -> Any:
    """A tree as nested tuples without places and needless parentheses, to be compared."""
    if is_dataclass(node) and not isinstance(node, type):
        named = (f.name for f in fields(node) if f.name not in ("at", "comma"))
        return (type(node).__name__, *(bare(_plain(getattr(node, name), node)) for name in named))
    return tuple(bare(part) for part in node) if isinstance(node, tuple) else node


def _plain(part: Any, whole: Any) -> Any:
    """What stands in the parentheses of a set operation, where they hold nothing else."""
    if isinstance(whole, tree.SetOperation | tree.Query):
        while isinstance(part, tree.Query) and not part.with_tables and not part.order_by and part.offset is None:
            part = part.body
    return part


def write(node: Any) -> str:
    """The text of a node."""
    return WRITERS[type(node)](node)


def name(node: tree.Identifier) -> str:
    return '"' + node.text.replace('"', '""') + '"' if node.delimited else node.text


def dotted(qualifier: tuple[tree.Identifier, ...], last: str) -> str:
    return ".".join([*(name(part) for part in qualifier), last])


def nested(node: Any) -> str:
    """An operand, in parentheses where it is an operation itself."""
    text = write(node)
    return f"({text})" if isinstance(node, tree.Binary | tree.Unary) else text


def tested(node: Any) -> str:
    text = write(node)
    return f"({text})" if isinstance(node, tree.Logical | tree.Not) else text


def listed(nodes: Any) -> str:
    return ", ".join(write(node) for node in nodes)


def _no(node: Any) -> str:
    return "NOT " if node.negated else ""


def _case(node: tree.Case) -> str:
    subject = f" {write(node.subject)}" if node.subject is not None else ""
    branches = "".join(f" WHEN {write(test)} THEN {write(result)}" for test, result in node.branches)
    otherwise = f" ELSE {write(node.otherwise)}" if node.otherwise is not None else ""
    return f"CASE{subject}{branches}{otherwise} END"


def _aggregate(node: tree.Aggregate) -> str:
    inner = "*" if node.argument is None else ("DISTINCT " if node.distinct else "") + write(node.argument)
    return f"{node.name}({inner})"


def _cast(node: tree.Cast) -> str:
    length = "" if node.length is None else f"({node.length})"
    return f"CAST({write(node.operand)} AS {node.type_name}{length})"


def _table(node: tree.TableName) -> str:
    return dotted(node.qualifier, name(node.name)) + (f" AS {name(node.alias)}" if node.alias else "")


def _join(node: tree.Join) -> str:
    left, right = (
        f"({write(side)})" if isinstance(side, tree.Join) else write(side) for side in (node.left, node.right)
    )
    if node.kind == "CROSS":
        return f"{left} CROSS JOIN {right}"
    kind = node.kind + (" OUTER" if node.kind != "INNER" else "")
    head = f"{left} {'NATURAL ' if node.natural else ''}{kind} JOIN {right}"
    if node.on is not None:
        return f"{head} ON {write(node.on)}"
    return f"{head} USING ({', '.join(name(n) for n in node.using)})" if node.using else head


def _select(node: tree.Select) -> str:
    text = "SELECT" + (" DISTINCT" if node.distinct else "") + (f" TOP {node.top}" if node.top is not None else "")
    text += f" {listed(node.items)} FROM {write(node.tables)}"
    if node.where is not None:
        text += f" WHERE {write(node.where)}"
    if node.group_by:
        text += f" GROUP BY {listed(node.group_by)}"
    return text + (f" HAVING {write(node.having)}" if node.having is not None else "")


def _set(node: tree.SetOperation) -> str:
    left, right = (
        write(side) if isinstance(side, tree.Select) else f"({write(side)})" for side in (node.left, node.right)
    )
    return f"{left} {node.operator}{' ALL' if node.all else ''} {right}"


def _query(node: tree.Query) -> str:
    commons = ", ".join(f"{name(c.name)} AS ({write(c.query)})" for c in node.with_tables)
    text = f"WITH {commons} " if commons else ""
    text += write(node.body) if not isinstance(node.body, tree.Query) else f"({write(node.body)})"
    if node.order_by:
        text += f" ORDER BY {listed(node.order_by)}"
    return text + (f" OFFSET {node.offset}" if node.offset is not None else "")


WRITERS: dict[type, Callable[[Any], str]] = {
    tree.Null: lambda _: "NULL",
    tree.Number: lambda node: node.text,
    tree.String: lambda node: "'" + node.value.replace("'", "''") + "'",
    tree.Boolean: lambda node: "TRUE" if node.value else "FALSE",
    tree.ColumnRef: lambda node: dotted(node.qualifier, name(node.name)),
    tree.Unary: lambda node: f"{node.operator}{nested(node.operand)}",
    tree.Binary: lambda node: f"{nested(node.left)} {node.operator} {nested(node.right)}",
    tree.Function: lambda node: f"{node.name}({listed(node.arguments)})",
    tree.Aggregate: _aggregate,
    tree.Cast: _cast,
    tree.Case: _case,
    tree.Comparison: lambda node: f"{nested(node.left)} {node.operator} {nested(node.right)}",
    tree.Between: lambda n: f"{nested(n.operand)} {_no(n)}BETWEEN {nested(n.low)} AND {nested(n.high)}",
    tree.InList: lambda node: f"{nested(node.operand)} {_no(node)}IN ({listed(node.items)})",
    tree.InQuery: lambda node: f"{nested(node.operand)} {_no(node)}IN ({write(node.query)})",
    tree.Like: lambda n: f"{nested(n.operand)} {_no(n)}{'ILIKE' if n.ignore_case else 'LIKE'} {nested(n.pattern)}",
    tree.IsNull: lambda node: f"{nested(node.operand)} IS {_no(node)}NULL",
    tree.Exists: lambda node: f"EXISTS ({write(node.query)})",
    tree.Not: lambda node: f"NOT {tested(node.operand)}",
    tree.Logical: lambda node: f" {node.operator} ".join(tested(operand) for operand in node.operands),
    tree.TableName: _table,
    tree.DerivedTable: lambda node: f"({write(node.query)}) AS {name(node.alias)}",
    tree.Join: _join,
    tree.Star: lambda node: dotted(node.qualifier, "*"),
    tree.Item: lambda node: write(node.expression) + (f" AS {name(node.alias)}" if node.alias else ""),
    tree.Ordering: lambda n: (
        (str(n.key) if isinstance(n.key, int) else write(n.key)) + (" DESC" if n.descending else "")
    ),
    tree.Select: _select,
    tree.SetOperation: _set,
    tree.Query: _query,
}
"""Node → what writes it."""
