"""What to tell the author of a query: near misses of names, and how ADQL spells what other dialects spell otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ..schema.names import NEW_IN_2_1

_LONGEST_NAME = 64
_SHOWN = 40

STRAIGHT_QUOTES = "Use straight quotes: 'text' for strings and \"name\" for names"
READ_ONLY = "ADQL only reads: nothing can be stored, changed or configured by it"
_WINDOW = "ADQL has no window functions: aggregate in a subquery with GROUP BY and join it"
_ROWS = "ADQL limits rows at the beginning: SELECT TOP 10 …; OFFSET n at the end skips rows"
_QUANTIFIED = "ADQL compares with single values: use IN (subquery), EXISTS, or MIN and MAX in a subquery"
_GROUPING = "ADQL groups only by plain columns and expressions: unite several queries with UNION ALL"
_TYPES = (
    "CAST knows SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR(n), VARCHAR(n), TIMESTAMP, "
    "POINT, CIRCLE, POLYGON"
)
_PATTERN = "ADQL matches text with LIKE and ILIKE: % stands for any text, _ for one character"
_BITS = "ADQL has no bitwise operators; MOD(x, y) and division can replace some of them"

# Words of other SQL dialects, upper case -> what ADQL has instead.
OTHER_SQL: dict[str, str] = {
    **dict.fromkeys(("LIMIT", "FETCH", "ROWNUM", "ROWS"), _ROWS),
    **dict.fromkeys(("OVER", "PARTITION", "WINDOW", "QUALIFY"), _WINDOW),
    **dict.fromkeys(("ANY", "SOME"), _QUANTIFIED),
    **dict.fromkeys(("ROLLUP", "CUBE", "GROUPING"), _GROUPING),
    **dict.fromkeys(("REGEXP", "RLIKE", "SIMILAR", "GLOB"), _PATTERN),
    **dict.fromkeys(
        ("NULLS",), "ADQL leaves the place of NULL in ORDER BY to the service: leave NULLS FIRST or LAST out"
    ),
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INTO", "COPY"), READ_ONLY),
    "COLLATE": "ADQL has no COLLATE: compare LOWER(a) with LOWER(b), or use ILIKE",
    "CURRENT_DATE": "Write the time out: CAST('2025-01-31T12:00:00' AS TIMESTAMP)",
    "CURRENT_TIMESTAMP": "Write the time out: CAST('2025-01-31T12:00:00' AS TIMESTAMP)",
    "ESCAPE": "LIKE has no ESCAPE clause in ADQL: _ and % always match",
    "FOR": "ADQL only reads: leave FOR out",
    "ISNULL": "Write IS NULL",
    "LATERAL": "ADQL has no LATERAL: join on a condition instead",
    "MINUS": "Write EXCEPT",
    "NOTNULL": "Write IS NOT NULL",
    "RECURSIVE": "WITH is not recursive in ADQL",
    "TABLESAMPLE": "ADQL has no TABLESAMPLE: many tables have a random index column to restrict, or use RAND() < 0.01",
    "VALUES": "ADQL reads rows only from tables: upload yours and use TAP_UPLOAD.name",
}

# Two pieces that stand side by side, the second being the one that is not expected.
PAIRS: dict[tuple[str, str], str] = {
    ("=", "="): "Write a single =",
    ("=", ">"): "Write >=",
    ("=", "<"): "Write <=",
    ("<", ">"): "Write <> without a space",
    ("DISTINCT", "ON"): "ADQL has no DISTINCT ON: use GROUP BY with MIN or MAX",
    ("IS", "DISTINCT"): "IS is followed only by NULL or NOT NULL: write a <> b OR a IS NULL …",
    ("IS", "TRUE"): "IS is followed only by NULL or NOT NULL: write = 1",
    ("IS", "FALSE"): "IS is followed only by NULL or NOT NULL: write = 0",
    ("UNION", "DISTINCT"): "UNION removes duplicates by itself: leave DISTINCT out",
    ("IN", "SELECT"): "The subquery stands in parentheses: IN (SELECT …)",
    ("WITH", "ROLLUP"): _GROUPING,
    ("/", "*"): "A comment begins with -- and ends with the line",
    ("*", "/"): "A comment begins with -- and ends with the line",
    (".", "."): "Names are joined by one point: schema.table",
}

_CHARACTERS: dict[str, str] = {
    **dict.fromkeys("“”„‟‘’‚‛«»′″´", STRAIGHT_QUOTES),
    **dict.fromkeys("&|^~", _BITS),
    **dict.fromkeys("[]{}", "ADQL has no arrays and no brackets around names: names go in double quotes"),
    **dict.fromkeys("‐‑‒–—−", "Write the minus sign of the keyboard: -"),
    **dict.fromkeys("@$?:", "ADQL has no variables or parameters: write the value itself"),
    "`": 'Names with special characters go in double quotes: "name"',
    "≤": "Write <=",
    "≥": "Write >=",
    "≠": "Write <>",
    "×": "Write *",
    "°": "Angles are plain numbers in degrees",
    "!": "Write <> or != for unequal, NOT to negate a condition",
    "\\": "ADQL has no backslash escapes: a quote inside quotes is doubled, as in 'it''s'",
    "#": "A comment begins with --",
    "::": "Write CAST(value AS type)",
}


def show(text: str) -> str:
    """Quote a piece of the author's text for a message: short, on one line, nothing unprintable."""
    text = " ".join(text[: 4 * _SHOWN].split()) or text
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    safe = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return f"'{safe}'" if "'" not in safe else safe


def closest(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """Find the candidates that `name` was perhaps meant to be, best first, at most `most`, as they are spelled.

    Case and underscores do not count; otherwise up to a third of the characters may be wrong, missing, too many or
    swapped with their neighbour.
    """
    wanted = _fold(name)
    if not wanted or len(wanted) > _LONGEST_NAME:
        return []
    allowed = max(1, len(wanted) // 3)
    near: dict[str, int] = {}
    for candidate in candidates:
        other = _fold(candidate)
        if abs(len(other) - len(wanted)) <= allowed and len(set(wanted) ^ set(other)) <= 2 * allowed:
            distance = _distance(wanted, other)
            if distance <= allowed and distance < len(wanted):
                near[candidate] = distance
    return sorted(near, key=lambda candidate: (near[candidate], candidate))[:most]


def reserved_advice(word: str) -> str:
    """Say how a reserved word becomes a name."""
    return f'{word.upper()} is a reserved word: if it is meant as a name, write "{word}" in double quotes'


def new_word_advice(word: str) -> str:
    """Say that `word` is a keyword only from ADQL 2.1 on; empty for other words."""
    upper = word.upper()
    return f"{upper} belongs to ADQL 2.1: send the query with LANG=ADQL-2.1" if upper in NEW_IN_2_1 else ""


def quoted_text_advice(name: str) -> str:
    """Say that double quotes make a name, for a quoted name that was perhaps meant as text."""
    text = name.replace("'", "''")
    return f"Double quotes make a name; if it is meant as text, write '{text}' in single quotes"


def type_advice(word: str) -> str:
    """Say which types CAST knows, and the nearest to `word`."""
    instead = _TYPE_SPELLINGS.get(word.upper(), "")
    return f"Write {instead}" if instead else _TYPES


def character_advice(piece: str) -> str:
    """Say what to write instead of a character, or of a word that begins like no name or number."""
    if piece in _CHARACTERS:
        return _CHARACTERS[piece]
    if any(character.isalnum() or character == "_" for character in piece):
        if len(piece) > 2 and piece[0] == "0" and piece[1] in "xX":
            return "Hexadecimal numbers are written like 0xFF"
        return (
            "A name is made of letters A-Z, digits and _ and begins with a letter; "
            f'any other goes in double quotes: "{piece[:_SHOWN]}"'
        )
    name = unicodedata.name(piece[0], "")
    return f"It is the character {name}" if name and ord(piece[0]) > 126 else ""


_TYPE_SPELLINGS = {
    **dict.fromkeys(("FLOAT", "DOUBLE", "FLOAT8", "NUMERIC", "DECIMAL", "NUMBER"), "DOUBLE PRECISION"),
    **dict.fromkeys(("INT", "INT4"), "INTEGER"),
    **dict.fromkeys(("INT8", "LONG"), "BIGINT"),
    **dict.fromkeys(("INT2", "SHORT"), "SMALLINT"),
    **dict.fromkeys(("TEXT", "STRING", "CHARACTER", "NVARCHAR", "NCHAR", "CLOB"), "VARCHAR"),
    **dict.fromkeys(("DATE", "DATETIME", "TIME"), "TIMESTAMP"),
    "FLOAT4": "REAL",
}


def _fold(name: str) -> str:
    return name.casefold().replace("_", "")


def _distance(left: str, right: str) -> int:
    """Count the edits between two short texts; a swap of neighbours is one."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        here = [row]
        for column, other in enumerate(right, 1):
            cost = min(above[column] + 1, here[column - 1] + 1, above[column - 1] + (one != other))
            if row > 1 and column > 1 and one == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, above = above, here
    return above[-1]
