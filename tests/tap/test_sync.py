"""Synchronous queries on the wire (TAP 1.1 sections 2.1, 2.7 and 3)."""

import csv
import io
import re
from typing import Any

import httpx
import pytest

V = "{http://www.ivoa.net/xml/VOTable/v1.3}"
TOP = {"LANG": "ADQL", "QUERY": "SELECT TOP 5 id, name FROM stars.main ORDER BY id"}


def test_tap_2_get_and_post_agree(http: httpx.Client, wire: Any) -> None:
    by_get = http.get("/sync", params=TOP)
    by_post = http.post("/sync", data=TOP)
    by_multipart = http.post("/sync", files={name: (None, value) for name, value in TOP.items()})
    assert wire.rows(by_get) == wire.rows(by_post) == wire.rows(by_multipart)
    assert wire.rows(by_get) == [[str(n), f"Étoile <{n}> & Co"] for n in range(5)]


def test_tap_11_slashes_are_tolerated_without_a_redirect(http: httpx.Client, service: object) -> None:
    for path in ("//sync", "/sync/", "//sync//"):
        answer = http.post(f"{http.base_url}".rstrip("/") + path, data=TOP, follow_redirects=False)
        assert answer.status_code == 200, path


def test_tap_40_names_are_case_insensitive(http: httpx.Client, wire: Any) -> None:
    answer = http.get("/sync", params={"lang": "ADQL", "query": "SELECT id FROM stars.main", "MaxRec": "5"})
    assert len(wire.rows(answer)) == 5


def test_tap_41_unknown_parameters_are_ignored(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(
        http, TOP["QUERY"], REQUEST="doQuery", VERSION="1.0", DUMMY="ignore-me", tapclient="x", jobname="y"
    )
    assert len(wire.rows(answer)) == 5


@pytest.mark.parametrize("lang", ["ADQL", "ADQL-2.0", "ADQL-2.1"])
def test_tap_43_languages_agree(http: httpx.Client, lang: str, wire: Any) -> None:
    assert len(wire.rows(wire.query(http, TOP["QUERY"], LANG=lang))) == 5


def test_tap_44_unknown_language(http: httpx.Client, wire: Any) -> None:
    answer = http.post("/sync", data={**TOP, "LANG": "OOBLECK"})
    assert "unknown query language" in wire.failed(answer).lower()


def test_tap_46_missing_query(http: httpx.Client, wire: Any) -> None:
    assert "QUERY" in wire.failed(http.get("/sync", params={"LANG": "ADQL"}))
    assert "QUERY" in wire.failed(http.get("/sync"))


def test_tap_47_timestamps(http: httpx.Client, wire: Any) -> None:
    found = wire.rows(wire.query(http, "SELECT seen FROM stars.main WHERE seen > '2020-01-27T00:00:00'"))
    assert {row[0][:10] for row in found} == {"2020-01-27", "2020-01-28"}


def test_tap_48_geometry_is_dali(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(http, "SELECT TOP 1 POINT(ra, dec) AS p FROM stars.main")
    field = next(wire.parsed(answer).iter(f"{V}FIELD"))
    assert (field.get("datatype"), field.get("arraysize"), field.get("xtype")) == ("double", "2", "point")


def test_tap_50_identical_repeats(http: httpx.Client) -> None:
    content = "FORMAT=votable&format=votable&LANG=ADQL&QUERY=SELECT+TOP+1+id+FROM+stars.main"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert http.post("/sync", content=content, headers=headers).status_code == 200


def test_tap_52_maxrec_and_overflow(http: httpx.Client, wire: Any) -> None:
    """Overflow is flagged where rows were dropped by MAXREC, only there."""
    cases = {("SELECT TOP 3 id FROM stars.main", "5"): (3, ["OK"]), ("SELECT id FROM stars.main", "500"): (500, ["OK"])}
    cases[("SELECT TOP 5 id FROM stars.main", "3")] = (3, ["OK", "OVERFLOW"])
    cases[("SELECT id FROM stars.main", "499")] = (499, ["OK", "OVERFLOW"])
    for (text, maxrec), (count, status) in cases.items():
        answer = wire.query(http, text, MAXREC=maxrec)
        assert (len(wire.rows(answer)), wire.statuses(answer)) == (count, status), (text, maxrec)


def test_default_maxrec_applies(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(http, "SELECT n FROM lab.numbers")
    assert (len(wire.rows(answer)), wire.statuses(answer)) == (1000, ["OK", "OVERFLOW"])


def test_tap_53_maxrec_zero(http: httpx.Client, wire: Any) -> None:
    none, one = (wire.query(http, "SELECT * FROM stars.main", MAXREC=m) for m in "01")
    assert wire.rows(none) == []
    assert wire.statuses(none)[-1] == "OVERFLOW"
    assert [dict(f.attrib) for f in wire.parsed(none).iter(f"{V}FIELD")] == [
        dict(f.attrib) for f in wire.parsed(one).iter(f"{V}FIELD")
    ]


def test_tap_54_maxrec_extremes(http: httpx.Client, wire: Any) -> None:
    wire.query(http, TOP["QUERY"], MAXREC="20000000")
    for bad in ("-1", "many"):
        wire.failed(http.post("/sync", data={**TOP, "MAXREC": bad}))


def test_tap_80_87_document(http: httpx.Client, wire: Any) -> None:
    """One results RESOURCE, status before TABLE, the query and its origin told."""
    answer = wire.query(http, TOP["QUERY"])
    root = wire.parsed(answer)
    assert root.tag == f"{V}VOTABLE"
    resources = root.findall(f"{V}RESOURCE")
    assert [r.get("type") for r in resources] == ["results"]
    children = [child.tag.removeprefix(V) for child in resources[0]]
    assert children.index("INFO") < children.index("TABLE")
    assert children.count("TABLE") == 1
    infos = {i.get("name"): i.get("value") for i in root.iter(f"{V}INFO")}
    assert infos["QUERY"] == TOP["QUERY"]
    assert infos["standardID"] == infos["service_protocol"] == "ivo://ivoa.net/std/TAP"
    assert infos["publisher"] == "The testers"
    assert infos["contact"] == "tests@example.org"
    assert str(infos["server_software"]).startswith("nashira/")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", str(infos["request_date"]))


def test_tap_81_82_fields_follow_the_select_list(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(http, 'SELECT mag, "size", ra AS alpha, seen FROM stars.main', MAXREC="1")
    assert wire.fields(answer) == ["mag", "size", "alpha", "seen"]
    mag, _, alpha, seen = wire.parsed(answer).iter(f"{V}FIELD")
    assert (mag.get("datatype"), mag.get("unit"), mag.get("ucd")) == ("float", "mag", "phot.mag;em.opt.V")
    assert mag.findtext(f"{V}DESCRIPTION") == "Magnitude; null for every tenth"
    assert (alpha.get("unit"), alpha.get("datatype")) == ("deg", "double")
    assert (seen.get("datatype"), seen.get("xtype")) == ("char", "timestamp")


def test_tap_83_expressions_have_names(http: httpx.Client, wire: Any) -> None:
    names = wire.fields(wire.query(http, "SELECT COUNT(*), MAX(id), MAX(mag) FROM stars.main"))
    assert len(set(names)) == 3
    assert all(re.match(r"[A-Za-z][A-Za-z0-9_]*\Z", name) for name in names)


def test_tap_84_no_rows(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(http, "SELECT id, ra FROM stars.main WHERE 1=0")
    assert (wire.rows(answer), wire.fields(answer), wire.statuses(answer)) == ([], ["id", "ra"], ["OK"])


def test_tap_85_86_csv_and_tsv(http: httpx.Client, wire: Any) -> None:
    answer = wire.query(http, TOP["QUERY"], RESPONSEFORMAT="csv")
    assert answer.headers["content-type"] == "text/csv;header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="result.csv"'
    table = list(csv.reader(io.StringIO(answer.text)))
    assert table[:2] == [["id", "name"], ["0", "Étoile <0> & Co"]]
    answer = wire.query(http, TOP["QUERY"], RESPONSEFORMAT="tsv")
    assert answer.headers["content-type"] == "text/tab-separated-values"
    assert all(line.count("\t") == 1 for line in answer.text.splitlines())


def test_tap_88_overflow_keeps_type_and_status(http: httpx.Client, wire: Any) -> None:
    for name in ("votable", "csv", "fits"):
        whole, cut = (wire.query(http, TOP["QUERY"], RESPONSEFORMAT=name, MAXREC=m) for m in "92")
        assert whole.headers["content-type"] == cut.headers["content-type"]


def test_tap_90_elements_have_no_prefix(http: httpx.Client, wire: Any) -> None:
    assert (
        b'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        in wire.query(http, TOP["QUERY"]).content
    )


def test_tap_91_requested_media_type_is_answered(http: httpx.Client, wire: Any) -> None:
    """DALI-63: a client that names a media type gets that."""
    assert wire.query(http, TOP["QUERY"], RESPONSEFORMAT="text/xml").headers["content-type"] == "text/xml"
    wire.query(http, TOP["QUERY"], RESPONSEFORMAT="Application/X-VOTable+XML; serialization=TABLEDATA")


@pytest.mark.parametrize(
    "text",
    [
        "DUFF QUERY",
        "SELECT",
        "SELECT * FROM no.such_table",
        "SELECT nothing FROM stars.main",
        "SELECT id FROM stars.main WHERE",
        "SELECT NO_FUNCTION(id) FROM stars.main",
        "DROP TABLE stars.main",
        "SELECT id FROM stars.main; SELECT 1",
    ],
)
def test_tap_100_bad_queries(http: httpx.Client, text: str, wire: Any) -> None:
    message = wire.failed(http.post("/sync", data={"LANG": "ADQL", "QUERY": text}))
    assert message
    assert "parquet" not in message.lower()
    assert "Traceback" not in message


def test_tap_106_accept_is_ignored(http: httpx.Client) -> None:
    answer = http.post("/sync", data=TOP, headers={"accept": "text/plain"})
    assert answer.headers["content-type"] == "application/x-votable+xml"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_wrong_methods(http: httpx.Client, method: str, wire: Any) -> None:
    answer = http.request(method, "/sync", params=TOP)
    wire.failed(answer, 405)
    assert {"GET", "POST"} <= {name.strip() for name in answer.headers["allow"].split(",")}


def test_head_runs_nothing_and_tells_the_type(http: httpx.Client) -> None:
    answer = http.head("/sync", params={**TOP, "RESPONSEFORMAT": "csv"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/csv;header=present"
    assert http.head("/sync").status_code == 400


def test_tap_36_server_header(http: httpx.Client) -> None:
    assert re.match(r"nashira/\S+ \(IVOA-publish\)\Z", http.get("/sync", params=TOP).headers["server"])


def test_small_results_know_their_length(http: httpx.Client) -> None:
    answer = http.get("/sync", params=TOP, headers={"Accept-Encoding": "identity"})
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "no-cache" in answer.headers["cache-control"]


def test_unknown_paths(http: httpx.Client, wire: Any) -> None:
    wire.failed(http.get("/nothing"), 404)
    wire.failed(http.get("/sync/nothing"), 404)


def test_ts_12_13_client_metadata_queries(http: httpx.Client, wire: Any) -> None:
    assert int(wire.rows(wire.query(http, "SELECT COUNT(*) FROM TAP_SCHEMA.columns"))[0][0]) > 32
    text = (
        "SELECT TAP_SCHEMA.keys.from_table FROM TAP_SCHEMA.keys "
        "JOIN TAP_SCHEMA.key_columns ON TAP_SCHEMA.keys.key_id = TAP_SCHEMA.key_columns.key_id"
    )
    assert len(wire.rows(wire.query(http, text))) >= 5
    assert len(wire.rows(wire.query(http, "SELECT * FROM TAP_SCHEMA.columns WHERE table_name = 'stars.main'"))) == 7
