"""DALI 1.1 sections 3.3 and 4.3: values that all services share."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.config.errors import ParameterError
from nashira.dali.values import boolean, integer, run_id, timestamp, upload_labels, uploads


@pytest.mark.parametrize(("text", "value"), [("0", 0), (" 12 ", 12), ("20000000", 20_000_000), ("9" * 30, 2**63 - 1)])
def test_integers(text: str, value: int) -> None:
    assert integer("MAXREC", text) == value


@pytest.mark.parametrize("text", ["", "-1", "1.5", "ten", "1e3", "٣", "0x10", "1_000", "9" * 5000])
def test_what_is_no_integer_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError, match="MAXREC must be an integer"):
        integer("MAXREC", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31T12:30:15Z", datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)),
        ("2026-01-31 12:30:15.25", datetime(2026, 1, 31, 12, 30, 15, 250_000, tzinfo=UTC)),
        ("2026-01-31T12:30:15.123456789Z", datetime(2026, 1, 31, 12, 30, 15, 123_456, tzinfo=UTC)),
    ],
)
def test_timestamps_are_utc(text: str, value: datetime) -> None:
    assert timestamp("AFTER", text) == value


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "0000-01-01", "2026-01-31T12:30+01:00"])
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="AFTER must be a time"):
        timestamp("AFTER", text)


@pytest.mark.parametrize(("text", "value"), [("T", True), ("true", True), ("1", True), ("f", False), ("FALSE", False)])
def test_booleans_of_both_versions(text: str, value: bool) -> None:
    assert boolean("X", text) is value


def test_no_boolean() -> None:
    with pytest.raises(ParameterError):
        boolean("X", "yes")


def test_run_id_has_64_characters_at_most() -> None:
    assert run_id("é" * 64) == "é" * 64
    with pytest.raises(ParameterError, match="64"):
        run_id("x" * 65)


@pytest.mark.parametrize(
    ("values", "pairs"),
    [
        (["t1,param:t1"], (("t1", "param:t1"),)),
        (["a,param:x;b,http://h/p?q=1;r=2,3"], (("a", "param:x"), ("b", "http://h/p?q=1;r=2,3"))),
        (["a,param:x;", " b , param:y "], (("a", "param:x"), ("b", "param:y"))),
        ([], ()),
    ],
)
def test_uploads_repeat_or_stand_in_a_list(values: list[str], pairs: tuple[tuple[str, str], ...]) -> None:
    assert uploads(values) == pairs


@pytest.mark.parametrize("values", [["t1"], ["t1,"], ["1t,param:x"], ["s.t,param:x"], ["t,param:x", "T,param:y"]])
def test_impossible_uploads(values: list[str]) -> None:
    with pytest.raises(ParameterError, match="UPLOAD"):
        uploads(values)


@given(st.lists(st.text()))
def test_labels_never_fail(values: list[str]) -> None:
    assert isinstance(upload_labels(values), frozenset)
