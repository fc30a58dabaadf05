"""ADQL-40…52, 60…63 and the catalogue of user defined functions: values as the standards print them."""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from nashira.adql.features import features
from nashira.adql.functions import FUNCTIONS
from nashira.adql.geometry import BUILDERS
from nashira.adql.service import Service
from nashira.config.errors import AdqlTypeError, UnknownName, Unsupported

WHOLE = Service(position=lambda _: None, vocabularies=("theory",))

VALUES = {
    "ABS(-3.5)": 3.5,
    "ACOS(0.5)": math.acos(0.5),
    "ASIN(0.5)": math.asin(0.5),
    "ATAN(2)": math.atan(2),
    "ATAN2(1, -1)": math.atan2(1, -1),
    "CEILING(1.2)": 2.0,
    "CEILING(id)": 1.0,
    "COS(1)": math.cos(1),
    "COT(1)": 1 / math.tan(1),
    "DEGREES(PI())": 180.0,
    "EXP(1)": math.e,
    "FLOOR(-1.2)": -2.0,
    "LOG(id + 9)": math.log(10),
    "LOG10(1000)": 3.0,
    "RADIANS(180)": math.pi,
    "ROUND(1234.567, 1)": 1234.6,
    "ROUND(1234.567, -2)": 1200.0,
    "ROUND(2.5)": 3.0,
    "SIN(1)": math.sin(1),
    "SQRT(id * 16)": 4.0,
    "TAN(1)": math.tan(1),
    "TRUNCATE(-1.9)": -1.0,
    "TRUNCATE(1234.567, 2)": 1234.56,
    "TRUNCATE(1234.567, -2)": 1200.0,
    "TRUNCATE(1234.567, id)": 1234.5,
    "POWER(2, 10)": 1024.0,
    "POWER(2, 0.5)": 2**0.5,
    "POWER(-2, 3)": -8.0,
    "MOD(7.5, -2)": 1.5,
    "MOD(-7, 3)": -1,
    "MOD(9007199254740993, 10)": 3,
    "7 / 2": 3,
    "-7 / 2": -3,
    "(0 - id - 6) / 2": -3,
    "7 / 2.": 3.5,
    "1/60.": 1 / 60,
    "7 % 4": 3,
    "0xFF": 255,
    "1e3": 1000.0,
    "-(-(3))": 3,
    "'a' || 'b' || name": "abStar 1",
    "'it''s \\n'": "it's \\n",
    "'HIP ' || id": "HIP 1",
    "id || ' of ' || 2.5": "1 of 2.5",
    "UPPER('abcé')": "ABCÉ",
    "LOWER('ABC')": "abc",
    "COALESCE(NULL, 1)": 1,
    "COALESCE(NULL, id, 2.5)": 1.0,
    "NULLIF(id, 1)": None,
    "NULLIF(id, 2)": 1,
    "GREATEST(1, 2.5)": 2.5,
    "LEAST(id, 5)": 1,
    "CASE WHEN id = 1 THEN 'one' ELSE 'many' END": "one",
    "CASE id WHEN 1 THEN 10 WHEN 2 THEN 20 END": 10,
    "CASE WHEN id > 1 THEN 10 END": None,
    "CAST('12' AS INTEGER)": 12,
    "CAST(3.7 AS SMALLINT)": 4,
    "CAST(id AS REAL)": 1.0,
    "CAST(name AS DOUBLE PRECISION)": None,
    "CAST(id AS VARCHAR)": "1",
    "CAST('abcdef' AS CHAR(3))": "abc",
    "CAST('2000-01-01T12:00:00Z' AS TIMESTAMP)": datetime(2000, 1, 1, 12),
    "CAST(t AS VARCHAR)": "2000-01-01T13:00:00",
    "CAST('12.3 45.6' AS POINT)": [12.3, 45.6],
    "IN_UNIT(plx * 1, 'mas')": "error",
    "IN_UNIT(RAdeg, 'arcsec') / RAdeg": 3600.0,
    "ivo_healpix_index(0, 1, 1)": 4,
    "ivo_healpix_index(17, 1, 1)": 81609757711,
    "ivo_healpix_index(17, 359, -1)": 73009064944,
    "ivo_healpix_index(0, POINT(1, 1))": 4,
    "ivo_healpix_index(id - 1, 1, 1)": 4,
    "ivo_healpix_center(0, 6)": [180.0, 0.0],
    "ivo_healpix_center(17, ivo_healpix_index(17, 23.4, 56.7))": [23.39984346, 56.70016214],
    "ivo_epoch_prop_pos(7.606083572, 11.79044105, 125, 300, -428.8, 52.51, 2016.0, 1992.25)": [
        7.60406140463,
        11.79327038283,
    ],
    "ivo_epoch_prop_pos(7.606083572, 11.79044105, 125, 300, -428.8, NULL, 2016.0, 1875)": [7.594079587, 11.8072354643],
    "ivo_epoch_prop_pos(7.606083572, 11.79044105, 125, 300, NULL, NULL, 2016.0, 1875)": [7.5940803215, 11.7904407985],
    "ivo_to_jd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))": 2451546.0,
    "ivo_to_jd('1910-12-31T06:00:00')": 2419036.75,
    "ivo_to_mjd('2000-01-02T12:00:00')": 51545.5,
    "gavo_to_mjd('1910-12-31T06:00:00')": 19036.25,
    "ivo_nocasematch('abcabc', 'ab%')": 1,
    "ivo_nocasematch('ABcabc', 'ab__bc')": 1,
    "ivo_nocasematch('abcabc', '%BC')": 1,
    "ivo_nocasematch('abcabc', 'abcab')": 0,
    "ivo_hasword('Miller and Urey have', 'miller')": 1,
    "ivo_hasword('shown that a primordial', 'soup')": 0,
    "ivo_hasword('shown that a primordial', 'shown primordial')": 1,
    "ivo_hasword('shown that a primordial', 'shown soup')": 0,
    "ivo_hasword(name, 'STAR')": 1,
    "ivo_hasword('a star 1', name)": 1,
    "ivo_hashlist_has('Red#green#blue', 'red')": 1,
    "ivo_hashlist_has('red#green#blue', 're')": 0,
    "ivo_hashlist_has('red#green#blue', 'red#green')": 0,
    "ivo_interval_overlaps(-3, -2, 2, 3)": 0,
    "ivo_interval_overlaps(-2, 55.3, 2, 3)": 1,
    "ivo_interval_overlaps(-2, 55.3, 3, 2)": 0,
    "ivo_interval_overlaps(-2, 2, 2, 3)": 1,
    "ivo_hms_to_degrees('3:34:45.4')": 53.6891666667,
    "ivo_hms_to_degrees('3h34m45.4s')": 53.6891666667,
    "ivo_hms_to_degrees('033445.4')": 53.6891666667,
    "ivo_hms_to_degrees('three')": None,
    "ivo_dms_to_degrees('42:9:6.768')": 42.15188,
    "ivo_dms_to_degrees('-00:15:00')": -0.25,
    "ivo_dms_to_degrees('-0D15M0S')": -0.25,
    "ivo_dms_to_degrees('+001500')": 0.25,
    "ivo_dms_to_degrees(name)": None,
    "gavo_getauthority('ivo://org.gavo.dc/tap')": "org.gavo.dc",
    "gavo_getauthority('http://x')": None,
}
DOMAIN = (
    "SQRT(-1)", "SQRT(0-id)", "LOG(0)", "LOG(id-1)", "LOG10(-1)", "ACOS(2)", "ASIN(0-2*id)", "COT(0)", "COT(id-1)", "1/0", "1/(id-1)", "1.0/0",
    "1.5/(id-1)", "MOD(5, 0)", "MOD(5.5, id-1)", "5 % (id-1)", "POWER(-8, 0.3)", "POWER(id-1, -1)", "9223372036854775807 * (id+1)",
    "POWER(10*id, 400)", "SQRT(RAdeg*0 - id*id - SIN(id)*SIN(id) - COS(id)*COS(id) - TAN(id)*TAN(id))",
    "9223372036854775807 + id", "-(0 - id - 9223372036854775807)", "CAST(1e20*id AS BIGINT)", "SIN(NULL)", "NULL + 1", "'a' || NULL", "ivo_healpix_index(id+30, 1, 1)",
)  # fmt: skip


@pytest.mark.parametrize("expression", [e for e, v in VALUES.items() if v != "error"])
def test_values(sky: Any, expression: str) -> None:
    got, want = sky.one(expression), VALUES[expression]
    if isinstance(want, float | list):
        assert got == pytest.approx(want, abs=1e-8, rel=1e-12)
    else:
        assert got == want
        assert type(got) is type(want)


@pytest.mark.parametrize("expression", DOMAIN)
def test_outside_the_domain_the_value_is_null_and_no_error(sky: Any, expression: str) -> None:
    assert sky.one(expression) is None


def test_random_numbers(sky: Any) -> None:
    drawn = sky.run("SELECT RAND() AS a, RAND(3) AS b, ivo_normal_random(5, 2) AS c FROM hip.stars")
    a, c = drawn["a"].to_numpy(), drawn["c"].to_numpy()
    assert 0 <= a.min() < 0.01
    assert 0.99 < a.max() < 1
    assert not np.array_equal(a, drawn["b"].to_numpy())
    assert (c.mean(), c.std()) == (pytest.approx(5, abs=0.2), pytest.approx(2, abs=0.15))


def test_aggregates(sky: Any) -> None:
    n, gmag = sky.numpy("stars", "n"), sky.numpy("stars", "gmag").astype(float)
    row = sky.rows(
        "SELECT COUNT(*), COUNT(gmag), COUNT(DISTINCT n), SUM(n), AVG(n), MIN(gmag), MAX(name), SUM(gmag), AVG(DISTINCT n), SUM(id*id) FROM hip.stars"
    )[0]
    want = (
        3000,
        2572,
        10,
        n.sum(),
        n.mean(),
        np.nanmin(gmag),
        "object_998%",
        np.nansum(gmag),
        1.5,
        sum(i * i for i in range(3001)),
    )
    for got, expected in zip(row, want, strict=True):
        assert got == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-6))
    assert sky.rows("SELECT SUM(n), COUNT(*), AVG(n) FROM hip.stars WHERE 1=0") == [(None, 0, None)]
    assert sky.rows("SELECT SUM(id * 9007199254740993) AS s FROM hip.stars WHERE id < 3000") == [(None,)]


def test_integers_of_aggregates_and_random_numbers(sky: Any) -> None:
    text = "SELECT COUNT(*) + COUNT(*), SUM(n) * COUNT(*), COUNT(*) / SUM(n), COUNT(*) / COUNT(gmag * NULL), MAX(id) % MIN(n), SUM(id) * SUM(id) * SUM(id) FROM hip.stars"
    total = int(sky.numpy("stars", "n").sum())
    assert sky.rows(text) == [(6000, total * 3000, 3000 // total, None, 0, None)]
    assert sky.rows("SELECT COUNT(*) AS c FROM hip.stars WHERE id * CAST(RAND() AS BIGINT) > -1") == [(3000,)]


def test_types_and_units_of_aggregates(sky: Any) -> None:
    made = sky.translate("SELECT COUNT(*), SUM(n), AVG(n), MIN(gmag), MAX(small), SUM(gmag), AVG(gmag) FROM hip.stars")
    assert [c.type.datatype for c in made.columns] == ["long", "long", "double", "float", "short", "double", "double"]
    assert [c.unit for c in made.columns] == ["", "", "", "mag", "", "mag", "mag"]
    assert made.columns[3].ucd == "stat.min;phot.mag;em.opt.G"


def test_string_aggregate(sky: Any) -> None:
    assert sky.rows("SELECT ivo_string_agg(name, ', ') AS s FROM hip.stars WHERE id IN (1)") == [("Star 1",)]
    assert sky.rows("SELECT ivo_string_agg(name, ', ') AS s FROM hip.stars WHERE id < 0") == [("",)]
    ((joined,),) = sky.rows("SELECT ivo_string_agg(name, '#') AS s FROM hip.stars WHERE id <= 3")
    assert sorted(joined.split("#")) == ["Star 1", "Star 3", "object_2%"]
    with pytest.raises(AdqlTypeError, match="WHERE"):
        sky.translate("SELECT id FROM hip.stars WHERE ivo_string_agg(name, '#') = ''")


def test_histogram(sky: Any) -> None:
    ((counts,),) = sky.rows("SELECT ivo_histogram(gmag, 2, 10, 4) AS h FROM hip.stars")
    gmag = sky.numpy("stars", "gmag").astype(float)
    inner = np.histogram(gmag[np.isfinite(gmag)], [2, 4, 6, 8, 10])[0].tolist()
    assert counts == [int((~(gmag >= 2)).sum()), *inner, int((gmag >= 10).sum())]


def test_units_through_expressions(sky: Any) -> None:
    made = sky.translate(
        'SELECT gmag + 5, gmag - "B-V", gmag * plx, plx / plx, RAdeg / plx, ABS(plx), SQRT(plx), plx / 1000, ATAN(1),'
        " IN_UNIT(plx, 'arcsec'), COALESCE(gmag, 3), MIN(plx) FROM hip.stars GROUP BY gmag, \"B-V\", plx, RAdeg"
    )
    assert [c.unit for c in made.columns] == [
        "mag",
        "mag",
        "mag.mas",
        "",
        "deg/mas",
        "mas",
        "",
        "",
        "rad",
        "arcsec",
        "mag",
        "mas",
    ]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("IN_UNIT(id, 'deg')", "no known unit"),
        ("IN_UNIT(RAdeg, 'km')", "cannot be converted"),
        ("IN_UNIT(RAdeg, 'nonsense')", "no VOUnit"),
        ("SIN('a')", "SIN cannot take"),
        ("gmag + name", "\\+ needs numbers, not VARCHAR"),
        ("p + 1", "needs numbers, not POINT"),
        ("flags + 1", "needs numbers"),
        ("name || p", "joins texts"),
        ("id || n", "joins texts"),
        ("SUM(name)", "SUM cannot take"),
        ("MAX(SUM(n))", "another aggregate"),
        ("MAX(flags)", "MAX cannot take"),
        ("CASE WHEN id=1 THEN 1 ELSE 'a' END", "CASE mixes"),
        ("COALESCE(1, 'a')", "COALESCE mixes"),
        ("CAST(p AS INTEGER)", "cannot become"),
        ("CAST(70000 AS SMALLINT)", "is no SMALLINT"),
        ("CAST('x' AS TIMESTAMP)", "is no timestamp"),
        ("CAST('1 2 3' AS POINT)", "is no point"),
        ("ivo_healpix_index(30, 1, 1)", "between 0 and 29"),
        ("ivo_healpix_center(3, 1.5)", "cannot take"),
        ("ivo_histogram(gmag, 1, 0, 3)", "lower < upper"),
        ("POINT(1, 95)", "latitudes"),
        ("CIRCLE(1, 2, -3)", "radius"),
        ("POLYGON(0,0, 1,0, 2,0)", "one line"),
        ("POLYGON(0,0,1,1,2)", "do not fit"),
        ("DISTANCE(name, name)", "DISTANCE cannot"),
        ("CONTAINS(1, 2)", "CONTAINS cannot"),
        ("REGION('nonsense')", "REGION cannot be read"),
        ("1e999", "too large"),
        ("99999999999 * 99999999999", "too large"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(sky: Any, expression: str, text: str) -> None:
    from nashira.config.errors import QueryError

    with pytest.raises(QueryError, match=text) as caught:
        sky.translate(f"SELECT {expression} AS x FROM hip.stars")
    assert caught.value.position is not None
    assert caught.value.position.line == 1


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        ("SQURT(1)", ""),
        ("LN(1)", "LOG"),
        ("ivo_healpix_idx(1,2,3)", "ivo_healpix_index"),
        ("read_csv('x')", ""),
        ("ns_cells(1,2,3,4)", ""),
        ("getenv('HOME')", ""),
    ],
)
def test_only_functions_of_the_table_exist(sky: Any, call: str, advice: str) -> None:
    with pytest.raises(UnknownName, match="No function") as caught:
        sky.translate(f"SELECT {call} AS x FROM hip.stars")
    assert advice in caught.value.advice
    assert caught.value.position is not None
    assert caught.value.position.column == 8


def test_what_no_engine_can_do_is_said(sky: Any) -> None:
    with pytest.raises(Unsupported, match="not available"):
        sky.translate("SELECT gavo_ipix(1, 2) AS x FROM hip.stars")


def test_deeply_nested_guards_do_not_explode(sky: Any) -> None:
    text = "id"
    for _ in range(18):
        text = f"1.0/(1+SQRT({text}))"
    made = sky.translate(f"SELECT {text} AS x FROM hip.stars WHERE id=1")
    assert len(made.sql) < 100_000
    assert sky.con.sql(made.sql).fetchall()[0][0] == pytest.approx(0.53, abs=0.2)
    inner = "RAdeg"
    for _ in range(6):
        inner = f"DISTANCE({inner},{inner},1,{inner})"
    with pytest.raises(Unsupported, match="too deeply"):
        sky.translate(f"SELECT {inner} AS x FROM hip.stars")


def test_features_declare_exactly_what_works() -> None:
    import re

    forms = [(f.type, f.form) for f in features(WHOLE)]
    assert len(forms) == len(set(forms))
    geo = {form for type_, form in forms if type_.endswith("features-adqlgeo")}
    assert geo == set(BUILDERS) - {"MOC"}
    plain = {form for _, form in forms}
    assert {
        "LOWER",
        "UPPER",
        "ILIKE",
        "WITH",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "CAST",
        "COALESCE",
        "IN_UNIT",
        "OFFSET",
    } <= plain
    udfs = [f for f in features(WHOLE) if f.type.endswith("features-udf")]
    assert {f.form.partition("(")[0].upper() for f in udfs} == {
        name for name, row in FUNCTIONS.items() if row.feature == "udf"
    }
    for f in udfs:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*\s*\(.+\)\s*->\s*.+", f.form)
        assert f.description
