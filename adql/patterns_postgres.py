"""Regular expressions as RE2 writes them → PostgreSQL's advanced regular expressions.

Both know alternatives, groups, repetitions and bracket lists alike; they differ in escapes and options. What has no
counterpart is Unsupported by name. The pattern has been checked by RE2 before.
"""

from __future__ import annotations

import re

from ..config.errors import Unsupported

_ESCAPES = {
    "b": r"\y",
    "B": r"\Y",
    "A": r"\A",
    "z": r"\Z",
    "a": r"\x07",
    "pL": "[[:alpha:]]",
    "pN": "[[:digit:]]",
    **{f"p{{{name}}}": form for name, form in (("L", "[[:alpha:]]"), ("N", "[[:digit:]]"), ("Lu", "[[:upper:]]"))},
    **{letter: f"\\{letter}" for letter in "dDsSwWtnrfv"},
}
_PIECE = re.compile(
    r"\\p\{\w+\}|\\p\w|\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\[0-9]+|\\.|\(\?[^):]*[):]|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]])*\]|.",
    re.DOTALL,
)


def advanced(pattern: str) -> str:
    """Translate a pattern; Unsupported where it has a part without a counterpart."""
    options, body = "", pattern
    found = re.match(r"\(\?([is]+)\)", pattern)
    if found:
        options, body = ("i" if "i" in found[1] else ""), pattern[found.end() :]
    made = "".join(_piece(piece) for piece in _PIECE.findall(body))
    return f"(?{options or 's'}){made}"


def _piece(piece: str) -> str:
    if piece.startswith("[") and len(piece) > 1:
        return _bracket(piece)
    if piece.startswith("(?"):
        if piece == "(?:":
            return piece
        if re.fullmatch(r"\(\?P?<\w+>.*", piece):
            return "(" + _named_rest(piece)
        raise _unsupported(piece)
    if not piece.startswith("\\") or len(piece) == 1:
        return piece
    return _escape(piece)


def _named_rest(piece: str) -> str:
    """What a named group holds up to the end of its piece."""
    return "".join(_piece(part) for part in _PIECE.findall(piece.partition(">")[2]))


def _escape(piece: str) -> str:
    name = piece[1:]
    if name in _ESCAPES:
        return _ESCAPES[name]
    if name.startswith("x"):
        return f"\\U{int(name[1:].strip('{}'), 16):08x}"
    if not name[0].isalnum():
        return piece
    raise _unsupported(piece)


def _bracket(piece: str) -> str:
    """A bracket list; class escapes of RE2 work in those of PostgreSQL but for the negative ones."""
    for escape in re.findall(r"\\p\{\w+\}|\\p\w|\\.", piece):
        name = escape[1:]
        if (name.isalnum() and name not in "dswtnrfv") or name.startswith("p{"):
            raise _unsupported(escape)
    if "[:^" in piece:
        raise _unsupported("[:^")
    return piece


def _unsupported(piece: str) -> Unsupported:
    message = f"'{piece[:20]}' in a pattern of gavo_match is not available on this service's engine"
    return Unsupported(message, None, "Write it with brackets, groups and repetitions")
