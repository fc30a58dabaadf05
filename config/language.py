"""Names of the query language that settings speak of."""

from __future__ import annotations

EXTENSIONS = (
    "CASE",
    "CROSS JOIN",
    "%",
    "COALESCE",
    "NULLIF",
    "GREATEST",
    "LEAST",
    "TABLESAMPLE",
    "MOC",
)
"""What is understood beyond the mandatory and the optional language of ADQL; a site can switch each off."""
