"""Queries spoiled at random: none may crash the translator, keep it busy, or slip an undeclared name into SQL.

`python -m tests.adql.fuzz --count 1000000` takes an hour or so; the suite runs a few thousand. Seeds are the labelled
corpus (each with the catalogue that suits it), the queries of `messages/` and generated trees. Each mutant is
translated for both engines; what is printed is read by the engine's own parser, and all tables, files and functions in
it must be declared.
"""

from __future__ import annotations

import argparse
import functools
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from nashira.adql.translate import translate
from nashira.config.errors import AdqlSyntaxError, AdqlTypeError, QueryError, UnknownName, Unsupported
from nashira.schema.model import Catalog, Files, Partition, Relation, SkyIndex, Table
from nashira.schema.names import RESERVED

from .guess import CORPUS, labelled
from .printed import DUCKDB, POSTGRESQL
from .test_messages import CASES, CATALOG, MINE
from .walk import duckdb_names, postgres_names, undeclared

EXPECTED = (AdqlSyntaxError, UnknownName, AdqlTypeError, Unsupported)
_PIECE = re.compile(r"\s+|--[^\n]*|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|[^\w\s]")
_NASTY = (
    *("''", "'", '"', '""', "--", "/*", "*/", ";", "(", ")", ",", ".", "..", "||", "|", "&&", "\\", "\0", "\n", "\r"),
    *("\u2028", "\ufeff", "’", "“", "`", "[", "]", "{", "}", "$1", ":x", "?", "@", "#", "%", "~", "^", "!", "=", "=="),
    *("0", "-1", "1e999", "0x", "0xFF", "1.", ".5", "9" * 40, "1e-400", "NaN", "''''", "'%'", "'2000-13-01'", "NULL"),
    *("read_csv", "read_parquet", "getenv", "pg_read_file", "duckdb_tables", "sqlite_master", "pg_catalog.pg_class"),
    *("'/etc/passwd'", '"/etc/passwd"', "ns_healpix29", "upload_1", "TAP_UPLOAD.mine", "_healpix_29", "c1", "t1"),
    *("LIMIT", "OVER", "VALUES", "CURRENT_USER", "::int", "COPY", "ATTACH", "PRAGMA", "INSTALL", "SET", "EXPLAIN"),
)


@dataclass(frozen=True)
class Seed:
    """A query and the tables that it may name, as each engine has them."""

    text: str
    catalogs: Mapping[str, Catalog]
    uploads: tuple[Table, ...] = ()

    @classmethod
    def of(cls, text: str, catalog: Catalog) -> Seed:
        return cls(text, {"duckdb": _with(catalog, _files), "postgresql": _with(catalog, _relation)}, (MINE,))


def _with(catalog: Catalog, source: Callable[[Table], Files | Relation]) -> Catalog:
    schemas = (
        replace(schema, tables=tuple(replace(table, source=source(table)) for table in schema.tables))
        for schema in catalog.schemas
    )
    return replace(catalog, schemas=tuple(schemas))


def _files(table: Table) -> Files:
    """Two files, in the order of the index where the table has a position."""
    half = 6 << 58
    paths = (f"/store/{table.name}/{number}.parquet" for number in range(2))
    parts = tuple(Partition(path, 1000, number * half, (number + 1) * half) for number, path in enumerate(paths))
    return Files(parts, indexed=table.position is not None)


def _relation(table: Table) -> Relation:
    """A relation with one of the indexes that PostgreSQL may have."""
    placed = table.position is not None
    sky = (None, SkyIndex("q3c"), SkyIndex("pgsphere"))[len(table.name) % 3] if placed else None
    return Relation((table.schema, table.name), 2000, indexed=placed and sky is None, sky=sky)


@dataclass
class Report:
    """What came of all mutants; `failures` maps a kind of failure to its first mutant and traceback."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")

    def failed(self, kind: str, query: str, why: str) -> None:
        self.outcomes[f"FAILED {kind}"] += 1
        self.failures.setdefault(kind, f"{query!r}\n{why}")

    def __str__(self) -> str:
        total = sum(count for kind, count in self.outcomes.items() if "SQL" not in kind)
        lines = [f"{total} mutants"]
        lines += [f"  {count:8}  {kind}" for kind, count in self.outcomes.most_common()]
        lines += [f"slowest: {self.slowest[0]:.2f} s  {self.slowest[1][:200]!r}"]
        lines += [f"== {kind}\n{text}" for kind, text in self.failures.items()]
        return "\n".join(lines)


# ------------------------------------------------------------------- seeds


def seeds(rng: random.Random, generated: int = 500) -> tuple[list[Seed], list[Seed]]:
    """Give the seeds that are right, generated ones among them, and all others."""
    right, wrong = _kept()
    return [*right, *(Seed.of(Grammar(rng).query(), CATALOG) for _ in range(generated))], wrong


@functools.cache
def _kept() -> tuple[list[Seed], list[Seed]]:
    """Give the seeds of the corpus, where it is beside the checkout, and of the messages."""
    wrong = [Seed.of(case.query, CATALOG) for case in CASES]
    right: list[Seed] = []
    for row in labelled() if CORPUS.exists() else ():
        catalog = row.judged()[1]
        (wrong if catalog is None else right).append(Seed.of(row.query, catalog or CATALOG))
    return right, wrong


class Grammar:
    """Random queries on the tables of the messages: right in grammar, mostly right in types."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.depth = 0

    def one(self, *choices: str | Callable[[], str]) -> str:
        chosen = self.rng.choice(choices)
        return chosen if isinstance(chosen, str) else chosen()

    def query(self) -> str:
        rng = self.rng
        columns = ", ".join(f"{self.number()} AS c{i}" for i in range(rng.randint(1, 4)))
        parts = [f"SELECT {self.one('', 'DISTINCT ', 'TOP 10 ', 'DISTINCT TOP 3 ')}{columns}", f"FROM {self.tables()}"]
        if rng.random() < 0.8:
            parts.append(f"WHERE {self.condition()}")
        if rng.random() < 0.3:
            parts.append(f"ORDER BY {self.one('1', 'c0 DESC', 'c0')}")
        text = " ".join(parts)
        if rng.random() < 0.1 and self.depth == 0:
            self.depth += 1
            text = f"{text} {self.one('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT')} {self.query()}"
            self.depth -= 1
        return text

    def tables(self) -> str:
        return self.one(
            "gaia.source AS s",
            "gaia.source AS s JOIN hip.main AS m ON DISTANCE(s.ra, s.dec, m.RAdeg, m.DEdeg) < 1/3600.0",
            "gaia.source AS s LEFT JOIN gaia.spectra AS p USING (source_id)",
            "gaia.source AS s, TAP_UPLOAD.mine AS u",
            "(SELECT * FROM gaia.source WHERE parallax > 1) AS s",
            "gaia.source AS s NATURAL JOIN gaia.spectra",
        )

    def number(self) -> str:
        self.depth += 1
        try:
            if self.depth > 3:
                return self.one("s.ra", "s.parallax", "1", "2.5", "s.pmra")
            a, b = self.number, self.number
            return self.one(
                "s.ra",
                "s.dec",
                "42",
                "1e-3",
                lambda: f"{a()} {self.one('+', '-', '*', '/', '%')} {b()}",
                lambda: f"{self.one('SQRT', 'ABS', 'LOG', 'SIN', 'FLOOR', 'ROUND', 'DEGREES')}({a()})",
                lambda: f"({a()})",
                lambda: f"CASE WHEN {self.condition()} THEN {a()} ELSE {b()} END",
                lambda: f"COALESCE({a()}, {b()})",
                lambda: f"CAST({a()} AS {self.one('INTEGER', 'DOUBLE PRECISION', 'BIGINT', 'REAL')})",
                lambda: f"DISTANCE({a()}, {b()}, 10, 20)",
                lambda: f"ivo_healpix_index(8, {a()}, {b()})",
                lambda: f"AREA(CIRCLE({a()}, {b()}, 1))",
            )
        finally:
            self.depth -= 1

    def condition(self) -> str:
        self.depth += 1
        try:
            a, b = self.number, self.number
            if self.depth > 3:
                return f"{a()} > 1"
            region = (
                "CIRCLE(10, 20, 1)",
                "BOX(10, 20, 1, 2)",
                "POLYGON(1, 1, 3, 1, 3, 3)",
                "REGION('CIRCLE ICRS 1 2 3')",
            )
            return self.one(
                lambda: f"{a()} {self.one('=', '<', '>=', '<>')} {b()}",
                lambda: f"{self.condition()} {self.one('AND', 'OR')} {self.condition()}",
                lambda: f"NOT ({self.condition()})",
                lambda: f"{a()} BETWEEN {b()} AND 10",
                lambda: f"{a()} IN (1, 2, {b()})",
                lambda: f"{a()} IS {self.one('', 'NOT ')}NULL",
                lambda: f"1 = {self.one('CONTAINS', 'INTERSECTS')}(POINT(s.ra, s.dec), {self.one(*region)})",
                lambda: f"DISTANCE(POINT({a()}, {b()}), POINT(10, 20)) < 0.5",
                lambda: f"s.source_id IN (SELECT source_id FROM gaia.spectra WHERE teff > {self.rng.randint(1, 9)})",
            )
        finally:
            self.depth -= 1


# ---------------------------------------------------------------- mutations


def _class(piece: str) -> str:
    """Name what a piece is, so that it can be replaced by its like."""
    if piece[:1].isdigit():
        return "number"
    if piece.startswith(("'", '"')):
        return piece[0]
    if piece.upper() in RESERVED:
        return "keyword"
    return "word" if piece[:1].isalpha() else "sign"


class Mutator:
    """Spoils texts: pieces or characters deleted, doubled, swapped, replaced, inserted, taken from another query."""

    def __init__(self, rng: random.Random, texts: list[str]) -> None:
        self.rng = rng
        pool = {piece for text in texts for piece in _PIECE.findall(text) if not piece.isspace()}
        self.pool = [*sorted(pool), *sorted(RESERVED), *_NASTY]
        self.alike: dict[str, list[str]] = {}
        for piece in self.pool:
            self.alike.setdefault(_class(piece), []).append(piece)
        self.texts = texts

    def mutant(self, text: str) -> str:
        for _ in range(self.rng.choice((1, 1, 1, 1, 2, 2, 4))):
            text = self._piece(text) if self.rng.random() < 0.8 else self._character(text)
        return text

    def _piece(self, text: str) -> str:
        rng, pieces = self.rng, _PIECE.findall(text) or [""]
        at, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        match rng.randrange(12):
            case 8 | 9 | 10 | 11:  # a name for a name, a number for a number, mostly of the same query
                wanted = _class(pieces[at])
                here = [piece for piece in pieces if _class(piece) == wanted]
                pieces[at] = rng.choice(here if rng.random() < 0.7 else self.alike.get(wanted, here))
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, pieces[other])
            case 2:
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 3 | 4:
                pieces[at] = rng.choice(self.pool)
            case 5:
                pieces.insert(at, f" {rng.choice(self.pool)} ")
            case 6:
                low, high = sorted((at, other))
                pieces[low:low] = pieces[low : min(high, low + 30)]
            case _:
                donor = _PIECE.findall(rng.choice(self.texts)) or [""]
                begin = rng.randrange(len(donor))
                pieces[at : at + rng.randrange(4)] = donor[begin : begin + rng.randrange(1, 12)]
        return "".join(pieces)

    def _character(self, text: str) -> str:
        rng = self.rng
        at = rng.randrange(len(text) + 1)
        match rng.randrange(5):
            case 0:
                return text[:at] + text[at + rng.randint(1, 4) :]
            case 1:
                return text[:at] + chr(rng.choice((rng.randrange(32, 127), rng.randrange(0xD7FF)))) + text[at:]
            case 2:
                return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
            case 3:
                return text[:at]
            case _:
                return text[:at] + rng.choice("()'\",.-*/=<>") + text[at + 1 :]


# -------------------------------------------------------------------- checks


class Judge:
    """Translates mutants and checks what comes of it."""

    def __init__(self, report: Report, targets: tuple[str, ...]) -> None:
        self.report = report
        self.targets = targets
        self.connection = duckdb.connect(config={"threads": 1})

    def judge(self, seed: Seed, query: str) -> None:
        """Translate one mutant for all engines."""
        began = time.perf_counter()
        for target in self.targets:
            try:
                made = translate(query, seed.catalogs[target], uploads=seed.uploads, limit=10, target=target)
            except EXPECTED as error:
                self._refused(error, query, target)
            except Exception as error:  # noqa: BLE001  this is what is looked for
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.report.failed(f"{type(error).__name__} in {where.name}", query, traceback.format_exc()[-1500:])
            else:
                self._printed(seed, query, target, made.sql)
        spent = time.perf_counter() - began
        if spent > self.report.slowest[0]:
            self.report.slowest = (spent, query)

    def _refused(self, error: QueryError, query: str, target: str) -> None:
        if target == self.targets[0]:
            self.report.outcomes[type(error).__name__] += 1
        place = error.position
        if place is not None and not 0 <= place.start <= place.end <= len(query):
            self.report.failed("place outside of the text", query, str(place))
        if len(str(error)) > 1500 or not str(error).isprintable():
            self.report.failed("message too long or not printable", query, repr(str(error)[:500]))

    def _printed(self, seed: Seed, query: str, target: str, sql: str) -> None:
        if target == self.targets[0]:
            self.report.outcomes["accepted"] += 1
        try:
            if target == "duckdb":
                odd = undeclared(duckdb_names(self.connection, sql), seed.catalogs[target], seed.uploads, DUCKDB)
            else:
                odd = undeclared(postgres_names(sql), seed.catalogs[target], seed.uploads, POSTGRESQL)
        except Exception:  # noqa: BLE001  this is what is looked for
            self.report.failed(f"{target} cannot read its SQL", query, f"{sql[:1500]}\n{traceback.format_exc()[-800:]}")
            return
        self.report.outcomes[f"SQL read by {target}"] += 1
        if odd:
            self.report.failed(f"{target}: undeclared {', '.join(sorted(odd))[:80]}", query, sql[:1500])


def fuzz(count: int, seed: int, targets: tuple[str, ...], generated: int = 500) -> Iterator[Report]:
    """Judge `count` mutants; yields the report now and then, and at the end."""
    rng = random.Random(seed)
    right, wrong = seeds(rng, generated)
    mutator = Mutator(rng, [one.text for one in (*right, *wrong)])
    report = Report()
    judge = Judge(report, targets)
    for number in range(1, count + 1):
        one = rng.choice(right if rng.random() < 0.85 else wrong)
        judge.judge(one, mutator.mutant(one.text))
        if number % 20_000 == 0:
            yield report
    yield report


def main() -> int:
    """Run from the command line; a mutant that takes too long ends the run with its text."""
    options = argparse.ArgumentParser(prog="python -m tests.adql.fuzz")
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--target", choices=("duckdb", "postgresql", "both"), default="both")
    options.add_argument("--report", type=Path, help="file to keep the report in")
    given = options.parse_args()
    targets = ("duckdb", "postgresql") if given.target == "both" else (given.target,)
    report = Report()
    for report in fuzz(given.count, given.seed, targets):
        if given.report:
            given.report.write_text(str(report), encoding="utf-8", errors="backslashreplace")
    sys.stdout.write(f"{str(report).encode('utf-8', 'backslashreplace').decode()}\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
