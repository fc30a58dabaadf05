"""The store as publishers see it: one publisher a table, a draft, one rename, and sweeping up.

Nothing is changed in place: a version is written as `v-….partial`, renamed when whole, and becomes the
table by replacing the link `current`. What a killed publisher leaves is removed by the next one.

A version whose rows lie in a database has a file `relation` that names the table there, written before the table is
made. Such a folder goes only after its table: a `Drop` does that, which publishers bring and servers lack.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..config.errors import PublishError
from .store_records import TABLE_FILE, SchemaRecord, TableRecord, write_record

CURRENT = "current"
LOCK = "lock"
RELATION = "relation"
VERSION = "VERSION"
PARTIAL = ".partial"

Drop = Callable[[tuple[str, str]], bool]  # of a table (schema, name) in the database; False: it must stay for now


def keep_relation(_: tuple[str, str]) -> bool:
    """Drop nothing: what is done where nobody may change the database."""
    return False


@dataclass(frozen=True, slots=True)
class Draft:
    """A version being written into `folder`; `name` is what it will be called."""

    home: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where to write."""
        return self.home / (self.name + PARTIAL)


@contextmanager
def publishing(store: Path, name: str) -> Iterator[Path]:
    """Be the only publisher of the table `name` (schema.table); gives its folder, made where it is missing.

    PublishError where another process publishes it.
    """
    home = store / name
    lock = _lock_home(home)
    if lock is None:
        message = f"{name} is being published by another process; wait for it to end"
        raise PublishError(message)
    try:
        yield home
    finally:
        os.close(lock)


@contextmanager
def drafting(home: Path) -> Iterator[Draft]:
    """Open a draft of the table folder `home`; it is removed unless `commit` was called or its relation remains."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    draft = Draft(home, f"v-{stamp}-{secrets.token_hex(3)}")
    draft.folder.mkdir()
    try:
        (draft.folder / LOCK).touch()
        yield draft
    finally:
        _remove(draft.folder, keep_relation)


def name_relation(draft: Draft, path: tuple[str, str]) -> None:
    """Note on disk which table of the database a draft is about to make."""
    written = draft.folder / f"{RELATION}.tmp"
    written.write_text(json.dumps(path), encoding="utf-8")
    _flush_one(written)
    written.replace(draft.folder / RELATION)
    _flush(draft.folder)
    _flush_one(draft.home)


def forget_relation(draft: Draft) -> None:
    """Note that a draft's table in the database is gone."""
    (draft.folder / RELATION).unlink(missing_ok=True)


def commit(draft: Draft, record: TableRecord) -> None:
    """Make the draft the table: all on disk, then one rename. The older version goes when nobody reads it."""
    write_record(draft.folder / TABLE_FILE, record)
    _flush(draft.folder)
    final = draft.home / draft.name
    lock = os.open(draft.folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)  # no sweeper takes it for an old version before the link points to it
        draft.folder.rename(final)
        link = draft.home / f"{CURRENT}.{draft.name}"
        link.symlink_to(draft.name)
        link.replace(draft.home / CURRENT)
        _flush_one(draft.home)
    finally:
        os.close(lock)
    touch(draft.home.parent)


def rewrite(home: Path, record: TableRecord) -> None:
    """Replace the metadata of the version in force; its data stay."""
    write_record(home / CURRENT / TABLE_FILE, record)
    touch(home.parent)


def write_schema(store: Path, record: SchemaRecord) -> None:
    """Replace the metadata of a schema."""
    write_record(store / f"{record.name}.json", record)
    touch(store)


def touch(store: Path) -> None:
    """Tell running servers that something changed."""
    draft = store / f"{VERSION}.{os.getpid()}.tmp"
    draft.write_text(datetime.now(UTC).isoformat() + "\n", encoding="ascii")
    draft.replace(store / VERSION)


def withdraw(store: Path, name: str, drop: Drop = keep_relation) -> None:
    """Take a table down; readers keep what they hold. PublishError where it is being published."""
    with publishing(store, name) as home:
        (home / CURRENT).unlink(missing_ok=True)
        touch(store)
        _sweep_home(home, drop)


def sweep(store: Path, drop: Drop = keep_relation) -> None:
    """Remove what nobody needs: leftovers of killed publishers, old versions without readers, empty folders."""
    for home in store.glob("*.*/"):
        if not home.is_dir():
            continue
        lock = _lock_home(home)
        if lock is None:
            continue  # its publisher is at work
        try:
            _sweep_home(home, drop)
        finally:
            os.close(lock)


def remove_unused(folder: Path, drop: Drop = keep_relation) -> None:
    """Remove a version folder that was replaced, if nobody reads it; else, or where it is in force, do nothing."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # gone already, or this process may not write to the store
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _in_force(folder):
            _remove(folder, drop)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _remove(folder: Path, drop: Drop) -> None:
    """Remove a folder after the table in the database that it names."""
    try:
        schema, name = json.loads((folder / RELATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError):  # unreadable: the table would be forgotten
        return
    else:
        if not drop((schema, name)):
            return
        (folder / RELATION).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _in_force(folder: Path) -> bool:
    try:
        return (folder.parent / CURRENT).readlink() == Path(folder.name)
    except OSError:
        return False


def _lock_home(home: Path) -> int | None:
    """Lock a table's folder for one publisher; None where another has it."""
    while True:
        home.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:  # a sweeper removed the folder just now
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        if os.fstat(lock).st_nlink:
            return lock
        os.close(lock)


def _sweep_home(home: Path, drop: Drop) -> None:
    """Sweep a table's folder; the caller holds its lock."""
    for path in home.iterdir():
        if path.name.endswith(PARTIAL):
            _remove(path, drop)
        elif path.name.startswith(f"{CURRENT}."):
            path.unlink(missing_ok=True)
        elif path.name.startswith("v-"):
            _remove_old(path, drop)
    if {path.name for path in home.iterdir()} == {LOCK}:
        shutil.rmtree(home, ignore_errors=True)


def _remove_old(folder: Path, drop: Drop) -> None:
    if (folder / LOCK).exists():
        remove_unused(folder, drop)
    elif not _in_force(folder):
        _remove(folder, drop)  # its removal was cut short


def _flush(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _flush_one(Path(parent) / name)
        _flush_one(Path(parent))


def _flush_one(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
