"""Open what a descriptor calls a source: a file, a pattern of files, or a HATS folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from ..config.errors import PublishError, UploadError
from ..engines.store_records import SourceRecord
from ..formats.source import SourceTable
from ..schema.arrow import schema_of
from ..schema.model import Column
from .hats_read import HatsCatalog, is_hats, open_hats
from .names import clean_column, clean_text, stem
from .postgres_adopt import Adopted, adopt
from .postgres_database import Database
from .postgres_source import is_relation, parse_place, same_database

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Content:
    """A table of a source, ready to be read once; `hats` or `adopted` instead of `batches` where it stays in place.

    `part` names the table within a file of several, `index` counts it from 0.
    """

    columns: tuple[Column, ...]
    batches: Iterator[pa.RecordBatch]
    rows: int | None
    description: str = ""
    part: str = ""
    index: int = 0
    hats: HatsCatalog | None = None
    adopted: Adopted | None = None


def source_text(root: Path, path: Path) -> str:
    """Write a path for a descriptor: relative to the site where it lies inside, else absolute."""
    absolute = path if path.is_absolute() else Path.cwd() / path
    absolute = absolute.parent.resolve() / absolute.name
    return (absolute.relative_to(root) if absolute.is_relative_to(root) else absolute).as_posix()


def source_paths(root: Path, source: str) -> tuple[Path, ...]:
    """Give the existing files (or the HATS folder) that a descriptor's source means, sorted; maybe none.

    A table of the site's database has none.
    """
    if is_relation(source):
        return ()
    path = root / Path(source).expanduser()
    if path.exists():
        return (path,)
    if not _MAGIC & set(source):
        return ()
    base = Path(path.anchor)
    found = base.glob(str(path.relative_to(base)))
    return tuple(sorted(file for file in found if file.is_file() or is_hats(file)))


def source_records(paths: Sequence[Path]) -> tuple[SourceRecord, ...]:
    """Note how the files of a source look now; of a HATS folder its small files."""
    records = []
    for path in paths:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in files:
            seen = file.stat()
            records.append(SourceRecord(path=file.as_posix(), size_bytes=seen.st_size, modified_ns=seen.st_mtime_ns))
    return tuple(records)


def open_source(root: Path, source: str, database: Database | None = None) -> list[Content]:
    """Open all tables of a source; PublishError says what cannot be read. `database` is that of the site."""
    if is_relation(source):
        return [_of_database(source, database)]
    paths = source_paths(root, source)
    if not paths:
        message = f"{source}: there is no such file"
        raise PublishError(message)
    if len(paths) > 1:
        return [_joined(paths)]
    if paths[0].is_dir():
        return [_in_place(paths[0])]
    if not paths[0].is_file():
        message = f"{source}: this is no ordinary file"  # a pipe would be waited for without end
        raise PublishError(message)
    tables = _tables(paths[0])
    several = len(tables) > 1
    return [
        Content(t.columns, t.batches, t.rows, t.description, (t.name or f"table {n}") if several else "", n)
        for n, t in enumerate(tables)
    ]


def open_one(root: Path, source: str, index: int, where: str, database: Database | None = None) -> Content:
    """Open the table number `index` of a source."""
    contents = open_source(root, source, database)
    if index >= len(contents):
        message = f"{where}.index: {source} has only {len(contents)} tables, counted from 0"
        raise PublishError(message)
    return contents[index]


def _of_database(source: str, database: Database | None) -> Content:
    place = parse_place(source)
    if database is None:
        message = f"{source}: this site has no database; set [engine] url in nashira.toml"
        raise PublishError(message)
    if not same_database(place, database.settings.url):
        message = f"{source}: a site serves tables of one database, that of [engine] url"
        raise PublishError(message)
    found = adopt(database, place)
    return Content(found.described.columns, iter(()), found.described.rows, found.described.comment, adopted=found)


def _in_place(path: Path) -> Content:
    if not is_hats(path):
        message = f"{path}: this folder is no HATS catalogue; {_advice(path)}"
        raise PublishError(message)
    hats = open_hats(path)
    return Content(hats.columns, iter(()), sum(part.rows for part in hats.partitions), hats=hats)


def _advice(folder: Path) -> str:
    """Say how to publish what lies in a folder, by its most frequent kind of table."""
    kinds = Counter(file.suffix for file in folder.iterdir() if file.is_file() and stem(file.name) != file.name)
    if not kinds:
        return "it holds no tables either; name files or a HATS folder"
    pattern = f"{folder}/*{kinds.most_common(1)[0][0]}"
    return f"publish its files as one table by a pattern in quotes, '{pattern}', or each as its own without quotes"


def _tables(path: Path) -> list[SourceTable]:
    """Read what tables a file has."""
    from ..formats.readers import open_tables

    try:
        tables = open_tables(path)
    except (UploadError, OSError) as error:
        message = f"{path.name}: {error}"
        raise PublishError(message) from error
    tables = [
        replace(table, columns=tuple(map(clean_column, table.columns)), description=clean_text(table.description))
        for table in tables
        if table.columns
    ]
    if not tables:
        message = f"{path.name}: it holds no table"
        raise PublishError(message)
    return tables


def _joined(paths: Sequence[Path]) -> Content:
    """Read files of one kind after each other as one table: the first says the columns."""
    first = _only_table(paths[0])
    return Content(first.columns, _chained(paths, first), None, first.description)


def _only_table(path: Path) -> SourceTable:
    if path.is_dir():
        message = f"{path.name}: a pattern cannot join folders"
        raise PublishError(message)
    tables = _tables(path)
    if len(tables) > 1:
        message = f"{path.name}: it has {len(tables)} tables; a pattern needs files of one table each"
        raise PublishError(message)
    return tables[0]


def _chained(paths: Sequence[Path], first: SourceTable) -> Iterator[pa.RecordBatch]:
    names = [column.name for column in first.columns]
    schema = schema_of(first.columns)
    yield from first.batches
    for path in paths[1:]:
        table = _only_table(path)
        if sorted(c.name for c in table.columns) != sorted(names):
            odd = sorted({c.name for c in table.columns} ^ set(names))
            message = f"{path.name}: its columns differ from those of {paths[0].name}: {', '.join(odd[:5])}"
            raise PublishError(message)
        order = [[c.name for c in table.columns].index(name) for name in names]
        for batch in table.batches:
            yield _cast([batch.column(n) for n in order], schema, path.name)


def _cast(arrays: Sequence[pa.Array], schema: pa.Schema, file: str) -> pa.RecordBatch:
    """Bring arrays to the types of `schema`."""
    fitted = []
    for array, field in zip(arrays, schema, strict=True):
        try:
            fitted.append(array if array.type == field.type else array.cast(field.type))
        except pa.ArrowException as error:
            message = f"{file}: the column {field.name} cannot be made {field.type}: {error}"
            raise PublishError(message) from error
    return pa.RecordBatch.from_arrays(fitted, schema=schema)
