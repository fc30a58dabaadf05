"""Pixels divide the rows: none lost, none twice, none too full."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.ingest import density as module
from nashira.ingest.density import Density

SKY = 12 << 58


@given(
    st.lists(st.integers(0, SKY - 1), min_size=1, max_size=300),
    st.integers(1, 50),
    st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_pixels_divide_all_rows(cells: list[int], most: int, batches: int) -> None:
    density = Density()
    for batch in np.array_split(np.array(cells, dtype=np.int64), batches):
        density.add(batch)
    pixels = density.pixels(most)
    counts = [sum(p.low <= cell < p.high for cell in cells) for p in pixels]
    assert sum(counts) == len(cells)
    assert min(counts) > 0
    assert all(count <= most or p.order == density.order for count, p in zip(counts, pixels, strict=True))
    assert all(a.high <= b.low for a, b in pairwise(pixels))


def test_a_budget_bounds_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET", 1000)
    density = Density()
    rng = np.random.default_rng(3)
    for _ in range(20):
        density.add(rng.integers(0, SKY, 5000))
    assert len(density._pixels) <= 1000
    assert density.order < module.FINEST_ORDER
    assert sum(1 for _ in density.pixels(2000)) >= 48
    assert density.rows == 100_000


def test_rows_without_a_position_are_counted_apart() -> None:
    density = Density()
    density.add(np.array([-1, 5, -1]))
    assert (density.rows, density.lost) == (3, 2)
    assert len(density.pixels(10)) == 1


def test_nothing_has_no_pixels() -> None:
    assert Density().pixels(10) == []
