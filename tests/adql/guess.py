"""The labelled corpus: its queries, and for each a catalogue that is guessed from what it mentions.

Table names in the corpus are free, so every query gets tables with the columns it reads; their types are guessed from
how they are used, and when that fails all columns are tried as texts, as points and so on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from nashira.adql import tree
from nashira.adql.parser import parse
from nashira.adql.service import Service
from nashira.adql.translate import translate
from nashira.config.errors import AdqlSyntaxError, QueryError
from nashira.schema.model import Catalog, Column, Files, Schema, Table
from nashira.schema.types import CIRCLE, DOUBLE, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType

CORPUS = (Path(__file__).parents[2] / ".." / "shared" / "corpora" / "adql" / "queries.json").resolve()
KNOWN_STARS = {"GJ 699": (269.45207696, 4.69336497)}
TEXTS = {"UPPER", "LOWER", "IVO_NOCASEMATCH", "IVO_HASWORD", "IVO_HASHLIST_HAS", "IVO_STRING_AGG", "GAVO_GETAUTHORITY"}
SHAPES = {"CONTAINS", "INTERSECTS", "AREA", "CENTROID", "COORD1", "COORD2", "COORDSYS"}


def nodes(node: object) -> Iterator[object]:
    """All nodes of a tree."""
    if isinstance(node, tuple):
        for item in node:
            yield from nodes(item)
    elif is_dataclass(node):
        yield node
        for spec in fields(node):
            yield from nodes(getattr(node, spec.name))


Sources = dict[str, "tuple[str, str] | tree.Query"]


def selects(body: object) -> Iterator[tree.Select | tree.Query]:
    """The operands of set operations."""
    if isinstance(body, tree.SetOperation):
        yield from selects(body.left)
        yield from selects(body.right)
    else:
        assert isinstance(body, tree.Select | tree.Query)
        yield body


def _joins(ref: object) -> Iterator[tree.Join]:
    """The joins of FROM, inner ones first."""
    if isinstance(ref, tree.Join):
        yield from _joins(ref.left)
        yield from _joins(ref.right)
        yield ref


def _labels(ref: object) -> Iterator[str]:
    """The names that the tables of FROM go by, in lower case."""
    if isinstance(ref, tree.Join):
        yield from _labels(ref.left)
        yield from _labels(ref.right)
    elif isinstance(ref, tree.DerivedTable):
        yield ref.alias.text.lower()
    elif isinstance(ref, tree.TableName):
        yield (ref.alias or ref.name).text.lower()


@dataclass
class Guess:
    """Tables and columns that a query mentions."""

    columns: dict[tuple[str, str], dict[str, VOType]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    commons: dict[str, tree.Query] = field(default_factory=dict)
    kinds: dict[str, VOType] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    catalog: str = ""

    def service(self) -> Service:
        """A site whose catalogue has the name that the query gives it, and whose name service knows one star."""
        return Service(catalog=self.catalog, position=KNOWN_STARS.get)

    @classmethod
    def of(cls, query: tree.Query) -> Guess:
        made = cls()
        everything = list(nodes(query))
        for node in everything:
            made.note(node)
        made.visit(query)
        return made

    def kind(self, node: object, vo: VOType) -> None:
        if isinstance(node, tree.ColumnRef):
            self.kinds.setdefault(node.name.text.lower(), vo)
        elif isinstance(node, tree.Binary) and node.operator == "||":
            self.kind(node.left, STRING)
            self.kind(node.right, STRING)

    def note(self, node: object) -> None:
        """Guess types of columns from how they are used, and schemas of tables from qualified columns."""
        if isinstance(node, tree.ColumnRef) and len(node.qualifier) == 2:
            self.schemas.setdefault(node.qualifier[1].text.lower(), node.qualifier[0].text)
        elif isinstance(node, tree.TableName) and len(node.qualifier) == 2:
            self.catalog = node.qualifier[0].text
        elif isinstance(node, tree.Like):
            self.kind(node.operand, STRING)
            self.kind(node.pattern, STRING)
        elif isinstance(node, tree.Binary) and node.operator == "||":
            self.kind(node, STRING)
        elif isinstance(node, tree.Comparison | tree.Between | tree.InList):
            parts = list(nodes(tuple(getattr(node, f.name) for f in fields(node))))
            near = [getattr(node, f.name) for f in fields(node)]
            near += list(near[1]) if isinstance(node, tree.InList) else []
            for other in near:
                vo = STRING if isinstance(other, tree.String) else None
                if isinstance(other, tree.Cast):
                    vo = {"TIMESTAMP": TIMESTAMP, "VARCHAR": STRING, "CHAR": STRING}.get(other.type_name)
                if isinstance(other, tree.Function) and other.name.upper() in ("UPPER", "LOWER"):
                    vo = STRING
                if vo is None:
                    continue
                for part in parts:
                    if any(part is one for one in near):
                        self.kind(part, vo)
        elif isinstance(node, tree.Function):
            self._function(node)

    def _function(self, node: tree.Function) -> None:
        name, arguments = node.name.upper(), node.arguments
        vo = STRING if name in TEXTS else POINT if name in SHAPES else None
        if name == "DISTANCE" and len(arguments) == 2:
            vo = POINT
        if name == "IVO_TO_JD" or name.endswith("TO_MJD"):
            vo = TIMESTAMP
        if name.startswith("IVO_HEALPIX_"):
            self.kind(arguments[0], LONG)
            self.kind(arguments[-1], LONG if name.endswith("CENTER") else POINT if len(arguments) == 2 else DOUBLE)
        for argument in arguments:
            if vo is not None:
                self.kind(argument, vo)
        plain = [a for a in arguments if not isinstance(a, tree.String)]
        if (name, len(plain)) in (("CIRCLE", 2), ("BOX", 3)) or (name == "POLYGON" and len(plain) in (3, 4, 5)):
            for argument in plain if name == "POLYGON" else plain[:1]:
                self.kind(argument, POINT)
        if name == "IN_UNIT" and isinstance(arguments[-1], tree.String):
            columns = [part for part in nodes(arguments[0]) if isinstance(part, tree.ColumnRef)]
            self.units |= dict.fromkeys((column.name.text.lower() for column in columns), arguments[-1].value)

    # ---------------------------------------------------------- which table

    def visit(self, query: tree.Query, around: tuple[Sources, ...] = ()) -> None:
        """Assign the columns of a query to its tables."""
        for table in query.with_tables:
            self.commons[table.name.text.lower()] = table.query
            self.visit(table.query)
        for select in selects(query.body):
            if isinstance(select, tree.Query):
                self.visit(select, around)
                continue
            own: Sources = {}
            for inner in self._tables(select.tables, own):
                self.visit(inner, around)
            scopes = (own, *around)
            for join in _joins(select.tables):
                near = {label: own[label] for label in _labels(join)}
                self._columns(join.on, (near, own, *around), frozenset())
            names = {item.alias.text.lower() for item in select.items if isinstance(item, tree.Item) and item.alias}
            self._columns((select.items, select.where), scopes, frozenset())
            self._columns((select.group_by, select.having, query.order_by), scopes, names)

    def _tables(self, ref: object, own: Sources) -> list[tree.Query]:
        """Note the tables of FROM; give the queries in it."""
        if isinstance(ref, tree.DerivedTable):
            own[ref.alias.text.lower()] = ref.query
            return [ref.query]
        if isinstance(ref, tree.Join):
            found = self._tables(ref.left, own) + self._tables(ref.right, own)
            last = list(own.values())
            for name in ref.using:
                for source in (last[0], last[-1]):
                    self._add(source, name.text)
            return found
        assert isinstance(ref, tree.TableName)
        alias = (ref.alias or ref.name).text.lower()
        if not ref.qualifier and ref.name.text.lower() in self.commons:
            own[alias] = self.commons[ref.name.text.lower()]
            return []
        free = self.schemas.get(ref.name.text.lower(), "free")
        key = (ref.qualifier[-1].text if ref.qualifier else free, ref.name.text)
        key = next((k for k in self.columns if (k[0].lower(), k[1].lower()) == (key[0].lower(), key[1].lower())), key)
        self.columns.setdefault(key, {})
        own[alias] = key
        return []

    def _columns(self, node: object, scopes: tuple[Sources, ...], names: frozenset[str] | set[str]) -> None:
        if isinstance(node, tuple):
            for item in node:
                self._columns(item, scopes, names)
        elif isinstance(node, tree.Query):
            self.visit(node, scopes)
        elif isinstance(node, tree.ColumnRef):
            if node.qualifier or node.name.text.lower() not in names:
                self._column(node, scopes)
        elif is_dataclass(node):
            for spec in fields(node):
                self._columns(getattr(node, spec.name), scopes, names)

    def _column(self, node: tree.ColumnRef, scopes: tuple[Sources, ...]) -> None:
        name = node.name.text
        for scope in scopes:
            if node.qualifier:
                if node.qualifier[-1].text.lower() in scope:
                    self._add(scope[node.qualifier[-1].text.lower()], name)
                    return
            elif any(self._has(source, name) for source in scope.values()):
                return
        for scope in scopes if not node.qualifier else ():
            if any(self._add(source, name) for source in scope.values()):
                return

    def _has(self, source: object, name: str) -> bool:
        if isinstance(source, tuple):
            return name.lower() in map(str.lower, self.columns[source])
        assert isinstance(source, tree.Query)
        select = next(selects(source.body))
        if isinstance(select, tree.Query):
            return self._has(select, name)
        given = [
            item.alias or getattr(item.expression, "name", None) for item in select.items if isinstance(item, tree.Item)
        ]
        if any(isinstance(g, tree.Identifier) and g.text.lower() == name.lower() for g in given):
            return True
        own: Sources = {}
        self._tables(select.tables, own)
        stars = any(isinstance(item, tree.Star) for item in select.items)
        return stars and any(self._has(inner, name) for inner in own.values())

    def _add(self, source: object, name: str) -> bool:
        """Declare a column, through `*` of derived tables; tell whether it is there now."""
        if self._has(source, name):
            return True
        if isinstance(source, tuple):
            self.columns[source][name] = DOUBLE
            return True
        assert isinstance(source, tree.Query)
        for select in selects(source.body):
            if isinstance(select, tree.Query):
                return self._add(select, name)
            if not any(isinstance(item, tree.Star) for item in select.items):
                return False
            own: Sources = {}
            self._tables(select.tables, own)
            if not self._add(next(iter(own.values())), name):
                return False
        return True

    # ------------------------------------------------------------- catalogues

    def catalogs(self) -> Iterator[Catalog]:
        """The guessed catalogue, then those where all columns have one type."""
        for one in (None, LONG, STRING, POINT, CIRCLE, POLYGON, TIMESTAMP):
            schemas: dict[str, list[Table]] = defaultdict(list)
            for (schema, name), known in self.columns.items():
                columns = tuple(
                    Column(c, one or self.kinds.get(c.lower(), DOUBLE), unit=self.units.get(c.lower(), ""))
                    for c in known or ("no column was read",)
                )
                schemas[schema].append(Table(schema, name, columns, Files(())))
            yield Catalog(tuple(Schema(name, tuple(tables)) for name, tables in schemas.items()))


@dataclass(frozen=True)
class Labelled:
    suite: str
    id: str
    query: str
    valid: bool | None
    version: str

    def judged(self) -> tuple[str, Catalog | None]:
        """Say why the query is refused, or with which catalogue it is accepted."""
        try:
            guess = Guess.of(parse(self.query))
        except AdqlSyntaxError as error:
            return str(error), None
        first = ""
        for catalog in guess.catalogs():
            try:
                made = translate(self.query, catalog, limit=10, service=guess.service())
            except QueryError as error:
                first = first or f"{type(error).__name__}: {error}"
            else:
                return ("", catalog) if made.sql and made.columns else ("nothing", None)
        return first, None

    def service(self) -> Service:
        """The site that the query was written for."""
        return Guess.of(parse(self.query)).service()

    def fault(self) -> str:
        """Say why the query is refused; empty where it is accepted."""
        return self.judged()[0]


def labelled() -> list[Labelled]:
    """Read the corpus; FileNotFoundError where it is not beside the checkout."""
    return [Labelled(r["suite"], r["id"], r["query"], r["valid"], r["version"]) for r in json.loads(CORPUS.read_text())]
