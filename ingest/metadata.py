"""What the store says of a table: the file's metadata under the descriptor's edits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ..config.errors import PublishError
from ..engines.store_records import (
    KeyRecord,
    PositionRecord,
    SourceRecord,
    TableRecord,
    column_records,
    columns_of,
)
from ..schema.descriptor import Position, edited_columns
from ..schema.descriptor_text import Found
from ..schema.model import Column, SkyColumns
from .build import Built, built_from, choose_position
from .sources import Content
from .targets import Target


def new_record(target: Target, content: Content, built: Built, sources: Sequence[SourceRecord]) -> TableRecord:
    """Give the record of a version just built."""
    return _described(
        TableRecord(
            schema_name=target.schema,
            name=target.table.name,
            file_description=content.description,
            columns=(),
            file_columns=column_records(built.columns),
            added=built.added,
            position=None if built.position is None else PositionRecord(ra=built.position.ra, dec=built.position.dec),
            position_reason=built.reason,
            indexed=built.position is not None if built.relation is None else built.relation.indexed,
            relation=built.relation,
            root=None if built.root is None else built.root.as_posix(),
            partitions=built.partitions,
            sources=tuple(sources),
            built=built.built,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        target,
    )


def refreshed(record: TableRecord, target: Target) -> TableRecord | None:
    """Give the record under the descriptor as it is now; None where the data must be made anew for it."""
    columns = _file_columns(record)
    if built_from(choose_position(columns, target.table, target.where), target.table.index) != record.built:
        return None
    return _described(record, target)


def found_in(record: TableRecord, part: str) -> Found:
    """Give what a descriptor shows of a table as comments."""
    position = None
    if record.position is not None:
        ra, dec = _asked(record)
        position = Position(ra=ra, dec=dec)
    return Found(_file_columns(record), position, record.position_reason, record.file_description, part)


def _asked(record: TableRecord) -> tuple[str, str]:
    """Give the file's own columns of the position, also where degrees were added."""
    _, *asked = json.loads(record.built)
    if not asked and record.position is not None:  # found in the properties of a HATS catalogue
        return record.position.ra, record.position.dec
    ra, dec, *_ = asked
    return ra, dec


def _file_columns(record: TableRecord) -> tuple[Column, ...]:
    added = set(record.added)
    return columns_of([column for column in record.file_columns if column.name not in added])


def _described(record: TableRecord, target: Target) -> TableRecord:
    table = target.table
    sky = record.position
    marked = tuple(_marked(column, sky) for column in columns_of(record.file_columns))
    columns = edited_columns(marked, table, target.where)
    _check_shown(columns, sky, target.where)
    epoch = table.position.epoch if isinstance(table.position, Position) else None
    return record.model_copy(
        update={
            "title": table.title,
            "description": table.description or record.file_description,
            "utype": table.utype,
            "columns": column_records(columns),
            "position": None if sky is None else sky.model_copy(update={"epoch": epoch}),
            "primary": table.primary_key or _declared_primary(record, columns),
            "keys": tuple(
                KeyRecord(target=key.target, pairs=tuple(key.columns.items()), description=key.description)
                for key in table.keys
            ),
        }
    )


def _declared_primary(record: TableRecord, columns: Sequence[Column]) -> tuple[str, ...]:
    """Give the primary key that the database declares, where all its columns are shown."""
    declared = record.relation.primary if record.relation is not None else ()
    return declared if set(declared) <= {column.name for column in columns} else ()


def _marked(column: Column, sky: PositionRecord | SkyColumns | None) -> Column:
    """Mark the position as indexed and main columns as principal."""
    of_position = sky is not None and column.name in {sky.ra, sky.dec}
    ucd = column.ucd.lower()
    main = "meta.main" in ucd or ucd.endswith("_main")
    return replace(column, indexed=of_position or column.indexed, principal=of_position or main)


def _check_shown(columns: Sequence[Column], sky: PositionRecord | None, where: str) -> None:
    names = {column.name for column in columns}
    for name in () if sky is None else (sky.ra, sky.dec):
        if name not in names:
            message = f"{where}.columns.{name}: the column of the position cannot be hidden (or say `position: false`)"
            raise PublishError(message)
