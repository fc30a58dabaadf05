"""`python -m tests.adql.corpus`: how the labelled corpus is judged, per suite and in all, and what is judged otherwise.

"grammar" is the parser alone, with nothing left out; "translator" is everything, against a catalogue guessed for each
query (attacks by the name of a table meet a catalogue that stands). Every query that the translator judges otherwise
than its label stands in `semantic_misjudged.json` with the reason; one that is not there is marked `?`. Functions that
are declared nowhere are the one exception: a service is free to have them, and the texts of the standard make up some.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nashira.adql.parser import parse
from nashira.adql.service import Service
from nashira.adql.translate import translate
from nashira.config.errors import AdqlSyntaxError, QueryError

from .guess import CORPUS, Labelled, labelled
from .test_messages import CATALOG

REASONS: dict[str, str] = json.loads((Path(__file__).parent / "semantic_misjudged.json").read_text())
UNDECLARED = "a function that no catalogue declares"
FREE_TABLES = frozenset({"strictness:i3", "strictness:i4", "strictness:i10", "strictness:i11"})


@dataclass(frozen=True)
class Verdict:
    """A query, whether parser and translator accept it, and why it is refused."""

    row: Labelled
    parsed: bool
    fault: str

    @property
    def accepted(self) -> bool:
        return not self.fault

    @property
    def differs(self) -> bool:
        return self.row.valid is not None and self.accepted is not self.row.valid

    @property
    def reason(self) -> str:
        """Why it differs from its label; empty where nobody has said."""
        key = f"{self.row.id} {' '.join(self.row.query.split())[:70]}"
        if self.row.valid and "No function" in self.fault:
            return UNDECLARED
        return REASONS.get(key, "")


def verdicts() -> list[Verdict]:
    """Judge the whole corpus."""
    return [Verdict(row, _parsed(row), _fault(row)) for row in labelled()]


def _fault(row: Labelled) -> str:
    """Say why a query is refused; a guess would declare the tables of attacks."""
    if row.id not in FREE_TABLES:
        return row.fault()
    try:
        translate(row.query, CATALOG)
    except QueryError as error:
        return str(error)
    return ""


def refused_without_extensions(row: Labelled) -> bool:
    """Tell whether a site refuses the query that has switched off all extensions of the language."""
    catalog = row.judged()[1]
    try:
        translate(row.query, catalog or CATALOG, service=Service(extensions=frozenset()))
    except QueryError:
        return True
    return False


def _parsed(row: Labelled) -> bool:
    try:
        parse(row.query)
    except AdqlSyntaxError:
        return False
    return True


@dataclass(frozen=True)
class Rate:
    """How many of `of` are judged as their label says."""

    right: int
    of: int

    @property
    def percent(self) -> float:
        return 100.0 * self.right / self.of if self.of else 100.0

    def __str__(self) -> str:
        return f"{self.right:5d} of {self.of:4d} {self.percent:6.2f} %" if self.of else " " * 21


def rate(found: list[Verdict], valid: bool, *, grammar: bool = False, argued: bool = False) -> Rate:
    """Rate the queries of one label; with `argued` those count as right that have their reason."""
    chosen = [one for one in found if one.row.valid is valid]
    right = sum((one.parsed if grammar else one.accepted) is valid or (argued and bool(one.reason)) for one in chosen)
    return Rate(right, len(chosen))


def _declared(found: list[Verdict]) -> list[Verdict]:
    return [one for one in found if one.reason != UNDECLARED]


def without_extensions(found: list[Verdict]) -> Rate:
    """Rate the invalid queries for a site that has switched off all extensions of the language."""
    invalid = [one for one in found if one.row.valid is False]
    refused = sum(not one.accepted or refused_without_extensions(one.row) for one in invalid)
    return Rate(refused, len(invalid))


def table(found: list[Verdict]) -> Iterator[str]:
    """Give the lines of the report."""
    suites = sorted({one.row.suite for one in found if one.row.valid is not None})
    yield f"{'suite':15}{'valid: grammar':>22}{'translator':>22}{'invalid: grammar':>22}{'translator':>22}"
    for suite in (*suites, "all"):
        rows = [one for one in found if suite in (one.row.suite, "all")]
        cells = (rate(rows, valid, grammar=grammar) for valid in (True, False) for grammar in (True, False))
        yield f"{suite:15}" + "".join(f"{cell!s:>22}" for cell in cells)
    yield f"valid, functions that no catalogue declares left out: {rate(_declared(found), True)}"
    yield f"invalid, extensions of the language switched off: {without_extensions(found)}"
    yield f"valid, verdicts argued below taken as right: {rate(found, True, argued=True)}"
    odd = [one for one in found if one.differs]
    yield f"\n{len(odd)} verdicts differ from their label:"
    for one in odd:
        text = " ".join(one.row.query.split())[:100]
        label = "valid" if one.row.valid else "invalid"
        yield f"- {one.row.suite} {one.row.id} ({label}): {text}"
        yield f"  {one.reason or '? nobody has said why: ' + one.fault[:120]}"


def main() -> int:
    """Print the report; status 1 where a verdict has no reason."""
    if not CORPUS.exists():
        sys.stdout.write("the corpus of labelled queries is not beside this checkout\n")
        return 2
    found = verdicts()
    sys.stdout.write("\n".join(table(found)) + "\n")
    return int(any(one.differs and not one.reason for one in found))


if __name__ == "__main__":
    sys.exit(main())
