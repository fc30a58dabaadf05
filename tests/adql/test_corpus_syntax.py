"""The labelled corpus against the parser alone: names, types and declared functions are the resolver's business.

The rates reached are kept in `syntax_rates.json`, in percent per suite; they may be raised there, never lowered.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nashira.adql.parser import parse
from nashira.config.errors import AdqlSyntaxError

CORPUS = (Path(__file__).parents[2] / ".." / "shared" / "corpora" / "adql" / "queries.json").resolve()
FLOORS: dict[str, dict[str, float]] = json.loads((Path(__file__).parent / "syntax_rates.json").read_text())

# Labelled invalid for what only the resolver can know; the grammar derives them.
NEEDS_SEMANTICS = {
    ("lyonetia-ivoa", "O2_user_defined_functions.xml:29c75d48"): "an undeclared function",
    ("rec-matrix", "rec-matrix:i4"): "CASE, a declared extension here",
    ("rec-matrix", "rec-matrix:i7"): "CROSS JOIN, a declared extension here",
    ("strictness", "strictness:i3"): "a table of the engine",
    ("strictness", "strictness:i4"): "a table of the engine",
    ("strictness", "strictness:i10"): "a quoted table that is a file",
    ("strictness", "strictness:i11"): "a quoted table that is a file",
    ("strictness", "strictness:i40"): "a function of the engine",
    ("strictness", "strictness:i63"): "ROLLUP looks like a user defined function",
    ("vollt", "TestADQLParser.java:184"): "a text times a number",
    ("vollt", "TestADQLParser.java:780"): "CASE, a declared extension here",
    ("vollt", "TestDBChecker.java:291"): "ABS of a text",
}


@dataclass(frozen=True)
class Labelled:
    suite: str
    id: str
    query: str
    valid: bool | None

    @property
    def accepted(self) -> bool:
        try:
            parse(self.query)
        except AdqlSyntaxError:
            return False
        return True


@pytest.fixture(scope="module")
def corpus() -> list[Labelled]:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled queries is not beside this checkout")
    return [Labelled(row["suite"], row["id"], row["query"], row["valid"]) for row in json.loads(CORPUS.read_text())]


def judged(corpus: list[Labelled]) -> Iterator[Labelled]:
    """Give what syntax alone can decide: without opinions, without what needs semantics."""
    for row in corpus:
        if row.valid is not None and (row.valid or (row.suite, row.id) not in NEEDS_SEMANTICS):
            yield row


def percent(right: int, of: int) -> float:
    return 100.0 * right / of if of else 100.0


def test_rates_do_not_fall(corpus: list[Labelled]) -> None:
    right: dict[tuple[str, bool], list[str]] = defaultdict(list)
    wrong: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for row in judged(corpus):
        (right if row.accepted == row.valid else wrong)[row.suite, bool(row.valid)].append(row.id)
    for suite, floor in FLOORS.items():
        for valid, name in ((True, "accepted"), (False, "refused")):
            good, bad = len(right[suite, valid]), wrong[suite, valid]
            rate = percent(good, good + len(bad))
            print(f"{suite:14} {name:8} {good:4} of {good + len(bad):4}  {rate:6.2f} %")
            assert rate >= floor[name], f"{suite}: no longer {name}: {bad}"
    assert {suite for suite, _ in right} <= FLOORS.keys()


def test_overall_targets(corpus: list[Labelled]) -> None:
    rows = list(judged(corpus))
    for valid, target in ((True, 99.5), (False, 97.0)):
        of_kind = [row for row in rows if row.valid is valid]
        rate = percent(sum(row.accepted is valid for row in of_kind), len(of_kind))
        print(f"valid={valid}: {rate:.2f} % of {len(of_kind)}")
        assert rate >= target


def test_what_needs_semantics_is_still_in_the_corpus_and_derivable(corpus: list[Labelled]) -> None:
    """A query that the parser learns to refuse leaves the list."""
    listed = {
        (row.suite, row.id): row for row in corpus if row.valid is False and (row.suite, row.id) in NEEDS_SEMANTICS
    }
    assert listed.keys() == NEEDS_SEMANTICS.keys()
    assert [key for key, row in listed.items() if not row.accepted] == []


def test_informational_queries_never_break_the_parser(corpus: list[Labelled]) -> None:
    informational = [row for row in corpus if row.valid is None]
    assert informational
    print({row.id: row.accepted for row in informational})
