"""What DuckDB says when it fails, as errors of ours: a neutral text for the user, the whole text for the log."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa

from ..config.errors import EngineError, NashiraError, OutOfResources, QueryError, StoreError

FAILURES = (duckdb.Error, OSError, RuntimeError, pa.ArrowException, MemoryError)
"""What the driver raises; batches under way fail with an OSError that carries the same text."""

_KIND = re.compile(r"\s*(?P<kind>[A-Za-z][A-Za-z ]*?) Error:\s*(?P<text>.*)", re.DOTALL)
_PYTHON = re.compile(r".*occurred while executing the UDF: (?P<type>\w+): (?P<text>.*)", re.DOTALL)
_DATA_KINDS = frozenset({"Conversion", "Out of Range", "Invalid Input", "Invalid type", "Mismatch Type"})
_FILE_WORDS = ("magic bytes", "failed to read file", "parquet", "thrift", "decompress", "no files found")
_SPACE_WORDS = ("temp_directory", "no space left", "temporary file", "disk quota")
_SOURCE_COLUMN = re.compile(r"\s*when casting from source column .*")


def is_interrupt(error: BaseException) -> bool:
    """Tell whether the engine stopped because it was asked to."""
    return _split(error)[0].upper() == "INTERRUPT"


def translated(error: BaseException, store: Path) -> NashiraError:
    """Give the error to raise for a failure of the driver; `store` is the folder whose paths name tables."""
    kind, text = _split(error)
    lower = text.lower()
    if kind == "Out of Memory" or isinstance(error, MemoryError):
        return OutOfResources("The query needs more memory or temporary space than the service allows")
    if kind in _DATA_KINDS and not _about_files(lower, store):
        return _data_error(text)
    if kind == "IO" and any(word in lower for word in _SPACE_WORDS):
        return OutOfResources("The temporary space of the service is used up")
    if kind in {"IO", "Invalid Input", "Serialization"} and _about_files(lower, store):
        return StoreError(f"The stored data of {_table(text, store)} cannot be read; the operator has to look at it")
    return EngineError("The query failed for an internal reason; the operator finds it in the log")


def _split(error: BaseException) -> tuple[str, str]:
    """Give the kind that stands before `Error:` and the text after it."""
    match = _KIND.match(str(error))
    return (match["kind"], match["text"]) if match else ("", str(error))


def _about_files(lower: str, store: Path) -> bool:
    return str(store).lower() in lower or any(word in lower for word in _FILE_WORDS)


def _table(text: str, store: Path) -> str:
    """Name the table that a path in the text belongs to."""
    match = re.search(re.escape(str(store)) + r"/(?P<table>[^/'\"]+)/", text)
    return f"table {match['table']}" if match else "a table"


def _data_error(text: str) -> NashiraError:
    """Give a query error from the first line of the text, without position, SQL and inner column names."""
    python = _PYTHON.match(text)
    if python is not None and python["type"] != "ValueError":
        return EngineError("The query failed for an internal reason; the operator finds it in the log")
    line = (python["text"] if python else text).strip().split("\n")[0]
    line = _SOURCE_COLUMN.sub("", line).strip().rstrip("!.")
    return QueryError(f"The query failed on a value: {line}")
