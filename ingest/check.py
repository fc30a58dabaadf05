"""Look a site over: settings, descriptors, stored files and the metadata that clients lean on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..config.errors import PublishError, StoreError
from ..config.settings import Service
from ..config.site import SiteFolder
from ..engines.store import current_record, open_snapshot, table_folders
from ..engines.store_records import PartitionRecord, TableRecord
from ..schema.descriptor import Described, load_descriptors
from ..schema.model import Catalog, Column, Schema, Table
from ..schema.units import ucd_fault, unit_fault
from .finding import Finding, Level
from .metadata import refreshed
from .names import INDEX_COLUMN
from .postgres_check import check_database
from .postgres_source import is_relation
from .sources import source_paths
from .targets import Target, described_targets

_SHOWN = 5


def check(folder: SiteFolder) -> tuple[Finding, ...]:
    """Look the site over; findings come by level, then in the order of their importance."""
    described, faults = load_descriptors(folder.datasets)
    findings = [Finding(Level.ERROR, "descriptor", str(fault)) for fault in faults]
    snapshot = open_snapshot(folder)
    try:
        findings += [Finding(Level.ERROR, "store", str(fault)) for fault in snapshot.faults]
        findings += _descriptors(folder, described)
        for home in table_folders(folder.store):
            findings += _stored(home)
        if folder.settings.engine.url:
            findings += check_database(folder.settings.engine, _records(folder.store))
        findings += _metadata(snapshot.catalog)
        findings += _settings(folder.settings.service)
    finally:
        snapshot.release()
    return tuple(sorted(findings, key=lambda finding: finding.level))


def _settings(service: Service) -> Iterator[Finding]:
    said = {
        "authority": service.authority not in {"", Service().authority},
        "publisher": bool(service.publisher),
        "contact": bool(service.contact),
    }
    for key, good in said.items():
        if not good:
            yield Finding(Level.ADVICE, "nashira.toml", f"[service] {key} is not set; registries ask for it")


def _descriptors(folder: SiteFolder, described: Mapping[str, Described]) -> Iterator[Finding]:
    """Compare what the descriptors say with what is published."""
    published = {home.name: home for home in table_folders(folder.store)}
    targets = described_targets(described)
    for target in targets:
        home = published.get(target.name)
        if home is None:
            yield Finding(Level.WARNING, target.name, "it is described but not published; run `nashira publish`")
        else:
            yield from _agrees(home, target)
        if not is_relation(target.table.source) and not source_paths(folder.root, target.table.source):
            yield Finding(Level.WARNING, target.name, f"its source {target.table.source} is gone")
    for name in sorted(published.keys() - {target.name for target in targets}):
        yield Finding(Level.WARNING, name, "no descriptor names it; `nashira publish` would take it down")


def _agrees(home: Path, target: Target) -> Iterator[Finding]:
    """See whether the descriptor fits the table and was taken over."""
    try:
        record = current_record(home)
        if refreshed(record, target) != record:
            text = "its descriptor was edited since; run `nashira publish`"
            yield Finding(Level.WARNING, target.name, text)
    except StoreError:
        return  # told with the store's faults
    except PublishError as error:
        yield Finding(Level.ERROR, target.name, str(error))


def _records(store: Path) -> list[TableRecord]:
    """Give the records that can be read; the others are told with the store's faults."""
    records = []
    for home in table_folders(store):
        try:
            records.append(current_record(home))
        except StoreError:
            continue
    return records


def _stored(home: Path) -> Iterator[Finding]:
    """Compare a table's files with its record."""
    try:
        record = current_record(home)
    except StoreError:
        return  # told with the store's faults
    root = Path(record.root) if record.root else home / "current"
    for part in record.partitions:
        fault = _file_fault(root / part.path, part, record)
        if fault:
            yield Finding(Level.ERROR, home.name, f"{part.path}: {fault}")


def _file_fault(path: Path, part: PartitionRecord, record: TableRecord) -> str:
    """Say what is wrong with a file by its footer; empty where nothing is."""
    try:
        footer = pq.read_metadata(path)
    except FileNotFoundError:
        return "the file is missing"
    except (OSError, pa.ArrowException) as error:
        return f"it is no readable Parquet file ({' '.join(str(error).split())[:120]})"
    if footer.num_rows != part.rows:
        return f"it has {footer.num_rows} rows, recorded are {part.rows}"
    names = footer.schema.to_arrow_schema().names
    missing = {column.name for column in record.columns} - set(names)
    if missing:
        return f"it misses the columns {', '.join(sorted(missing)[:_SHOWN])}"
    return _index_fault(footer, names, part) if record.indexed else ""


def _index_fault(footer: pq.FileMetaData, names: list[str], part: PartitionRecord) -> str:
    """Compare the index's statistics with the recorded bounds, and the order of row groups."""
    if INDEX_COLUMN not in names:
        return f"it has no column {INDEX_COLUMN}"
    places = [n for n in range(footer.num_columns) if footer.schema.column(n).path == INDEX_COLUMN]
    groups = [footer.row_group(n).column(places[0]).statistics for n in range(footer.num_row_groups)]
    bounds = [(stats.min, stats.max) for stats in groups if stats is not None and stats.has_min_max]
    if part.low >= 0 and any(low < part.low or high >= part.high for low, high in bounds):
        return "its rows lie outside of the recorded pixels; publish the table again"
    if any(later[0] < earlier[1] for earlier, later in pairwise(bounds)):
        return "its rows are not sorted by position; publish the table again"
    return ""


def _metadata(catalog: Catalog) -> Iterator[Finding]:
    for schema in catalog.schemas:
        yield from _schema(schema)
        for table in schema.tables:
            yield from _table(table)


def _schema(schema: Schema) -> Iterator[Finding]:
    for key in ("title", "description", "creators", "subjects", "rights", "citation"):
        if not getattr(schema, key):
            level = Level.WARNING if key in {"title", "description"} else Level.ADVICE
            yield Finding(level, f"datasets/{schema.name}.yaml", f"{key} is not said")


def _table(table: Table) -> Iterator[Finding]:
    name = f"{table.schema}.{table.name}"
    if not table.description:
        yield Finding(Level.WARNING, name, "it has no description")
    if table.position is None:
        yield Finding(Level.ADVICE, name, "it has no position: no cone search, no positional matches")
    first = [column.name for column in table.columns if column.principal and not column.description]
    rest = [column.name for column in table.columns if not column.principal and not column.description]
    for level, names in ((Level.WARNING, first), (Level.ADVICE, rest)):
        if names:
            yield Finding(level, name, f"columns without a description: {_few(names)}")
    yield from _faulty(name, table.columns)


def _faulty(name: str, columns: Iterable[Column]) -> Iterator[Finding]:
    """Tell units and UCDs that clients will not understand, each fault once."""
    faults: dict[str, list[str]] = {}
    for column in columns:
        for fault in filter(None, (unit_fault(column.unit), ucd_fault(column.ucd))):
            faults.setdefault(fault, []).append(column.name)
    for fault, names in faults.items():
        yield Finding(Level.WARNING, name, f"{fault}: {_few(names)}")


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def summary(findings: Iterable[Finding]) -> str:
    """Count findings in words."""
    counts = Counter(finding.level for finding in findings)
    words = ((Level.ERROR, "error"), (Level.WARNING, "warning"), (Level.ADVICE, "piece of advice"))
    told = [f"{counts[level]} {_plural(word, counts[level])}" for level, word in words if counts[level]]
    return ", ".join(told) or "nothing to complain about"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else {"piece of advice": "pieces of advice"}.get(word, f"{word}s")
