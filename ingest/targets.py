"""What is to be published: files with the names they get, or what the descriptors say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.errors import PublishError
from ..schema.descriptor import RESERVED_SCHEMAS, Described, TableDescriptor
from ..schema.names import identifier_fault
from .names import DEFAULT_TABLE, identifier, stem
from .positions import find_position
from .postgres_database import Database
from .postgres_describe import relations_in
from .postgres_source import is_relation, parse_place, written
from .sources import Content, open_source, source_text


@dataclass(frozen=True, slots=True)
class Target:
    """A table to publish: `table` is what its descriptor says or will say; `content` is opened already or None."""

    schema: str
    table: TableDescriptor
    content: Content | None = None

    @property
    def name(self) -> str:
        """schema.table."""
        return f"{self.schema}.{self.table.name}"

    @property
    def where(self) -> str:
        """The table's place in its descriptor, for messages."""
        return f"datasets/{self.schema}.yaml: tables.{self.table.name}"


@dataclass(frozen=True, slots=True)
class Wish:
    """How the person wants the names: `table` and `schema` may be None."""

    schema: str | None = None
    table: str | None = None


def wish(table: str | None, schema: str | None) -> Wish:
    """Understand `--table schema.name` (or `--table name` beside a schema); PublishError on impossible names."""
    if table == "" or (table and table.count(".") > 1 and not any(map(identifier_fault, table.split(".")))):
        message = f"--table {table!r}: say it as schema.name"
        raise PublishError(message)
    if table and "." in table:
        first, _, table = table.partition(".")
        if schema and schema.lower() != first.lower():
            message = f"--table {first}.{table} and the schema {schema} contradict each other"
            raise PublishError(message)
        schema = first
    elif table and not schema:
        message = f"--table {table}: say it as schema.name"
        raise PublishError(message)
    for name in filter(None, (schema, table)):
        fault = identifier_fault(name)
        if fault:
            raise PublishError(fault)
    if schema and schema.lower() in RESERVED_SCHEMAS:
        message = f"{schema} is a schema of the Virtual Observatory itself; choose another name"
        raise PublishError(message)
    return Wish(schema, table)


def described_targets(described: Mapping[str, Described]) -> list[Target]:
    """Give all tables of the descriptors."""
    return [Target(name, table) for name, one in described.items() for table in one.dataset.tables]


def file_targets(
    root: Path,
    sources: Sequence[Path | str],
    wanted: Wish,
    described: Mapping[str, Described],
    database: Database | None = None,
) -> list[Target]:
    """Give the tables that files, or tables of the site's database, become; PublishError where names would collide.

    A file that a descriptor names is published as that table. Else its schema is the wanted one or the file's
    name. A single table gets the wanted name, else `main` in a schema of its own and the file's name in a wanted
    schema. Where a file has several, they get the names of its extensions or tables; a wanted name goes to the
    largest and begins the names of the others. A table of the database keeps its names, `public` becoming the
    database's name.
    """
    sources = [one for source in sources for one in _expanded(source, database)]
    if wanted.table and len(sources) > 1:
        message = "--table names one table: give one file, or a pattern in quotes to join several"
        raise PublishError(message)
    targets: list[Target] = []
    taken: dict[str, str] = {}
    for source in sources:
        for target in _of_source(root, source, wanted, described, database):
            key = target.name.lower()
            if key in taken:
                message = (
                    f"{taken[key]} and {target.table.source} would both be {target.name}; publish one with --table"
                )
                raise PublishError(message)
            taken[key] = target.table.source
            targets.append(target)
    return targets


def _expanded(source: Path | str, database: Database | None) -> list[Path | str]:
    """Give the tables that `postgresql:schema.*` means, each as a source; other sources as they are."""
    if not is_relation(source):
        return [Path(source)]
    place = parse_place(str(source))
    if not place.every or database is None:
        return [str(source)]
    return [written(path) for path in relations_in(database, place.schema)]


def _of_source(
    root: Path, given: Path | str, wanted: Wish, described: Mapping[str, Described], database: Database | None
) -> list[Target]:
    source = str(given) if isinstance(given, str) else source_text(root, given)
    if wanted == Wish():
        known = [
            Target(name, table)
            for name, one in described.items()
            for table in one.dataset.tables
            if table.source == source
        ]
        if known:
            return known
    if is_relation(source):
        return [_of_relation(source, wanted, described, database)]
    contents = open_source(root, source)
    schema = _spelling(wanted.schema or identifier(stem(source)), described)
    names = _table_names(source, contents, wanted)
    return [
        Target(schema, _described(schema, name, source, content, wanted, described), content)
        for name, content in zip(names, contents, strict=True)
    ]


def _of_relation(source: str, wanted: Wish, described: Mapping[str, Described], database: Database | None) -> Target:
    """Give the target of a table of the database; what it holds is looked at later."""
    place = parse_place(source)
    own = place.schema
    if own == "public" and database is not None:
        own = database.connection.info.dbname
    schema = _spelling(wanted.schema or identifier(own), described)
    name = wanted.table or identifier(place.table)
    content = Content((), iter(()), None)
    return Target(schema, _described(schema, name, source, content, wanted, described))


def _spelling(schema: str, described: Mapping[str, Described]) -> str:
    return next((name for name in described if name.lower() == schema.lower()), schema)


def _table_names(source: str, contents: Sequence[Content], wanted: Wish) -> list[str]:
    if len(contents) == 1:
        return [wanted.table or (identifier(stem(source)) if wanted.schema else DEFAULT_TABLE)]
    names = [identifier(content.part) for content in contents]
    if wanted.table:
        main = max(range(len(contents)), key=lambda n: (*_weight(contents[n]), -n))
        names = [wanted.table if n == main else f"{wanted.table}_{name}" for n, name in enumerate(names)]
    taken: set[str] = set()
    for n, name in enumerate(names):
        names[n] = name if name not in taken else f"{name}_{n}"
        taken.add(names[n])
    return names


def _weight(content: Content) -> tuple[bool, int]:
    """Tell what makes a table the main one of its file: positions first, then rows."""
    return find_position(content.columns) is not None, content.rows or 0


def _described(
    schema: str, name: str, source: str, content: Content, wanted: Wish, described: Mapping[str, Described]
) -> TableDescriptor:
    """Give what the descriptor says of the table, with this source; or a new one."""
    old = described[schema].dataset.table(name) if schema in described else None
    if old is None:
        return TableDescriptor(name=name, source=source, index=content.index)
    if old.source != source and not wanted.table:
        message = (
            f"{schema}.{old.name} is made from {old.source}; to make it from {source} say --table {schema}.{old.name}, "
            "or give the file another name with --table"
        )
        raise PublishError(message)
    return old.model_copy(update={"source": source, "index": content.index})
