r"""Any text in FITS: what is no printable ASCII is written as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

FITS 4.0 (sections 3.3.1, 4.2.1.1 and 7.3.3.1) knows no other characters, and astropy refuses to read them. A backslash
that begins what only looks like an escape becomes `\x5c`, all others stay, so that LaTeX stays readable and every text
can be restored. A header that holds such texts, or whose table does, says `TXTESC  = 'backslash'`; only then does
the reader undo them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .arrays import offsets_of, text_bytes

KEYWORD, SCHEME = "TXTESC", "backslash"
_PATTERN = r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_ESCAPE = re.compile(_PATTERN)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F)}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BACKSLASH = 0x5C
_DIGITS = {"x": 2, "u": 4, "U": 8}
_LARGEST = 0x10FFFF
_LONGEST = 10  # characters of an escape
_PART_BYTES = 1 << 22
Codes = npt.NDArray[np.int64]


def ascii_text(text: str) -> str:
    """Write one text in printable ASCII."""
    return _controlled(_ESCAPE.sub(r"\\x5c\1", text))


def _controlled(text: str) -> str:
    return (text.translate(_CONTROLS) if _CONTROL.search(text) else text).encode("ascii", "backslashreplace").decode()


def needs_escapes(texts: Iterable[str]) -> bool:
    """Tell whether any of these texts is written otherwise than it is."""
    return any(ascii_text(text) != text for text in texts)


def has_escapes(array: pa.Array) -> bool:
    """Tell whether any text written by `to_ascii` holds an escape."""
    data, _ = text_bytes(array)
    return bool((data == _BACKSLASH).any()) and bool(pc.any(pc.match_substring_regex(array, _PATTERN)).as_py())


def to_ascii(array: pa.Array) -> pa.Array:
    """Write (n,) texts in printable ASCII, nulls kept; texts that are so already pass untouched."""
    data, _ = text_bytes(array)
    return _by_parts(array, _to_ascii) if ((data < 0x20) | (data > 0x7E) | (data == _BACKSLASH)).any() else array


def _to_ascii(array: pa.Array) -> pa.Array:
    if has_escapes(array):
        array = pc.replace_substring_regex(array, _PATTERN, r"\\x5c\1")
    data, lengths = text_bytes(array)
    if not ((data < 0x20) | (data > 0x7E)).any():
        return array
    text = data.tobytes().decode("utf-8")
    codes = _codes(text)
    sizes = np.select(
        [(codes < 0x20) | (codes == 0x7F), codes < 0x80, codes < 0x100, codes < 0x10000], [4, 1, 4, 6], 10
    )
    characters = offsets_of((data & 0xC0) != 0x80)[offsets_of(lengths)]
    return _texts(_controlled(text), offsets_of(sizes)[characters], array)


def from_ascii(array: pa.Array) -> pa.Array:
    """Undo `to_ascii` in (n,) texts, nulls kept; what stands for no character stays as it is."""
    return _by_parts(array, _from_ascii) if has_escapes(array) else array


def _from_ascii(array: pa.Array) -> pa.Array:
    data, lengths = text_bytes(array)
    codes = _codes(data.tobytes().decode("utf-8"))
    ends = offsets_of((data & 0xC0) != 0x80)[offsets_of(lengths)]
    kept = np.ones(len(codes), np.bool_)
    plain = codes.copy()
    rooms = np.repeat(ends[1:], np.diff(ends)) - np.arange(len(codes))  # characters from here to the end of the text
    for letter, digits in _DIGITS.items():
        places = np.flatnonzero((codes[:-1] == _BACKSLASH) & (codes[1:] == ord(letter)) & (rooms[:-1] >= digits + 2))
        values = _hexadecimal(codes, places + 2, digits)
        known = (values >= 0) & (values <= _LARGEST) & ((values < 0xD800) | (values > 0xDFFF))
        places = places[known]
        plain[places] = values[known]
        kept[(places[:, None] + np.arange(1, digits + 2)).ravel()] = False
    sizes = np.select([plain < 0x80, plain < 0x800, plain < 0x10000], [1, 2, 3], 4) * kept
    return _texts(plain[kept].astype("<u4").tobytes().decode("utf-32-le"), offsets_of(sizes)[ends], array)


def _by_parts(array: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Change texts a few megabytes at a time: while they are changed a character takes fifty bytes and more."""
    _, lengths = text_bytes(array)
    ends = np.cumsum(lengths)
    parts, start = [], 0
    while start < len(array):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _PART_BYTES, side="right")))
        part = array.slice(start, stop - start)
        parts.append(_huge(part, change) if lengths[start] > _PART_BYTES else change(part))
        start = stop
    return pa.concat_arrays(parts) if parts else array


def _huge(array: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Change a lone text piece by piece; no piece ends within an escape."""
    text = array[0].as_py()
    pieces, start = [], 0
    while start < len(text):
        stop = start + _PART_BYTES // 4
        begun = text.rfind("\\", stop - _LONGEST, stop)
        stop = begun if begun > start else stop
        pieces.append(change(pa.array([text[start:stop]]))[0].as_py())
        start = stop
    return pa.array(["".join(pieces)])


def _hexadecimal(codes: Codes, places: Codes, digits: int) -> Codes:
    """Read the numbers of so many hexadecimal digits at (n,) places; -1 where there is none."""
    grid = codes[places[:, None] + np.arange(digits)]
    lower = np.where((grid >= ord("A")) & (grid <= ord("F")), grid + 32, grid)
    letters = (lower >= ord("a")) & (lower <= ord("f"))
    figures = (lower >= ord("0")) & (lower <= ord("9"))
    values = np.where(letters, lower - ord("a") + 10, lower - ord("0"))
    numbers = (values * 16 ** np.arange(digits - 1, -1, -1)).sum(axis=1)
    return np.where((letters | figures).all(axis=1), numbers, -1)


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.int64)


def _texts(text: str, ends: Codes, like: pa.Array) -> pa.Array:
    """Cut the (n,) texts that end at these bytes from `text`; null where `like` is."""
    buffers = pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(text.encode("utf-8"))
    texts = pa.StringArray.from_buffers(len(like), *buffers)
    return pc.if_else(like.is_valid(), texts, None) if like.null_count else texts


def plain_text(text: str) -> str:
    """Undo `ascii_text`."""
    return str(from_ascii(pa.array([text]))[0].as_py())
