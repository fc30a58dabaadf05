"""Tables that are in the site's database already, published in place: read, never changed."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from ..config.errors import PublishError
from ..engines.store_records import RelationRecord
from ..schema.types import is_scalar_number
from .positions import Choice, implausible
from .postgres_database import Database, grant_reading, grant_text
from .postgres_describe import Described, describe
from .postgres_indexes import positions, served
from .postgres_source import Place, written

_COUNT_MANY = 100_000


@dataclass(frozen=True, slots=True)
class Adopted:
    """A relation of a database as it was described."""

    database: Database
    described: Described

    def fault(self, choice: Choice) -> str:
        """Say why a choice is no position of this relation; empty where it is."""
        by_name = {column.name: column for column in self.described.columns}
        if not all(is_scalar_number(by_name[name].type) for name in (choice.ra, choice.dec)):
            return "they are no numbers"
        if not choice.in_degrees:
            return "they are not in degrees, and nothing can be added to a table published in place"
        sample = positions(self.database, self.described, choice.ra, choice.dec)
        return implausible(sample, choice) if choice.guessed else ""

    def relation(self, choice: Choice | None) -> tuple[RelationRecord, tuple[str, ...]]:
        """Give where the rows lie, with what serves the position, and sentences on what could be better."""
        found = self.described
        record = RelationRecord(
            path=found.path,
            rows=found.rows,
            owned=False,
            estimated=found.estimated,
            native=found.native,
            keys=found.keys,
            primary=found.primary,
            types=tuple((column.name, found.types[column.name]) for column in found.columns),
        )
        notes = () if found.analyzed else (never_analyzed(found),)
        if choice is None:
            return record, notes
        serving = served(self.database, found, choice.ra, choice.dec)
        if serving.sky is None and not serving.indexed and found.rows > _COUNT_MANY:
            notes = (*notes, no_index(self.database, found, choice.ra, choice.dec))
        return serving.on(record), (*serving.notes, *notes)


def adopt(database: Database, place: Place) -> Adopted:
    """Describe a relation of the site's database and let the reader read it; PublishError where that fails."""
    try:
        found = describe(database, place.path)
        readable = grant_reading(database, place.path)
    except psycopg.errors.InsufficientPrivilege as error:
        message = f"{written(place.path)}: it may not be read; as its owner run: {grant_text(database, place.path)}"
        raise PublishError(message) from error
    if not found.columns:
        message = f"{written(place.path)}: no column has a type that can be published"
        raise PublishError(message)
    if not readable:
        message = (
            f"{written(place.path)}: the role {database.reader} of queries may not read it; "
            f"as its owner run: {grant_text(database, place.path)}"
        )
        raise PublishError(message)
    return Adopted(database, found)


def never_analyzed(found: Described) -> str:
    """Advise on a table without statistics."""
    return f"the database knows nothing of its rows; run: ANALYZE {_sql_name(found)}"


def no_index(database: Database, found: Described, ra: str, dec: str) -> str:
    """Advise on a large table without an index of its position."""
    name = _sql_name(found)
    kinds = database.kinds()
    how = {
        "q3c": f'CREATE INDEX ON {name} (q3c_ang2ipix("{ra}", "{dec}"))',
        "pgsphere": f'CREATE INDEX ON {name} USING gist (spoint(radians("{ra}"), radians("{dec}")))',
    }
    advice = how[kinds[0]] if kinds else "install q3c and make an index on q3c_ang2ipix"
    return (
        f"no index serves its position, so that every cone reads all rows; have its owner run: {advice}; ANALYZE {name}"
    )


def _sql_name(found: Described) -> str:
    return written(found.path).partition(":")[2]
