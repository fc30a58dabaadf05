"""How ADQL spells what other SQL dialects, or habits of writing, spell otherwise: tables of advice."""

from __future__ import annotations

STRAIGHT_QUOTES = "Use straight quotes: 'text' for strings and \"name\" for names"
READ_ONLY = "ADQL only reads: nothing can be stored, changed or configured by it"
ORDER_OF_CLAUSES = "The order is SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … OFFSET, each clause once"
COMMENTS = "A comment begins with -- and ends with the line"
A_CASE = "Write CASE WHEN condition THEN value ELSE value END"
_WINDOW = "ADQL has no window functions: aggregate in a subquery with GROUP BY and join it"
_ROWS = "ADQL limits rows at the beginning: SELECT TOP 10 …; OFFSET n at the end skips rows"
_QUANTIFIED = "ADQL compares with single values: use IN (subquery), EXISTS, or MIN and MAX in a subquery"
_GROUPING = "ADQL groups only by plain columns and expressions: unite several queries with UNION ALL"
_PATTERN = "ADQL matches text with LIKE and ILIKE: % stands for any text, _ for one character"
_BITS = "ADQL has no bitwise operators; MOD(x, y) and division can replace some of them"
_NOW = "Write the time out: CAST('2025-01-31T12:00:00' AS TIMESTAMP)"
_LISTED = "TAP_SCHEMA.tables and TAP_SCHEMA.columns list all tables and columns"
_MOMENT = "A time is a text beside a timestamp, as in t > '2020-01-31T12:00:00', or CAST('2020-01-31' AS TIMESTAMP)"
_PARTS = (
    "ADQL has no parts of dates: compare whole times, as in t >= '2020-01-01' AND t < '2021-01-01', or ivo_to_mjd(t)"
)
_SUBSTRING = "ADQL has no substrings: match with LIKE"
_LENGTH = "ADQL has no length of texts: match with LIKE"
_COALESCE = "Write COALESCE(x, y)"
_CONE = "Write 1 = CONTAINS(POINT(ra, dec), CIRCLE(lon, lat, radius)), all in degrees"

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
    "CURRENT_DATE": _NOW,
    "CURRENT_TIMESTAMP": _NOW,
    "ESCAPE": "LIKE has no ESCAPE clause in ADQL: _ and % always match",
    "FOR": "ADQL only reads: leave FOR out",
    "ISNULL": "Write IS NULL",
    "LATERAL": "ADQL has no LATERAL: join on a condition instead",
    "MINUS": "Write EXCEPT",
    "NOLOCK": "ADQL has no hints: leave WITH (…) out",
    "NOTNULL": "Write IS NOT NULL",
    "PERCENT": "TOP takes a number of rows, no percentage",
    "RECURSIVE": "WITH is not recursive in ADQL",
    "TABLESAMPLE": "A sample stands behind a table in FROM: FROM t TABLESAMPLE (1) reads about one percent of its rows",
    "VALUES": "ADQL reads rows only from tables: upload yours and use TAP_UPLOAD.name",
}

# Functions of other dialects, upper case -> what ADQL has instead.
OTHER_FUNCTIONS: dict[str, str] = {
    **dict.fromkeys(
        ("LEN", "LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH"), "ADQL has no length of texts: match with LIKE"
    ),
    **dict.fromkeys(("NOW", "GETDATE", "SYSDATE", "TODAY"), _NOW),
    **dict.fromkeys(("SUBSTRING", "SUBSTR", "MID", "SPLIT_PART"), _SUBSTRING),
    **dict.fromkeys(("ISNULL", "IFNULL", "NVL"), _COALESCE),
    **dict.fromkeys(("IF", "IIF", "DECODE"), A_CASE),
    **dict.fromkeys(("EXTRACT", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "DATE_PART", "DATE_TRUNC"), _PARTS),
    **dict.fromkeys(("STDDEV", "STDEV", "STDDEV_SAMP", "STDDEV_POP", "STD"), "Compute SQRT(AVG(x*x) - AVG(x)*AVG(x))"),
    **dict.fromkeys(("VARIANCE", "VAR_SAMP", "VAR_POP", "VAR"), "Compute AVG(x*x) - AVG(x)*AVG(x)"),
    **dict.fromkeys(("MEDIAN", "PERCENTILE_CONT"), "ADQL has no medians: ivo_histogram counts values in bins"),
    **dict.fromkeys(("DATE", "TIME", "TO_DATE", "TO_TIMESTAMP"), _MOMENT),
    **dict.fromkeys(("ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD", "NTILE"), _WINDOW),
    **dict.fromkeys(("Q3C_RADIAL_QUERY", "Q3C_JOIN", "SPOINT", "SCIRCLE", "FGETNEARBYOBJEQ", "CONE_SEARCH"), _CONE),
    **dict.fromkeys(("Q3C_DIST", "HAVERSINE", "ANGDIST", "SKYDISTANCE"), "Write DISTANCE(lon1, lat1, lon2, lat2)"),
    **dict.fromkeys(("REGEXP_MATCHES", "REGEXP_LIKE"), _PATTERN),
    "CEIL": "Write CEILING(x)",
    "CONCAT": "Join texts by ||",
    "CONVERT": "Write CAST(value AS type)",
    "LN": "The natural logarithm is LOG",
    "LOG2": "Write LOG(x) / LOG(2)",
    "POW": "Write POWER(x, y)",
    "SQUARE": "Write x * x or POWER(x, 2)",
    "RANDOM": "Write RAND()",
    "TRIM": "ADQL has no TRIM: match with LIKE '%text%'",
    "TRUNC": "Write TRUNCATE(x)",
}

# Reserved words in front of a text: literals of standard SQL that ADQL lacks.
TYPED_LITERALS = {
    **dict.fromkeys(("DATE", "TIME", "TIMESTAMP"), _MOMENT),
    "INTERVAL": "ADQL has no intervals: compute with days, as in ivo_to_mjd(t) > 58849 - 30",
}

# Pieces that stand side by side, the second being the one that is not expected.
PAIRS: dict[tuple[str, str], str] = {
    ("=", "="): "Write a single =",
    ("=", ">"): "Write >=",
    ("=", "<"): "Write <=",
    ("<", ">"): "Write <> without a space",
    ("*", "*"): "Write POWER(x, y)",
    ("DISTINCT", "ON"): "ADQL has no DISTINCT ON: use GROUP BY with MIN or MAX",
    ("IS", "DISTINCT"): "IS is followed only by NULL or NOT NULL: write a <> b OR a IS NULL …",
    ("IS", "TRUE"): "IS is followed only by NULL or NOT NULL: write = TRUE",
    ("IS", "FALSE"): "IS is followed only by NULL or NOT NULL: write = FALSE",
    ("UNION", "DISTINCT"): "UNION removes duplicates by itself: leave DISTINCT out",
    ("IN", "SELECT"): "The subquery stands in parentheses: IN (SELECT …)",
    ("WITH", "ROLLUP"): _GROUPING,
    ("/", "*"): COMMENTS,
    ("*", "/"): COMMENTS,
    (".", "."): "Names are joined by one point: schema.table",
    ("(", "*"): "Only COUNT takes *: COUNT(*) counts rows",
    (",", ","): "There are two commas in a row: remove one",
}

# What a text begins with instead of SELECT, upper case -> advice; for other words see `unexpected`.
BEGINNINGS: dict[str, str] = {
    "FROM": "Write SELECT columns before FROM: SELECT * FROM …",
    ";": "Remove the semicolon",
    "EXPLAIN": "POST /tap/check tells how a query is understood and what it reads, without running it",
    **dict.fromkeys(("SHOW", "DESCRIBE", "DESC", "PRAGMA"), _LISTED),
    **dict.fromkeys(
        """INSERT UPDATE DELETE CREATE DROP ALTER COPY SET GRANT REVOKE TRUNCATE MERGE REPLACE CALL EXEC EXECUTE DO
        BEGIN COMMIT ROLLBACK USE ATTACH DETACH INSTALL LOAD VACUUM ANALYZE DECLARE IMPORT EXPORT RESET LOCK""".split(),
        READ_ONLY,
    ),
}

# Characters that begin no token -> advice; where what to write instead is one piece, it stands in REPLACEMENTS.
CHARACTERS: dict[str, str] = {
    **dict.fromkeys("“”„‟‘’‚‛«»′″´", STRAIGHT_QUOTES),
    **dict.fromkeys("&|", _BITS),
    **dict.fromkeys("{}", "ADQL has no braces"),
    **dict.fromkeys("[]", "ADQL has no arrays and no brackets around names: names go in double quotes"),
    **dict.fromkeys("$?:", "ADQL has no variables or parameters: write the value itself"),
    "@": "ADQL has no variables; regions are compared by 1 = CONTAINS(a, b) and 1 = INTERSECTS(a, b)",
    "::": "Write CAST(value AS type)",
    **dict.fromkeys("‐‑‒–—−", "Write the minus sign of the keyboard: -"),
    "~": _PATTERN,
    "^": "Write POWER(x, y)",
    "`": 'Names with special characters go in double quotes: "name"',
    "°": "Angles are plain numbers in degrees",
    "!": "Write <> or != for unequal, NOT to negate a condition",
    "\\": "ADQL has no backslash escapes: a quote inside quotes is doubled, as in 'it''s'",
    "#": "A comment begins with --; temporary tables are uploads here: TAP_UPLOAD.name",
}
REPLACEMENTS: dict[str, str] = {
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′´", "'"),
    **dict.fromkeys("‐‑‒–—−", "-"),
    "`": '"',
    "≤": "<=",
    "≥": ">=",
    "≠": "<>",
    "×": "*",
    "&&": "AND",
}
"""Characters, and two in a row, that have one meaning -> what ADQL writes for it."""

SEXAGESIMAL = (
    "Angles are decimal degrees: 12h34m56s is 15*(12 + 34/60.0 + 56/3600.0), 12d34m56s is 12 + 34/60.0 + 56/3600.0"
)
