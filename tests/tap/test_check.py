"""POST /tap/check: what an editor is told about a query, valid or not, and what hostile requests get."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

CONE = "SELECT id, mag FROM stars.main WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(15, 0, 0.5))"


def asked(http: httpx.Client, query: str, **others: str) -> dict[str, Any]:
    answer = http.post("/check", data={"QUERY": query, **others})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def sent(http: httpx.Client, body: object, status: int = 200) -> dict[str, Any]:
    answer = http.post("/check", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_valid_query_is_described(http: httpx.Client) -> None:
    found = asked(http, CONE)
    assert found["valid"] is True
    assert found["errors"] == []
    assert found["tables"] == ["stars.main"]
    assert found["columns"][1] == {
        "name": "mag",
        "datatype": "float",
        "arraysize": None,
        "xtype": None,
        "unit": "mag",
        "ucd": "phot.mag;em.opt.V",
        "utype": "",
        "description": "Magnitude; null for every tenth",
    }
    assert found["indexed"] == {"stars.main": True}
    (scan,) = found["scans"]
    assert scan["table"] == "stars.main"
    assert scan["ranges"] > 0
    assert 0 <= scan["rows"] <= 500


def test_nothing_is_executed_but_rows_are_estimated(http: httpx.Client) -> None:
    found = asked(http, "SELECT a.n FROM lab.numbers AS a, lab.numbers AS b, lab.numbers AS c")
    assert found["rows_estimate"] > 10**9  # to run it would take years
    assert asked(http, "SELECT TOP 7 n FROM lab.numbers")["rows_estimate"] == 7
    assert asked(http, "SELECT COUNT(*) AS n FROM lab.numbers")["rows_estimate"] == 1
    assert asked(http, "SELECT n FROM lab.numbers")["indexed"] == {"lab.numbers": False}


def test_the_sql_names_tables_and_no_files(http: httpx.Client, published: Any) -> None:
    sql = asked(http, f"{CONE} AND id IN (SELECT n FROM lab.numbers) AND name <> 'x'")["sql"]
    assert '"stars"."main"' in sql
    assert '"lab"."numbers"' in sql
    assert str(published.root) not in sql
    assert "parquet" not in sql
    assert '"TAP_SCHEMA"."tables"' in asked(http, "SELECT table_name FROM TAP_SCHEMA.tables")["sql"]


def test_a_fault_has_place_excerpt_and_advice_as_data(http: httpx.Client) -> None:
    found = asked(http, "SELECT id,\n  magn\nFROM stars.main")
    assert found["valid"] is False
    (fault,) = found["errors"]
    assert fault == {
        "kind": "name",
        "message": "No column magn in main",
        "advice": "Did you mean mag?",
        "line": 2,
        "column": 3,
        "end_line": 2,
        "end_column": 7,
        "start": 13,
        "end": 17,
        "excerpt": "  magn\n  ^^^^",
        "expected": [],
        "suggestions": ["mag"],
    }


@pytest.mark.parametrize(
    ("query", "kind", "line", "column"),
    [
        ("SELECT id FORM stars.main", "syntax", 1, 11),
        ("SELECT id FROM stars.man", "name", 1, 16),
        ("SELECT id\nFROM stars.main\nWHERE name > 5", "type", 3, 7),
        ("", "syntax", 1, 1),
        ("SELECT ivo_simbadpoint('M31') AS p FROM stars.main", "unsupported", 1, 8),
    ],
)
def test_kinds_of_faults(http: httpx.Client, query: str, kind: str, line: int, column: int) -> None:
    (fault,) = asked(http, query)["errors"]
    assert (fault["kind"], fault["line"], fault["column"]) == (kind, line, column)


def test_expected_pieces_are_a_list(http: httpx.Client) -> None:
    (fault,) = asked(http, "SELECT id FROM stars.main WHERE id 5")["errors"]
    assert {"=", "BETWEEN", "IS NULL"} <= set(fault["expected"])


def test_warnings_are_told(http: httpx.Client) -> None:
    (warning,) = asked(http, "SELECT id FROM stars.main WHERE mag = NULL")["warnings"]
    assert "IS NULL" in warning


def test_a_misspelled_word_of_a_join_is_a_warning(http: httpx.Client) -> None:
    """It is right by the grammar, as the name of the table before it."""
    query = "SELECT s.id FROM stars.main LFET JOIN stars.main AS s ON s.id = LFET.id"
    (warning,) = asked(http, query)["warnings"]
    assert warning == "LFET (line 1, column 29) is taken for the name of a table; did you mean LEFT?"
    assert asked(http, "SELECT l.id FROM stars.main AS l")["warnings"] == []


def test_features_are_told(http: httpx.Client) -> None:
    assert asked(http, "SELECT UPPER(name) AS n FROM stars.main OFFSET 5")["features"] == ["OFFSET", "UPPER"]


def test_the_version_of_the_language_counts(http: httpx.Client) -> None:
    assert asked(http, "SELECT id AS offset FROM stars.main", LANG="ADQL-2.0")["valid"]
    assert not asked(http, "SELECT id AS offset FROM stars.main", LANG="ADQL-2.1")["valid"]


# ---------------------------------------------------------------- JSON


def test_queries_may_come_as_json(http: httpx.Client) -> None:
    assert sent(http, {"query": CONE})["valid"]
    assert sent(http, {"query": "SELECT id AS offset FROM stars.main", "lang": "ADQL-2.0"})["valid"]


def test_uploads_are_declared_by_their_columns(http: httpx.Client) -> None:
    columns = [{"name": "id", "datatype": "int"}, {"name": "ra", "unit": "deg"}, {"name": "dec", "unit": "deg"}]
    body = {
        "query": "SELECT u.*, s.mag FROM TAP_UPLOAD.mine AS u JOIN stars.main AS s "
        "ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 1/3600.0",
        "uploads": [{"name": "mine", "columns": columns}],
    }
    found = sent(http, body)
    assert [(c["name"], c["datatype"], c["unit"]) for c in found["columns"]] == [
        ("id", "int", ""),
        ("ra", "double", "deg"),
        ("dec", "double", "deg"),
        ("mag", "float", "mag"),
    ]
    assert '"TAP_UPLOAD"."mine"' in found["sql"]
    assert found["rows_estimate"] is None
    del body["uploads"]
    assert sent(http, body)["errors"][0]["advice"] == "No table was uploaded with this query"


# ------------------------------------------------------- faults of the request


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": 5},
        {"query": None},
        [],
        "SELECT 1",
        {"query": CONE, "uploads": [{"name": "a", "columns": []}]},
        {"query": CONE, "uploads": [{"name": "a", "columns": [{"name": "x", "datatype": "varchar(5)"}]}]},
        {"query": CONE, "uploads": [{"name": "a", "columns": [{"name": "x" * 300}]}]},
        {"query": CONE, "uploads": [{"name": f"t{n}", "columns": [{"name": "x"}]} for n in range(50)]},
        {"query": CONE, "uploads": [{"name": "a", "columns": [{"name": f"c{n}"} for n in range(3000)]}]},
        {"query": CONE, "lang": "SQL"},
        {"query": CONE, "lang": ["ADQL"]},
    ],
)
def test_requests_that_make_no_sense_are_told_so(http: httpx.Client, body: object) -> None:
    (fault,) = sent(http, body, 400)["errors"]
    assert fault["kind"] == "request"
    assert 0 < len(fault["message"]) <= 600
    assert "http" not in fault["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"query": "' + b"x" * 100, b"null"])
def test_broken_json_is_told_so(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/check", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["kind"] == "request"


def test_forms_need_a_query_and_the_method_is_post(http: httpx.Client) -> None:
    answer = http.post("/check", data={"LANG": "ADQL"})
    assert answer.status_code == 400
    assert "QUERY" in answer.json()["errors"][0]["message"]
    assert http.get("/check", params={"QUERY": CONE}).status_code == 405
    assert http.post("/check", data={"QUERY": CONE, "LANG": "SQL"}).status_code == 400


def test_queries_have_a_limit(serve_with: Callable[..., AbstractContextManager[Any]]) -> None:
    with serve_with("limits", query_chars=1000) as small, httpx.Client(base_url=small.tap) as http:
        assert http.post("/check", data={"QUERY": "x" * 1001}).status_code == 400
        assert http.post("/check", json={"query": "x" * 1001}).status_code == 400
        assert http.post("/check", json={"query": "x" * 1000}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "(" * 200_000,
        "SELECT " + "9" * 200_000 + " FROM stars.main",
        "SELECT '" + "x" * 200_000,
        "\x01\u202e\ud83d\ude00",
        "SELECT " + "CASE " * 30 + "id" + " WHEN 1 THEN 2 WHEN 3 THEN 4 END" * 30 + " AS x FROM stars.main",
    ],
    ids=["parentheses", "digits", "text", "odd characters", "doubling"],
)
def test_hostile_texts_are_refused_soon(http: httpx.Client, query: str) -> None:
    began = time.monotonic()
    answer = http.post("/check", content=json.dumps({"query": query}), headers={"content-type": "application/json"})
    assert answer.status_code in {200, 400}
    assert answer.json()["valid"] is False
    assert len(answer.content) < 5000
    assert time.monotonic() - began < 5


def test_sync_shows_the_excerpt_too(http: httpx.Client, wire: Any) -> None:
    message = wire.failed(http.post("/sync", data={"LANG": "ADQL", "QUERY": "SELECT id FORM stars.main"}))
    assert message.split("\n")[0].endswith("Did you mean FROM?")
    assert message.split("\n")[-2:] == ["SELECT id FORM stars.main", "          ^^^^"]
