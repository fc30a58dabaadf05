"""DALI-examples of the running service (DALI 1.1 section 2.3, TAP 1.1 section 2.6)."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from nashira.schema.model import Catalog, Column, Files, Partition, Relation, Schema, SkyColumns, Table
from nashira.schema.types import DOUBLE
from nashira.tap.examples import document, examples


@pytest.fixture
def page(http: httpx.Client) -> Any:
    answer = http.get("/examples")
    assert answer.headers["content-type"] == "application/xhtml+xml"  # TAP-130
    return etree.fromstring(answer.content)


def test_dali_31_32_33_34(page: Any) -> None:
    (vocab,) = page.xpath("//*[@vocab]")
    assert vocab.get("vocab") == "http://www.ivoa.net/rdf/examples#"
    found = vocab.xpath(".//*[@typeof='example']")
    assert len(found) >= 4
    for example in found:
        assert example.get("resource") == f"#{example.get('id')}"
        assert re.match(r"[A-Za-z_][\w.-]*\Z", example.get("id"))
        assert len(example.xpath(".//*[@property='name']")) == 1
        assert len(example.xpath(".//*[@property='query']")) == 1
    assert len({example.get("id") for example in found}) == len(found)


def test_tap_131_queries_are_pure_text_dali_38(page: Any) -> None:
    for element in page.xpath("//*[@property]"):
        assert len(element) == 0
        assert element.text
        assert not {"href", "src"} & set(element.attrib)


def test_tap_132_tables_exist(page: Any, http: httpx.Client) -> None:
    for name in {element.text for element in page.xpath("//*[@property='table']")}:
        assert http.get(f"/tables/{name}").status_code == 200


def test_tap_133_every_query_runs(page: Any, http: httpx.Client) -> None:
    for element in page.xpath("//*[@property='query']"):
        answer = http.post("/sync", data={"LANG": "ADQL", "QUERY": element.text})
        assert answer.status_code == 200, f"{element.text}\n{answer.text}"
        assert b'value="ERROR"' not in answer.content


def test_the_cone_search_finds_rows(page: Any, http: httpx.Client) -> None:
    cone = next(e.text for e in page.xpath("//*[@property='query']") if "CIRCLE" in e.text and "stars.main" in e.text)
    assert b"<TR>" in http.post("/sync", data={"LANG": "ADQL", "QUERY": cone}).content


def hostile_catalog() -> Catalog:
    columns = (Column("select", DOUBLE), Column('a"<b', DOUBLE, "\x00&"), Column("n", DOUBLE))
    place = SkyColumns("select", 'a"<b')
    files = Files((Partition("x", 5, 100, 200), Partition("y", 9, -1, -1)), indexed=True)
    one = Table("od\x01d", "t<1>", columns, files, position=place)
    two = Table("s", "t2", columns, Relation(("s", "t2")), position=place)
    return Catalog((Schema("od\x01d", (one,)), Schema("s", (two, Table("s", "none", (), Relation(("s",)))))), "v")


def test_hostile_names_stay_text() -> None:
    text = document(examples(hostile_catalog()), "<script>\x02&")
    root: Any = etree.fromstring(text)
    assert not root.xpath("//*[local-name()='script']")
    assert any('"a""<b"' in (e.text or "") for e in root.xpath("//*[@property='query']"))


def test_published_examples_come_first(tmp_path: Path) -> None:
    catalog = Catalog((), "v", (("My example", "SELECT 1 AS x"),))
    first, *_ = examples(catalog)
    assert (first.name, first.query) == ("My example", "SELECT 1 AS x")
