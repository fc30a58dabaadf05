"""The published tables as readers see them: a snapshot that no publish can take away.

Layout below the site's `store/`:

    VERSION                            replaced after every change; its stat is the version
    <schema>.json                      metadata of the schema
    <schema>.<table>/current           link to the version folder in force, replaced by one rename
    <schema>.<table>/v-<stamp>/        one version: table.json, lock, the data
    <schema>.<table>/v-….partial/      a version being written, or what a killed publish left

A reader holds a shared lock on `lock` of each version it uses; a version goes only when nobody holds it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..config.errors import StoreError
from ..config.site import SiteFolder
from ..schema.model import Catalog, ForeignKey, Schema, Table
from .store_records import TABLE_FILE, SchemaRecord, TableRecord, read_record, schema_of_record, table_of
from .store_write import CURRENT, LOCK, VERSION, remove_unused

log = logging.getLogger(__name__)

_VERSION_NAME = re.compile(r"v-[0-9A-Za-z-]+\Z")
_TRIES = 20


def version(store: Path) -> str:
    """Give a text that changes whenever anything in the store does; costs one stat."""
    try:
        seen = (store / VERSION).stat()
    except FileNotFoundError:
        return "empty"
    return f"{seen.st_mtime_ns:x}-{seen.st_ino:x}"


@dataclass(slots=True)
class Held:
    """A version folder under a shared lock; `lock` is the descriptor that carries it."""

    folder: Path
    lock: int


@dataclass(slots=True)
class Snapshot:
    """The published catalog at one time; its files stay until `release`.

    `faults` says which tables are left out and why. Paths in the catalog are absolute.
    """

    catalog: Catalog
    faults: tuple[StoreError, ...] = ()
    _held: list[Held] = field(default_factory=list)

    def release(self) -> None:
        """Let go of the files, removing those that were replaced meanwhile; harmless when repeated."""
        held, self._held = self._held, []
        for one in held:
            os.close(one.lock)
        for one in held:
            remove_unused(one.folder)


def open_snapshot(folder: SiteFolder) -> Snapshot:
    """Open what is published now; a damaged table is left out, logged and told in `faults`."""
    seen = version(folder.store)
    held: list[Held] = []
    faults: list[StoreError] = []
    tables: dict[str, list[Table]] = defaultdict(list)
    relations: list[TableRecord] = []
    in_database = bool(folder.settings.engine.url)
    for home in table_folders(folder.store):
        try:
            one = hold(home)
            held.append(one)
            record = _read_record(home, one.folder, in_database)
            table = table_of(record, one.folder)
            tables[table.schema].append(table)
            relations.append(record)
        except StoreError as error:
            log.error("left out of the catalog: %s", error)
            faults.append(error)
    live = _with_live_keys(_with_declared_keys(tables, relations))
    schemas = [_read_schema(folder.store, name, live[name], faults) for name in sorted(live)]
    return Snapshot(Catalog(tuple(schemas), seen), tuple(faults), held)


def table_folders(store: Path) -> list[Path]:
    """Give the folders of published tables by name."""
    if not store.is_dir():
        return []
    return sorted(home for home in store.glob("*.*") if (home / CURRENT).is_symlink())


def hold(home: Path) -> Held:
    """Take a shared lock on the version of the table folder `home` in force; StoreError where there is none."""
    for _ in range(_TRIES):
        target = _current(home)
        try:
            lock = os.open(home / target / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if _current(home) != target:
                continue
            message = f"{home.name}: its data folder {target} is missing; publish the table again"
            raise StoreError(message) from None
        except OSError as error:
            advice = "; raise the limit of open files (ulimit -n)" if error.errno == errno.EMFILE else ""
            message = f"{home.name}: cannot be opened: {error.strerror}{advice}"
            raise StoreError(message) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        except OSError as error:
            os.close(lock)
            message = f"{home.name}: it cannot be locked for reading: {error.strerror}"
            raise StoreError(message) from error
        if os.fstat(lock).st_nlink and _current(home) == target:
            return Held(home / target, lock)
        os.close(lock)  # it was replaced between the two looks
    message = f"{home.name}: it is being replaced again and again"
    raise StoreError(message)


def current_record(home: Path) -> TableRecord:
    """Read the record of the version in force; StoreError where it is missing or damaged."""
    return read_record(home / _current(home) / TABLE_FILE, TableRecord)


def _current(home: Path) -> str:
    try:
        target = str((home / CURRENT).readlink())
    except OSError as error:
        message = f"{home.name}: it is not published ({error.strerror})"
        raise StoreError(message) from error
    if not _VERSION_NAME.match(target):
        message = f"{home.name}: its link `{CURRENT}` is damaged; publish the table again"
        raise StoreError(message)
    return target


def _read_record(home: Path, folder: Path, in_database: bool) -> TableRecord:
    record = read_record(folder / TABLE_FILE, TableRecord)
    if f"{record.schema_name}.{record.name}" != home.name:
        message = f"{home.name}: its table.json is that of {record.schema_name}.{record.name}"
        raise StoreError(message)
    if (record.relation is not None) != in_database:
        kept, now = ("in a database", "embedded") if record.relation else ("in files", "a database")
        message = f"{home.name}: its rows are kept {kept}, but the site's engine is {now} now; run `nashira publish`"
        raise StoreError(message)
    if record.relation is None:
        _look_at_files(home.name, folder, record)
    return record


def _with_declared_keys(
    tables: Mapping[str, Sequence[Table]], records: Sequence[TableRecord]
) -> dict[str, list[Table]]:
    """Add the foreign keys that a database declares between its tables, named as these are published."""
    published = {r.relation.path: (r.schema_name, r.name) for r in records if r.relation is not None}
    declared = {
        (r.schema_name, r.name): tuple(
            ForeignKey(published[key.target], key.pairs, key.description)
            for key in r.relation.keys
            if key.target in published
        )
        for r in records
        if r.relation is not None
    }

    def extended(table: Table) -> Table:
        said = {(key.target, frozenset(key.pairs)) for key in table.keys}
        more = tuple(
            key
            for key in declared.get((table.schema, table.name), ())
            if (key.target, frozenset(key.pairs)) not in said
        )
        return replace(table, keys=(*table.keys, *more)) if more else table

    return {name: [extended(table) for table in group] for name, group in tables.items()}


def _with_live_keys(tables: dict[str, list[Table]]) -> dict[str, list[Table]]:
    """Drop foreign keys to tables and columns that are not published."""
    columns = {(t.schema, t.name): {c.name for c in t.columns} for group in tables.values() for t in group}

    def live(table: Table) -> Table:
        own = columns[table.schema, table.name]
        keys = tuple(
            key
            for key in table.keys
            if {theirs for _, theirs in key.pairs} <= columns.get(key.target, set())
            and {c for c, _ in key.pairs} <= own
        )
        return table if keys == table.keys else replace(table, keys=keys)

    return {name: [live(table) for table in group] for name, group in tables.items()}


def _look_at_files(name: str, folder: Path, record: TableRecord) -> None:
    """See that the data are there: each file of our own, but only the folder of data published in place."""
    if record.root is not None:
        missing = [] if Path(record.root).is_dir() else [record.root]
    else:
        missing = [part.path for part in record.partitions if _size(folder, part.path) != part.size_bytes]
    if missing:
        message = f"{name}: {len(missing)} of its files are missing or cut short, first {missing[0]}; publish it again"
        raise StoreError(message)


def _size(folder: Path, name: str) -> int:
    """Give the size of a file in bytes, -1 where it is missing; strings, since there may be thousands."""
    try:
        return os.stat(f"{folder}/{name}").st_size  # noqa: PTH116
    except OSError:
        return -1


def _read_schema(store: Path, name: str, tables: list[Table], faults: list[StoreError]) -> Schema:
    """Give a schema; without its record the tables are served all the same, under their bare name."""
    try:
        record = read_record(store / f"{name}.json", SchemaRecord)
    except StoreError as error:
        log.error("metadata of schema %s are lost: %s", name, error)
        faults.append(error)
        record = SchemaRecord(name=name)
    return schema_of_record(record, tables)
