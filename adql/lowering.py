"""How DuckDB does the functions of the function table: lowered arguments → SQL nodes.

Arguments have the types of their parameters. Outside a function's domain the result is NULL, never an engine error.
NULL arguments give NULL but where a function says otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from sqlglot import exp

from ..schema.types import DOUBLE, FLOAT, INTEGER, LONG
from . import nodes as n

Node = n.Node
Lowering = Callable[..., Node]
_WORD = r"[^\p{L}\p{N}]+"


def named(name: str) -> Callable[..., Node]:
    """A function that the engine has under `name`."""
    return lambda *arguments: n.call(name, *arguments)


def guarded(name: str, domain: Callable[[Node], Node]) -> Callable[[Node], Node]:
    """A function of one number that is defined only in a domain."""
    return lambda x: n.call(name, n.keep(x, domain))


def positive(x: Node) -> Node:
    """X > 0."""
    return n.compare(">", x, n.integer(0))


def not_negative(x: Node) -> Node:
    """X >= 0."""
    return n.compare(">=", x, n.integer(0))


def not_zero(x: Node) -> Node:
    """X <> 0."""
    return n.compare("<>", x, n.integer(0))


def is_cosine(x: Node) -> Node:
    """X between -1 and 1."""
    return n.between(x, n.integer(-1), n.integer(1))


def finite(x: Node) -> Node:
    """X is neither NaN nor infinite."""
    return n.call("isfinite", x)


def literal(node: Node) -> float | None:
    """Give the number of a numeric literal; None for anything else."""
    sign = 1.0
    if isinstance(node, exp.Paren) and isinstance(node.this, exp.Neg):
        sign, node = -1.0, node.this.this
    return sign * float(node.this) if isinstance(node, exp.Literal) and not node.is_string else None


def modulo(x: Node, y: Node) -> Node:
    """Remainder with the sign of x; NULL for y = 0."""
    given = literal(y)
    if given:
        return n.binary(exp.Mod, x, n.integer(1) if given == -1 else y)  # the smallest integer has no opposite
    divisor = n.keep(y, not_zero)
    ordinary = n.binary(exp.Mod, x, divisor)
    return n.case(n.compare("=", n.again(y), n.integer(-1)), n.binary(exp.Mod, n.again(x), n.integer(1)), ordinary)


def power(x: Node, y: Node) -> Node:
    """X to the power y; NULL where it is no finite number."""
    exponent = literal(y)
    made = n.call("pow", x, y)
    if exponent is not None and exponent >= 0 and exponent == math.floor(exponent) and exponent <= 16:
        return made
    return n.keep(made, finite)


def random(*_: Node) -> Node:
    """Draw from [0, 1); a seed is accepted and has no effect."""
    return n.call("random")


def rounded(x: Node, digits: Node | None = None) -> Node:
    """Round half away from zero to a number of decimals, negative ones left of the point."""
    return n.call("round", x) if digits is None else n.call("round", x, n.cast(digits, INTEGER))


def truncated(x: Node, digits: Node | None = None) -> Node:
    """Cut to a number of decimals, negative ones left of the point."""
    if digits is None:
        return n.call("trunc", x)
    places = literal(digits)
    if places is None:
        return n.keep(_cut(x, n.call("pow", n.real(10.0), digits)), finite)
    if abs(places) > 300:
        return x if places > 0 else n.mul(x, n.integer(0))
    scale = n.real(10.0 ** abs(places))
    if places < 0:
        return n.mul(n.call("trunc", n.div(x, scale)), n.again(scale))
    return _cut(x, scale)


def _cut(x: Node, scale: Node) -> Node:
    """Cut behind a decimal; a number that has no more decimals stays (0.29 * 100 is less than 29)."""
    scaled = n.mul(x, scale)
    nearest = n.div(n.call("round", scaled), n.again(scale))
    cut = n.div(n.call("trunc", n.again(scaled)), n.again(scale))
    return n.case(n.compare("=", nearest, n.again(x)), n.again(x), cut)


def null_if(value: Node, other: Node) -> Node:
    """NULL where both are equal, else the first."""
    return n.keep(value, lambda given: n.compare("IS DISTINCT FROM", given, other))


def coarser(cell: Node, order: Node) -> Node:
    """The cell of an order that holds an order-29 cell; NULL for -1 and for orders that do not exist."""
    given = literal(order)
    if given is not None:
        bits: Node = n.integer(2 * (29 - int(given)))
    else:
        checked = n.keep(order, lambda o: n.between(o, n.integer(0), n.integer(29)))
        bits = n.mul(n.sub(n.integer(29), checked), n.integer(2))
    return n.shift_right(n.keep(cell, not_negative), n.cast(bits, LONG))


def healpix_index(order: Node, lon: Node, lat: Node) -> Node:
    """NESTED cell of a position."""
    return coarser(n.call("ns_healpix29", lon, lat), order)


def healpix_center(order: Node, cell: Node) -> Node:
    """Centre of a NESTED cell."""
    return n.call("ns_healpix_center", n.cast(order, INTEGER), n.cast(cell, LONG))


def epoch_position(*arguments: Node) -> Node:
    """Position at another epoch; parallax, proper motions and velocity default to 0."""
    ra, dec, parallax, pmra, pmdec, velocity, before, after = arguments
    filled = (n.call("coalesce", value, n.real(0.0)) for value in (parallax, pmra, pmdec, velocity))
    return n.call("ns_epoch_prop_pos", ra, dec, *filled, before, after)


def epoch_values(*arguments: Node) -> Node:
    """Position, parallax, motions and velocity at another epoch; those that are NULL default to 0."""
    ra, dec, parallax, pmra, pmdec, velocity, before, after = arguments
    filled = (n.call("coalesce", value, n.real(0.0)) for value in (parallax, pmra, pmdec, velocity))
    return n.call("ns_epoch_prop", ra, dec, *filled, before, after)


def apply_motion(ra: Node, dec: Node, pmra: Node, pmdec: Node, years: Node) -> Node:
    """Position after a time, motions in degrees a year: linear motion of an infinitely distant object."""
    zero = n.real(0.0)
    motions = (n.mul(motion, n.real(3.6e6)) for motion in (pmra, pmdec))
    return n.call("ns_epoch_prop_pos", ra, dec, zero, *motions, n.real(0.0), n.real(0.0), years)


def julian(origin: float) -> Callable[[Node], Node]:
    """Days since an epoch that lies `origin` days before 1970."""

    def days(moment: Node) -> Node:
        micros = n.cast(n.call("epoch_us", moment), DOUBLE)
        return n.add(n.div(micros, n.real(86_400e6)), n.real(origin))

    return days


def joined_texts(texts: Node, delimiter: Node) -> Node:
    """Aggregate of texts; empty where there is none."""
    return n.call("coalesce", n.call("string_agg", texts, delimiter), n.text(""))


def matches_ignoring_case(value: Node, pattern: Node) -> Node:
    """ILIKE."""
    return n.binary(exp.ILike, value, pattern)


def _words(text: Node) -> Node:
    return n.call("regexp_split_to_array", n.call("lower", text), n.text(_WORD))


def has_words(haystack: Node, needle: Node) -> Node:
    """All words of the needle occur in the haystack."""
    if isinstance(needle, exp.Literal) and needle.is_string:
        words = n.array(*(n.text(word) for word in re.split(r"[\W_]+", str(needle.this).lower()) if word))
        if not words.expressions:
            return n.compare("<>", n.call("length", haystack), n.call("length", n.again(haystack)))
        return n.call("list_has_all", _words(haystack), words)
    wanted = n.call("list_filter", _words(needle), n.lambda_(lambda word: n.compare("<>", word, n.text(""))))
    return n.call("list_has_all", _words(haystack), wanted)


def hashlist_has(members: Node, item: Node) -> Node:
    """The item is one of the members between # signs."""
    split = n.call("string_split", n.call("lower", members), n.text("#"))
    return n.call("list_contains", split, n.call("lower", item))


def overlaps(low1: Node, high1: Node, low2: Node, high2: Node) -> Node:
    """Two intervals share a point and none is reversed."""
    return n.all_of(
        n.compare("<=", low1, high1),
        n.compare("<=", low2, high2),
        n.compare("<=", n.again(low1), n.again(high2)),
        n.compare("<=", n.again(low2), n.again(high1)),
    )


def histogram(value: Node, lower: Node, upper: Node, bins: Node) -> Node:
    """Counts of `bins` equal bins, under- and overflow around them."""
    low, high, count = (literal(bound) or 0.0 for bound in (lower, upper, bins))
    width = (high - low) / count
    place = n.cast(n.call("floor", n.div(n.sub(value, n.real(low)), n.real(width))), LONG)
    index = exp.Case(
        ifs=[
            exp.If(this=n.compare(">=", n.again(value), n.real(high)), true=n.integer(int(count) + 1)),
            exp.If(
                this=n.compare(">=", n.again(value), n.real(low)),
                true=n.call("least", n.add(place, n.integer(1)), n.integer(int(count))),
            ),
        ],
        default=n.integer(0),
    )
    counts = n.call("histogram", n.cast(index, LONG))
    places = n.call("range", n.integer(0), n.integer(int(count) + 2))
    # the body must not repeat the aggregate for each bin: look the places up in its two lists at once
    return n.call("list_transform", places, n.lambda_(lambda v: _count_at(counts, v)))


def _count_at(counts: Node, place: Node) -> Node:
    found = exp.Bracket(this=counts, expressions=[place], offset=1)
    return n.cast(n.call("coalesce", found, n.integer(0)), INTEGER)


def normal_random(mean: Node, deviation: Node) -> Node:
    """Draw from a normal distribution (Box and Muller)."""
    radius = n.call("sqrt", n.mul(n.real(-2.0), n.call("ln", n.sub(n.integer(1), n.call("random")))))
    angle = n.call("cos", n.mul(n.real(2.0 * math.pi), n.call("random")))
    return n.cast(n.add(mean, n.mul(n.mul(deviation, radius), angle)), FLOAT)


def matches_pattern(pattern: Node, text: Node) -> Node:
    """Find a regular expression anywhere in the text; a dot matches line ends too."""
    return n.call("regexp_matches", text, pattern, n.text("s"))


def resolved_away(*_: Node) -> Node:
    """Stand for functions that the resolver replaces by others (see `special`)."""
    message = "This function has no SQL of its own"
    raise TypeError(message)


def authority(ivoid: Node) -> Node:
    """The text between ivo:// and the next delimiter."""
    found = n.call("regexp_extract", ivoid, n.text("^ivo://([^/?#]+)"), n.integer(1), n.text("i"))
    return null_if(found, n.text(""))


def sexagesimal(letter: str, factor: float) -> Callable[[Node], Node]:
    """Read d:m:s, dDmMsS or ddmmss with an optional sign, times a factor; NULL where the text is none of these."""
    spaced = rf"^\s*[+-]?(\d{{1,3}})[:{letter}](\d{{1,2}})[:mM](\d{{1,2}}(?:\.\d*)?)[sS]?\s*$"
    packed = r"^\s*[+-]?(\d{2,3})(\d{2})(\d{2}(?:\.\d*)?)\s*$"

    def read(text: Node) -> Node:
        def piece(group: int) -> Node:
            found = (
                n.try_cast(n.call("regexp_extract", n.again(text), n.text(form), n.integer(group)), DOUBLE)
                for form in (spaced, packed)
            )
            return n.call("coalesce", *found)

        minutes = n.add(n.div(piece(2), n.real(60.0)), n.div(piece(3), n.real(3600.0)))
        angle = n.mul(n.add(piece(1), minutes), n.real(factor))
        minus = n.call("starts_with", n.call("trim", text), n.text("-"))
        return n.mul(exp.Case(ifs=[exp.If(this=minus, true=n.integer(-1))], default=n.integer(1)), angle)

    return read
