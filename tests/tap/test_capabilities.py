"""The capabilities document of the running service (TAP 1.1 section 2.4, TAPRegExt)."""

from collections.abc import Callable

import httpx
from lxml import etree

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TAP = "capability[@standardID='ivo://ivoa.net/std/TAP']"
LIMIT_ORDER = ["retentionPeriod", "executionDuration", "outputLimit", "uploadLimit"]
QUERY = "SELECT TOP 1 id, ra FROM stars.main"


def capability(http: httpx.Client) -> etree._Element:
    found = etree.fromstring(http.get("/capabilities").content).findall(TAP)
    assert len(found) == 1  # TAP-20
    return found[0]


def test_tap_4_24_document(http: httpx.Client, valid: Callable[[bytes], None]) -> None:
    answer = http.get("/capabilities")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    valid(answer.content)


def test_tap_21_22_23_interface(http: httpx.Client) -> None:
    tap = capability(http)
    (interface,) = tap.findall("interface")
    kind, role, version = (interface.get(f"{XSI}type"), interface.get("role"), interface.get("version"))
    assert (kind, role, version) == ("vs:ParamHTTP", "std", "1.1")
    url = interface.find("accessURL")
    assert url is not None
    assert (url.get("use"), url.text) == ("base", str(http.base_url).rstrip("/"))
    assert interface.findall("securityMethod") == []


def test_tap_25_order_and_tre_14_single_limits(http: httpx.Client) -> None:
    tags = [child.tag for child in capability(http)]
    assert list(dict.fromkeys(tags)) == ["interface", "language", "outputFormat", "uploadMethod", *LIMIT_ORDER]
    assert all(tags.count(limit) == 1 for limit in LIMIT_ORDER)


def test_tap_26_language(http: httpx.Client) -> None:
    """TRE-2: name and name-version of everything declared are accepted."""
    language = capability(http).find("language")
    assert language is not None
    assert language.findtext("name") == "ADQL"
    versions = {str(v.get("ivo-id")): v.text for v in language.findall("version")}
    assert versions == {"ivo://ivoa.net/std/ADQL#v2.0": "2.0", "ivo://ivoa.net/std/ADQL#v2.1": "2.1"}
    for lang in ("ADQL", *(f"ADQL-{v}" for v in versions.values())):
        assert http.get("/sync", params={"LANG": lang, "QUERY": QUERY}).status_code == 200


def test_tre_4_5_6_features(http: httpx.Client) -> None:
    groups = {g.get("type"): [f.text for f in g.iter("form")] for g in capability(http).iter("languageFeatures")}
    geometry = groups["ivo://ivoa.net/std/TAPRegExt#features-adqlgeo"]
    assert {"POINT", "CIRCLE", "CONTAINS", "DISTANCE"} <= set(geometry)
    assert all(len(forms) == len(set(forms)) > 0 for forms in groups.values())


def test_tap_27_every_format_works(http: httpx.Client) -> None:
    """TRE-8: mime and every alias, with the Content-Type that was declared."""
    formats = capability(http).findall("outputFormat")
    assert any(str(f.findtext("mime")).startswith("application/x-votable+xml") for f in formats)
    for declared in formats:
        mime = str(declared.findtext("mime"))
        for name in (mime, *(str(alias.text) for alias in declared.findall("alias"))):
            answer = http.get("/sync", params={"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": name})
            assert answer.status_code == 200, name
            assert answer.headers["content-type"].removesuffix("; charset=utf-8") == mime, name
            assert answer.content, name


def test_tap_28_upload_methods(http: httpx.Client) -> None:
    methods = [str(method.get("ivo-id")) for method in capability(http).findall("uploadMethod")]
    assert methods == [f"ivo://ivoa.net/std/TAPRegExt#upload-{name}" for name in ("inline", "http", "https")]


def test_tap_29_limits(http: httpx.Client) -> None:
    tap = capability(http)
    assert (tap.findtext("outputLimit/default"), tap.findtext("outputLimit/hard")) == ("1000", "400000")
    assert (tap.findtext("executionDuration/default"), tap.findtext("executionDuration/hard")) == ("3600", "86400")
    assert tap.findtext("uploadLimit/hard") == "5000000"
    assert {e.get("unit") for e in tap.findall("uploadLimit/*")} == {"byte"}
    assert {e.get("unit") for e in tap.findall("outputLimit/*")} == {"row"}


def test_tap_31_32_siblings(http: httpx.Client) -> None:
    base = str(http.base_url).rstrip("/")
    root = etree.fromstring(http.get("/capabilities").content)
    urls = {c.get("standardID"): c.findtext("interface/accessURL") for c in root.findall("capability")}
    for standard, path in {
        "VOSI#capabilities": "capabilities",
        "VOSI#availability": "availability",
        "VOSI#tables-1.1": "tables",
        "DALI#examples": "examples",
    }.items():
        url = urls[f"ivo://ivoa.net/std/{standard}"]
        assert url == f"{base}/{path}"
        assert httpx.get(url).status_code == 200


def test_tap_34_elements_are_unprefixed(http: httpx.Client) -> None:
    text = http.get("/capabilities").text
    assert '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">' in text


def test_tap_35_head(http: httpx.Client) -> None:
    answer = http.head("/capabilities")
    assert answer.status_code == 200
    assert "last-modified" in answer.headers


def test_tap_120_tables_agree_with_tap_schema(http: httpx.Client, valid: Callable[[bytes], None]) -> None:
    """VOSI-T7."""
    document = http.get("/tables?detail=max").content
    valid(document)
    listed = [
        (table.findtext("name"), column.findtext("name"), column.findtext("unit") or "")
        for table in etree.fromstring(document).iter("table")
        for column in table.findall("column")
    ]
    text = "SELECT table_name, column_name, unit FROM TAP_SCHEMA.columns"
    answer = http.get("/sync", params={"QUERY": text, "MAXREC": "10000"})
    rows = [tuple(td.text or "" for td in tr) for tr in etree.fromstring(answer.content).iter("{*}TR")]
    assert sorted(rows) == sorted(listed)


def test_availability(http: httpx.Client, valid: Callable[[bytes], None]) -> None:
    answer = http.get("/availability")
    valid(answer.content)
    assert b"<vosi:available>true</vosi:available>" in answer.content
