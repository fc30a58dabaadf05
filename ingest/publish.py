"""Publish tables: from files or as the descriptors say, each whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config.errors import OperatorError, PublishError, StoreError
from ..config.site import SiteFolder
from ..engines.store import current_record, table_folders
from ..engines.store_records import SchemaRecord, TableRecord, read_record
from ..engines.store_write import (
    Draft,
    commit,
    drafting,
    keep_relation,
    publishing,
    rewrite,
    sweep,
    withdraw,
    write_schema,
)
from ..schema.descriptor import Dataset, Described, load_descriptor, load_descriptors
from .build import build
from .descriptors import put_table, schema_record, writing_descriptors
from .faults import explained
from .metadata import found_in, new_record, refreshed
from .postgres_database import Database, drop_table, exists, site_database
from .postgres_load import DatabaseShelf, loading, make_indexes
from .postgres_source import is_relation
from .report import Report
from .shelf import FileShelf, Shelf
from .sorting import work_folder
from .sources import open_one, source_paths, source_records
from .targets import Target, Wish, described_targets, file_targets, wish


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a table: `outcome` is published, described (metadata only), unchanged or withdrawn."""

    name: str
    outcome: str
    rows: int = 0
    files: int = 0
    seconds: float = 0.0


def publish(
    folder: SiteFolder, sources: Sequence[Path | str], *, table: str | None, schema: str | None, report: Report
) -> tuple[Published, ...]:
    """Publish files or tables of the site's database, or without any bring the site to what its descriptors say.

    `table` is `schema.name` for one file, `schema` a schema for all. A table that fails leaves its old version
    whole and the others go on; PublishError at the end tells all that failed.
    """
    wanted = wish(table, schema)
    if not sources and wanted != Wish():
        message = "--table and --schema name what a file becomes: give the file too"
        raise PublishError(message)
    described, faults = load_descriptors(folder.datasets)
    with site_database(folder.settings.engine) as database:
        place = Place(folder, database, report)
        sweep(folder.store, place.drop)
        if not sources:
            return _as_described(place, described, faults)
        with explained("reading the sources"):
            targets = file_targets(folder.root, sources, wanted, described, database)
        broken = [str(f) for f in faults if any(f"datasets/{t.schema}.yaml:" in str(f) for t in targets)]
        if broken:
            raise PublishError("; ".join(broken))
        done = _each(targets, lambda target: publish_table(place, target), [], report)
        sweep(folder.store, place.drop)
        return done


@dataclass(frozen=True, slots=True)
class Place:
    """Where is published: the site, its database (None: the site is embedded), and who listens."""

    folder: SiteFolder
    database: Database | None
    report: Report

    def drop(self, path: tuple[str, str]) -> bool:
        """Drop a table that an older version was loaded into; without a database nothing is dropped."""
        return keep_relation(path) if self.database is None else drop_table(self.database, path)


def _each(
    targets: Sequence[Target], act: Callable[[Target], Published], faults: Sequence[OperatorError], report: Report
) -> tuple[Published, ...]:
    """Act on all targets, then raise what failed in one PublishError."""
    done: list[Published] = []
    failed: list[OperatorError] = list(faults)
    for target in targets:
        try:
            done.append(act(target))
        except OperatorError as error:
            failed.append(error)
        finally:
            report.end()
    if failed:
        message = "\n".join(dict.fromkeys(str(error) for error in failed))
        raise PublishError(message) from failed[0]
    return tuple(done)


@contextmanager
def _shelf(place: Place, draft: Draft, name: str) -> Iterator[Shelf]:
    """Give where the rows of a draft go; what was loaded goes again where an error ends the block."""
    if place.database is None:
        yield FileShelf(name, draft.folder)
        return
    with loading(DatabaseShelf(place.database, draft, name, place.report)) as shelf:
        yield shelf


def publish_table(place: Place, target: Target) -> Published:
    """Build a table from its source and make it current; PublishError leaves everything as it was."""
    started = time.monotonic()
    folder = place.folder
    with (
        explained(target.name),
        publishing(folder.store, target.name) as home,
        drafting(home) as draft,
        work_folder(folder.temp) as work,
        _shelf(place, draft, target.name) as shelf,
    ):
        table = target.table
        content = target.content or open_one(folder.root, table.source, table.index, target.where, place.database)
        seen = source_records(source_paths(folder.root, table.source))
        built = build(content, table, target.name, shelf, work, place.report)
        record = _with_indexes(place, new_record(target, content, built, seen))
        old = _record_or_none(home)
        if content.adopted is not None and old is not None and _same(old, record) and _described(folder, target):
            return Published(target.name, "unchanged", record.rows)
        found = found_in(record, content.part)
        with writing_descriptors(folder):
            dataset, listing = put_table(folder, target.schema, table, found, old.listing if old else "")
            commit(draft, record.model_copy(update={"listing": listing}))
            write_schema(folder.store, schema_record(dataset))
    return Published(target.name, "published", record.rows, len(record.partitions), time.monotonic() - started)


def _with_indexes(place: Place, record: TableRecord) -> TableRecord:
    """Give a loaded table the indexes that its keys and the settings ask for."""
    if place.database is None or record.relation is None or not record.relation.owned:
        return record
    return record.model_copy(update={"relation": make_indexes(place.database, record)})


def _same(old: TableRecord, new: TableRecord) -> bool:
    """Tell whether two records say the same, whenever they were made."""
    unlike = {"created": "", "listing": ""}
    return old.model_copy(update=unlike) == new.model_copy(update=unlike)


def _described(folder: SiteFolder, target: Target) -> bool:
    """Tell whether the descriptor of a schema names a table already."""
    path = folder.datasets / f"{target.schema}.yaml"
    return path.exists() and load_descriptor(path).dataset.table(target.table.name) is not None


def _record_or_none(home: Path) -> TableRecord | None:
    try:
        return current_record(home)
    except StoreError:  # not published yet, or damaged: then it is made anew
        return None


def _as_described(
    place: Place, described: Mapping[str, Described], faults: Sequence[PublishError]
) -> tuple[Published, ...]:
    """Publish what changed, take over edits of metadata, take down what no descriptor names any more."""
    folder, report = place.folder, place.report
    targets = described_targets(described)
    for one in described.values():
        _put_schema(folder.store, one.dataset)
    done = _each(targets, lambda target: _bring_up(place, target), faults, report)
    named = {target.name for target in targets}
    gone = [home.name for home in table_folders(folder.store) if home.name not in named]
    for name in gone:
        withdraw(folder.store, name, place.drop)
        report.say(f"{name}: no descriptor names it any more, it was taken down")
    for path in folder.store.glob("*.json"):
        if path.stem not in described:
            path.unlink()
    sweep(folder.store, place.drop)
    return (*done, *(Published(name, "withdrawn") for name in gone))


def _bring_up(place: Place, target: Target) -> Published:
    """Bring one table to what its descriptor says, reading its source only where it must be."""
    folder = place.folder
    record = _record_or_none(folder.store / target.name)
    if is_relation(target.table.source) or not _kept_here(place, record):
        return publish_table(place, target)
    paths = source_paths(folder.root, target.table.source)
    with explained(target.name):
        same = record is not None and (not paths or source_records(paths) == record.sources)
    new = refreshed(record, target) if record is not None and same else None
    if record is None or new is None:
        return publish_table(place, target)
    if not paths:
        place.report.warn(f"{target.name}: its source {target.table.source} is gone; what is published stays")
    with explained(target.name):
        new = _with_indexes(place, new)
    if new == record:
        return Published(target.name, "unchanged", record.rows, len(record.partitions))
    with explained(target.name), publishing(folder.store, target.name) as home:
        rewrite(home, new)
    return Published(target.name, "described", new.rows, len(new.partitions))


def _kept_here(place: Place, record: TableRecord | None) -> bool:
    """Tell whether the rows of a record lie where the site keeps its rows now."""
    if record is None or record.relation is None:
        return place.database is None
    return place.database is not None and exists(place.database, record.relation.path)


def _put_schema(store: Path, dataset: Dataset) -> None:
    """Write the metadata of a schema where they changed."""
    new = schema_record(dataset)
    try:
        if read_record(store / f"{dataset.name}.json", SchemaRecord) == new:
            return
    except StoreError:  # missing or damaged: it is written now
        pass
    write_schema(store, new)
