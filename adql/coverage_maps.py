"""Coverage maps in queries: MOC(…), and whether a position lies in one (MOC 2.0; the form is that of GAVO's services).

A constant map is a list of cells by order: a position lies in it where the cell of one of these orders that holds it is
in the list. Engines look long lists up by hash.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sqlglot import exp

from ..config.errors import AdqlTypeError, Position, Unsupported
from ..schema.types import MOC, VOType
from ..sphere import descent, healpix, moc_text, mocs, shapes
from . import nodes as n
from .kinds import is_integer, kind_of, name_of, number_of, typed
from .relations import shape
from .resolved import Call, Constant, Value
from .shapes import MAP_CHARS, coordinates, map_constant

CELLS_MOST = 50_000
"""Cells of a constant map that positions are looked up in."""
_LISTED = 16  # cells of an order that are written out
_CELLS = VOType("long", "*")
_OPEN_MOST = 100_000  # keeps translation below half a second
_FORM = "MOC('order/cells …'), or MOC(order, geometry) with a point, circle or polygon"


def moc(arguments: Sequence[Value], at: Position) -> Value:
    """MOC from ASCII, or of a geometry."""
    first = arguments[0] if arguments else None
    if len(arguments) == 1 and isinstance(first, Constant) and isinstance(first.value, str):
        return map_constant(first.value, at)
    given = [kind_of(argument) for argument in arguments]
    shapes_ = ("point", "circle", "polygon", "region", "null")
    if len(given) != 2 or not (given[0] == "null" or is_integer(arguments[0].info.type)) or given[1] not in shapes_:
        names = ", ".join(name_of(argument.info.type) for argument in arguments)
        message = f"MOC cannot be made of ({names})"
        raise AdqlTypeError(message, at, f"It takes {_FORM}")
    return _coverage(arguments[0], arguments[1], at)


def _coverage(order: Value, region: Value, at: Position) -> Value:
    if "null" in (kind_of(order), kind_of(region)):
        return Constant(None, typed(MOC), at)
    wanted = number_of(order)
    if wanted is not None and not 0 <= wanted <= healpix.MAX_ORDER:
        message = f"Orders of MOC lie between 0 and {healpix.MAX_ORDER}, not {wanted:g}"
        raise AdqlTypeError(message, order.at)
    if wanted is not None and isinstance(region, Constant) and isinstance(region.value, tuple):
        return _computed(int(wanted), region, at)
    info = typed(MOC, "", "pos.outline")
    if kind_of(region) == "point":
        return Call("NS_MOC_OF_POINT", (order, *coordinates(region)), info, at)
    return Call("NS_MOC_OF_SHAPE", (order, shape(region)), info, at)


def _computed(order: int, region: Constant, at: Position) -> Value:
    flat = region.value if isinstance(region.value, tuple) else ()
    orders = np.array([order], dtype=np.int64)
    if len(flat) == 2:
        cell = healpix.hash_with_offsets(np.array([flat[0] % 360.0]), np.array([flat[1]]), order)[0][0]
        return map_constant(f"{order}/{cell}", at)
    try:
        made = descent.coverage(shapes.members(pa.array([list(flat)], pa.list_(pa.float64()))), orders, _OPEN_MOST)
    except descent.TooFine as error:
        message = f"MOC cannot be made: {error}"
        raise Unsupported(message, at) from None
    return Constant(str(moc_text.write(made)[0].as_py()), typed(MOC, "", "pos.outline"), at)


def constant_map(value: Value) -> mocs.Mocs | None:
    """Give the map that a literal holds; None for anything else."""
    if isinstance(value, Constant) and isinstance(value.value, str):
        return moc_text.one(value.value)
    return None


def ranges(value: Value) -> tuple[tuple[int, int], ...] | None:
    """Give the order-29 ranges of a constant map; None where it is none."""
    maps = constant_map(value)
    return None if maps is None else tuple(zip(maps.lows.tolist(), maps.highs.tolist(), strict=True))


def checked(maps: mocs.Mocs, at: Position) -> dict[int, list[int]]:
    """Give the cells of a constant map by order; Unsupported where it has too many."""
    by_order = moc_text.cells_by_order(maps)
    count = sum(len(cells) for cells in by_order.values())
    if count > CELLS_MOST:
        message = f"The coverage map has {count} cells; at most {CELLS_MOST} are possible"
        raise Unsupported(message, at, "Use a map of a lower order")
    return by_order


def holds(maps: mocs.Mocs, cell: n.Node, at: Position) -> n.Node:
    """The condition that a constant map holds an order-29 cell; NULL where the cell is NULL or negative; for DuckDB."""
    by_order = checked(maps, at)
    tests = [_in_order(cell, order, cells) for order, cells in by_order.items()]
    found = n.any_of(*tests) if tests else n.truth(False)
    return n.case(n.compare(">=", n.again(cell), n.integer(0)), found)


def _in_order(cell: n.Node, order: int, cells: Sequence[int]) -> n.Node:
    """Long lists are a text that becomes a table, which DuckDB looks up by hash; it compares with constants in turn."""
    shift = 2 * (healpix.MAX_ORDER - order)
    coarse = n.operand(n.shift_right(n.again(cell), n.integer(shift)) if shift else n.again(cell))
    if len(cells) <= _LISTED:
        return exp.In(this=coarse, expressions=[n.integer(one) for one in cells])
    parts = n.call("string_split", n.text(",".join(map(str, cells))), n.text(","))
    rows = exp.Select(expressions=[n.call("unnest", n.cast(parts, _CELLS))])
    return exp.In(this=coarse, query=exp.Subquery(this=rows))


def check_literals(arguments: Sequence[Value]) -> None:
    """Refuse constant maps that are too long to be handed to a function row by row."""
    for argument in arguments:
        if isinstance(argument, Constant) and isinstance(argument.value, str) and len(argument.value) > MAP_CHARS:
            message = f"The coverage map is too long here: {len(argument.value)} characters of at most {MAP_CHARS}"
            raise Unsupported(message, argument.at, "Use a map of a lower order")
