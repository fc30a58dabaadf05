"""Arrow columns of numbers and number lists to NumPy and back, without a loop over rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import exact
from .vectors import Bools, Floats, Ints, norm, vectors

Column: TypeAlias = Any  # pa.Array or pa.ChunkedArray; pyarrow has no type information

_TRIANGLE = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # stands in for polygons that are none


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers(column: Column) -> Floats:
    """Give float64 (n,) with NaN for NULL."""
    values: Floats = pc.cast(_whole(column), pa.float64()).to_numpy(zero_copy_only=False)
    return values


def integers(column: Column) -> Ints:
    """Give int64 (n,) with -1 for NULL."""
    values: Ints = pc.fill_null(pc.cast(_whole(column), pa.int64()), -1).to_numpy(zero_copy_only=False)
    return values


def lists(column: Column) -> tuple[Floats, Ints]:
    """Give the flat values of a list column, NaN for NULL elements, and their counts; a NULL list has none."""
    array = _whole(column)
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers(pc.list_flatten(array)), counts


def tuples(column: Column, width: int) -> Floats:
    """Give a column of lists of `width` numbers as (n, width), NaN throughout for NULL and other widths."""
    values, counts = lists(column)
    result = np.full((len(counts), width), np.nan)
    good = counts == width
    result[good] = values[np.repeat(good, counts)].reshape(-1, width)
    return result


def shapes(column: Column) -> tuple[exact.Polygons, Bools]:
    """Prepare a column of DALI polygons, `lon1 lat1 lon2 lat2 …` in degrees, and tell which rows are polygons.

    Rows with an odd count, under three vertices, NaN, infinite values, |lat| > 90 or opposite neighbours are none.
    """
    values, counts = lists(column)
    good = (counts >= 6) & (counts % 2 == 0)
    wrong = ~np.isfinite(values)
    owner = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    wrong |= (place % 2 == 1) & ~(np.abs(values) <= 90.0)
    good[owner[wrong]] = False
    if not good.all():
        values, counts = _replaced(values, counts, good)
    made = exact.polygons(vectors(values[0::2], values[1::2]), counts // 2)
    opposite = norm(made.begins + made.ends) < exact.OPPOSITE  # between opposite points no side is defined
    return made, good & ~np.logical_or.reduceat(opposite, made.starts)


def _replaced(values: Floats, counts: Ints, good: Bools) -> tuple[Floats, Ints]:
    """Put a triangle in the place of the rows that are not good."""
    new_counts = np.where(good, counts, len(_TRIANGLE))
    kept = np.repeat(good, new_counts)
    new_values = np.empty(int(new_counts.sum()))
    new_values[kept] = values[np.repeat(good, counts)]
    new_values[~kept] = np.tile(_TRIANGLE, int((~good).sum()))
    return new_values, new_counts


def booleans(values: Bools, good: Bools) -> pa.Array:
    """Give a BOOLEAN column with NULL where not good."""
    return pa.array(values, mask=~good)


def doubles(values: Floats, good: Bools) -> pa.Array:
    """Give a DOUBLE column with NULL where not good."""
    return pa.array(values, mask=~good)


def pairs(first: Floats, second: Floats, good: Bools) -> pa.Array:
    """Give a DOUBLE[2] column with NULL where not good."""
    flat = np.stack((first, second), axis=-1).ravel()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), 2, mask=pa.array(~good))
