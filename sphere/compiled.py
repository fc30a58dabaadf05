"""cdshealpix's compiled module, loaded without its Python package.

The package's `__init__` imports astropy's units and coordinates, half of the start-up time of every command, for
wrappers that are not used here. The compiled module beside it needs NumPy only, so it is loaded by itself, under
its own name: who imports cdshealpix in the usual way later gets the same module.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, Protocol, cast

import numpy as np

from .vectors import Floats, Ints

_NAME = "cdshealpix.cdshealpix"

Cells = np.ndarray[Any, np.dtype[np.uint64]]
Orders = np.ndarray[Any, np.dtype[np.uint8]]


class Compiled(Protocol):
    """The functions used of it: angles in radians, cells NESTED; the first three fill the arrays given for results."""

    def lonlat_to_healpix(
        self, orders: Orders, lon: Floats, lat: Floats, cells: Cells, dx: Floats, dy: Floats, threads: np.uint16
    ) -> None:
        """Find the cells of positions and the places in them."""

    def healpix_to_lonlat(
        self, orders: Orders, cells: Cells, dx: float, dy: float, lon: Floats, lat: Floats, threads: np.uint16
    ) -> None:
        """Find positions at a place in cells."""

    def neighbours(self, order: int, cells: Cells, found: Ints, threads: np.uint16) -> None:
        """Find the cells around cells."""

    def cone_search(
        self, order: int, delta: int, lon: float, lat: float, radius: float, flat: bool
    ) -> tuple[Cells, Orders, Any]:
        """Give cells that cover a circle, their orders, and which lie inside wholly."""


def load() -> Compiled:
    """Load the module once in a process; where it does not lie beside its package, by the usual import."""
    if _NAME not in sys.modules:
        package = find_spec("cdshealpix")
        spec = PathFinder.find_spec(_NAME, package.submodule_search_locations if package else None)
        if spec is None or spec.loader is None:
            return cast(Compiled, import_module(_NAME))
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_NAME] = module
    return cast(Compiled, sys.modules[_NAME])
