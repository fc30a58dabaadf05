"""Types of text columns: the narrowest that reads every value (integer, float, boolean, time, text)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..schema.model import Column
from ..schema.types import ATOMS, BOOLEAN, DOUBLE, INTEGER, LONG, STRING, TIMESTAMP, VOType
from .texts_read import BadCell, timestamps, values_of
from .votable_fields_read import Field

_NO_VALUES = pa.array(["null", "NULL", "Null", "NA", "N/A", "n/a", "\\N", "--", "None", ""])
_WORDS = pa.array(["true", "false", "TRUE", "FALSE", "True", "False"])
_INT32 = 1 << 31
_NUMBERS = (INTEGER, LONG, DOUBLE)
_NAMES = r"^[+-]?0[0-9]+$|^0[xX]"  # digits behind a leading zero, as in 007, name things; so do hexadecimal numbers
_LONG_DIGITS = r"^[+-]?[0-9]{17,}$"


def _plain(texts: pa.StringArray) -> pa.StringArray:
    trimmed = pc.ascii_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, value_set=_NO_VALUES), pa.scalar(None, pa.string()), trimmed)


def _number(vo: VOType, texts: pa.StringArray) -> pa.Array:
    try:
        return texts.cast(ATOMS[vo.datatype].arrow)  # most columns are nothing but plain numbers
    except pa.ArrowInvalid:
        return _word(vo, texts)


def _word(vo: VOType, texts: pa.StringArray) -> pa.Array:
    return values_of(_plain(texts), Field(Column("", vo), 1, False))


def _boolean(texts: pa.StringArray) -> pa.Array:
    plain = _plain(texts)
    if not pc.all(pc.or_(pc.is_in(plain, value_set=_WORDS), pc.is_null(plain))).as_py():
        raise BadCell(0, "a text is neither true nor false")
    return _word(BOOLEAN, plain)


_READERS: dict[VOType, Callable[[pa.StringArray], pa.Array]] = {
    INTEGER: lambda texts: _number(INTEGER, texts),
    LONG: lambda texts: _number(LONG, texts),
    DOUBLE: lambda texts: _number(DOUBLE, texts),
    BOOLEAN: _boolean,
    TIMESTAMP: lambda texts: timestamps(_plain(texts)),
    STRING: lambda texts: texts,
}


def guessed_values(kind: VOType) -> Callable[[pa.StringArray], pa.Array]:
    """Give the function that reads texts of a column of a guessed type; words such as `NA` are null but in texts."""
    return _READERS[kind]


class Guess:
    """The types of columns as far as their texts have been looked at, and the number of rows."""

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self._kinds: list[VOType | None] = [None] * columns  # None: no value yet

    def look(self, columns: Sequence[pa.StringArray]) -> None:
        """Take note of the texts of some more rows."""
        self.rows += len(columns[0]) if columns else 0
        for index, texts in enumerate(columns):
            if self._kinds[index] != STRING:
                self._kinds[index] = _widened(self._kinds[index], texts)

    def types(self) -> list[VOType]:
        """Give the types; a column without any value is text."""
        return [kind or STRING for kind in self._kinds]


def _widened(kind: VOType | None, texts: pa.StringArray) -> VOType | None:
    """Give the type that reads these texts as well as all texts of `kind`."""
    if texts.null_count == len(texts):
        return kind
    plain = texts if kind in _NUMBERS and _castable(texts, ATOMS[kind.datatype].arrow) else _plain(texts)
    if plain.null_count == len(plain):
        return kind
    if kind is None or kind in _NUMBERS:
        number = _number_kind(plain)
        if number is not None and kind is not None:
            number = max(number, kind, key=_NUMBERS.index)
        if number is not None and not (number == DOUBLE and kind == LONG):
            return number
    for other in (BOOLEAN, TIMESTAMP):
        if kind in {None, other} and _reads(other, plain):
            return other
    return STRING


def _number_kind(plain: pa.StringArray) -> VOType | None:
    if pc.any(pc.starts_with(plain, "+")).as_py():
        plain = pc.replace_substring_regex(plain, pattern=r"^\+", replacement="")
    if _castable(plain, pa.int64()):
        if _any_name(plain):
            return None
        ends = pc.min_max(plain.cast(pa.int64())).as_py()
        return INTEGER if ends["min"] >= -_INT32 and ends["max"] < _INT32 else LONG
    if not _castable(plain, pa.float64()):
        return None
    whole = plain.filter(pc.invert(pc.match_substring(plain, ".")))
    return None if _any_name(whole) or pc.any(pc.match_substring_regex(whole, _LONG_DIGITS)).as_py() else DOUBLE


def _any_name(texts: pa.StringArray) -> bool:
    """Tell whether any of these numbers is rather a name; only a leading zero makes it worth a look."""
    zeros = pc.or_(pc.starts_with(texts, "0"), pc.starts_with(texts, "-0"))
    return bool(pc.any(pc.match_substring_regex(texts.filter(zeros), _NAMES)).as_py())


def _castable(plain: pa.StringArray, kind: pa.DataType) -> bool:
    """Tell whether all texts can be cast, a few first: a failed cast costs much more than one that does not fail."""
    for size in (16, 1024, len(plain)):
        try:
            plain.slice(0, size).cast(kind)
        except pa.ArrowInvalid:
            return False
    return True


def _reads(kind: VOType, plain: pa.StringArray) -> bool:
    try:
        for size in (16, len(plain)):
            _READERS[kind](plain.slice(0, size))
    except BadCell:
        return False
    return True
