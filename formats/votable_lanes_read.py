"""Where rows of varying length begin: many stretches of a stream walked in step, then joined.

A row's end is known only from the counts within it, so rows must be followed one by one. Here the bytes are cut into
lanes; in each every place that may be a row's start is tried, all lanes a row at a time with NumPy. A wrong start reads
an impossible count soon and is dropped. The rows of a lane count only if the rows of the lane before end at their
start, so what comes out is what following from the first row would give, or less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]

SAMPLE = 64  # rows whose length tells that of the others
_LANE_ROWS = 64
_LEAST_LANES = 16
_MOST_TRIES = 64  # starts to try in a lane, on average; beyond, the bytes tell too little (all zero, for example)
_MOST_LEFT = 16  # of these, starts that may be left after a few rows
_FEW_ROWS = 4


@dataclass(frozen=True, slots=True)
class Jumps:
    """How to get from a row's start to the next: `gaps` bytes before each count, `items` bytes an element (0: bits),
    `tail` bytes behind the last.
    """

    gaps: tuple[int, ...]
    items: tuple[int, ...]
    tail: int

    def after(self, words: NDArray[np.uint32], starts: Places) -> Places:
        """Give where the rows at `starts` end; beyond the data for one that is not complete."""
        place = starts
        for gap, item in zip(self.gaps, self.items, strict=True):
            at = place + gap
            place = at + 4 + lengths(counts_at(words, at), item)
        return place + self.tail


def words_of(data: bytes) -> NDArray[np.uint32]:
    """Give four bytes from every place of `data` on, as numbers in the wrong order of bytes; at least 4 are needed."""
    return np.ndarray((len(data) - 3,), "<u4", data, strides=(1,))


def counts_at(words: NDArray[np.uint32], places: Places) -> Places:
    """Read the counts at `places`; the last word of the data where a place is beyond."""
    return words[np.minimum(places, len(words) - 1)].byteswap().astype(np.int64)


def lengths(counts: Places, item: int) -> Places:
    """Give the bytes of so many elements of `item` bytes, 0 meaning bits."""
    return counts * item if item else (counts + 7) >> 3


def row_starts(jumps: Jumps, data: bytes, known: list[int], most: int) -> Places:
    """Find the rows behind those that `known` starts at, `most` in all; the last of `known` is where to go on.

    Gives all starts with that of the row behind the last; just `known` where the bytes do not tell more.
    """
    sample = np.diff(known[-SAMPLE - 1 :])
    longest, mean = 2 * int(sample.max()), max(1, int(sample.mean()))
    span = max(_LANE_ROWS * mean, longest)
    begin = known[-1]
    wanted = min(len(data) - begin, (most - len(known) + 1) * mean * 5 // 4)
    count = (wanted - longest - jumps.gaps[0] - 4) // span
    before = np.array(known, np.int64)
    if count < _LEAST_LANES:
        return before
    words = words_of(data)
    starts = _candidates(jumps, data, begin, span, count, longest)
    if len(starts) > _MOST_TRIES * count:
        return before
    path, within = _walk_lanes(jumps, words, starts, begin + ((starts - begin) // span + 1) * span, longest)
    return np.concatenate([before[:-1], _joined(path, within, begin)])[: most + 1]


def _candidates(jumps: Jumps, data: bytes, begin: int, span: int, count: int, longest: int) -> Places:
    """Give the known first start and, in each other lane, the places whose first count allows a row not too long."""
    first = np.ndarray((count - 1, longest), "<u4", data, begin + span + jumps.gaps[0], (span, 1)).byteswap()
    item = jumps.items[0]
    lane, place = np.nonzero(first <= (longest // item if item else longest * 8))
    return np.append(begin, begin + (lane + 1) * span + place)


def _walk_lanes(
    jumps: Jumps, words: NDArray[np.uint32], starts: Places, ends: Places, longest: int
) -> tuple[Places, NDArray[np.bool_]]:
    """Follow all starts until each is at or beyond its lane's end.

    Gives the places (steps, lanes) of those that never met a row too long, and which of them are rows within the lane.
    """
    size, most = len(words) + 3, _MOST_LEFT * len(np.unique(ends))
    steps = [starts]
    at = starts
    while (within := at < ends).any():
        after = jumps.after(words, at)
        good = ~within | ((after - at <= longest) & (after <= size))
        at = np.where(within, after, at)
        if not good.all():
            at, ends, steps = at[good], ends[good], [step[good] for step in steps]
        steps.append(at)
        if len(steps) > _FEW_ROWS and len(at) > most:
            steps = [step[:0] for step in steps]
            break
    path = np.array(steps)
    return path, path < ends[: path.shape[1]]


def _joined(path: Places, within: NDArray[np.bool_], begin: int) -> Places:
    """Give the row starts of the lanes that follow each other without a gap, and the end of the last row."""
    if not path.shape[1] or path[0, 0] != begin:
        return np.array([begin], np.int64)
    follows = dict(zip(path[0].tolist(), range(path.shape[1]), strict=True))
    ends = path[-1].tolist()
    lanes, lane = [], follows.get(begin)
    while lane is not None:
        lanes.append(lane)
        lane = follows.get(ends[lane])
    rows = path[:, lanes].T[within[:, lanes].T]
    return np.append(rows, ends[lanes[-1]])
