"""DALI arrays become regions; bad ones say why."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.sphere.regions import (
    Circle,
    Point,
    Polygon,
    Range,
    box_polygon,
    dali_values,
    parse_dali,
)

TRIANGLE = Polygon(((10, 10), (12, 10), (11, 12)))


@pytest.mark.parametrize(
    ("text", "xtype", "region"),
    [
        ("12.3 45.6", "point", Point(12.3, 45.6)),
        (" 12.3\t45.6 ", "point", Point(12.3, 45.6)),
        ("-1e1 +.5", "point", Point(-10, 0.5)),
        ("12 34 0.5", "circle", Circle(12, 34, 0.5)),
        ("12 34 0", "circle", Circle(12, 34, 0)),
        ("10 10 12 10 11 12", "polygon", TRIANGLE),
        ("10 10 12 10 12 10 11 12 10 10", "polygon", TRIANGLE),
        ("359 1 -1 1", "range", Range(359, 1, -1, 1)),
        ("-Inf +Inf 0 10", "range", Range(-math.inf, math.inf, 0, 10)),
        ("circle 12 34 0.5", "shape", Circle(12, 34, 0.5)),
        ("polygon 10 10 12 10 11 12", "shape", TRIANGLE),
    ],
)
def test_dali(text: Any, xtype: Any, region: Any) -> None:
    assert parse_dali(text, xtype) == region


@pytest.mark.parametrize(
    ("text", "xtype", "message"),
    [
        ("", "point", "empty"),
        ("12", "point", "2 numbers"),
        ("12 34 56 78", "circle", "3 numbers"),
        ("12 91", "point", "latitudes"),
        ("12 nan", "point", "not a number"),
        ("12 0x10", "point", "not a number"),
        ("1_0 2", "point", "not a number"),
        ("١ 2", "point", None),
        ("12 34 -1", "circle", "radius"),
        ("12 34 inf", "circle", "radius"),
        ("1 2 3 4", "polygon", "three different"),
        ("1 2 3 4 5", "polygon", "pairs"),
        ("0 0 1 0 2 0", "polygon", "one line"),
        ("0 0 180 0 0 90", "polygon", "opposite"),
        ("1 2 5 4", "range", "backwards"),
        ("moc 1/2", "shape", "unsupported-xtype"),
        ("1/2", "moc", "unsupported-xtype: moc"),
    ],
)
def test_bad_dali(text: Any, xtype: Any, message: Any) -> None:
    with pytest.raises(ValueError, match=message):
        parse_dali(text, xtype)


@given(st.text(max_size=60), st.sampled_from(["point", "circle", "polygon", "range", "shape", "", "x"]))
def test_any_text_is_a_region_or_a_value_error(text: Any, xtype: Any) -> None:
    phrases: list[tuple[Callable[..., object], tuple[str, ...]]] = [
        (parse_dali, (text, xtype)),
    ]
    for parse, arguments in phrases:
        with suppress(ValueError):
            assert isinstance(parse(*arguments), Point | Circle | Polygon | Range)


def test_values_go_back_to_dali() -> None:
    assert dali_values(Point(1, 2)) == (1, 2)
    assert dali_values(Circle(1, 2, 3)) == (1, 2, 3)
    assert dali_values(TRIANGLE) == (10, 10, 12, 10, 11, 12)
    assert dali_values(Range(1, 2, 3, 4)) == (1, 2, 3, 4)


def test_a_box_runs_counter_clockwise_on_the_sky() -> None:
    assert [lat > 0 for _, lat in box_polygon(10, 0, 2, 2).vertices] == [True, False, False, True]
    with pytest.raises(ValueError, match="height"):
        box_polygon(10, 0, 2, -1)
