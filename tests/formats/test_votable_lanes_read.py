"""Rows of varying length: found many at a time, they are those that following one by one finds."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import UploadTooLarge
from nashira.formats.votable_lanes_read import SAMPLE, Jumps, row_starts
from nashira.formats.votable_rows_read import RowPlan, locate_rows

FILLERS: dict[str, Callable[[np.random.Generator, int], bytes]] = {
    "random": lambda rng, size: rng.bytes(size),
    "zeros": lambda rng, size: bytes(size),
    "counts": lambda rng, size: (b"\0\0\0\3" * (size // 4 + 1))[:size],
}
LENGTHS: dict[str, Callable[[np.random.Generator], int]] = {
    "none": lambda rng: 0,
    "short": lambda rng: int(rng.integers(0, 9)),
    "alike": lambda rng: 7,
    "seldom long": lambda rng: 5000 if rng.random() < 0.002 else int(rng.integers(0, 5)),
    "growing": lambda rng: int(rng.lognormal(2, 1.5)),
}


def rows(
    rng: np.random.Generator, fixed: tuple[int, ...], items: tuple[int, ...], count: int, filler: str, length: str
) -> tuple[bytes, list[int]]:
    """Make rows of `fixed` bytes, a count and its elements in turn; give the data and where the rows begin and end."""
    data, bounds = bytearray(), [0]
    for _ in range(count):
        for size, item in zip(fixed, items, strict=False):
            elements = LENGTHS[length](rng)
            data += FILLERS[filler](rng, size) + elements.to_bytes(4, "big")
            data += FILLERS[filler](rng, elements * item if item else (elements + 7) // 8)
        data += FILLERS[filler](rng, fixed[-1])
        bounds.append(len(data))
    return bytes(data), bounds


def plan(fixed: tuple[int, ...], items: tuple[int, ...], limit: int = 1_000_000) -> RowPlan:
    """Plan the same rows, each stretch of fixed bytes as a field."""
    widths: list[int | None] = [fixed[0]]
    sizes = [1]
    for size, item in zip(fixed[1:], items, strict=True):
        widths += [None, size]
        sizes += [item, 1]
    return RowPlan(tuple(map(str, range(len(widths)))), 0, tuple(widths), tuple(sizes), limit)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_all_rows_are_found_where_they_are(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    items = tuple(data.draw(st.lists(st.sampled_from([1, 2, 8, 0]), min_size=1, max_size=3)))
    fixed = tuple(
        data.draw(st.lists(st.sampled_from([0, 1, 16, 44]), min_size=len(items) + 1, max_size=len(items) + 1))
    )
    filler, length = data.draw(st.sampled_from(list(FILLERS))), data.draw(st.sampled_from(list(LENGTHS)))
    document, bounds = rows(rng, fixed, items, data.draw(st.integers(0, 4000)), filler, length)
    cut = document[: data.draw(st.integers(0, len(document)))] if data.draw(st.booleans()) else document
    most = data.draw(st.sampled_from([100, 3000, 65_536]))
    whole = [bound for bound in bounds if bound <= len(cut)][: most + 1]
    found = locate_rows(plan(fixed, items), cut, 0, most, 0)
    assert (found.count, found.end) == (len(whole) - 1, whole[-1])
    if found.count:
        assert found.cells[0].starts.tolist() == whole[:-1]
        last = found.cells[-1]
        assert (last.starts + last.lengths).tolist() == whole[1:]


def test_ordinary_rows_are_found_together() -> None:
    document, bounds = rows(np.random.default_rng(1), (46, 0, 0), (1, 1), 20_000, "random", "short")
    found = row_starts(Jumps((46, 0), (1, 1), 0), document, bounds[: SAMPLE + 1], 65_536)
    assert found.tolist() == bounds[: len(found)]
    assert len(found) > 19_000


def test_bytes_that_tell_nothing_are_left_to_others() -> None:
    zeros = bytes(1_040_000)
    known = list(range(0, 104 * (SAMPLE + 1), 104))
    assert row_starts(Jumps((100,), (1,), 0), zeros, known, 65_536).tolist() == known
    assert locate_rows(plan((100, 0), (1,)), zeros, 0, 65_536, 0).count == 10_000


@pytest.mark.parametrize("place", [3, 70, 5000])
def test_a_length_beyond_the_limit_is_named_by_row_wherever_it_is(place: int) -> None:
    document, bounds = rows(np.random.default_rng(1), (10, 0), (2,), 6000, "random", "short")
    broken = bytearray(document)
    broken[bounds[place] + 10 : bounds[place] + 14] = (600).to_bytes(4, "big")
    with pytest.raises(UploadTooLarge, match=f'row {place + 8}, column "1": a value of 1200 bytes is beyond the limit'):
        locate_rows(plan((10, 0), (2,), limit=1000), bytes(broken), 0, 65_536, 7)
