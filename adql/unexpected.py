"""Make the error for a token that the grammar does not expect: where the fault is, what stands there, what could."""

from __future__ import annotations

from ..config.errors import AdqlSyntaxError
from ..schema.names import RESERVED
from .advice import advice, follows_alias, is_foreign, is_structure, reserved_here, unclosed
from .dialects import PAIRS
from .expected import A_FROM, A_QUERY, NAMING, choices, keywords, listed
from .spelling import closest, show
from .tokens import END, NAME, NUMBER, Tokens


def unexpected(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError:
    """Make the error for token `index` standing where `expected` is needed.

    The place is that of the word to blame: a comma too many, or a misspelled keyword that was taken for an alias,
    stands before `index`.
    """
    return (
        _comma_too_many(tokens, index, expected)
        or _misspelled_word(tokens, index, expected)
        or _misspelled_alias(tokens, index, expected)
        or _other(tokens, index, expected)
    )


def _comma_too_many(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Blame the comma before a clause, a parenthesis or the end."""
    kind = tokens.kinds[index]
    ends = kind in (")", END) or (is_structure(kind) and expected in NAMING)
    if not ends or index == 0 or tokens.kinds[index - 1] != ",":
        return None
    if kind == END and unclosed(tokens, index) is not None:
        return None
    before = "the end" if kind == END else kind
    return AdqlSyntaxError(f"There is a comma too many before {before}", tokens.span(index - 1, index - 1), "Remove it")


def _misspelled_word(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Offer keywords for a word that is near one, where none of another dialect or version explains it."""
    if tokens.kinds[index] != NAME:
        return None
    piece = tokens.piece(index)
    pair = (tokens.piece(index - 1).upper(), piece.upper()) if index else ("", "")
    if is_foreign(piece) or pair in PAIRS:
        return None
    near = closest(piece, keywords(tokens, index, expected) if index else ("SELECT", "WITH"))
    return _error(tokens, index, expected, suggestions=near) if near else None


def _misspelled_alias(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError | None:
    """Blame the name before `index`: a misspelled or foreign keyword is taken for an alias, or for a column, there."""
    before = index - 1
    alias = tokens.piece(before) if index else ""
    near: list[str] = []
    if follows_alias(tokens, index, expected):
        if not is_foreign(alias):
            near = closest(alias, keywords(tokens, before, expected))
    elif index and expected == A_FROM and tokens.kinds[before] == NAME and tokens.kinds[index] == NUMBER:
        near = closest(alias, ("TOP",)) if tokens.kinds[index - 2] in ("SELECT", "DISTINCT") else []
    if not near and not (follows_alias(tokens, index, expected) and is_foreign(alias)):
        return None
    return AdqlSyntaxError(
        f"{show(alias)} is no keyword of ADQL, and as a name it cannot stand before {_found(tokens, index)}",
        tokens.span(before, before),
        "" if near else advice(tokens, index, expected),
        expected=choices(tokens, before, expected),
        suggestions=near,
    )


def _other(tokens: Tokens, index: int, expected: str) -> AdqlSyntaxError:
    said = advice(tokens, index, expected)
    quoted = (f'"{tokens.piece(index)}"',) if reserved_here(tokens, index, said) else ()
    return _error(tokens, index, expected, said, quoted)


def _error(
    tokens: Tokens, index: int, expected: str, said: str = "", suggestions: tuple[str, ...] | list[str] = ()
) -> AdqlSyntaxError:
    message = _message(tokens, index, expected)
    place = tokens.span(index, index)
    possible = choices(tokens, index, expected)
    return AdqlSyntaxError(message, place, said, expected=possible, suggestions=suggestions)


def _message(tokens: Tokens, index: int, expected: str) -> str:
    kind = tokens.kinds[index]
    needed = listed(tokens, index, expected)
    if kind == END:
        return f"The query ends where {needed} is expected" if index else "The query is empty"
    if index == 0 and expected == A_QUERY:
        return f"A query begins with SELECT or WITH, not with {_found(tokens, index)}"
    found = _found(tokens, index)
    reserved = kind in RESERVED and expected in NAMING and not is_structure(kind)
    return f"Expected {needed}, found {'the reserved word ' if reserved else ''}{found}"


def _found(tokens: Tokens, index: int) -> str:
    return show(tokens.piece(index)) if tokens.kinds[index] != END else "the end of the query"
