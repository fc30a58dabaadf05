"""What to tell the author of a query: near misses of names, and how ADQL spells what other dialects spell otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ..schema.names import NEW_IN_2_1
from .dialects import CHARACTERS, REPLACEMENTS

_LONGEST_NAME = 64
_SHOWN = 40

TYPES = (
    "CAST knows SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR(n), VARCHAR(n), TIMESTAMP, "
    "POINT, CIRCLE, POLYGON"
)


def show(text: str) -> str:
    """Quote a piece of the author's text for a message: short, on one line, nothing unprintable."""
    text = " ".join(text[: 4 * _SHOWN].split()) or text
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    safe = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return f"'{safe}'" if "'" not in safe else safe


def closest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """Find the candidates that `name` was perhaps meant to be, best first, at most `most`, as they are spelled.

    Case and underscores do not count; otherwise up to a third of the characters may be wrong, missing, too many or
    swapped with their neighbour.
    """
    wanted = _fold(name)
    if not wanted or len(wanted) > _LONGEST_NAME:
        return []
    allowed = max(1, len(wanted) // 3)
    near: dict[str, int] = {}
    for candidate in candidates:
        other = _fold(candidate)
        if abs(len(other) - len(wanted)) <= allowed and len(set(wanted) ^ set(other)) <= 2 * allowed:
            distance = _distance(wanted, other)
            if distance <= allowed and distance < len(wanted):
                near[candidate] = distance
    return sorted(near, key=lambda candidate: (near[candidate], candidate))[:most]


def reserved_advice(word: str) -> str:
    """Say how a reserved word becomes a name."""
    return f'{word.upper()} is a reserved word: if it is meant as a name, write "{word}" in double quotes'


def new_word_advice(word: str) -> str:
    """Say that `word` is a keyword only from ADQL 2.1 on; empty for other words."""
    upper = word.upper()
    return f"{upper} belongs to ADQL 2.1: send the query with LANG=ADQL-2.1" if upper in NEW_IN_2_1 else ""


def quoted_text_advice(name: str) -> str:
    """Say that double quotes make a name, for a quoted name that was perhaps meant as text."""
    text = name.replace("'", "''")
    return f"Double quotes make a name; if it is meant as text, write '{text}' in single quotes"


def type_instead(word: str) -> str:
    """Give the type of CAST that other dialects call `word`, in upper case; empty where it is none."""
    return _TYPE_SPELLINGS.get(word.upper(), "")


def character_advice(piece: str) -> str:
    """Say what to write instead of a character, or of a word that begins like no name or number."""
    if piece in CHARACTERS:
        return CHARACTERS[piece]
    if piece in REPLACEMENTS:
        return f"Write {REPLACEMENTS[piece]}"
    if any(character.isalnum() or character == "_" for character in piece):
        if len(piece) > 2 and piece[0] == "0" and piece[1] in "xX":
            return "Hexadecimal numbers are written like 0xFF"
        quoted = f'"{piece[:_SHOWN]}"'
        if piece[0].isdigit() or piece[0] == ".":
            return f"Numbers have no units and no separators; a name that begins so goes in double quotes: {quoted}"
        return f"Names are made of letters A-Z, digits and _, a letter first; others go in double quotes: {quoted}"
    name = unicodedata.name(piece[0], "")
    return f"It is the character {name}: remove it" if name and ord(piece[0]) > 126 else "Remove it"


_TYPE_SPELLINGS = {
    **dict.fromkeys(("FLOAT", "DOUBLE", "FLOAT8", "NUMERIC", "DECIMAL", "NUMBER"), "DOUBLE PRECISION"),
    **dict.fromkeys(("INT", "INT4"), "INTEGER"),
    **dict.fromkeys(("INT8", "LONG"), "BIGINT"),
    **dict.fromkeys(("INT2", "SHORT"), "SMALLINT"),
    **dict.fromkeys(("TEXT", "STRING", "CHARACTER", "NVARCHAR", "NCHAR", "CLOB"), "VARCHAR"),
    **dict.fromkeys(("DATE", "DATETIME", "TIME"), "TIMESTAMP"),
    "FLOAT4": "REAL",
}


def _fold(name: str) -> str:
    return name.casefold().replace("_", "")


def _distance(left: str, right: str) -> int:
    """Count the edits between two short texts; a swap of neighbours is one."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        here = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, here[column - 1] + 1, above[column - 1] + (one != other))
            if row > 1 and column > 1 and one == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, above = above, here
    return above[-1]
