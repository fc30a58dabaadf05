"""Descriptors as text for people: what was found stands there as comments, so that editing is uncommenting.

A descriptor that somebody edited is never written anew: only blocks of new tables are added, and blocks nobody
has touched are brought up to date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import yaml

from .descriptor import ColumnEdit, Dataset, Position, TableDescriptor, parse_descriptor
from .model import Column

_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.+-]*(?: [A-Za-z0-9_/.+()-]+)*\Z")
_UNPRINTABLE = re.compile(
    "[^\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_WORDS = frozenset("true false yes no on off null none y n".split())
_TEXTS = ("unit", "ucd", "utype", "description")

_HEAD = """\
# What this site says of the dataset `{schema}`. Everything below wins over what the files say.
# Lines behind a # show what was found in the files: remove the # to change them.
# After an edit run `nashira publish`; the data are read again only where they must be.
schema: {schema}
{facts}
tables:
"""
_FACTS = (
    ("title", "# title: A name for people, such as Hipparcos main catalogue"),
    ("description", "# description: What it is, in a few sentences"),
    ("creators", "# creators: [Institute or Person, Another]"),
    ("subjects", "# subjects: [stars, astrometry]    # words of the Unified Astronomy Thesaurus"),
    ("citation", "# citation: a bibcode or DOI to cite"),
    ("rights", "# rights: a licence, such as CC BY 4.0"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a table, to be shown as comments.

    `columns` are the file's, before edits; `position_reason` says how the position was found or why none was;
    `part` names the table within its file where the file has several.
    """

    columns: Sequence[Column]
    position: Position | None = None
    position_reason: str = ""
    description: str = ""
    part: str = ""
    notes: Sequence[str] = field(default=())


def scalar(text: str) -> str:
    """Write a text as a YAML scalar on one line, in double quotes where it needs them."""
    if _PLAIN.match(text) and text.lower() not in _WORDS and not text[0].isdigit() and not _numeric(text):
        return text
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _flow(values: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{scalar(key)}: {_value(value)}" for key, value in values.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return _flow(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return scalar(value) if isinstance(value, str) else str(value)


def table_block(table: TableDescriptor, found: Found, indent: int = 2) -> str:
    """Write the block of a table, a list item at `indent` spaces, with what was found as comments."""
    lines = [f"- name: {scalar(table.name)}", f"  source: {scalar(table.source)}"]
    if found.part or table.index:
        part = f"    # {_comment(found.part)}; counts the tables in the file from 0" if found.part else ""
        lines.append(f"  index: {table.index}{part}")
    lines += _text_lines("title", table.title, "A name for people")
    lines += _text_lines("description", table.description, found.description or "What a row is")
    if table.utype:
        lines.append(f"  utype: {scalar(table.utype)}")
    lines += _position_lines(table, found)
    lines += _key_lines(table)
    lines += [f"  # {_comment(note)}" for note in found.notes]
    lines.append("  columns:")
    lines += [_column_line(column, table) for column in found.columns]
    shown = {column.name for column in found.columns}
    lines += [_edit_line(name, edit) for name, edit in table.columns.items() if name not in shown]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _text_lines(key: str, said: str, shown: str) -> list[str]:
    return [f"  {key}: {scalar(said)}" if said else f"  # {key}: {scalar(_comment(shown))}"]


def _position_lines(table: TableDescriptor, found: Found) -> list[str]:
    reason = [f"  # {_comment(found.position_reason)}"] if found.position_reason else []
    if table.position is False:
        return ["  position: false"]
    if table.position is not None:
        return [f"  position: {_flow(table.position.model_dump(exclude_none=True))}"]
    if found.position is None:
        return [*reason, "  # position: {ra: name of a column, dec: name of a column, epoch: 2000.0}"]
    shown = {"ra": found.position.ra, "dec": found.position.dec, "epoch": found.position.epoch or 2000.0}
    return [*reason, f"  # position: {_flow(shown)}    # ICRS; `position: false` says that there is none"]


def _key_lines(table: TableDescriptor) -> list[str]:
    lines = [f"  primary_key: {_value(table.primary_key)}" if table.primary_key else "  # primary_key: [column]"]
    shown = "  # keys: [{to: schema.table, columns: {own column: its column}}]"
    said = [key.model_dump(exclude_defaults=True) for key in table.keys]
    return [*lines, f"  keys: {_value(said)}" if said else shown]


def _column_line(column: Column, table: TableDescriptor) -> str:
    edit = table.columns.get(column.name)
    if edit is not None:
        return _edit_line(column.name, edit)
    shown = {key: getattr(column, key) for key in _TEXTS if key != "utype" or column.utype}
    return f"    # {scalar(column.name)}: {_flow(shown)}"


def _edit_line(name: str, edit: ColumnEdit) -> str:
    return f"    {scalar(name)}: {_flow(edit.model_dump(exclude_none=True, exclude_defaults=True))}"


def _comment(text: str) -> str:
    """Keep a comment on its line."""
    return _UNPRINTABLE.sub("\ufffd", " ".join(text.split()))


def whole_text(dataset: Dataset, blocks: Mapping[str, str]) -> str:
    """Write a descriptor; `blocks` are the texts of its tables by name."""
    facts = [f"{key}: {_value(getattr(dataset, key))}" if getattr(dataset, key) else comment for key, comment in _FACTS]
    if dataset.utype:
        facts.append(f"utype: {scalar(dataset.utype)}")
    head = _HEAD.format(schema=dataset.name, facts="\n".join(facts))
    return head + "".join(blocks[table.name] for table in dataset.tables)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Lines of a descriptor: the indent of table items and where each table's block begins and ends."""

    indent: int
    spans: tuple[tuple[int, int], ...]


def _tables_node(text: str) -> yaml.SequenceNode | None:
    """Find the list of tables; None where it is empty or not written as a block list."""
    root = yaml.compose(text, yaml.BaseLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    items = next((value for key, value in root.value if key.value == "tables"), None)
    if not isinstance(items, yaml.SequenceNode) or items.flow_style or not items.value:
        return None
    return items


def _layout(items: yaml.SequenceNode, text: str) -> _Layout:
    starts = [item.start_mark.line for item in items.value]
    total = len(text.splitlines())
    after = items.end_mark
    end = after.line if after.column == 0 and after.line > starts[-1] else total
    return _Layout(items.start_mark.column, tuple(zip(starts, [*starts[1:], end], strict=True)))


def block_digest(text: str, dataset: Dataset, name: str) -> str:
    """Digest a table's block as it stands in a descriptor; empty where it has no block of its own."""
    items = _tables_node(text)
    numbers = [n for n, table in enumerate(dataset.tables) if table.name == name]
    if items is None or not numbers:
        return ""
    start, end = _layout(items, text).spans[numbers[0]]
    block = "".join(text.splitlines(keepends=True)[start:end])
    return sha256(block.encode()).hexdigest()


def with_table(text: str, dataset: Dataset, table: TableDescriptor, found: Found, written: str) -> str:
    """Bring a table into a descriptor's text, leaving everything else as it stands.

    A table that is there is written anew only where its block still has the digest `written`, that is, nobody has
    touched it; else only its source is replaced where it differs. A text whose tables are no block list is
    written from what it means, and comments of the author are lost.
    """
    known = [t.name for t in dataset.tables]
    tables = tuple(table if t.name == table.name else t for t in dataset.tables)
    wanted = dataset.model_copy(update={"tables": tables if table.name in known else (*tables, table)})
    items = _tables_node(text)
    if items is not None:
        spliced = _spliced(text, items, known, table, found, block_digest(text, dataset, table.name) == written)
        if parse_descriptor(spliced, dataset.name) == wanted:
            return spliced
    blocks = {t.name: table_block(t, found if t is table else Found(())) for t in wanted.tables}
    return whole_text(wanted, blocks)


def _spliced(
    text: str, items: yaml.SequenceNode, known: Sequence[str], table: TableDescriptor, found: Found, untouched: bool
) -> str:
    layout = _layout(items, text)
    if table.name in known and not untouched:
        return _with_source(text, items.value[known.index(table.name)], table.source)
    start, end = layout.spans[known.index(table.name)] if table.name in known else (layout.spans[-1][1],) * 2
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:start], table_block(table, found, layout.indent), *lines[end:]])


def _with_source(text: str, item: yaml.MappingNode, source: str) -> str:
    """Replace the value of `source` in a table's block."""
    value = next(node for key, node in item.value if key.value == "source")
    if value.value == source:
        return text
    return text[: value.start_mark.index] + scalar(source) + text[value.end_mark.index :]
