"""Vocabularies of a site: `vocabularies/*.desise`, read once; broken ones are left out."""

from __future__ import annotations

import json
from pathlib import Path

from nashira.query.vocabularies import vocabularies


def test_all_files_of_the_folder_are_read_but_broken_ones(tmp_path: Path) -> None:
    terms = {"a": {"narrower": ["b"]}, "b": {"narrower": ["c"]}, "c": {}}
    (tmp_path / "good.desise").write_text(json.dumps({"flavour": "RDF Property", "terms": terms}))
    (tmp_path / "flat.desise").write_text(json.dumps({"flavour": "SKOS", "terms": terms}))
    (tmp_path / "broken.desise").write_text("{")
    (tmp_path / "binary.desise").write_bytes(b"\xff\xfe")
    (tmp_path / "other.json").write_text("{}")
    found = vocabularies(tmp_path)
    assert sorted(found) == ["flat", "good"]
    assert found["good"].terms["a"] == {"b", "c"}
    assert found["flat"].terms["a"] == {"b"}


def test_a_site_without_the_folder_keeps_none(tmp_path: Path) -> None:
    assert vocabularies(tmp_path / "absent") == {}
