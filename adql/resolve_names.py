"""Names: which table or column a name in the text means (ADQL 2.1 section 2.1.2).

Regular names match any case, delimited ones exactly. Where a regular name matches several spellings, the one
written exactly so wins, else it is ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..config.errors import Position, UnknownName, Unsupported
from ..schema.model import Catalog, Table
from ..schema.names import adql_name
from .resolved import ColumnValue, Common, QuerySource, Sample, Source, TableSource, Value
from .service import EVERYTHING, Service
from .spelling import closest
from .tree import ColumnRef, Identifier, TableName
from .weight import Weights

_LONGEST = 80
COLUMNS_MOST = 10_000
"""Columns of all SELECTs of a query together."""


def same(identifier: Identifier, name: str) -> bool:
    """Tell whether the identifier of a query means the raw `name`."""
    if identifier.delimited:
        return identifier.text == name
    return identifier.text.lower() == name.lower()


def refers(identifier: Identifier, declared: Identifier) -> bool:
    """Tell whether the identifier means a name that the query itself declares.

    A regular declaration stands for its spelling and for the folded one, so that delimited references find it.
    """
    if same(identifier, declared.text):
        return True
    return identifier.delimited and not declared.delimited and identifier.text == declared.text.lower()


def written(qualifier: Sequence[Identifier], name: Identifier) -> str:
    """Write a qualified name as an author would, parts that are far too long cut."""
    parts = ((part.text[:_LONGEST], part.delimited) for part in (*qualifier, name))
    return ".".join(adql_name(text) if delimited else text for text, delimited in parts)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A table reference in scope: its visible name, and the schema's and the catalogue's where it has no alias."""

    name: Identifier
    schema: str | None
    source: Source
    catalog: str = ""
    _folded: dict[str, list[int]] = field(default_factory=dict)

    def value(self, index: int, at: Position) -> ColumnValue:
        """Make a reference to column `index`."""
        return ColumnValue(self.source, self.source.sql_name(index), self.source.columns[index], at)

    def find(self, name: Identifier) -> list[int]:
        """Give the indices of the columns a name may mean; an exact spelling wins."""
        columns = self.source.columns
        if not self._folded:
            for i, column in enumerate(columns):
                self._folded.setdefault(column.name.lower(), []).append(i)
        found = self._folded.get(name.text.lower(), [])
        exact = [i for i in found if columns[i].name == name.text]
        return exact if name.delimited or (len(found) > 1 and len(exact) == 1) else found


@dataclass(frozen=True, slots=True)
class Frame:
    """What a FROM clause offers; `merged` are columns shared by USING or NATURAL, `hidden` their originals."""

    entries: tuple[Entry, ...] = ()
    merged: tuple[tuple[str, Value], ...] = ()
    hidden: frozenset[tuple[int, int]] = frozenset()

    def find(self, name: Identifier, at: Position) -> list[tuple[str, Value]]:
        """Give (place, value) for all columns an unqualified name may mean."""
        found: list[tuple[str, Value]] = [("", value) for label, value in self.merged if same(name, label)]
        for entry in self.entries:
            open_ = (index for index in entry.find(name) if (id(entry), index) not in self.hidden)
            found.extend((entry.name.text, entry.value(index, at)) for index in open_)
        return found

    def star(self, at: Position) -> Iterator[tuple[str, Value]]:
        """Give (name, value) of all columns in the order of `*`: shared columns first and once."""
        yield from self.merged
        for entry in self.entries:
            for index, column in enumerate(entry.source.columns):
                if (id(entry), index) not in self.hidden:
                    yield column.name, entry.value(index, at)

    def names(self) -> Iterator[str]:
        """Give all column names, for suggestions."""
        yield from (label for label, _ in self.merged)
        for entry in self.entries:
            yield from (column.name for column in entry.source.columns)


@dataclass(slots=True)
class Scope:
    """The frame of a query and those around it; `sources` are the query's own."""

    frame: Frame
    parent: Scope | None = None

    def lookup(self, ref: ColumnRef) -> Value | None:
        """Bind a column reference in the innermost query that knows it; None where none does."""
        for scope in self.chain():
            found: list[tuple[str, Value]] = []
            if ref.qualifier:
                found = [
                    (entry.name.text, entry.value(index, ref.at))
                    for entry in entries(scope.frame, ref.qualifier)
                    for index in entry.find(ref.name)
                ]
            else:
                found = scope.frame.find(ref.name, ref.at)
            if len(found) == 1:
                return found[0][1]
            if found:
                raise self._ambiguous(ref, [place for place, _ in found])
        return None

    def chain(self) -> Iterator[Scope]:
        """Give the scopes from this one outwards."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _ambiguous(self, ref: ColumnRef, places: list[str]) -> UnknownName:
        name = written((), ref.name)
        choices = ", ".join(f"{adql_name(place)}.{name}" for place in dict.fromkeys(places) if place)
        message = f"Column {written(ref.qualifier, ref.name)} is ambiguous"
        advice = f"It can be one of {choices}" if choices else "Give the columns different names with AS"
        return UnknownName(message, ref.at, advice)


def entries(frame: Frame, qualifier: Sequence[Identifier]) -> list[Entry]:
    """Give the references that `alias`, `table`, `schema.table` or `catalog.schema.table` names."""
    schema = qualifier[-2] if len(qualifier) > 1 else None
    catalog = qualifier[0] if len(qualifier) > 2 else None
    return [
        entry
        for entry in frame.entries
        if refers(qualifier[-1], entry.name)
        and (schema is None or (entry.schema is not None and same(schema, entry.schema)))
        and (catalog is None or (bool(entry.catalog) and same(catalog, entry.catalog)))
    ]


@dataclass(slots=True)
class Names:
    """All tables a query may name, and the labels given out so far."""

    catalog: Catalog
    uploads: Sequence[Table]
    service: Service = EVERYTHING
    commons: list[tuple[Identifier, Common]] = field(default_factory=list)
    read: dict[str, None] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    columns_left: int = COLUMNS_MOST
    weights: Weights = field(default_factory=Weights)
    _count: int = 0

    def label(self, letter: str) -> str:
        """Give out a unique SQL name."""
        self._count += 1
        return f"{letter}{self._count}"

    def source(self, ref: TableName) -> Entry:
        """Bind a table reference; UnknownName with suggestions where it has no or several meanings."""
        if not ref.qualifier:
            for name, common in reversed(self.commons):
                if refers(ref.name, name):
                    if ref.sample is not None:
                        message = f"TABLESAMPLE takes a table, and {name.text} is a query"
                        raise Unsupported(message, ref.sample.at, "Sample the table inside the query")
                    source = QuerySource(self.label("t"), common.query, common.columns, common, ref.at)
                    return Entry(ref.alias or ref.name, None, source)
        table = self._table(ref)
        self.read[table.adql_name] = None
        read = TableSource(self.label("t"), table, ref.at, self._sample(ref))
        if ref.alias:
            self._note_alias(ref.alias)
            return Entry(ref.alias, None, read)
        return Entry(Identifier(table.name, True, ref.at), table.schema, read, self.service.catalog)

    def _sample(self, ref: TableName) -> Sample | None:
        if ref.sample is None:
            return None
        self.extension("TABLESAMPLE", ref.sample.at)
        return Sample(ref.sample.method, ref.sample.percent, ref.sample.seed)

    def extension(self, name: str, at: Position) -> None:
        """Note that an extension is used; Unsupported where the site has switched it off."""
        self.service.require(name, at)
        self.features.add(name)

    def _note_alias(self, alias: Identifier) -> None:
        """Say that a name is perhaps a misspelled word of the join behind it, which nothing else would tell."""
        near = [] if alias.delimited else closest(alias.text, _JOINS, 1)
        if near:
            place = f"line {alias.at.line}, column {alias.at.column}"
            self.warnings.append(f"{alias.text} ({place}) is taken for the name of a table; did you mean {near[0]}?")

    def tables(self) -> Iterator[Table]:
        """Give all tables a query may name, uploads first."""
        yield from self.uploads
        yield from self.catalog.tables()

    def _table(self, ref: TableName) -> Table:
        if len(ref.qualifier) > 1 and not self._is_catalog(ref.qualifier[0]):
            message = f"{written(ref.qualifier, ref.name)} names a catalogue, which this service does not have"
            raise UnknownName(message, ref.at, f"Write {written(ref.qualifier[-1:], ref.name)}")
        schema = ref.qualifier[-1] if ref.qualifier else None
        found = [
            table
            for table in self.tables()
            if same(ref.name, table.name) and (schema is None or same(schema, table.schema))
        ]
        if len(found) > 1:
            found = [t for t in found if t.name == ref.name.text and (not schema or t.schema == schema.text)] or found
        if len(found) == 1:
            return found[0]
        if found:
            message = f"Table {written(ref.qualifier, ref.name)} is ambiguous"
            raise UnknownName(message, ref.at, "It can be one of " + ", ".join(table.adql_name for table in found[:5]))
        raise self._unknown(ref)

    def _is_catalog(self, name: Identifier) -> bool:
        return bool(self.service.catalog) and same(name, self.service.catalog)

    def _unknown(self, ref: TableName) -> UnknownName:
        parts = (*ref.qualifier, ref.name)
        at = Position(parts[0].at.start, parts[-1].at.end, parts[0].at.line, parts[0].at.column)
        message = f"No table {written(ref.qualifier, ref.name)}"
        if ref.qualifier and ref.qualifier[0].text.upper() == "TAP_UPLOAD":
            given = [table.adql_name for table in self.uploads]
            advice = f"Uploaded tables are: {', '.join(given)}" if given else "No table was uploaded with this query"
            return UnknownName(message, at, advice, suggestions=closest(f"TAP_UPLOAD.{ref.name.text}", given))
        near = self._near(written(ref.qualifier, ref.name), ref.name.text)
        return UnknownName(message, at, "" if near else self._overview(ref), suggestions=near)

    def _near(self, name: str, last: str) -> list[str]:
        """Give the names of tables that are near a name, or whose part behind the schema is."""
        tables = list(self.tables())
        near = closest(name, (*(table.adql_name for table in tables), *(label.text for label, _ in self.commons)))
        if near:
            return near
        names = closest(last, dict.fromkeys(table.name for table in tables))
        return [table.adql_name for name in names for table in tables if table.name == name][:3]

    def _overview(self, ref: TableName) -> str:
        """Say what there is: the tables of the schema, or the schemas."""
        home = _ELSEWHERE.get((ref.qualifier[-1] if ref.qualifier else ref.name).text.lower(), "")
        if home:
            return home
        schemas = {table.schema: None for table in self.tables()}
        known = [name for name in schemas if ref.qualifier and same(ref.qualifier[-1], name)]
        if known:
            tables = [table.adql_name for table in self.tables() if table.schema == known[0]]
            return f"Tables of this schema: {_some(tables)}"
        if ref.qualifier:
            near = closest(ref.qualifier[-1].text, schemas)
            if near:
                return f"There is no schema {ref.qualifier[-1].text}; did you mean {' or '.join(near)}?"
            return f"There is no schema {ref.qualifier[-1].text}; there are {_some(list(schemas))}"
        if "." in ref.name.text:
            parts = (adql_name(part) for part in ref.name.text.split("."))
            return f"Quotes go around each part of a name: {'.'.join(parts)}"
        return "TAP_SCHEMA.tables lists all tables"


_SHOWN = 8
_JOINS = ("LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER")
_ELSEWHERE = dict.fromkeys(
    ("information_schema", "pg_catalog", "pg_tables", "sqlite_master", "sys", "all_tables", "dual"),
    "Tables and columns are listed in TAP_SCHEMA.tables and TAP_SCHEMA.columns",
)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
