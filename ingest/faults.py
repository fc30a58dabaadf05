"""What goes wrong while publishing, in words for the person at the keyboard."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import duckdb
import psycopg
import pyarrow as pa

from ..config.errors import PublishError, UserError
from .postgres_database import words as database_words

_FULL = ("no space left", "max_temp_directory_size", "disk quota", "errno 28", "errno 122")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what readers, engine and file system raise into PublishError about the table `name`."""
    try:
        yield
    except UserError as error:  # readers blame the file's author
        message = f"{name}: {error}"
        raise PublishError(message) from error
    except (psycopg.Error, adbc_driver_manager.Error) as error:
        message = f"{name}: {_database_words(error)}; what was published before stays as it was"
        raise PublishError(message) from error
    except (OSError, duckdb.Error, pa.ArrowException, MemoryError) as error:
        message = f"{name}: {_words(error)}; what was published before stays as it was"
        raise PublishError(message) from error


def _database_words(error: psycopg.Error | adbc_driver_manager.Error) -> str:
    """Give what the database says: what comes behind its ERROR, without the place in its own files."""
    if isinstance(error, psycopg.Error):
        text = database_words(error)
    else:
        text = " ".join(str(error).partition("CONTEXT:")[0].partition("SQLSTATE:")[0].split())
        text = text.rpartition("ERROR: ")[2].strip(" .")
    if any(mark in text.lower() for mark in _FULL):
        return "the disk of the database is full; make room and publish again"
    return f"the database refuses it ({text[:300]})"


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if full or any(mark in text.lower() for mark in _FULL):
        return "the disk is full; make room in the site's folder and publish again"
    if isinstance(error, (MemoryError, pa.ArrowMemoryError, duckdb.OutOfMemoryException)):
        return "memory does not suffice for the sort"
    if isinstance(error, OSError):
        return f"a file cannot be read or written ({error.strerror or text[:300]})"
    return f"the data cannot be stored ({text[:300]})"
