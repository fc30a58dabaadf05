"""Names made from what files offer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.ingest.names import identifier, stem, stored_names
from nashira.schema.names import is_regular


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hip_main", "hip_main"),
        ("Gaia DR3", "gaia_dr3"),
        ("2MASS", "t_2mass"),
        ("count", "t_count"),
        ("ivoa", "t_ivoa"),
        ("TAP_SCHEMA", "t_tap_schema"),
        ("Étoiles", "etoiles"),
        ("星表", "t"),
    ],
)
def test_identifiers(text: str, name: str) -> None:
    assert identifier(text) == name


@given(st.text(max_size=100))
@settings(deadline=None)
def test_any_text_becomes_a_name_without_quotes(text: str) -> None:
    assert is_regular(identifier(text))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a/hip_main.fits", "hip_main"),
        ("gll_psc_v16.fit.gz", "gll_psc_v16"),
        ("cat.v1.parquet", "cat.v1"),
        ("x.VOT", "x"),
        ("t.ecsv", "t"),
    ],
)
def test_stems(file: str, name: str) -> None:
    assert stem(file) == name


def test_columns_keep_their_names_but_for_what_cannot_be() -> None:
    odd = ["B-V", "DE:RA", "2MASS", "count", 'say "x"', "b-v", "", "a\nb", "_healpix_29", "hpx29"]
    names, changes = stored_names(odd)
    assert names[:5] == tuple(odd[:5])
    assert names[5] == "b-v_2"
    assert names[7] == "a b"
    assert names[8] == "_healpix_29_2"
    assert names[9] == "hpx29"
    assert len({name.lower() for name in names}) == len(names)
    assert len(changes) == 4
