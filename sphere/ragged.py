"""Rows of different lengths in flat arrays: index arithmetic without loops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .vectors import Ints


def owners(counts: Ints) -> Ints:
    """Give for each flat element the row it belongs to."""
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def starts(counts: Ints) -> Ints:
    """Give the flat index where each row begins."""
    result = np.zeros(len(counts), dtype=np.int64)
    np.cumsum(counts[:-1], out=result[1:])
    return result


def ranges(begins: Ints, counts: Ints) -> Ints:
    """Concatenate begin, begin + 1, … of `counts` values for each row."""
    total = int(counts.sum())
    return np.arange(total, dtype=np.int64) + np.repeat(begins - starts(counts), counts)


def chunks(counts: Ints, most: int) -> Iterator[slice]:
    """Cut rows into slices of at most `most` elements together, at least one row each."""
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        base = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, base + most, side="right")))
        yield slice(begin, end)
        begin = end
