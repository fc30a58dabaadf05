"""Names of schemas, tables and stored columns made from what files offer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..formats.source import unique_names
from ..schema.descriptor import RESERVED_SCHEMAS
from ..schema.model import Column
from ..schema.names import RESERVED

INDEX_COLUMN = "_healpix_29"
DEFAULT_TABLE = "main"
_SUFFIXES = re.compile(
    r"(\.(fits?|fts|vot|votable|xml|csv|tsv|txt|ecsv|parquet|pq|parq))?(\.(gz|bz2|xz|zst|z|fz))?\Z", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def identifier(text: str) -> str:
    """Make a text a legal name of a schema or table: lower case, ASCII, underscores; never empty or reserved."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60].rstrip("_")
    if not name[:1].isalpha() or name.upper() in RESERVED or name in RESERVED_SCHEMAS:
        name = f"t_{name}".rstrip("_")
    return name


def stem(source: str) -> str:
    """Give a file's name without folder and the endings of tables and compression; that of a glob without `*`."""
    return _SUFFIXES.sub("", Path(source).name)


def clean_column(column: Column) -> Column:
    """Give a column with texts that every document can hold: no control characters, no broken Unicode."""
    return replace(
        column,
        description=clean_text(column.description),
        unit=clean_text(column.unit),
        ucd=clean_text(column.ucd),
        utype=clean_text(column.utype),
    )


def clean_text(text: str) -> str:
    """Give a text on one line without control characters; halves of characters become U+FFFD."""
    return " ".join(_CONTROL.sub(" ", _whole(text)).split())


def _whole(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def stored_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names under which columns are stored and sentences about those that had to change.

    Names stay as they are but for control characters, empty names, names that differ from an earlier one
    only in case, and the name of the index.
    """
    clean = [_CONTROL.sub(" ", _whole(name)) for name in names]
    taken = unique_names([INDEX_COLUMN, *clean])[1:]
    pairs = list(zip(names, taken, strict=True))
    changes = [f"column {old!r} is called {new!r} here" for old, new in pairs if old != new]
    return tuple(taken), (*_told_twins(names), *changes)


def _told_twins(names: Sequence[str]) -> Iterator[str]:
    """Tell of names that a reader changed already: `b-v_2` beside `B-V` is the file's `b-v`."""
    lowered = {name.lower(): name for name in names}
    for name in names:
        base, _, number = name.rpartition("_")
        twin = lowered.get(base.lower())
        if number.isdigit() and twin is not None and twin != base:
            yield f"column {base!r} is called {name!r} here, since the table also has {twin!r}"
