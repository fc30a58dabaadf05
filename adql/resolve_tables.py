"""FROM: table references, derived tables and joins become sources and a frame of visible columns."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.errors import AdqlTypeError, Position, UnknownName
from ..schema.names import adql_name
from . import tree
from .kinds import constant
from .resolve_conditions import compared
from .resolve_context import Context
from .resolve_names import Entry, Frame, Scope, same, written
from .resolved import Call, Combined, Condition, From, Joined, QuerySource, Truth, Value
from .spelling import closest
from .tree import Identifier


def tables(ref: tree.TableRef, context: Context) -> tuple[From, Frame]:
    """Resolve a table reference; `context.scope` is that of the query around."""
    if isinstance(ref, tree.TableName):
        entry = context.names.source(ref)
        return entry.source, Frame((entry,))
    if isinstance(ref, tree.DerivedTable):
        query = context.query(ref.query, context.names, context.scope)
        source = QuerySource(context.names.label("t"), query, query.columns, None, ref.at)
        return source, Frame((Entry(ref.alias, None, source),))
    return _join(ref, context)


def _join(ref: tree.Join, context: Context) -> tuple[From, Frame]:
    left, left_frame = tables(ref.left, context)
    right, right_frame = tables(ref.right, context)
    _check_unique(left_frame, right_frame, ref.right.at)
    if ref.kind == "CROSS" and not ref.comma:
        context.names.extension("CROSS JOIN", ref.at)
    if ref.kind == "CROSS" and not ref.natural and not ref.using and ref.on is None:
        return Joined("CROSS", left, right, None), _together(left_frame, right_frame)
    shared = _shared(ref, left_frame, right_frame)
    if shared:
        on, frame = _merge(ref, shared, left_frame, right_frame)
        return Joined(ref.kind, left, right, on), frame
    frame = _together(left_frame, right_frame)
    if ref.on is None:
        if ref.kind in ("INNER", "CROSS"):
            return Joined("CROSS", left, right, None), frame
        return Joined(ref.kind, left, right, Truth(constant(True, ref.at))), frame
    scope = Scope(frame, context.scope)
    inner = Context(context.names, scope, context.query, context.condition, "ON")
    return Joined(ref.kind, left, right, context.condition(ref.on, inner)), frame


def _together(left: Frame, right: Frame) -> Frame:
    return Frame(left.entries + right.entries, left.merged + right.merged, left.hidden | right.hidden)


def _check_unique(left: Frame, right: Frame, at: Position) -> None:
    taken = {_key(entry) for entry in left.entries}
    for entry in right.entries:
        if _key(entry) in taken:
            message = f"{entry.name.text} stands twice in FROM"
            raise UnknownName(message, entry.source.at or at, "Give each table an alias of its own")


def _key(entry: Entry) -> tuple[str, str]:
    name = entry.name.text if entry.name.delimited and entry.schema is None else entry.name.text.lower()
    return name, (entry.schema or "").lower()


# ----------------------------------------------------- USING and NATURAL


@dataclass(frozen=True, slots=True)
class _Side:
    """A shared column in one frame: its value and the original it stands for."""

    value: Value
    original: tuple[int, int] | None


def _shared(ref: tree.Join, left: Frame, right: Frame) -> list[tuple[str, _Side, _Side]]:
    if ref.using:
        return [(_label(name, left), _side(name, left, "left"), _side(name, right, "right")) for name in ref.using]
    if not ref.natural:
        return []
    theirs = {name.lower() for name, _ in right.star(ref.at)}
    names = [Identifier(name, False, ref.at) for name, _ in left.star(ref.at) if name.lower() in theirs]
    return [(name.text, _side(name, left, "left"), _side(name, right, "right")) for name in names]


def _label(name: Identifier, frame: Frame) -> str:
    """Give the declared spelling of a shared column."""
    for entry in frame.entries:
        for index in entry.find(name):
            return entry.source.columns[index].name
    return name.text


def _side(name: Identifier, frame: Frame, side: str) -> _Side:
    found = [_Side(value, None) for label, value in frame.merged if same(name, label)]
    for entry in frame.entries:
        places = ((id(entry), index) for index in entry.find(name))
        found.extend(_Side(entry.value(place[1], name.at), place) for place in places if place not in frame.hidden)
    if len(found) == 1:
        return found[0]
    message = f"Column {written((), name)} is {'ambiguous in' if found else 'not in'} the {side} table of the join"
    near = [] if found else closest(name.text, frame.names())
    advice = "USING takes a column that both tables have; else write ON a.x = b.y" if not near else ""
    raise UnknownName(message, name.at, advice, suggestions=[adql_name(one) for one in near])


def _merge(
    ref: tree.Join, shared: list[tuple[str, _Side, _Side]], left: Frame, right: Frame
) -> tuple[Condition, Frame]:
    tests = tuple(compared("=", one.value, other.value, ref.at) for _, one, other in shared)
    labels = {label.lower() for label, _, _ in shared}
    merged = tuple((label, _one_value(ref, one.value, other.value)) for label, one, other in shared)
    kept = tuple(pair for pair in left.merged + right.merged if pair[0].lower() not in labels)
    originals = {side.original for _, *sides in shared for side in sides if side.original is not None}
    frame = Frame(left.entries + right.entries, merged + kept, left.hidden | right.hidden | originals)
    return (tests[0] if len(tests) == 1 else Combined("AND", tests)), frame


def _one_value(ref: tree.Join, left: Value, right: Value) -> Value:
    """Give the value of a shared column: that of the side which is always there, or of either in a full join."""
    if ref.kind != "FULL":
        return right if ref.kind == "RIGHT" else left
    if left.info.type != right.info.type:
        message = "A FULL JOIN shares only columns of one type"
        raise AdqlTypeError(message, ref.at, "Use ON")
    return Call("COALESCE", (left, right), left.info, ref.at)
