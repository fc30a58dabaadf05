"""FITS header cards (FITS 4.0 section 4): 80 ASCII characters each, long texts go on by CONTINUE."""

from __future__ import annotations

from collections.abc import Iterable

from .fits_escapes import ascii_text

BLOCK_BYTES = 2880


def card(keyword: str, value: str | int | bool) -> str:
    """Write one value, over several cards where a text is long."""
    if isinstance(value, bool):
        return f"{keyword:<8}= {'T' if value else 'F':>20}".ljust(80)
    if isinstance(value, int):
        return f"{keyword:<8}= {value:>20}".ljust(80)
    pieces = _split(ascii_text(value))
    last = len(pieces) - 1
    lines = [f"'{piece}&'" if place < last else f"'{piece:<8}'" for place, piece in enumerate(pieces)]
    heads = [f"{keyword:<8}= ", *["CONTINUE  "] * last]
    return "".join((head + line).ljust(80) for head, line in zip(heads, lines, strict=True))


def _split(text: str) -> list[str]:
    """Cut a text into runs of at most 67 characters with quotes doubled; none begins or ends inside a doubled quote."""
    runs, run = [], ""
    for character in text:
        written = "''" if character == "'" else character
        if len(run) + len(written) > 67:
            runs.append(run)
            run = ""
        run += written
    return [*runs, run]


def commentary(keyword: str, text: str) -> str:
    """Write a COMMENT or HISTORY over as many cards as it needs."""
    plain = ascii_text(text)
    runs = [plain[start : start + 72] for start in range(0, max(1, len(plain)), 72)]
    return "".join(f"{keyword:<8}{run}".ljust(80) for run in runs)


def header_block(cards: Iterable[str]) -> bytes:
    """Join cards, END and blanks to whole blocks."""
    text = "".join(cards) + "END".ljust(80)
    return text.encode("ascii").ljust(-(-len(text) // BLOCK_BYTES) * BLOCK_BYTES)
