"""Where in `nashira.toml` a section or key stands, for messages; tomllib gives no lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_TABLE = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?\Z")
_PAIR = re.compile(r"\s*(?P<key>[A-Za-z0-9_\-.\"' ]+?)\s*=")


def line_of(text: str, place: Sequence[str]) -> int | None:
    """Give the line (from 1) of the key or section at `place`, or of what it stands in; None where neither is written.

    `place` is such as ("limits", "maxrec_hard"). Lines within values of several lines are not mistaken for keys.
    """
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    begun = ""  # a value that goes on for several lines
    for number, line in enumerate(text.splitlines(), start=1):
        if begun:
            begun = begun + "\n" + line
        elif table := _TABLE.match(line):
            section = _names(table["name"])
            found.setdefault(section, number)
        elif pair := _PAIR.match(line):
            found.setdefault((*section, *_names(pair["key"])), number)
            begun = line
        if begun and _whole(begun):
            begun = ""
    wanted = tuple(place)
    while wanted and wanted not in found:
        wanted = wanted[:-1]
    return found.get(wanted)


def _names(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


def _whole(pair: str) -> bool:
    """Tell whether a key and its value are complete."""
    try:
        tomllib.loads(pair)
    except tomllib.TOMLDecodeError:
        return False
    return True
