"""Sources that are tables of the site's database: `postgresql:schema.table`, `postgresql://host/database/schema.table`.

Names are as PostgreSQL keeps them, case included; one with a dot, a star or a quote in it goes in double quotes.
Passwords never stand in a source: the site's settings have them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from ..config.errors import PublishError

SCHEME = "postgresql:"
EVERY = "*"
_PART = r'(?:"(?:[^"]|"")+"|[^".*]+)'
_NAME = re.compile(rf"({_PART})\.({_PART}|\*)\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_]+\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A relation, or with `table` `*` all of a schema; `host` and `database` are empty where the source has none."""

    schema: str
    table: str
    host: str = ""
    database: str = ""
    every: bool = False

    @property
    def path(self) -> tuple[str, str]:
        """(schema, relation)."""
        return self.schema, self.table


def is_relation(source: object) -> bool:
    """Tell whether a source means a table of the site's database."""
    return str(source).lower().startswith((SCHEME, "postgres:"))


def parse_place(source: str) -> Place:
    """Understand a source; PublishError says what is wrong with it, without passwords."""
    rest = source.partition(":")[2]
    host = database = ""
    if rest.startswith("//"):
        parts = urlsplit(source)
        if parts.password or "@" in parts.netloc:
            message = "postgresql://…: leave user and password out of the source; the site's settings have them"
            raise PublishError(message)
        host = parts.netloc
        database, _, rest = parts.path.removeprefix("/").partition("/")
        database, rest = unquote(database), unquote(rest)
    match = _NAME.match(rest)
    if match is None:
        message = (
            f"{SCHEME}{rest}: say it as postgresql:schema.table, or postgresql:schema.* for all tables of a schema"
        )
        raise PublishError(message)
    every = match[2] == EVERY
    return Place(_unquoted(match[1]), match[2] if every else _unquoted(match[2]), host, database, every)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def written(path: tuple[str, str]) -> str:
    """Write a relation as a source."""
    names = (name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"' for name in path)
    return SCHEME + ".".join(names)


def same_database(place: Place, url: str) -> bool:
    """Tell whether a place lies in the database of `url`, as far as it says."""
    said = conninfo_to_dict(url)
    host = place.host.rpartition(":")[0] or place.host if ":" in place.host else place.host
    return place.database in {"", said.get("dbname")} and host in {"", said.get("host")}
