"""The door of the parser: ADQL text to tree."""

from __future__ import annotations

from . import tree
from .parse_queries import QueryReader
from .tokens import read


def parse(text: str, version: str = "2.1") -> tree.Query:
    """Read one ADQL query (ADQL 2.1 appendix A, with the extensions below).

    `version` "2.0" frees the words that became reserved in 2.1; another one than "2.0" and "2.1" is a ParameterError.
    Extensions: CASE, CROSS JOIN, `%`, hexadecimal numbers, TRUE and FALSE, NULLIF, column names in WITH, IS NULL on any
    value, a closing semicolon. Raises AdqlSyntaxError, with position and advice; the caller limits the length of
    `text`. No tree is taller than a few hundred nodes, so that recursive readers are safe.
    """
    return QueryReader(read(text, version)).statement()
