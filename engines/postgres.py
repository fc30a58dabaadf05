"""The PostgreSQL engine: published tables lie in a database, a role that can only read them serves the queries.

It is the second wall: transactions are read-only, the role is refused where it could write or more, only single SELECT
statements run. Tables of `put_table` need no right to write either: each session brings them as temporary tables when
a query names them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

import pyarrow as pa
import structlog

from ..config.errors import EngineError
from ..config.site import SiteFolder
from ..schema.model import Relation, Table
from .postgres_check import conninfo, require
from .postgres_errors import FAILURES, state
from .postgres_pool import SessionPool
from .postgres_running import PostgresRunning
from .postgres_session import Session
from .watchdog import Watchdog

log = structlog.get_logger(__name__)

_TEMPORARY = "pg_temp"
_KEPT = re.compile(r"\bns_kept_\d+\b")
_INDEX = "_healpix_29"
_ESTIMATE_SECONDS = 5.0


class PostgresEngine:
    """The database that `[engine] url` names; safe to call from any thread.

    SettingsError where it cannot be reached, lacks the functions of schema `nashira` or where the role may write.
    """

    name = "postgresql"

    def __init__(self, folder: SiteFolder) -> None:
        settings = folder.settings.engine
        facts = require(settings.url)
        self._pool = SessionPool(conninfo(settings.url, facts.extension_schemas), settings.pool)
        self._watchdog = Watchdog()
        self._lock = threading.Lock()
        self._running: set[PostgresRunning] = set()
        self._kept: dict[str, pa.Table] = {}
        self._count = 0
        self._closed = False

    def run(
        self, sql: str, *, uploads: Mapping[str, pa.Table] | None = None, seconds: float | None = None, tag: str = ""
    ) -> PostgresRunning:
        """Start a query; `uploads` exist for this query only, as temporary tables of its transaction."""
        named = set(_KEPT.findall(sql))

        def prepare(session: Session) -> None:
            session.limit(seconds)
            self._keep(session, named)
            if uploads:
                session.bring(uploads)

        with self._lock:
            self._refuse_when_closed()
            running = PostgresRunning(self._pool, sql, prepare, self._watchdog, tag, seconds, self._running.discard)
            self._running.add(running)
        return running

    def _refuse_when_closed(self) -> None:
        if self._closed:
            message = "The service is shutting down"
            raise EngineError(message)

    def _keep(self, session: Session, named: set[str]) -> None:
        with self._lock:
            kept = dict(self._kept)
        session.keep({name: kept[name] for name in named if name in kept}, kept)

    def estimate(self, sql: str) -> int | None:
        """Give the number of rows that the planner expects, None where it cannot tell; nothing is executed."""
        session = self._pool.take(lambda: self._closed)
        if session is None:
            return None
        try:
            session.limit(_ESTIMATE_SECONDS)
            self._keep(session, set(_KEPT.findall(sql)))
            rows = session.planned_rows(sql)
        except FAILURES as error:
            log.info("no estimate", state=state(error), detail=str(error), sql=sql)
            self._pool.discard(session)
            return None
        except BaseException:
            self._pool.discard(session)
            raise
        session.used = True
        self._pool.give_back(session)
        return rows

    def put_table(self, table: Table, rows: pa.Table) -> Relation:
        """Keep a copy of `rows` in this process; sessions bring it with them, columns as they are in `rows`.

        For small tables: each session loads it once. `table` gives the name in messages only.
        """
        with self._lock:
            self._refuse_when_closed()
            self._count += 1
            name = f"ns_kept_{self._count}"
            self._kept[name] = rows
        log.debug("table kept", table=table.adql_name, relation=name, rows=rows.num_rows)
        return Relation((_TEMPORARY, name), rows.num_rows, _INDEX in rows.column_names)

    def drop(self, relation: Relation) -> None:
        """Forget a table of `put_table`; queries that have begun to read it go on. Harmless when it is gone."""
        with self._lock:
            self._kept.pop(relation.path[-1], None)

    def close(self) -> None:
        """End all queries and release everything; harmless when repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            running = list(self._running)
        for one in running:
            one.close()
        self._watchdog.close()
        self._pool.close()
