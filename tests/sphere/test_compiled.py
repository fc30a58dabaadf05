"""The compiled part of cdshealpix by itself: light to load, and the same module for everybody."""

import subprocess
import sys
from importlib.machinery import PathFinder

import pytest

from nashira.sphere import compiled

ALONE_FIRST = """
import sys
from nashira.sphere.healpix import hash_with_offsets
import numpy as np
assert not [name for name in sys.modules if name.partition(".")[0] == "astropy"]
lon, lat = np.linspace(0, 359, 50), np.linspace(-90, 90, 50)
cells, _, _ = hash_with_offsets(lon, lat, 29)
import cdshealpix
from astropy import units
from nashira.sphere.compiled import load
assert cdshealpix.nested.healpix.cdshealpix is load()
wanted = cdshealpix.lonlat_to_healpix(lon * units.deg, lat * units.deg, 29)
assert (cells == wanted.astype(np.int64)).all()
"""
PACKAGE_FIRST = """
import cdshealpix
from nashira.sphere.compiled import load
assert load() is cdshealpix.nested.healpix.cdshealpix
"""


@pytest.mark.parametrize("code", [ALONE_FIRST, PACKAGE_FIRST], ids=["alone first", "package first"])
def test_it_is_one_module_in_either_order(code: str) -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_layout_is_imported_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cdshealpix.cdshealpix")
    monkeypatch.setattr(PathFinder, "find_spec", lambda *_: None)
    monkeypatch.setattr(compiled, "import_module", lambda name: f"imported {name}")
    assert str(compiled.load()) == "imported cdshealpix.cdshealpix"
