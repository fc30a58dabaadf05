"""TAP 1.1 section 2.7: from parameters to a request."""

from pathlib import Path

import pytest

from nashira.config.errors import ParameterError
from nashira.config.settings import Limits
from nashira.dali.parameters import Form, Part
from nashira.tap.parameters import TapRequest, UploadReference, read_request

LIMITS = Limits(maxrec_default=100, maxrec_hard=1000, upload_tables=2, query_chars=50)
QUERY = ("QUERY", "SELECT 1 AS x")


def read(*values: tuple[str, str], parts: tuple[Part, ...] = ()) -> TapRequest:
    return read_request(Form((QUERY, *values), parts), LIMITS)


@pytest.mark.parametrize(
    ("lang", "version"), [("ADQL", "2.1"), ("ADQL-2.0", "2.0"), ("ADQL-2.1", "2.1"), ("", "2.1"), (None, "2.1")]
)
def test_tap_43_45_languages(lang: str | None, version: str) -> None:
    assert read(*([("LANG", lang)] if lang is not None else [])).version == version


@pytest.mark.parametrize("lang", ["OOBLECK", "adql", "ADQL-3.0", "ADQL 2.0", "PQL"])
def test_tap_44_unknown_language(lang: str) -> None:
    with pytest.raises(ParameterError, match="Unknown query language"):
        read(("LANG", lang))


@pytest.mark.parametrize("values", [(), (("QUERY", ""),), (("QUERY", " \n"),)])
def test_tap_46_query_is_needed(values: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ParameterError, match="QUERY is missing"):
        read_request(Form((("LANG", "ADQL"), *values)), LIMITS)


def test_query_length_is_limited() -> None:
    with pytest.raises(ParameterError, match="51 characters, 50 are allowed"):
        read_request(Form((("QUERY", "x" * 51),)), LIMITS)


@pytest.mark.parametrize(
    ("text", "maxrec"),
    [(None, 100), ("", 100), ("0", 0), ("7", 7), ("1000", 1000), ("20000000", 1000), ("9" * 30, 1000), (" 5 ", 5)],
)
def test_tap_54_maxrec_is_clamped(text: str | None, maxrec: int) -> None:
    assert read(*([("MAXREC", text)] if text is not None else [])).maxrec == maxrec


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "1e3", "0x10", "٣"])
def test_tap_54_maxrec_is_an_integer(text: str) -> None:
    with pytest.raises(ParameterError, match="MAXREC"):
        read(("MAXREC", text))


def test_default_maxrec_is_below_the_hard_limit() -> None:
    assert read_request(Form((QUERY,)), Limits(maxrec_default=50, maxrec_hard=10)).maxrec == 10


def test_tap_50_identical_repeats_are_tolerated() -> None:
    request = read(QUERY, ("FORMAT", "votable"), ("FORMAT", "votable"), ("LANG", "ADQL"), ("LANG", "ADQL"))
    assert request.format.format.name == "votable"


def test_dali_61_different_repeats_are_not() -> None:
    for name, values in (("QUERY", "SELECT 2"), ("FORMAT", "csv"), ("MAXREC", "5"), ("LANG", "ADQL-2.0")):
        with pytest.raises(ParameterError):
            read(("FORMAT", "votable"), ("MAXREC", "6"), ("LANG", "ADQL"), (name, values))


def test_tap_49_format_is_a_synonym() -> None:
    assert read(("FORMAT", "csv")).format == read(("RESPONSEFORMAT", "csv")).format
    assert read(("FORMAT", "csv"), ("RESPONSEFORMAT", "CSV")).format.format.name == "csv"
    with pytest.raises(ParameterError, match="contradict"):
        read(("FORMAT", "csv"), ("RESPONSEFORMAT", "votable"))


def test_tap_51_default_is_votable() -> None:
    assert read().format.content_type == "application/x-votable+xml"


def test_tap_91_aladin_media_type() -> None:
    request = read(("RESPONSEFORMAT", "application/x-votable+xml; serialization=TABLEDATA"))
    assert request.format.format.name == "votable/td"


def test_unknown_format() -> None:
    with pytest.raises(ParameterError, match="RESPONSEFORMAT"):
        read(("RESPONSEFORMAT", "clay tablet"))


def test_tap_41_unknown_parameters_are_ignored() -> None:
    others = (("DUMMY", "ignore-me"), ("REQUEST", "nonsense"), ("VERSION", "9"), ("TAPCLIENT", "x"), ("PHASE", "RUN"))
    assert read(*others) == read()


def test_tap_55_runid() -> None:
    assert read(("RUNID", "me/1")).run_id == "me/1"
    with pytest.raises(ParameterError):
        read(("RUNID", "x" * 65))


PARTS = tuple(Part(label, Path(f"/{label}"), "None", 1) for label in ("t1", "upload_t2"))


def test_tap_62_63_uploads_as_repeats_and_as_list() -> None:
    wanted = (
        UploadReference("t1", "param:t1", Path("/t1"), "None"),
        UploadReference("t2", "param:upload_t2", Path("/upload_t2"), "None"),
    )
    assert read(("UPLOAD", "t1,param:t1"), ("UPLOAD", "t2,param:upload_t2"), parts=PARTS).uploads == wanted
    assert read(("UPLOAD", "t1,param:t1;t2,param:upload_t2"), parts=PARTS).uploads == wanted


def test_tap_66_urls_are_left_to_be_fetched() -> None:
    uri = "https://vo.example.org/a?b=1;c=2,3"
    assert read(("UPLOAD", f"t1,{uri}")).uploads == (UploadReference("t1", uri),)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("t1,ftp://h/x", "not supported"),
        ("t1,vos://h/x", "not supported"),
        ("t1,param:nothing", "no part named"),
        ("t1", "must be 'name,uri'"),
        ("a b,param:t1", "plain table name"),
        ("s.t,param:t1", "plain table name"),
        ('"t",param:t1', "plain table name"),
        ("t1,param:t1;T1,param:upload_t2", "twice"),
        ("a,param:t1;b,param:t1;c,param:t1", "3 tables to upload, 2 are allowed"),
    ],
)
def test_tap_61_67_72_bad_uploads(value: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        read(("UPLOAD", value), parts=PARTS)


def test_two_parts_of_one_label_are_ambiguous() -> None:
    with pytest.raises(ParameterError, match="2 parts"):
        read(("UPLOAD", "t1,param:t1"), parts=(PARTS[0], PARTS[0]))
