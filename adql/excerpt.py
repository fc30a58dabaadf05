"""The piece of a query around a fault, with a caret below it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

from ..config.errors import Position
from .tokens import line_starts

WIDTH = 100
"""Characters of a line that are shown at most."""

_BEFORE = 60  # of them before the fault


def excerpt(text: str, position: Position | None) -> str:
    """Give the line of a fault and a line of carets below it, for a font of fixed width; empty without a place.

    Long lines are cut around the fault, with … where something is left out. Of a fault over several lines the first is
    shown. Tabs become blanks, other characters that cannot be printed a middle dot, so that the carets stand right.
    """
    if position is None or not 0 <= position.start <= len(text):
        return ""
    first = position.start - position.column + 1
    line = text[first : _line_end(text, position.start)]
    begin, end = position.column - 1, min(position.end - first, len(line))
    cut = max(0, begin - _BEFORE) if len(line) > WIDTH else 0
    cut = min(cut, max(0, len(line) - WIDTH))
    shown, head = line[cut : cut + WIDTH], "…" if cut else ""
    tail = "…" if cut + WIDTH < len(line) else ""
    indent = len(head) + _columns(shown[: begin - cut])
    carets = max(1, _columns(shown[begin - cut : max(begin, end) - cut]))
    return f"{head}{_printable(shown)}{tail}\n{' ' * indent}{'^' * carets}"


def place_end(text: str, position: Position) -> tuple[int, int]:
    """Give line and column, from 1, right behind the last character of a place."""
    lines = line_starts(text)
    line = bisect_right(lines, position.end)
    return line, position.end - lines[line - 1] + 1


def _line_end(text: str, start: int) -> int:
    ends = [end for end in (text.find("\n", start), text.find("\r", start)) if end >= 0]
    return min(ends, default=len(text))


def _printable(text: str) -> str:
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable() or unicodedata.combining(character):
        return character
    return " " if character.isspace() else "·"


def _columns(text: str) -> int:
    """Count the columns that a text takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
