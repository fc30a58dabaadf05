"""A site in service: the catalog in force, the engine that reads it, and their change while queries run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import structlog

from ..adql.service import Service
from ..config.errors import NashiraError
from ..config.site import SiteFolder
from ..engines import store
from ..engines.base import Engine
from ..engines.duckdb import DuckDBEngine
from ..engines.postgres import PostgresEngine
from ..schema.model import Catalog, Files, Relation
from ..schema.tap_schema import tap_schema
from .cache import TranslationCache
from .vocabularies import vocabularies

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.2  # the store's version is looked at that often at most


@dataclass(frozen=True, slots=True)
class QueryEnd:
    """How a query ended, for meters: the engine's name, done, stopped, failed or unread, seconds, rows read."""

    engine: str
    outcome: str
    seconds: float
    rows: int


@dataclass(slots=True)
class Generation:
    """A catalog and what holds it: a snapshot of the store, tables inside the engine, users that read them."""

    catalog: Catalog
    engine: Engine
    roots: tuple[Path, ...]
    snapshot: store.Snapshot
    relations: tuple[Relation, ...]
    translations: TranslationCache = field(default_factory=TranslationCache)
    users: int = 0
    retired: bool = False


class Lease:
    """The right to read a generation; end it with `release` or use it in a with statement."""

    def __init__(self, site: Site, generation: Generation) -> None:
        self._site = site
        self._generation: Generation | None = generation
        self.catalog = generation.catalog
        self.engine = generation.engine
        self.translations = generation.translations
        self.language = site.language

    def tell(self, end: QueryEnd) -> None:
        """Tell the site how a query ended."""
        for watcher in self._site.watchers:
            watcher(end)

    def release(self) -> None:
        """Let go; harmless when repeated."""
        generation, self._generation = self._generation, None
        if generation is not None:
            self._site.give_back(generation)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Site:
    """A published site; reloads by itself when something was published. Safe to use from any thread."""

    def __init__(self, folder: SiteFolder) -> None:
        self.folder = folder
        self.language = _language(folder)
        self.watchers: list[Callable[[QueryEnd], None]] = []  # told of every query, on the thread that read it
        self._lock = threading.Lock()  # of the fields, held for moments
        self._loading = threading.Lock()  # held while a generation is made
        self._looked = time.monotonic()
        self._uses: dict[Engine, int] = {}  # how many generations an engine serves
        self._closed = False
        self._current = self._load(None)

    @classmethod
    def open(cls, folder: SiteFolder) -> Site:
        """Open the site of a folder; StoreError where its store cannot be read."""
        return cls(folder)

    @property
    def catalog(self) -> Catalog:
        """What can be queried now, TAP_SCHEMA included."""
        self._look()
        return self._current.catalog

    def lease(self) -> Lease:
        """Give the catalog in force and its engine, kept until the lease is released."""
        self._look()
        with self._lock:
            generation = self._current
            generation.users += 1
        return Lease(self, generation)

    def give_back(self, generation: Generation) -> None:
        """End one use of a generation; the last one of a retired generation releases it."""
        with self._lock:
            generation.users -= 1
            last = generation.retired and generation.users == 0
        if last:
            self._release(generation)

    def close(self) -> None:
        """End all queries and release everything; harmless when repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        with self._loading:
            for engine in list(self._uses):
                engine.close()
            self._retire(self._current)

    def _look(self) -> None:
        """Reload where the store has changed; one thread does, the others go on with what they have."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS or not self._loading.acquire(blocking=False):
            return
        try:
            self._looked = now
            if self._closed or store.version(self.folder.store) == self._current.catalog.version:
                return
            self._replace(self._load(self._current))
        except (NashiraError, OSError) as error:
            log.error("the store has changed but cannot be loaded; the old catalog stays", error=str(error))
        finally:
            self._loading.release()

    def _load(self, old: Generation | None) -> Generation:
        """Make a generation of what is published now."""
        snapshot = store.open_snapshot(self.folder)
        try:
            generation = self._prepare(snapshot, old)
        except BaseException:
            snapshot.release()
            raise
        tables = sum(1 for _ in generation.catalog.tables())
        log.info("catalog loaded", version=generation.catalog.version, tables=tables)
        return generation

    def _prepare(self, snapshot: store.Snapshot, old: Generation | None) -> Generation:
        """Put TAP_SCHEMA into the engine: the old one, or a new one where it may not read all files."""
        schema, rows = tap_schema(snapshot.catalog)
        roots = _outside(snapshot.catalog, self.folder.store)
        if old is not None and set(roots) <= set(old.roots):
            engine, roots = old.engine, old.roots
        else:
            engine = _engine(self.folder, roots)
        with self._lock:
            self._uses[engine] = self._uses.get(engine, 0) + 1
        try:
            tables = tuple(replace(table, source=engine.put_table(table, rows[table.name])) for table in schema.tables)
        except BaseException:
            self._unuse(engine)
            raise
        catalog = replace(snapshot.catalog, schemas=(*snapshot.catalog.schemas, replace(schema, tables=tables)))
        relations = tuple(table.source for table in tables if isinstance(table.source, Relation))
        return Generation(catalog, engine, roots, snapshot, relations)

    def _replace(self, new: Generation) -> None:
        with self._lock:
            old, self._current = self._current, new
        self._retire(old)

    def _retire(self, generation: Generation) -> None:
        with self._lock:
            generation.retired = True
            last = generation.users == 0
        if last:
            self._release(generation)

    def _release(self, generation: Generation) -> None:
        """Drop what a generation held; its engine goes with the last generation that uses it."""
        if not self._unuse(generation.engine):
            for relation in generation.relations:
                generation.engine.drop(relation)
        generation.snapshot.release()

    def _unuse(self, engine: Engine) -> bool:
        """Count one generation less; close an engine that serves none, and tell whether it is closed."""
        with self._lock:
            self._uses[engine] -= 1
            last = self._uses[engine] == 0
            if last:
                del self._uses[engine]
        if last:
            engine.close()
        return last or self._closed


def _engine(folder: SiteFolder, roots: tuple[Path, ...]) -> Engine:
    """Open the engine of a site: the database that the settings name, else the embedded one."""
    return PostgresEngine(folder) if folder.settings.engine.url else DuckDBEngine(folder, roots)


def _language(folder: SiteFolder) -> Service:
    """What the site decides about ADQL; vocabularies are read once."""
    known = vocabularies(folder.vocabularies)
    chosen = folder.settings.adql
    return Service(frozenset(chosen.extensions), chosen.catalog, known.get, vocabularies=tuple(known))


def _outside(catalog: Catalog, inside: Path) -> tuple[Path, ...]:
    """Give the folders of files that are published in place, outside the store."""
    home = inside.resolve()
    files = (
        part.path for table in catalog.tables() if isinstance(table.source, Files) for part in table.source.partitions
    )
    folders = {Path(path).parent for path in files}
    found = {folder.resolve() for folder in folders}
    return tuple(sorted(folder for folder in found if not folder.is_relative_to(home)))
