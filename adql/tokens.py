"""ADQL text to tokens, with one compiled expression (ADQL 2.1 section 2.1)."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from ..config.errors import AdqlSyntaxError, ParameterError, Position
from ..schema.names import NEW_IN_2_1, RESERVED
from .dialects import REPLACEMENTS, SEXAGESIMAL
from .spelling import character_advice, show

NAME, DELIMITED, STRING, NUMBER, END = "name", "delimited", "string", "number", "end"

# A comment is white space. Possessive quantifiers keep hostile text linear and let an unterminated quote fail
# where it begins. A number must not run into a letter: `2mass_id` would silently be `2 AS mass_id`.
_TOKEN = re.compile(
    r"""(?:\s|--[^\r\n]*)*+(?:
      ([A-Za-z][A-Za-z0-9_]*+(?!\w))
    | (,|\.(?![0-9])|\(|\)|\|\||<>|!=|<=|>=|[=<>+\-*/%;])
    | ((?>0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?!\w))
    | ('[^']*(?:''[^']*)*+')
    | ("[^"]*(?:""[^"]*)*+")
    | (\Z)
    | (.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORD, _OPERATOR, _END, _BAD = 1, 2, 6, 7
_KIND = {3: NUMBER, 4: STRING, 5: DELIMITED}
_LINE_BREAK = re.compile(r"\r\n?|\n")
_QUOTED = re.compile("[“”„‟«»‘’‚‛`]([^“”„‟«»‘’‚‛`'\"\r\n]{1,200})[“”„‟«»‘’‚‛`]")  # by any quotes but straight ones
_WORD_AROUND = re.compile(r"[\w.]*\w")
_VERSIONS = {
    "2.0": {word: word for word in RESERVED - NEW_IN_2_1},
    "2.1": {word: word for word in RESERVED},
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text as parallel lists, closed by one of kind `end`.

    `kinds[i]` is the reserved word in upper case, the operator itself (`!=` as `<>`), or one of `name`, `delimited`,
    `string`, `number`, `end`; `starts` and `ends` are offsets in characters into `text`; `lines` holds the offset
    at which each line begins.
    """

    text: str
    kinds: list[str]
    starts: list[int]
    ends: list[int]
    lines: list[int]

    def piece(self, index: int) -> str:
        """Give the text of token `index` as the author wrote it; empty for the end."""
        return self.text[self.starts[index] : self.ends[index]]

    def span(self, first: int, last: int) -> Position:
        """Give the place from token `first` to token `last`, both included."""
        start = self.starts[first]
        line = bisect_right(self.lines, start)
        return Position(start, self.ends[last], line, start - self.lines[line - 1] + 1)


def read(text: str, version: str = "2.1") -> Tokens:
    """Cut `text` into tokens.

    `version` is "2.0" or "2.1" and decides which words are reserved; another one is a ParameterError.
    Raises AdqlSyntaxError at the first character that no token can begin with.
    """
    reserved = _VERSIONS.get(version)
    if reserved is None:
        raise ParameterError(f"ADQL version {show(version)} is unknown; this service reads {' and '.join(_VERSIONS)}")
    kinds: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    tokens = Tokens(text, kinds, starts, ends, line_starts(text))
    for match in _TOKEN.finditer(text):
        group = match.lastindex or _END
        start, end = match.span(group)
        if group == _WORD:
            kinds.append(reserved.get(match.group(_WORD).upper(), NAME))
        elif group == _OPERATOR:
            piece = match.group(_OPERATOR)
            kinds.append("<>" if piece == "!=" else piece)
        elif group == _END:
            break
        elif group == _BAD:
            raise _unreadable(tokens, start)
        else:
            kinds.append(_KIND[group])
        starts.append(start)
        ends.append(end)
    # The end stands right behind the last token, so that an error there is not blamed on a closing comment.
    last = ends[-1] if ends else 0
    kinds.append(END)
    starts.append(last)
    ends.append(last)
    return tokens


def line_starts(text: str) -> list[int]:
    """Give the offsets at which the lines of a text begin."""
    if "\n" not in text and "\r" not in text:
        return [0]
    return [0, *(match.end() for match in _LINE_BREAK.finditer(text))]


def _unreadable(tokens: Tokens, start: int) -> AdqlSyntaxError:
    """Explain the character at `start`; a word or number it belongs to is shown whole."""
    text = tokens.text
    character = text[start]
    line = bisect_right(tokens.lines, start)

    def error(message: str, begin: int, end: int, advice: str, instead: str = "") -> AdqlSyntaxError:
        place = Position(begin, end, line, begin - tokens.lines[line - 1] + 1)
        instead = instead or REPLACEMENTS.get(text[begin:end], "")
        return AdqlSyntaxError(message, place, advice, suggestions=(instead,) if instead else ())

    if character in "'\"":
        what = "text in single quotes" if character == "'" else "name in double quotes"
        advice = f"Close it with {character}; inside of it the quote is doubled: {character * 2}"
        if "\\" in text[max(0, start - 200) : start + 1]:
            advice = "ADQL has no backslash escapes: a quote inside quotes is doubled, as in 'it''s'"
        return error(f"This {what} is not closed", start, len(text), advice)
    around = _WORD_AROUND.match(text, start)
    if around:
        word = around.group()
        return error(f"{show(word)} is neither a name nor a number", start, around.end(), character_advice(word))
    double = text[start : start + 2]
    if double in ("::", "&&"):
        return error(f"ADQL has no {double}", start, start + 2, character_advice(double))
    if character == ":" and text[start - 1 : start].isdigit():
        return error("The character ':' has no place in a number", start, start + 1, SEXAGESIMAL)
    message = f"The character {show(character)} has no place here"
    quoted = _QUOTED.match(text, start)
    if quoted:
        mark = REPLACEMENTS[character]
        return error(message, start, quoted.end(), character_advice(character), mark + quoted[1] + mark)
    return error(message, start, start + 1, character_advice(character))
