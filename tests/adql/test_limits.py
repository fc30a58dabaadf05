"""TOP and MAXREC: what the engine limits, what the reader cuts, and how few files `TOP n` opens (ADQL-22, TAP-52)."""

from __future__ import annotations

from typing import Any

import pytest

ALL = "SELECT id FROM hip.stars"


def test_top_without_conditions_opens_the_first_files_only(sky: Any) -> None:
    everything = sky.translate(ALL).scans[0]
    first = sky.translate("SELECT TOP 1 id FROM hip.stars").scans[0]
    assert everything.files == everything.of_files > 1
    assert (first.files, first.of_files) == (1, everything.of_files)
    assert len(sky.rows("SELECT TOP 700 id FROM hip.stars")) == 700
    assert len(sky.rows("SELECT TOP 700 id FROM hip.stars OFFSET 2500")) == 500


@pytest.mark.parametrize(
    "text",
    [
        "SELECT TOP 1 id FROM hip.stars WHERE id > 2990",
        "SELECT TOP 1 id FROM hip.stars ORDER BY id",
        "SELECT DISTINCT TOP 1 id FROM hip.stars",
        "SELECT TOP 1 COUNT(*) AS n FROM hip.stars",
        "SELECT TOP 1 MAX(id) AS n FROM hip.stars GROUP BY id",
        "SELECT TOP 1 MAX(id) - MIN(id) AS n FROM hip.stars",
    ],
)
def test_top_of_what_depends_on_all_rows_opens_all_files(sky: Any, text: str) -> None:
    (scan,) = sky.translate(text).scans
    assert scan.files == scan.of_files


def test_large_limits_are_cut_by_the_reader(sky: Any) -> None:
    made = sky.translate(ALL, limit=1_000_001)
    assert made.cut == 1_000_001
    assert "LIMIT" not in made.sql
    assert sky.translate("SELECT TOP 200000 id FROM hip.stars", limit=1_000_001).cut == 200_000


def test_small_limits_and_sorted_results_are_limited_by_the_engine(sky: Any) -> None:
    for text, limit in ((ALL, 20_001), (f"{ALL} ORDER BY id", 1_000_001)):
        made = sky.translate(text, limit=limit)
        assert made.cut is None
        assert f"LIMIT {limit}" in made.sql
