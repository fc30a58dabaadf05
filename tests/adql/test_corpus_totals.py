"""The aims for the labelled corpus as a whole: what `python -m tests.adql.corpus` prints must reach them."""

from __future__ import annotations

import pytest

from .corpus import Verdict, rate, table, verdicts, without_extensions
from .guess import CORPUS


@pytest.fixture(scope="module")
def found() -> list[Verdict]:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled queries is not beside this checkout")
    return verdicts()


def test_the_grammar_accepts_what_is_valid(found: list[Verdict]) -> None:
    assert rate(found, True, grammar=True).percent >= 99.5


def test_the_translator_refuses_what_is_invalid(found: list[Verdict]) -> None:
    """Three queries hold what a site may switch off: CASE and CROSS JOIN."""
    assert rate(found, False).percent >= 97.5
    assert without_extensions(found).percent >= 99.0


def test_all_attacks_are_refused(found: list[Verdict]) -> None:
    attacks = [one for one in found if one.row.suite == "strictness"]
    assert attacks
    assert rate(attacks, False).percent == 100.0


def test_every_verdict_that_differs_is_argued(found: list[Verdict]) -> None:
    assert [(one.row.id, one.fault) for one in found if one.differs and not one.reason] == []


def test_the_report_has_a_line_for_each(found: list[Verdict]) -> None:
    lines = list(table(found))
    assert sum(line.startswith("- ") for line in lines) == sum(one.differs for one in found)
    assert not any("?" in line and "nobody" in line for line in lines)
