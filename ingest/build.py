"""Make the data of a table: choose its position, sort it by the HEALPix index, write its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..config.errors import PublishError
from ..engines.store_records import PartitionRecord, RelationRecord
from ..formats.source import unique_names
from ..schema.arrow import schema_of
from ..schema.descriptor import Position, TableDescriptor, edited_columns
from ..schema.model import Column, SkyColumns
from ..schema.types import DOUBLE
from .density import Density
from .hats_read import hats_batches
from .names import INDEX_COLUMN, stored_names
from .positions import Choice, degrees, find_position, implausible, index_of, named_position
from .postgres_adopt import Adopted
from .report import Report
from .shelf import FileShelf, Shelf, file_schema
from .sorting import sorted_by_last
from .sources import Content

NONE_FOUND = (
    "no position was found: no columns with UCD pos.eq.ra and pos.eq.dec or usual names (ra, dec, RA_ICRS…); "
    "if there is one, say `position: {ra: …, dec: …}` in its descriptor"
)
NONE_WANTED = "no position, as the descriptor says"


@dataclass(frozen=True, slots=True)
class Built:
    """Data of a table: its stored columns (`added` ones are ours), where they lie, position, what it was made with."""

    columns: tuple[Column, ...]
    partitions: tuple[PartitionRecord, ...]
    position: SkyColumns | None
    choice: Choice | None
    reason: str
    built: str
    added: tuple[str, ...] = ()
    root: Path | None = None
    relation: RelationRecord | None = None


def choose_position(columns: Sequence[Column], table: TableDescriptor, where: str) -> Choice | None:
    """Choose the position of a table by its descriptor, or find it; `columns` are the file's."""
    if table.position is False:
        return None
    known = {column.name for column in columns}
    edits = {name: edit for name, edit in table.columns.items() if name in known}
    lenient = table.model_copy(update={"columns": edits, "primary_key": (), "keys": ()})
    shown = edited_columns(columns, lenient, where)
    if isinstance(table.position, Position):
        return named_position(shown, table.position.ra, table.position.dec, where)
    return find_position(shown)


def built_from(choice: Choice | None, index: int) -> str:
    """Say in a word what the data depend on besides the source's files, to compare it later."""
    if choice is None:
        return json.dumps([index])
    return json.dumps([index, choice.ra, choice.dec, choice.ra_factor, choice.dec_factor, choice.guessed])


def build(content: Content, table: TableDescriptor, where: str, shelf: Shelf, work: Path, report: Report) -> Built:
    """Put the data of a table on `shelf`, using `work` for the sort; PublishError on what cannot be."""
    if content.adopted is not None:
        return _adopted(content.adopted, table, where, report)
    if content.hats is not None and isinstance(shelf, FileShelf):
        return _in_place(content, table, where, report)
    if content.hats is not None:
        content = replace(content, batches=hats_batches(content.hats))
    content = _without_index(content, table, where)
    columns = _stored_columns(content.columns, shelf, where, report)
    batches = _named(content.batches, schema_of(columns))
    choice = choose_position(columns, table, where)
    asked = built_from(choice, table.index)
    reason = _reason(choice, table)
    if choice is None and content.hats is not None and content.hats.position and table.position is None:
        choice = named_position(columns, *content.hats.position, where)
        reason = f"position found in the HATS properties: {choice.ra}, {choice.dec}"
    if choice is not None:
        first = next(batches, None)
        batches = chain(() if first is None else (first,), batches)
        fault = implausible(first, choice) if first is not None and choice.guessed else ""
        if fault:
            reason = f"no position: {choice.ra}, {choice.dec} look like one, but {fault}"
            choice = None
    report.say(f"{where}: {reason}")
    report.begin(where, content.rows)
    if choice is None:
        kept = shelf.put(_told(batches, report), columns)
        return Built(columns, kept.partitions, None, None, reason, asked, relation=kept.relation)
    return _on_sky(_told(batches, report), columns, choice, Place(where, reason, asked, shelf, work, report))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table is built and what is said of it."""

    where: str
    reason: str
    asked: str
    shelf: Shelf
    work: Path
    report: Report


def _reason(choice: Choice | None, table: TableDescriptor) -> str:
    if choice is not None:
        return choice.reason
    return NONE_WANTED if table.position is False else NONE_FOUND


def _in_place(content: Content, table: TableDescriptor, where: str, report: Report) -> Built:
    found = content.hats
    assert found is not None  # noqa: S101 (told apart by the caller)
    for note in found.notes:
        report.warn(f"{where}: {note}")
    choice = choose_position(found.columns, table, where)
    reason = _reason(choice, table)
    by_name = {column.name: column for column in found.columns}
    if found.position and table.position is None:
        ra, dec = (by_name[name] for name in found.position)
        choice = named_position([replace(ra, unit="deg"), replace(dec, unit="deg")], ra.name, dec.name, where)
        reason = f"position found in the HATS properties: {ra.name}, {dec.name}"
    if choice is not None and not choice.in_degrees:
        message = f"{where}: a HATS catalogue in place must hold its position in degrees"
        raise PublishError(message)
    report.say(f"{where}: {reason}; published in place, nothing is copied")
    sky = None if choice is None else SkyColumns(choice.ra, choice.dec)
    asked = built_from(choose_position(found.columns, table, where), table.index)
    return Built(found.columns, found.partitions, sky, choice, reason, asked, root=found.folder)


def _adopted(found: Adopted, table: TableDescriptor, where: str, report: Report) -> Built:
    """Take a table of the site's database as it is."""
    described = found.described
    for note in described.left_out:
        report.warn(f"{where}: {note}")
    choice = choose_position(described.columns, table, where)
    asked = built_from(choice, table.index)
    reason = _reason(choice, table)
    fault = "" if choice is None else found.fault(choice)
    if choice is not None and fault and not choice.guessed:
        message = f"{where}.position: {fault}"
        raise PublishError(message)
    if choice is not None and fault:
        reason, choice = f"no position: {choice.ra}, {choice.dec} look like one, but {fault}", None
    report.say(f"{where}: {reason}; the {described.kind} is published in place, nothing is copied")
    relation, notes = found.relation(choice)
    for note in notes:
        report.warn(f"{where}: {note}")
    sky = None if choice is None else SkyColumns(choice.ra, choice.dec)
    return Built(described.columns, (), sky, choice, reason, asked, relation=relation)


def _stored_columns(columns: Sequence[Column], shelf: Shelf, where: str, report: Report) -> tuple[Column, ...]:
    """Give columns the names under which they can be stored, telling of changes."""
    names, changes = stored_names([column.name for column in columns])
    fitting = shelf.names(names)
    more = (f"column {old!r} is called {new!r} here" for old, new in zip(names, fitting, strict=True) if old != new)
    for change in (*changes, *more):
        report.warn(f"{where}: {change}")
    return tuple(replace(column, name=name) for column, name in zip(columns, fitting, strict=True))


def _without_index(content: Content, table: TableDescriptor, where: str) -> Content:
    """Leave out an index column that the file brings, where it is made anew from the position."""
    kept = [n for n, column in enumerate(content.columns) if column.name != INDEX_COLUMN]
    columns = tuple(content.columns[n] for n in kept)
    if len(kept) == len(content.columns) or not columns or choose_position(columns, table, where) is None:
        return content
    batches = (batch.select(kept) for batch in content.batches)
    return replace(content, columns=columns, batches=batches)


def _named(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Give batches the stored names and types, NaN as null."""
    plain = schema.remove_metadata()
    for batch in batches:
        arrays = [a if a.type == f.type else a.cast(f.type) for a, f in zip(batch.columns, plain, strict=True)]
        yield pa.RecordBatch.from_arrays([_without_nan(array) for array in arrays], schema=plain)


def _without_nan(array: pa.Array) -> pa.Array:
    """Make NaN null: to an engine NaN is larger than any number, so that `mag > 20` would find it."""
    if not pa.types.is_floating(array.type):
        return array
    nan = pc.is_nan(array)
    return pc.if_else(nan, pa.scalar(None, array.type), array) if pc.any(nan).as_py() else array


def _told(batches: Iterator[pa.RecordBatch], report: Report) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        report.advance(batch.num_rows)


def _on_sky(batches: Iterator[pa.RecordBatch], columns: tuple[Column, ...], choice: Choice, place: Place) -> Built:
    extra = () if choice.in_degrees else _degree_columns(columns, choice)
    if extra:
        place.report.say(f"{place.where}: {extra[0].name}, {extra[1].name} are added, the position in degrees")
    stored = (*columns, *extra)
    sky = SkyColumns(extra[0].name, extra[1].name) if extra else SkyColumns(choice.ra, choice.dec)
    schema = file_schema(stored).append(pa.field(INDEX_COLUMN, pa.int64()))
    density = Density()
    in_order = sorted_by_last(_indexed(batches, choice, schema, density), schema, place.work)
    kept = place.shelf.put_on_sky(in_order, stored, sky, density)
    _tell_lost(density, choice, place)
    added = tuple(column.name for column in extra)
    return Built(stored, kept.partitions, sky, choice, place.reason, place.asked, added, relation=kept.relation)


def _tell_lost(density: Density, choice: Choice, place: Place) -> None:
    if density.rows and density.lost == density.rows and not choice.guessed:
        message = f"{place.where}.position: no row has a valid position in {choice.ra}, {choice.dec}; check their units"
        raise PublishError(message)
    if density.lost:
        place.report.say(f"{place.where}: {density.lost} of {density.rows} rows have no valid position")


def _degree_columns(columns: Sequence[Column], choice: Choice) -> tuple[Column, Column]:
    names = unique_names([INDEX_COLUMN, *(column.name for column in columns), "ra_deg", "dec_deg"])[-2:]
    by_name = {column.name: column for column in columns}
    pairs = zip(names, (choice.ra, choice.dec), ("ra", "dec"), strict=True)
    ra, dec = (
        Column(name, DOUBLE, f"{source} in degrees (from {by_name[source].unit})", "deg", f"pos.eq.{axis};meta.main")
        for name, source, axis in pairs
    )
    return ra, dec


def _indexed(
    batches: Iterator[pa.RecordBatch], choice: Choice, schema: pa.Schema, density: Density
) -> Iterator[pa.RecordBatch]:
    """Append positions in degrees where they are missing, and the index; count rows by pixel."""
    for batch in batches:
        cells = index_of(batch, choice)
        density.add(cells)
        arrays = list(batch.columns)
        if not choice.in_degrees:
            arrays += [
                pa.array(degrees(batch, name, factor), from_pandas=True)
                for name, factor in ((choice.ra, choice.ra_factor), (choice.dec, choice.dec_factor))
            ]
        yield pa.RecordBatch.from_arrays([*arrays, pa.array(cells)], schema=schema)
