"""What a site decides: extensions on and off, samples, the catalogue's name, vocabularies, names of objects; keys."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nashira.adql.features import features
from nashira.adql.service import EVERYTHING, Service, read_vocabulary
from nashira.adql.translate import translate
from nashira.config.errors import AdqlSyntaxError, AdqlTypeError, UnknownName, Unsupported
from nashira.config.language import EXTENSIONS
from nashira.schema.model import Catalog

USES = {
    "CASE": "SELECT CASE WHEN id > 1 THEN 1 ELSE 0 END AS x FROM hip.stars",
    "CROSS JOIN": "SELECT a.id FROM hip.stars AS a CROSS JOIN hip.objects AS b",
    "%": "SELECT n % 2 AS x FROM hip.stars",
    "COALESCE": "SELECT COALESCE(gmag, 1) AS x FROM hip.stars",
    "NULLIF": "SELECT NULLIF(n, 1) AS x FROM hip.stars",
    "GREATEST": "SELECT GREATEST(n, 1) AS x FROM hip.stars",
    "LEAST": "SELECT LEAST(n, 1) AS x FROM hip.stars",
    "TABLESAMPLE": "SELECT id FROM hip.stars TABLESAMPLE (10)",
    "MOC": "SELECT MOC('3/4') AS x FROM hip.stars",
}


@pytest.mark.parametrize("name", EXTENSIONS)
@pytest.mark.parametrize("target", ["duckdb", "postgresql"])
def test_each_extension_can_be_switched_off(sky: Any, name: str, target: str) -> None:
    assert name in sky.translate(USES[name]).features
    service = Service(frozenset(EXTENSIONS) - {name})
    with pytest.raises(Unsupported, match=f"^{re.escape(name)} is an extension of ADQL .* switched off") as caught:
        sky.translate(USES[name], service=service, target=target)
    assert caught.value.position is not None
    assert name in {feature.form for feature in features()}
    assert name not in {feature.form for feature in features(service)}
    for other in set(EXTENSIONS) - {name}:
        assert sky.translate(USES[other], service=service).sql


def test_a_comma_is_no_extension(sky: Any) -> None:
    assert sky.translate("SELECT a.id FROM hip.stars AS a, hip.objects AS b", service=Service(frozenset())).sql


def test_functions_on_maps_go_with_them() -> None:
    forms = {feature.form.partition("(")[0] for feature in features(Service(frozenset(EXTENSIONS) - {"MOC"}))}
    assert not forms & {"MOC", "gavo_mocunion", "gavo_mocintersect"}


# ------------------------------------------------------------------ samples


def ids(sky: Any, sample: str, where: str = "") -> list[int]:
    return sorted(row[0] for row in sky.rows(f"SELECT id FROM hip.stars {sample} {where}"))


def test_a_sample_with_a_seed_is_the_same_again_and_whatever_files_are_read(sky: Any) -> None:
    whole = ids(sky, "TABLESAMPLE (20) REPEATABLE (7)")
    assert whole == ids(sky, "TABLESAMPLE BERNOULLI (20) REPEATABLE (7)")
    assert whole != ids(sky, "TABLESAMPLE (20) REPEATABLE (8)")
    assert len(whole) == pytest.approx(600, abs=120)
    cone = "WHERE 1 = CONTAINS(POINT(RAdeg, DEdeg), CIRCLE(0, 0, 0.4))"
    assert ids(sky, "TABLESAMPLE (20) REPEATABLE (7)", cone) == sorted(set(whole) & set(ids(sky, "", cone)))


def test_more_percent_hold_fewer_percent(sky: Any) -> None:
    few, many = (set(ids(sky, f"TABLESAMPLE ({p}) REPEATABLE (3)")) for p in (5, 50))
    assert few < many
    assert ids(sky, "TABLESAMPLE (0) REPEATABLE (3)") == []
    assert len(ids(sky, "TABLESAMPLE (100)")) == 3000
    assert 0 < len(ids(sky, "AS s TABLESAMPLE (1.5e1)")) < 3000


def test_samples_by_chance_differ_and_are_fair(sky: Any) -> None:
    one, other = ids(sky, "TABLESAMPLE (30)"), ids(sky, "TABLESAMPLE (30)")
    assert one != other
    assert len(one) == pytest.approx(900, abs=150)
    assert np.mean(one) == pytest.approx(1500, abs=150)


def test_tables_inside_the_engine_and_uploads_are_sampled_too(sky: Any) -> None:
    text = "SELECT id FROM TAP_UPLOAD.mine TABLESAMPLE (50) REPEATABLE (1)"
    assert sky.rows(text) == sky.rows(text)
    assert len(sky.rows("SELECT id FROM TAP_UPLOAD.mine TABLESAMPLE SYSTEM (100)")) == sky.tables["mine"].num_rows


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("SELECT id FROM hip.stars TABLESAMPLE (101)", AdqlSyntaxError, "0 to 100 percent"),
        ("SELECT id FROM hip.stars TABLESAMPLE (x)", AdqlSyntaxError, "percent"),
        ("SELECT id FROM hip.stars TABLESAMPLE (1) REPEATABLE", AdqlSyntaxError, "a seed is expected"),
        ("SELECT id FROM (SELECT id FROM hip.stars) AS s TABLESAMPLE (1)", AdqlSyntaxError, "Expected"),
        ("WITH w AS (SELECT id FROM hip.stars) SELECT id FROM w TABLESAMPLE (1)", Unsupported, "takes a table"),
    ],
)
def test_what_cannot_be_sampled(sky: Any, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sky.translate(text)


def test_the_words_of_samples_stay_names(sky: Any) -> None:
    assert sky.rows("SELECT tablesample.id FROM hip.stars AS tablesample WHERE tablesample.id = 3") == [(3,)]
    assert sky.rows("SELECT tablesample.id FROM hip.stars tablesample WHERE id = 3") == [(3,)]


# ------------------------------------------------------- what a site keeps


def test_the_name_of_the_catalogue_may_stand_before_schemas(sky: Any) -> None:
    named = Service(catalog="Nashira")
    text = "SELECT nashira.hip.stars.id FROM nashira.hip.stars WHERE hip.stars.id = 3"
    assert sky.rows(text, service=named) == [(3,)]
    for service in (EVERYTHING, Service(catalog="other")):
        with pytest.raises(UnknownName, match="catalogue"):
            sky.translate(text, service=service)
    with pytest.raises(UnknownName):
        sky.translate("SELECT other.hip.stars.id FROM nashira.hip.stars", service=named)


TERMS = {
    "uri": "http://www.ivoa.net/rdf/messenger",
    "flavour": "RDF Class",
    "terms": {
        "Photon": {"narrower": ["Optical", "Radio"]},
        "Optical": {"narrower": [], "wider": ["Photon"]},
        "Radio": {"narrower": ["Millimeter"]},
        "Millimeter": {},
        "Neutrino": {},
    },
}


def site(flavour: str) -> Service:
    one = read_vocabulary("messenger", json.dumps(TERMS | {"flavour": flavour}))
    return Service(vocabulary={"messenger": one}.get, vocabularies=("messenger",))


@pytest.mark.parametrize(
    ("flavour", "found"),
    [("RDF Class", {"Photon", "Optical", "Radio", "Millimeter"}), ("SKOS", {"Photon", "Optical", "Radio"})],
)
def test_terms_of_vocabularies_hold_narrower_ones(sky: Any, flavour: str, found: set[str]) -> None:
    """Whole branches of strict hierarchies, one level of SKOS."""
    for term in TERMS["terms"]:
        text = f"SELECT gavo_vocmatch('messenger', 'Photon', '{term}') AS x FROM hip.stars WHERE id = 1"
        assert sky.rows(text, service=site(flavour)) == [(int(term in found),)]
    text = "SELECT id FROM hip.stars WHERE 1 = gavo_vocmatch('messenger', 'Neutrino', name)"
    assert sky.rows(text, service=site(flavour)) == []


def test_missing_vocabularies_and_terms_are_named(sky: Any) -> None:
    text = "SELECT gavo_vocmatch('{}', '{}', name) AS x FROM hip.stars"
    with pytest.raises(Unsupported, match="no vocabulary 'theory'") as caught:
        sky.translate(text.format("theory", "x"), service=site("SKOS"))
    assert "messenger" in caught.value.advice
    with pytest.raises(AdqlTypeError, match="no term 'Photn'") as wrong:
        sky.translate(text.format("messenger", "Photn"), service=site("SKOS"))
    assert "Photon" in str(wrong.value)
    for bad in ("[]", "{}", "x", '{"terms": 3}'):
        with pytest.raises(ValueError, match="no vocabulary in desise"):
            read_vocabulary("bad", bad)


def test_names_of_objects(sky: Any) -> None:
    stars = Service(position={"GJ 699": (269.452, 4.693), "broken": (0.0, 100.0)}.get)
    for name in ("ivo_simbadpoint", "gavo_simbadpoint"):
        ((point,),) = sky.rows(f"SELECT {name}('GJ 699') AS x FROM hip.stars WHERE id = 1", service=stars)
        assert point == [269.452, 4.693]
        with pytest.raises(AdqlTypeError, match="No object 'nobody'"):
            sky.translate(f"SELECT {name}('nobody') AS x FROM hip.stars", service=stars)
        with pytest.raises(AdqlTypeError, match="cannot be used"):
            sky.translate(f"SELECT {name}('broken') AS x FROM hip.stars", service=stars)
        with pytest.raises(AdqlTypeError, match="single quotes"):
            sky.translate(f"SELECT {name}(name) AS x FROM hip.stars", service=stars)
        with pytest.raises(Unsupported, match="does not look up"):
            sky.translate(f"SELECT {name}('GJ 699') AS x FROM hip.stars")
    text = "SELECT id FROM hip.stars WHERE DISTANCE(POINT(RAdeg, DEdeg), ivo_simbadpoint('GJ 699')) < 1"
    made = sky.translate(text, service=stars)
    assert made.scans[0].files < made.scans[0].of_files


# ------------------------------------------------------------------- keys


def test_the_primary_key_of_a_table_determines_its_columns(sky: Any) -> None:
    schemas = tuple(
        replace(s, tables=tuple(replace(t, primary=("id",)) if t.name == "stars" else t for t in s.tables))
        for s in sky.catalog.schemas
    )
    keyed = Catalog(schemas)
    text = "SELECT s.*, COUNT(*) AS n FROM hip.stars AS s GROUP BY s.id HAVING s.gmag < 3 ORDER BY s.plx"
    assert len(translate(text, keyed).columns) == 15
    rows = sky.con.sql(translate(text, keyed).sql).fetchall()
    assert len(rows) == sum(sky.numpy("stars", "gmag") < 3)
    with pytest.raises(AdqlTypeError, match="neither in GROUP BY"):
        sky.translate(text)
    with pytest.raises(AdqlTypeError, match="neither in GROUP BY"):
        translate("SELECT s.gmag FROM hip.stars AS s GROUP BY s.n", keyed)
