"""STC-S phrases become regions and compounds; bad ones say why."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.sphere.regions import Circle, Point, Polygon, Range, box_polygon
from nashira.sphere.stcs import Compound, UnsupportedRegion, parse

TRIANGLE = Polygon(((10, 10), (12, 10), (11, 12)))
ONE, OTHER = Circle(1, 2, 3), Circle(4, 5, 6)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("Circle 12 34 0.5", Circle(12, 34, 0.5)),
        ("CIRCLE ICRS GEOCENTER 12 34 0.5", Circle(12, 34, 0.5)),
        ("Circle ICRS TOPOCENTER SPHERICAL2 12 34 0.5 unit deg", Circle(12, 34, 0.5)),
        ("Circle fillfactor 0.9 J2000 12 34 0.5", Circle(12, 34, 0.5)),
        ("Circle ICRS 60 120 30 unit arcmin", Circle(1, 2, 0.5)),
        ("Position FK5 12 34", Point(12, 34)),
        ("polygon icrs 10 10 12 10 11 12", TRIANGLE),
        ("Box ICRS 10 20 2 4", box_polygon(10, 20, 2, 4)),
        ("PositionInterval ICRS 350 -10 10 20", Range(350, 10, -10, 20)),
        ("AllSky ICRS", Circle(0, 0, 180)),
        ("Union ICRS (Circle 1 2 3 Circle 4 5 6)", Compound("UNION", (ONE, OTHER))),
        ("INTERSECTION FK5 GEOCENTER (Circle 1 2 3 Circle 4 5 6)", Compound("INTERSECTION", (ONE, OTHER))),
        ("Not(circle 1 2 3)", Compound("NOT", (ONE,))),
        ("Difference ICRS (Circle 1 2 3 Circle 4 5 6)", Compound("DIFFERENCE", (ONE, OTHER))),
        (
            "Union ICRS (Position 1 2 Intersection (Circle 1 2 3 Not (Circle 4 5 6)))",
            Compound("UNION", (Point(1, 2), Compound("INTERSECTION", (ONE, Compound("NOT", (OTHER,)))))),
        ),
    ],
)
def test_phrases(text: str, region: Any) -> None:
    assert parse(text) == region


def test_the_frame_of_a_compound_holds_for_members_without_one() -> None:
    union = parse("Union GALACTIC (Circle 0 0 1 Circle ICRS 1 2 3)")
    assert isinstance(union, Compound)
    assert union.members == (parse("Circle GALACTIC 0 0 1"), ONE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Circle GALACTIC_I 1 2 3", "GALACTIC_I is not supported"),
        ("Circle ICRS CARTESIAN2 1 2 3", "CARTESIAN2 is not supported"),
        ("Ellipse ICRS 1 2 3 4 5", "Ellipse is not supported"),
        ("Circle ICRS 1 2 3 unit parsec", "unit 'parsec'"),
        ("Circle ICRS 1 2 3 Resolution 4", "not a number"),
        ("Circle MARS 1 2 3", "'MARS' is not a number"),
        ("Circle ICRS", "3 numbers"),
        ("Sphere 1 2 3", "no STC-S region"),
        ("", "empty"),
        ("Circle fillfactor", "3 numbers"),
        ("Box ICRS 10 20 200 4", "width"),
        ("Union (Circle 1 2 3", "not closed"),
        ("Union Circle 1 2 3", "parentheses"),
        ("Not (Circle 1 2 3 Circle 4 5 6)", "1 member"),
        ("Difference (Circle 1 2 3)", "2 members"),
        ("Union ()", "1 member"),
        ("Circle 1 2 3 Circle 1 2 3", "no place behind"),
        ("Not (" * 40 + "Circle 1 2 3" + ")" * 40, "nested"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_what_the_standard_knows_but_this_package_does_not_is_told_apart() -> None:
    with pytest.raises(UnsupportedRegion):
        parse("Convex ICRS 1 2 3 0.5")


@given(st.text(max_size=60), st.sampled_from(["", "Circle ", "Union (", "Not (Circle 1 2 3) "]))
def test_any_text_is_a_region_or_a_value_error(text: str, before: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse(before + text), Point | Circle | Polygon | Range | Compound)
