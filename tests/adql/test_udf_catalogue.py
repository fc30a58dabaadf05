"""The catalogue of user defined functions 1.2 and the gavo_ functions, value by value, on DuckDB."""
# ruff: noqa: E501  (expressions stay on one line)

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from nashira.config.errors import AdqlTypeError, QueryError, Unsupported

STAR = "7.606083572, 11.79044105"
AT_1875 = [7.594068213694308, 11.807251375203935]
NEVER = [7.594079587020846, 11.807235464339055]  # with no parallax
CATALOGUE: tuple[tuple[str, str, object, float], ...] = (
    ("UDF-1", "ivo_healpix_index(0, 1, 1)", 4, 0),
    ("UDF-1", "ivo_healpix_index(17, 1, 1)", 81609757711, 0),
    ("UDF-1", "ivo_healpix_index(17, 359, -1)", 73009064944, 0),
    ("UDF-2", "ivo_healpix_index(0, POINT(1, 1))", 4, 0),
    ("UDF-2", "ivo_healpix_index(17, POINT('ICRS', 1, 1))", 81609757711, 0),
    ("UDF-2", "ivo_healpix_index(17, CENTROID(CIRCLE(359, -1, 3)))", 73009064944, 0),
    ("UDF-3", "ivo_healpix_center(0, 6)", [180.0, 0.0], 1e-12),
    ("UDF-3", "ivo_healpix_center(17, ivo_healpix_index(17, 23.4, 56.7))", [23.399843462947466, 56.70016214363192], 1e-11),
    ("UDF-4", f"ivo_epoch_prop_pos({STAR}, 125, 300, -428.8, 52.51, 2016.0, 1992.25)", [7.604061404627978, 11.7932703828279], 1e-10),
    ("UDF-4", f"ivo_epoch_prop_pos({STAR}, 125, 300, -428.8, 52.51, 2016.0, 1875.0)", AT_1875, 1e-10),
    ("UDF-4", f"ivo_epoch_prop_pos({STAR}, 125, 300, -428.8, NULL, 2016.0, 1875.0)", [7.594079587029898, 11.807235464326332], 1e-10),
    ("UDF-4", f"ivo_epoch_prop_pos({STAR}, 125, 300, NULL, NULL, 2016.0, 1875.0)", [7.594080321498365, 11.790440798509207], 1e-10),
    ("UDF-4", f"ivo_epoch_prop_pos({STAR}, NULL, 300, -428.8, 52.51, 2016.0, 1875.0)", NEVER, 1e-8),
    ("UDF-5", "ivo_geom_transform('ICRS', 'GALACTIC', POINT(120, -23))", [241.121831182, 3.62785788087], 1e-8),
    ("UDF-5", "ivo_geom_transform('FK4', 'GALACTIC', CIRCLE(189.70303055, 22.96240006, 3))", [275.00025405, 84.99996154, 3], 1e-7),
    ("UDF-5", "ivo_geom_transform('GALACTIC', 'FK5', POLYGON(5, 3, 4, 4, 4.5, 2))", [266.44721, -23.107310, 264.95088, -23.434037, 267.09936, -24.051919], 1e-5),
    ("UDF-5", "ivo_geom_transform('ICRS', 'ICRS', p)", "p", 1e-12),
    ("UDF-5", "ivo_geom_transform('GALACTIC', 'ICRS', ivo_geom_transform('ICRS', 'GALACTIC', POINT(RAdeg, DEdeg)))", "p", 1e-10),
    ("UDF-5", "gavo_transform('ICRS', 'GALACTIC', POINT(120, -23))", [241.121831182, 3.62785788087], 1e-8),
    ("UDF-5", "AREA(ivo_geom_transform('ICRS', 'ECLIPTIC', CIRCLE(RAdeg, DEdeg, 1)))", 2 * math.pi * (1 - math.cos(math.pi / 180)) * (180 / math.pi) ** 2, 1e-9),
    ("UDF-5", "ivo_geom_transform('ICRS', 'GALACTIC', NULL)", None, 0),
    ("UDF-6", "ivo_to_jd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))", 2451546.0, 0),
    ("UDF-6", "ivo_to_jd('1910-12-31T06:00:00')", 2419036.75, 0),
    ("UDF-6", "ivo_to_jd(NULL)", None, 0),
    ("UDF-6", "gavo_to_jd('1910-12-31T06:00:00')", 2419036.75, 0),
    ("UDF-7", "ivo_to_mjd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))", 51545.5, 0),
    ("UDF-7", "ivo_to_mjd('1910-12-31T06:00:00')", 19036.25, 0),
    ("UDF-7", "ivo_to_mjd(NULL)", None, 0),
    ("UDF-7", "gavo_to_mjd('2000-01-02T12:00:00')", 51545.5, 0),
    ("UDF-9", "ivo_nocasematch('abcabc', 'ab%')", 1, 0),
    ("UDF-9", "ivo_nocasematch('ABcabc', 'ab__bc')", 1, 0),
    ("UDF-9", "ivo_nocasematch('abcabc', '%BC')", 1, 0),
    ("UDF-9", "ivo_nocasematch('abcabc', 'ABCABC')", 1, 0),
    ("UDF-9", "ivo_nocasematch('abcabc', 'abcab')", 0, 0),
    ("UDF-9", "ivo_nocasematch('Ärger', 'ärg__')", 1, 0),
    ("UDF-10", "ivo_hasword('Miller and Urey have', 'miller')", 1, 0),
    ("UDF-10", "ivo_hasword('shown that a primordial', 'soup')", 0, 0),
    ("UDF-10", "ivo_hasword('shown that a primordial', 'shown primordial')", 1, 0),
    ("UDF-10", "ivo_hasword('shown that a primordial', 'shown soup')", 0, 0),
    ("UDF-10", "ivo_hasword('shown that a primordial', 'show')", 0, 0),
    ("UDF-11", "ivo_hashlist_has('red#green#blue', 'red')", 1, 0),
    ("UDF-11", "ivo_hashlist_has('Red#green#blue', 'red')", 1, 0),
    ("UDF-11", "ivo_hashlist_has('red#green#blue', 're')", 0, 0),
    ("UDF-11", "ivo_hashlist_has('red#green#blue', 'red#green')", 0, 0),
    ("UDF-14", "ivo_interval_overlaps(-3, -2, 2, 3)", 0, 0),
    ("UDF-14", "ivo_interval_overlaps(-2, 55.3, 2, 3)", 1, 0),
    ("UDF-14", "ivo_interval_overlaps(2, 3, -2, 55.3)", 1, 0),
    ("UDF-14", "ivo_interval_overlaps(-2, 55.3, 3, 2)", 0, 0),
    ("UDF-14", "ivo_interval_overlaps(-2, 2, 2, 3)", 1, 0),
    ("UDF-16", "ivo_hms_to_degrees('3:34:45.4')", 53.6891666667, 1e-9),
    ("UDF-16", "ivo_hms_to_degrees('3h34m45.4s')", 53.6891666667, 1e-9),
    ("UDF-16", "ivo_hms_to_degrees('3H34M45.4S')", 53.6891666667, 1e-9),
    ("UDF-16", "ivo_hms_to_degrees('033445.4')", 53.6891666667, 1e-9),
    ("UDF-16", "ivo_hms_to_degrees('noon')", None, 0),
    ("UDF-17", "ivo_dms_to_degrees('42:9:6.768')", 42.15188, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('42d9m6.768s')", 42.15188, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('42D9M6.768S')", 42.15188, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('-00:15:00')", -0.25, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('+00:15:00')", 0.25, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('-0d15m0s')", -0.25, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('+0d15m0s')", 0.25, 1e-12),
    ("UDF-17", "ivo_dms_to_degrees('')", None, 0),
    ("gavo", "gavo_getauthority('ivo://org.gavo.dc/tap')", "org.gavo.dc", 0),
    ("gavo", "gavo_match('^S.*r 1$', name)", 1, 0),
    ("gavo", "gavo_match('r|x', name)", 1, 0),
    ("gavo", "gavo_match('^r', name)", 0, 0),
    ("gavo", "gavo_match('star', name)", 0, 0),
    ("gavo", "gavo_match('[[:digit:]]+', name)", 1, 0),
    ("gavo", "gavo_match('x', NULL)", None, 0),
    ("gavo", "gavo_specconv(21.1061140542, 'cm', 'MHz')", 1420.405751768, 1e-6),
    ("gavo", "gavo_specconv(1, 'keV', 'Angstrom')", 12.398419843, 1e-8),
    ("gavo", "gavo_specconv(id * 500, 'nm', 'um')", 0.5, 1e-15),
    ("gavo", "gavo_specconv(id - 1, 'nm', 'Hz')", None, 0),
    ("gavo", "gavo_specconv(IN_UNIT(gavo_specconv(500, 'nm', 'm'), 'um'), 'eV')", 2.4796839687, 1e-9),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "expression", "value", "tolerance"), CATALOGUE)
def test_values(sky: Any, rule: str, expression: str, value: Any, tolerance: float) -> None:
    if value == "p":
        value = sky.one("p")
    got = sky.one(expression)
    if tolerance:
        assert got == pytest.approx(value, abs=tolerance, rel=0), rule
    else:
        assert got == value, rule
        assert type(got) is type(value)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("ivo_healpix_center(17, 23.2)", "cannot take"),
        ("ivo_epoch_prop_pos(NULL, 11.79044105, 125, 300, NULL, NULL, 2016.0, 1875.0)", "needs ra"),
        (f"ivo_epoch_prop_pos({STAR}, 125, 300, -428.8, 52.51, NULL, 1875.0)", "needs ref_epoch"),
        ("ivo_geom_transform('icrs', 'GALACTIC', p)", "no reference frame"),
        ("ivo_geom_transform('ICRS', 'MARS', p)", "no reference frame"),
        ("ivo_geom_transform(name, 'GALACTIC', p)", "text in single quotes"),
        ("ivo_geom_transform('ICRS', 'GALACTIC', 3)", "cannot take"),
        ("gavo_match('(', name)", "missing"),
        (r"gavo_match('(a)\1', name)", "no regular expression"),
        ("gavo_match('" + 1001 * "a" + "', name)", "more than 1000"),
        ("gavo_match(name, name)", "text in single quotes"),
        ("gavo_specconv(gmag, 'Hz')", "cannot be converted"),
        ("gavo_specconv(id, 'Hz')", "no known unit"),
        ("gavo_specconv(id, 'nonsense', 'Hz')", "no VOUnit"),
        ("gavo_specconv(id, name, 'Hz')", "text in single quotes"),
        ("ivo_string_agg(name, name)", "text in single quotes"),
    ],
)
def test_what_the_catalogue_calls_an_error(sky: Any, expression: str, text: str) -> None:
    with pytest.raises(AdqlTypeError, match=text) as caught:
        sky.translate(f"SELECT {expression} AS x FROM hip.stars")
    assert caught.value.position is not None


@pytest.mark.parametrize("name", ["gavo_ipix", "ivo_apply_pm"])
def test_functions_that_are_not_here_say_what_to_do_instead(sky: Any, name: str) -> None:
    with pytest.raises(Unsupported, match="not available") as caught:
        sky.translate(f"SELECT {name}('GJ 699') AS x FROM hip.stars")
    assert caught.value.advice


def test_aggregates_and_random_numbers(sky: Any) -> None:
    """UDF-8, UDF-12, UDF-13."""
    for prefix in ("ivo", "gavo"):
        ((counts,),) = sky.rows(f"SELECT {prefix}_histogram(gmag, 0.5, 3.5, 8) AS h FROM hip.stars")
        gmag = sky.numpy("stars", "gmag")
        low, high = np.sum(~(gmag >= np.float32(0.5))), np.sum(gmag >= np.float32(3.5))
        inner = np.histogram(gmag[(gmag >= 0.5) & (gmag < 3.5)], 8, (0.5, 3.5))[0]
        assert counts == [low, *inner, high]
        drawn = sky.run(f"SELECT {prefix}_normal_random(10, 5) AS x FROM hip.stars")["x"].to_numpy()
        assert (drawn.mean(), drawn.std()) == (pytest.approx(10, abs=0.5), pytest.approx(5, abs=0.4))
    ((got, none),) = sky.rows(
        "SELECT ivo_string_agg(name, ' <//> ') AS a, ivo_string_agg(CAST(NULL AS VARCHAR), ',') AS b FROM hip.stars WHERE id < 4"
    )
    assert sorted(got.split(" <//> ")) == ["Star 1", "Star 3", "object_2%"]
    assert none == ""


def test_columns_of_positions_turn_and_still_find_their_files(sky: Any) -> None:
    """A cone given in galactic coordinates is one in ICRS before the query runs."""
    from astropy.coordinates import SkyCoord

    centre = SkyCoord(10, 20, unit="deg", frame="galactic")
    text = "SELECT id FROM hip.stars WHERE DISTANCE(POINT(RAdeg, DEdeg), ivo_geom_transform('GALACTIC', 'ICRS', POINT(10, 20))) < 12"
    made = sky.translate(text)
    assert made.scans[0].files < made.scans[0].of_files
    ra, dec = (sky.numpy("stars", name) for name in ("RAdeg", "DEdeg"))
    there = np.isfinite(ra)
    apart = SkyCoord(ra[there], dec[there], unit="deg").separation(centre.icrs).deg
    assert {row[0] for row in sky.rows(text)} == set((np.flatnonzero(there)[apart < 12] + 1).tolist())
    rows = sky.run("SELECT ivo_geom_transform('ICRS', 'GALACTIC', POINT(RAdeg, DEdeg)) AS g FROM hip.stars ORDER BY id")
    assert rows["g"].null_count == np.sum(~there)
    galactic = np.array(rows["g"].combine_chunks().drop_null().flatten()).reshape(-1, 2)
    want = SkyCoord(ra[there], dec[there], unit="deg").galactic
    assert SkyCoord(*galactic.T, unit="deg", frame="galactic").separation(want).deg.max() < 1e-10


def test_units_and_ucds_of_results(sky: Any) -> None:
    made = sky.translate(
        "SELECT ivo_geom_transform('ICRS', 'GALACTIC', p), gavo_specconv(3, 'nm', 'GHz'), POWER(plx, 2), SQRT(plx * plx),"
        " SQRT(POWER(RAdeg, 2) + POWER(DEdeg, 2)), POWER(plx, 0.5), POWER(plx, n), ivo_to_mjd(t),"
        " IN_UNIT(SQRT(POWER(plx, 2)), 'arcsec'), SQRT(plx / 1000) FROM hip.stars"
    )
    units = ["deg", "GHz", "mas**2", "mas", "deg", "", "", "d", "arcsec", ""]
    assert [c.unit for c in made.columns] == units
    assert [c.ucd for c in made.columns][:2] == ["pos.galactic", "em.freq"]


NULLS = {"number": "1.5 gmag AVG(plx)", "integer": "3 n COUNT(*)", "string": "'a' name MAX(name)", "any": "n gmag"}
NULLS |= {"timestamp": "t '2000-01-01'", "point": "p POINT(1,2) POINT(RAdeg,DEdeg)"}
NULLS |= {"moc": "MOC('3/4') MOC(5,p) MOC(4,CIRCLE(RAdeg,DEdeg,1))"}
NULLS |= {"geometry": "p CIRCLE(RAdeg,DEdeg,1) BOX(RAdeg,2,3,4) CIRCLE(1,2,3)"}


def test_every_function_runs_with_literals_columns_aggregates_and_nulls(sky: Any) -> None:
    """What is accepted executes, and columns have the types that were promised."""
    from nashira.adql.functions import FUNCTIONS

    fixed = {"HISTOGRAM": ("0", "5", "3"), "TRANSFORM": ("'ICRS'", "'FK5'"), "SPECCONV": ("'m'", "'Hz'")}
    fixed |= {"MATCH": ("'a+'",), "STRING_AGG": ("', '",), "VOCMATCH": ()}
    accepted = 0
    for name, row in FUNCTIONS.items():
        own = next((values for key, values in fixed.items() if name.endswith("_" + key)), ())
        for one in row.signatures:
            kinds = one.kinds * 2 if one.endless else one.kinds
            for turn in range(4):
                given = [[*NULLS[kind].split(), "NULL"] for kind in kinds]
                arguments = [values[(turn + i * (turn // 2)) % len(values)] for i, values in enumerate(given)]
                if own and name.endswith("_MATCH"):
                    arguments[0] = own[0]
                elif own and name.endswith("TRANSFORM"):
                    arguments[:2] = own
                elif own:
                    arguments[1:] = own[: len(arguments) - 1]
                try:
                    sky.translate(f"SELECT {name}({', '.join(arguments)}) AS x FROM hip.stars")
                except QueryError:
                    continue
                sky.run(f"SELECT {name}({', '.join(arguments)}) AS x FROM hip.stars", limit=3)
                accepted += 1
    assert accepted > 120


def test_times_before_and_after_1970(sky: Any) -> None:
    """Julian dates against NumPy."""
    rows: pa.Table = sky.run("SELECT t, ivo_to_jd(t) AS jd, ivo_to_mjd(t) AS mjd FROM hip.stars")
    days = (rows["t"].to_numpy() - np.datetime64(datetime(1858, 11, 17))) / np.timedelta64(1, "D")
    np.testing.assert_allclose(rows["mjd"].to_numpy(), days, atol=1e-9)
    np.testing.assert_allclose(rows["jd"].to_numpy(), days + 2400000.5, atol=1e-8)
