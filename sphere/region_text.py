"""Texts of regions in columns, STC-S and DALI shapes, to shape arrays (see `shapes`): whole columns, no loop over rows.

Read are Position (Point), Circle, Polygon, Box, and a Union of these, with frame, reference position and flavour as
`regions` reads them, in degrees. Everything else gives NULL: other compounds, ellipses, units that are no degrees.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import exact, frames, ragged
from .columns import lists
from .vectors import Bools, Floats, Ints

_FRAMES = {
    "fk4": "FK4",
    "b1950": "FK4",
    "ecliptic": "ECLIPTIC",
    "galactic": "GALACTIC",
    "galactic_ii": "GALACTIC",
    "super_galactic": "SUPER_GALACTIC",
}
_PLAIN = (
    "icrs fk5 j2000 unknownframe barycenter geocenter heliocenter lsr lsrk topocenter relocatable unknownrefpos "
    "spherical2"
).split()
_PREAMBLE = rf"(?:(?:{'|'.join((*_PLAIN, *_FRAMES))})\s+)*"
_UNION = rf"^union\s+(?:fillfactor\s+\S+\s+)?(?P<words>{_PREAMBLE})\(\s*(?P<inside>[^()]*?)\s*\)$"
_MEMBER = (
    rf"^(?P<shape>position|point|circle|polygon|box)\s+(?:fillfactor\s+\S+\s+)?(?P<words>{_PREAMBLE})"
    r"(?P<numbers>(?:[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:e[+-]?\d{1,2})?\s+)+)$"
)
_COUNTS = {"position": 2, "point": 2, "circle": 3, "box": 4}


def read(texts: pa.Array) -> pa.Array:
    """Give shape arrays, a DOUBLE[] column, of a column of texts; NULL where the text is no such region."""
    coded = pc.dictionary_encode(pc.fill_null(texts.cast(pa.string()), ""))
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    return _distinct(coded.dictionary).take(coded.indices)


def _distinct(texts: pa.Array) -> pa.Array:
    plain = pc.utf8_trim_whitespace(pc.utf8_lower(pc.replace_substring(texts, ",", " ")))
    plain = pc.replace_substring_regex(pc.replace_substring_regex(plain, r"\s*\bunit\s+deg\b", ""), r"\s+", " ")
    union = pc.extract_regex(plain, _UNION)
    inside = pc.struct_field(union, "inside")
    marked = pc.replace_substring_regex(inside, r"\b(position|point|circle|polygon|box)\b", r"|\1")
    several = pc.split_pattern(pc.replace_substring_regex(pc.fill_null(marked, ""), r"^\|", ""), "|")
    single = pc.split_pattern(plain, "|")
    parts = pc.if_else(pc.is_valid(inside), several, single)
    counts = pc.list_value_length(parts).to_numpy(zero_copy_only=False).astype(np.int64)
    around = pc.fill_null(pc.struct_field(union, "words"), "").take(pa.array(ragged.owners(counts)))
    values, sizes = _members(pc.list_flatten(parts), around)
    return _joined(values, sizes, counts)


def _members(texts: pa.Array, around: pa.Array) -> tuple[Floats, Ints]:
    """Give the numbers of members, in ICRS, flat, and how many each has: 0 for what is none."""
    padded = pc.binary_join_element_wise(pc.utf8_trim_whitespace(texts), "", " ")
    found = pc.extract_regex(padded, _MEMBER)
    shape = pc.fill_null(pc.struct_field(found, "shape"), "")
    own = pc.fill_null(pc.struct_field(found, "words"), "")
    words = pc.if_else(pc.equal(own, ""), around, own)
    numbers = pc.split_pattern(pc.utf8_trim_whitespace(pc.fill_null(pc.struct_field(found, "numbers"), "")), " ")
    flat, sizes = lists(
        pa.ListArray.from_arrays(numbers.offsets, _floats(numbers.values)) if len(numbers) else numbers.cast(_LIST)
    )
    kinds = np.array(shape.to_pylist(), dtype=object) if len(shape) else np.empty(0, dtype=object)
    good = _fits(kinds, sizes)
    flat, sizes = flat[np.repeat(good, sizes)], np.where(good, sizes, 0)
    _rotate(flat, sizes, kinds, words)
    return _boxes(flat, sizes, kinds)


_LIST = pa.list_(pa.float64())


def _floats(words: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(words, ""), None, words).cast(pa.float64())


def _fits(kinds: np.ndarray, sizes: Ints) -> Bools:
    good: Bools = (kinds == "polygon") & (sizes >= 6) & (sizes % 2 == 0)
    for name, count in _COUNTS.items():
        good |= (kinds == name) & (sizes == count)
    return good


def _rotate(flat: Floats, sizes: Ints, kinds: np.ndarray, words: pa.Array) -> None:
    """Rotate the positions of members in other frames to ICRS, in place."""
    starts, owner = ragged.starts(sizes), ragged.owners(sizes)
    pairs = np.where(kinds == "polygon", sizes, np.minimum(sizes, 2))
    place = np.arange(len(flat)) - starts[owner]
    for word, name in _FRAMES.items():
        chosen = pc.match_substring_regex(words, rf"\b{word}\b").to_numpy(zero_copy_only=False).astype(np.bool_)
        first = np.flatnonzero(chosen[owner] & (place < pairs[owner]) & (place % 2 == 0))
        if len(first):
            good = np.abs(flat[first + 1]) <= 90.0
            first = first[good]
            old, new = (np.full(len(first), frames.FRAMES.index(frame)) for frame in (name, "ICRS"))
            flat[first], flat[first + 1] = frames.rotate(old, new, flat[first], flat[first + 1])


def _boxes(flat: Floats, sizes: Ints, kinds: np.ndarray) -> tuple[Floats, Ints]:
    """Turn boxes into polygons."""
    box = (kinds == "box") & (sizes == 4)
    if not box.any():
        return flat, sizes
    starts = ragged.starts(sizes)[box]
    corners = exact.box_corners(*(flat[starts + i] for i in range(4)))
    bad = ~np.isfinite(corners).all(axis=(1, 2))
    corners[bad] = 0.0
    new = np.where(box, 8, sizes)
    result = np.empty(int(new.sum()))
    result[np.repeat(~box, new)] = flat[np.repeat(~box, sizes)]
    result[np.repeat(box, new)] = corners.ravel()
    if bad.any():
        drop = np.zeros(len(new), dtype=np.bool_)
        drop[np.flatnonzero(box)[bad]] = True
        result, new = result[~np.repeat(drop, new)], np.where(drop, 0, new)
    return result, new


def _joined(values: Floats, sizes: Ints, counts: Ints) -> pa.Array:
    """Put the members of each row behind each other with a NaN between; NULL where one of them is none."""
    owner = ragged.owners(counts)
    good = np.bincount(owner[sizes == 0], minlength=len(counts)) == 0
    last = np.zeros(len(sizes), dtype=np.bool_)
    last[ragged.starts(counts) + counts - 1] = True
    wide = sizes + ~last
    result = np.full(int(wide.sum()), np.nan)
    result[np.arange(len(values)) + np.repeat(np.cumsum(~last) - ~last, sizes)] = values
    totals = np.bincount(owner, wide, len(counts)).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(totals))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(result), mask=pa.array(~good))
