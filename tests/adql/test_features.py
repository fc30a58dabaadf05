"""What /capabilities declares is true: each form has a query that uses it, and that runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nashira.adql.features import TYPES, features

EXPRESSIONS = {
    "AREA": "AREA(CIRCLE(1, 2, 3))",
    "BOX": "BOX(RAdeg, DEdeg, 1, 1)",
    "CENTROID": "CENTROID(POLYGON(1, 2, 3, 4, 5, 3))",
    "CIRCLE": "CIRCLE(RAdeg, DEdeg, 1)",
    "CONTAINS": "CONTAINS(p, CIRCLE(1, 2, 3))",
    "COORD1": "COORD1(p)",
    "COORD2": "COORD2(p)",
    "COORDSYS": "COORDSYS(p)",
    "DISTANCE": "DISTANCE(p, POINT(1, 2))",
    "INTERSECTS": "INTERSECTS(CIRCLE(p, 1), BOX(1, 2, 3, 4))",
    "POINT": "POINT(RAdeg, DEdeg)",
    "POLYGON": "POLYGON(RAdeg, DEdeg, 1, 2, 3, 4)",
    "REGION": "REGION('Circle ICRS 1 2 3')",
    "LOWER": "LOWER(name)",
    "UPPER": "UPPER(name)",
    "ILIKE": "CASE WHEN name ILIKE 'S%' THEN 1 END",
    "CAST": "CAST(n AS VARCHAR)",
    "IN_UNIT": "IN_UNIT(RAdeg, 'rad')",
    "CASE": "CASE n WHEN 1 THEN 2 ELSE 3 END",
    "%": "n % 2",
    "COALESCE": "COALESCE(gmag, 1)",
    "GREATEST": "GREATEST(n, 1)",
    "LEAST": "LEAST(n, 1)",
    "NULLIF": "NULLIF(n, 1)",
    "MOC": "MOC(3, CIRCLE(p, 1))",
}
QUERIES = {
    "WITH": "WITH w AS (SELECT id FROM hip.stars) SELECT * FROM w",
    "UNION": "SELECT id FROM hip.stars UNION SELECT id FROM hip.objects",
    "EXCEPT": "SELECT id FROM hip.stars EXCEPT SELECT id FROM hip.objects",
    "INTERSECT": "SELECT id FROM hip.stars INTERSECT SELECT id FROM hip.objects",
    "OFFSET": "SELECT id FROM hip.stars OFFSET 3",
    "TABLESAMPLE": "SELECT id FROM hip.stars TABLESAMPLE (50) REPEATABLE (1)",
    "CROSS JOIN": "SELECT a.id FROM hip.stars AS a CROSS JOIN hip.objects AS b",
}
ARGUMENTS = {
    "INTEGER": "3",
    "BIGINT": "id",
    "REAL": "gmag",
    "NUMERIC": "n",
    "DOUBLE PRECISION": "plx",
    "TEXT": "name",
    "TIMESTAMP": "t",
    "POINT": "p",
    "MOC": "MOC(5, p)",
    "GEOMETRY": "CIRCLE(p, 1)",
}
LITERALS = {
    "from_sys": "'ICRS'",
    "to_sys": "'GALACTIC'",
    "expr_unit": "'m'",
    "dest_unit": "'m'",
    "pattern": "'a+'",
    "delimiter": "', '",
    "lower": "0",
    "upper": "10",
    "nbins": "5",
}


def query(form: str) -> str:
    """A query that uses the declared form."""
    if form in QUERIES:
        return QUERIES[form]
    if form in EXPRESSIONS:
        return f"SELECT {EXPRESSIONS[form]} AS x FROM hip.stars"
    name, inside = re.fullmatch(r"(\w+)\((.*)\) -> .+", form).groups()  # type: ignore[union-attr]
    parameters = [part.split(" ", 1) for part in inside.split(", ")]
    arguments = [LITERALS.get(label, ARGUMENTS[kind]) for label, kind in parameters]
    if form.startswith("gavo_specconv(expr DOUBLE"):
        arguments[0] = "IN_UNIT(RAdeg, 'rad') * gavo_specconv(1, 'm', 'm')"
        return "SELECT gavo_specconv(gavo_specconv(plx, 'nm', 'm'), 'Hz') AS x FROM hip.stars"
    return f"SELECT {name}({', '.join(arguments)}) AS x FROM hip.stars"


@pytest.mark.parametrize("form", [feature.form for feature in features()])
def test_each_declared_form_runs(sky: Any, form: str) -> None:
    made = sky.translate(query(form), limit=5)
    assert sky.run(query(form), limit=5).num_rows > 0
    word = form.partition("(")[0].upper()
    if word not in ("%", "CROSS JOIN"):
        assert word in made.features


def test_types_are_those_that_validators_know() -> None:
    """STILTS taplint 3.4 knows no features-adql-conditional; extensions carry the type that DaCHS introduced."""
    types = {feature.type for feature in features()}
    assert types == set(TYPES.values())
    known = re.compile(r"#features-(udf|adqlgeo|adql-(bitwise|common-table|offset|sets|string|type|unit))\Z")
    assert {t for t in types if not known.search(t)} == {"ivo://org.gavo.dc/std/exts#extra-adql-keywords"}
    assert next(f for f in features() if f.form == "COALESCE").type.endswith("extra-adql-keywords")
