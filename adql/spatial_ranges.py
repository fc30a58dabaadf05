"""Index ranges: sorted, disjoint, half-open intervals of `_healpix_29`; and the files that they leave of a table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from ..schema.model import Files, Partition

Ranges = tuple[tuple[int, int], ...]

NO_POSITION = (-1, 0)
"""The range of rows without a position."""
_MOST_RANGES = 64


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Intersect sorted disjoint ranges."""
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low < high:
            result.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def union(ranges: Iterable[tuple[int, int]], most: int = _MOST_RANGES) -> Ranges:
    """Sort and join ranges, closing the smallest gaps until at most `most` (at least 2) are left."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    if len(merged) <= most:
        return tuple(merged)
    gaps = sorted(range(1, len(merged)), key=lambda i: merged[i][0] - merged[i - 1][1])
    kept = [0, *sorted(gaps[len(gaps) - most + 1 :]), len(merged)]  # where a range begins that stays apart
    return tuple((merged[i][0], merged[j - 1][1]) for i, j in pairwise(kept))


def partitions(files: Files, ranges: Ranges | None) -> tuple[Partition, ...]:
    """Give the files that may hold rows in the ranges; all where `ranges` is None."""
    if ranges is None or not files.indexed:
        return files.partitions
    if not ranges:
        return ()
    lows = [low for low, _ in ranges]
    return tuple(part for part in _near(files, ranges) if _reaches(part, lows, ranges))


def _near(files: Files, ranges: Ranges) -> Iterator[Partition]:
    """Give the files between the begin and the end of each range, each once, in order; all where they have none."""
    if not files.ends:
        yield from files.partitions
        return
    done = 0
    for low, high in ranges:
        first = max(done, bisect_right(files.ends, low))
        done = max(first, bisect_left(files.partitions, high, key=lambda part: part.low))
        yield from files.partitions[first:done]


def _reaches(part: Partition, lows: list[int], ranges: Ranges) -> bool:
    """Tell whether the last range that begins before the file's end ends behind its begin."""
    before = bisect_left(lows, _end(part))
    return before > 0 and ranges[before - 1][1] > part.low


def _end(part: Partition) -> int:
    """The end of a file's range; rows without a position have both bounds -1."""
    return max(part.high, part.low + 1)


def leading(files: tuple[Partition, ...], rows: int | None) -> tuple[Partition, ...]:
    """Give the first files that hold so many rows together; all where `rows` is None."""
    if rows is None:
        return files
    chosen: list[Partition] = []
    for part in files:
        chosen.append(part)
        rows -= part.rows
        if rows <= 0:
            break
    return tuple(chosen)
