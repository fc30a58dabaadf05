"""A second opinion on a sample of the corpus; `python -m tests.adql.oracle` asks it about all."""

from __future__ import annotations

import pytest

from .guess import CORPUS, labelled
from .oracle import KNOWN, differences, qualified

EVERY = 13
SECONDS = 25.0  # the oracle takes a tenth of a second for a query, its first ones longer


def test_the_parser_and_queryparser_agree_but_for_what_is_known() -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled queries is not beside this checkout")
    compared = list(differences(labelled()[::EVERY], SECONDS))
    news = [f"{one.kind} {one.row.id}: {one.row.query}: {one.theirs}" for one in compared if one and not one.reason]
    assert news == []
    assert sum(one is None for one in compared) > 10, "the oracle did not answer"


def test_every_known_difference_has_its_reason() -> None:
    assert set(KNOWN) == {"accepted", "refused", "tables", "columns", "functions"}
    assert all(reason for kinds in KNOWN.values() for reason in kinds.values())


def test_tables_get_a_schema_where_they_have_none() -> None:
    text = "WITH a AS (SELECT x FROM t) SELECT * FROM a, t AS u, s.v WHERE x IN (SELECT t.x FROM t)"
    wanted = "WITH a AS (SELECT x FROM free.t) SELECT * FROM a, free.t AS u, s.v WHERE x IN (SELECT t.x FROM free.t)"
    assert qualified(text) == wanted
    assert qualified("no query") == "no query"
