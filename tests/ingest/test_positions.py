"""Which columns are the position, and what makes them degrees."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from nashira.config.errors import PublishError
from nashira.ingest.positions import find_position, implausible, index_of, named_position
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, STRING, VOType
from nashira.sphere.coverage import healpix29


def columns(*rows: tuple[str, str, str]) -> list[Column]:
    return [Column(name, DOUBLE, unit=unit, ucd=ucd) for name, unit, ucd in rows]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # UCD1+ main wins over names, wherever it stands
        (
            [
                ("ra", "deg", ""),
                ("dec", "deg", ""),
                ("a", "deg", "pos.eq.ra;meta.main"),
                ("d", "deg", "pos.eq.dec;meta.main"),
            ],
            ("a", "d"),
        ),
        # the plain UCD, errors and proper motions aside
        (
            [
                ("e_a", "mas", "stat.error;pos.eq.ra"),
                ("pm", "mas/yr", "pos.pm;pos.eq.ra"),
                ("a", "deg", "pos.eq.ra"),
                ("d", "deg", "pos.eq.dec"),
            ],
            ("a", "d"),
        ),
        ([("x", "deg", "POS_EQ_RA_MAIN"), ("y", "deg", "POS_EQ_DEC_MAIN")], ("x", "y")),
        ([("x", "deg", "Pos.Eq.RA;Meta.Main"), ("y", "deg", "pos.eq.dec;meta.main")], ("x", "y")),
        ([("RA_ICRS", "deg", ""), ("DE_ICRS", "deg", "")], ("RA_ICRS", "DE_ICRS")),
        ([("RAJ2000", "", ""), ("DEJ2000", "", "")], ("RAJ2000", "DEJ2000")),
        ([("RAdeg", "deg", ""), ("DEdeg", "deg", "")], ("RAdeg", "DEdeg")),
        ([("_RA", "deg", ""), ("_DE", "deg", "")], ("_RA", "_DE")),
        ([("ALPHA_J2000", "deg", ""), ("DELTA_J2000", "deg", "")], ("ALPHA_J2000", "DELTA_J2000")),
        ([("s_ra", "deg", ""), ("s_dec", "deg", "")], ("s_ra", "s_dec")),
        # VizieR gives two pairs of the same UCD: the usual names decide
        (
            [
                ("_RAJ", "deg", "pos.eq.ra"),
                ("_DEJ", "deg", "pos.eq.dec"),
                ("RAJ2000", "deg", "pos.eq.ra"),
                ("DEJ2000", "deg", "pos.eq.dec"),
            ],
            ("RAJ2000", "DEJ2000"),
        ),
    ],
)
def test_positions_are_found(rows: list[tuple[str, str, str]], found: tuple[str, str]) -> None:
    choice = find_position(columns(*rows))
    assert choice is not None
    assert (choice.ra, choice.dec) == found
    assert choice.ra in choice.reason


@pytest.mark.parametrize(
    "fields",
    [
        columns(("ra", "deg", "")),
        columns(("ra", "pc", ""), ("dec", "pc", "")),
        columns(("glon", "deg", "pos.galactic.lon"), ("glat", "deg", "pos.galactic.lat")),
        columns(("RAB1950", "deg", ""), ("DEB1950", "deg", "")),
        [Column("ra", STRING, ucd="pos.eq.ra;meta.main"), Column("dec", STRING, ucd="pos.eq.dec;meta.main")],
        [Column("ra", VOType("double", "2")), Column("dec", VOType("double", "2"))],
        columns(("dec", "h", "pos.eq.dec"), ("ra", "h", "pos.eq.ra")),
    ],
)
def test_what_is_no_position_is_not_taken_for_one(fields: list[Column]) -> None:
    assert find_position(fields) is None


@pytest.mark.parametrize(("unit", "ra", "dec"), [("deg", 150.0, -30.0), ("rad", math.radians(150), math.radians(-30))])
def test_units_become_degrees(unit: str, ra: float, dec: float) -> None:
    choice = find_position(columns(("ra", unit, ""), ("dec", unit, "")))
    assert choice is not None
    batch = pa.record_batch({"ra": [ra], "dec": [dec]})
    assert index_of(batch, choice) == healpix29(np.array([150.0]), np.array([-30.0]))


def test_right_ascension_in_hours() -> None:
    choice = find_position(columns(("ra", "h", ""), ("dec", "deg", "")))
    assert choice is not None
    batch = pa.record_batch({"ra": [10.0], "dec": [-30.0]})
    assert index_of(batch, choice) == healpix29(np.array([150.0]), np.array([-30.0]))
    assert not choice.in_degrees


def test_rows_without_a_valid_position_have_index_minus_one() -> None:
    choice = find_position([Column("ra", FLOAT), Column("dec", FLOAT)])
    assert choice is not None
    batch = pa.record_batch(
        {
            "ra": pa.array([1.0, None, math.nan, 1.0, math.inf, 1.0], pa.float32()),
            "dec": pa.array([1.0, 1.0, 1.0, 91.0, 1.0, None], pa.float32()),
        }
    )
    assert (index_of(batch, choice) == -1).tolist() == [False, True, True, True, True, True]


def test_a_guess_is_denied_by_its_values() -> None:
    choice = find_position(columns(("ra", "", ""), ("dec", "", "")))
    assert choice is not None
    assert implausible(pa.record_batch({"ra": [10.0, 20.0], "dec": [10.0, 20.0]}), choice) == ""
    assert "dec" in implausible(pa.record_batch({"ra": [10.0, 20.0], "dec": [1000.0, 2000.0]}), choice)


def test_a_descriptor_cannot_name_what_is_no_angle() -> None:
    fields = [*columns(("a", "mag", ""), ("d", "deg", "")), Column("t", STRING)]
    with pytest.raises(PublishError, match=r"here\.position\.ra.*'mag'"):
        named_position(fields, "a", "d", "here")
    with pytest.raises(PublishError, match="sexagesimal"):
        named_position(fields, "t", "d", "here")
