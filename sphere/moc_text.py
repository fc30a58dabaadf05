"""ASCII coverage maps (MOC 2.0 section 4.2.3): columns of texts such as `4/13 17-18 5/8` to ranges and back.

No loop runs over rows or cells: texts are read and written in whole arrays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import healpix, mocs, ragged
from .mocs import Mocs
from .vectors import Bools, Ints

_DIGITS = 19  # of the largest cell number
_BLANK = np.isin(np.arange(256), np.frombuffer(b" \t\r\n,", dtype=np.uint8))
_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789", dtype=np.uint8))
_SLASH, _DASH = ord("/"), ord("-")


def read(texts: pa.Array) -> tuple[Mocs, Bools]:
    """Read a column of texts, (n,), and tell which rows are maps; the others, NULL too, are empty ones.

    Orders may come in any order, cells may repeat. A leading `s` (spatial) is tolerated.
    """
    plain = pc.replace_substring_regex(pc.fill_null(texts.cast(pa.large_string()), ""), r"^\s*[sS]", "")
    plain = plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain
    _, bounds, data = plain.buffers()
    offsets = np.frombuffer(bounds, dtype=np.int64)[plain.offset : plain.offset + len(plain) + 1]
    letters = np.frombuffer(data, dtype=np.uint8)[: offsets[-1]] if data else np.empty(0, dtype=np.uint8)
    return _read(letters, offsets)


def _read(letters: np.ndarray, offsets: Ints) -> tuple[Mocs, Bools]:
    n = len(offsets) - 1
    digit = _DIGIT[letters]
    edge = np.zeros(len(letters) + 1, dtype=np.bool_)  # a row begins here
    edge[offsets[:-1]] = True
    before = np.concatenate(([False], digit[:-1])) & ~edge[:-1]
    begins = np.flatnonzero(digit & ~before)
    after = np.concatenate((digit[1:], [False])) & ~edge[1:]
    ends = np.flatnonzero(digit & ~after) + 1
    owner = np.searchsorted(offsets, begins, side="right") - 1
    good = _well_formed(letters, digit, edge, offsets)
    values, small = _values(letters, begins, ends)
    good[owner[~small]] = False
    follows = np.concatenate((letters, [0]))[ends]
    follows = np.where(edge[ends], 0, follows)  # what follows is another row's
    leads = np.where(edge[begins], 0, np.concatenate(([0], letters))[begins])
    is_order, is_low, is_high = follows == _SLASH, follows == _DASH, leads == _DASH
    good[owner[(is_order & ((values > healpix.MAX_ORDER) | is_high)) | (is_low & is_high)]] = False
    return _ranges(values, owner, is_order, is_low, is_high, good, n)


def _well_formed(letters: np.ndarray, digit: Bools, edge: Bools, offsets: Ints) -> Bools:
    """Rows that hold digits, blanks, and / and - between digits only; / may end a row."""
    signs = (letters == _SLASH) | (letters == _DASH)
    wrong = ~(digit | signs | _BLANK[letters])
    last = np.concatenate(([False], digit[:-1])) & ~edge[:-1]
    following = np.concatenate((digit[1:], [False])) & ~edge[1:]
    wrong |= signs & ~last
    wrong |= (letters == _DASH) & ~following
    bad = np.searchsorted(offsets, np.flatnonzero(wrong), side="right") - 1
    good = np.ones(len(offsets) - 1, dtype=np.bool_)
    good[bad] = False
    return good


def _values(letters: np.ndarray, begins: Ints, ends: Ints) -> tuple[Ints, Bools]:
    """Numbers of runs of digits, and which of them fit."""
    lengths = ends - begins
    values = np.zeros(len(begins), dtype=np.int64)
    rough = np.zeros(len(begins))
    for place in range(int(min(lengths.max(initial=0), _DIGITS))):
        more = lengths > place
        ones = letters[np.where(more, begins + place, 0)].astype(np.int64) - ord("0")
        rough = np.where(more, rough * 10.0 + ones, rough)
        values = np.where(more & (rough < 9.2e18), values * 10 + ones, values)
    return values, (lengths <= _DIGITS) & (rough < 9.2e18)


def _ranges(
    values: Ints, owner: Ints, is_order: Bools, is_low: Bools, is_high: Bools, good: Bools, n: int
) -> tuple[Mocs, Bools]:
    place = np.arange(len(values))
    current = np.maximum.accumulate(np.where(is_order, place, -1)) if len(values) else place
    known = (current >= 0) & (owner[current] == owner) if len(values) else current >= 0
    good[owner[~known]] = False
    order = np.where(known & good[owner], values[current], 0) if len(values) else values
    orders = np.zeros(n, dtype=np.int64)
    np.maximum.at(orders, owner[is_order & good[owner]], order[is_order & good[owner]])
    good &= np.bincount(owner[is_order], minlength=n) > 0
    first = ~is_order & ~is_high
    upper = np.where(is_low, np.concatenate((values[1:], [0])), values)[first] if len(values) else values
    low, who, level = values[first], owner[first], order[first]
    good[who[(low > upper) | (upper >= np.int64(12) << 2 * level)]] = False
    kept = good[who]
    shift = 2 * (healpix.MAX_ORDER - level[kept])
    made = mocs.made(who[kept], low[kept] << shift, (upper[kept] + 1) << shift, np.where(good, orders, 0))
    return made, good


def write(maps: Mocs) -> pa.Array:
    """Write maps as canonical texts, (n,): the largest cells, runs as `a-b`, the order of the map last."""
    n = len(maps.counts)
    owner, order, first, last = _cells(maps)
    deepest = np.full(n, -1, dtype=np.int64)
    np.maximum.at(deepest, owner, order)
    shallow = np.flatnonzero(deepest < maps.orders)  # their own order has no cell: it stands alone at the end
    owner, order = np.concatenate((owner, shallow)), np.concatenate((order, maps.orders[shallow]))
    first, last = (np.concatenate((part, np.full(len(shallow), -1))) for part in (first, last))
    sequence = np.lexsort((first, order, owner))
    owner, order, first, last = (part[sequence] for part in (owner, order, first, last))
    opens = np.ones(len(owner), dtype=np.bool_)
    opens[1:] = (owner[1:] != owner[:-1]) | (order[1:] != order[:-1])
    words = _words(opens, order, first, last)
    counts = np.bincount(owner, minlength=n)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, words), " ")


def _words(opens: Bools, order: Ints, first: Ints, last: Ints) -> pa.Array:
    def texts(numbers: Ints) -> pa.Array:
        return pa.array(numbers).cast(pa.string())

    head = pc.if_else(pa.array(opens), pc.binary_join_element_wise(texts(order), "", "/"), "")
    body = pc.if_else(pa.array(first >= 0), texts(first), "")
    tail = pc.if_else(pa.array(last > first), pc.binary_join_element_wise("-", texts(last), ""), "")
    return pc.binary_join_element_wise(head, body, tail, "")


def _cells(maps: Mocs) -> tuple[Ints, Ints, Ints, Ints]:
    """Cut ranges into runs of the largest cells: owner, order, first and last cell."""
    owner, low, high = ragged.owners(maps.counts), maps.lows, maps.highs
    runs: list[tuple[Ints, Ints, Ints, Ints]] = [(owner[:0],) * 4]
    for order in range(healpix.MAX_ORDER + 1):
        shift = 2 * (healpix.MAX_ORDER - order)
        first, after = (low + ((1 << shift) - 1)) >> shift, high >> shift
        whole = first < after
        runs.append((owner[whole], np.full(int(whole.sum()), order), first[whole], after[whole] - 1))
        head = np.where(whole, first << shift, high)
        owner = np.concatenate((owner, owner[whole]))
        low, high = np.concatenate((low, (after << shift)[whole])), np.concatenate((head, high[whole]))
        some = low < high
        owner, low, high = owner[some], low[some], high[some]
    return tuple(np.concatenate(parts) for parts in zip(*runs, strict=True))  # type: ignore[return-value]


@lru_cache(maxsize=64)
def one(text: str) -> Mocs:
    """Read one map; ValueError where the text is none."""
    maps, good = read(pa.array([text]))
    if not good[0]:
        message = "a coverage map is written as order/cells, such as '4/13 17-18 5/8'"
        raise ValueError(message)
    return maps


def cells_by_order(maps: Mocs) -> dict[int, list[int]]:
    """Give the cells of one map, the largest possible, by order."""
    _, orders, first, last = _cells(maps)
    return {
        int(order): ragged.ranges(first[orders == order], (last - first + 1)[orders == order]).tolist()
        for order in np.unique(orders)
    }
