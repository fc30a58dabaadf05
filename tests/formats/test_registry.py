"""RESPONSEFORMAT: aliases, media types, and the Content-Type of the answer (DALI 1.1 section 3.4.3)."""

import re

import pytest

from nashira.config.errors import ParameterError
from nashira.formats.registry import FORMATS, Format, find_format

VOTABLE = "application/x-votable+xml"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_the_default_is_what_every_client_reads(text: str | None) -> None:
    chosen = find_format(text)
    assert (chosen.format.name, chosen.content_type) == ("votable", VOTABLE)
    assert chosen.format.ivo_id == "ivo://ivoa.net/std/TAPRegExt#output-votable-td"


@pytest.mark.parametrize(
    ("text", "name", "content_type"),
    [
        ("votable", "votable", VOTABLE),
        (VOTABLE, "votable", VOTABLE),
        ("text/xml", "votable", "text/xml"),
        ("TEXT/XML; charset=utf-8", "votable", "text/xml"),
        ("votable/td", "votable/td", f"{VOTABLE};serialization=TABLEDATA"),
        ("votabletd", "votable/td", f"{VOTABLE};serialization=TABLEDATA"),
        ("votable_plain", "votable/td", f"{VOTABLE};serialization=TABLEDATA"),
        ("application/x-votable+xml;serialization=TABLEDATA", "votable/td", f"{VOTABLE};serialization=TABLEDATA"),
        ("Application/X-VOTable+XML ; Serialization = binary2", "votable/b2", f"{VOTABLE};serialization=BINARY2"),
        ('application/x-votable+xml;serialization="BINARY"', "votable/b", f"{VOTABLE};serialization=BINARY"),
        ("text/xml;serialization=BINARY2", "votable/b2", "text/xml;serialization=BINARY2"),
        ("votable/b", "votable/b", f"{VOTABLE};serialization=BINARY"),
        ("votable/b2", "votable/b2", f"{VOTABLE};serialization=BINARY2"),
        ("votable_gzip", "votable/b2", f"{VOTABLE};serialization=BINARY2"),
        ("fits", "fits", "application/fits"),
        ("application/fits", "fits", "application/fits"),
        ("CSV", "csv", "text/csv;header=present"),
        ("text/csv", "csv", "text/csv;header=present"),
        ("text/csv;header=present", "csv", "text/csv;header=present"),
        ("text/csv; header=absent", "csv/bare", "text/csv;header=absent"),
        ("tsv", "tsv", "text/tab-separated-values"),
        ("text/tab-separated-values", "tsv", "text/tab-separated-values"),
        ("parquet", "parquet", "application/vnd.apache.parquet"),
        ("application/vnd.apache.parquet", "parquet", "application/vnd.apache.parquet"),
        ("json", "json", "application/json"),
        ("application/json", "json", "application/json"),
        ("html", "html", "text/html"),
    ],
)
def test_what_clients_send_is_understood(text: str | None, name: str, content_type: str) -> None:
    chosen = find_format(text)
    assert (chosen.format.name, chosen.content_type) == (name, content_type)


@pytest.mark.parametrize("text", ["text/plain", "xlsx", "text/csv;header=maybe", "votable\r\nX-Evil: 1", "é" * 500])
def test_unknown_formats_are_refused_with_the_list(text: str | None) -> None:
    with pytest.raises(ParameterError, match="votable/td") as caught:
        find_format(text)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_every_name_and_alias_of_a_format_finds_it(entry: Format) -> None:
    for text in (entry.name, entry.media_type, *entry.aliases, *entry.media_aliases):
        assert find_format(text).format is entry
    assert find_format(entry.name).content_type == entry.media_type
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+(;[a-z]+=[A-Za-z0-9]+)?", entry.media_type)


def test_no_alias_means_two_formats() -> None:
    texts = [t.lower() for e in FORMATS for t in (e.media_type, *e.aliases, *e.media_aliases)]
    assert len(texts) == len(set(texts))


def test_at_least_one_format_is_votable_and_its_mark_is_the_standards() -> None:
    marks = {entry.ivo_id.rpartition("#")[2] for entry in FORMATS if entry.ivo_id}
    assert marks == {"output-votable-td", "output-votable-binary", "output-votable-binary2"}
