"""Texts, patterns, identifiers and timestamps (ADQL 2.1 sections 2.1, 2.2, 3.2, 4.3; DALI 1.1 section 3.3.3)."""
# ruff: noqa: E501

from datetime import datetime

from tests.contract.case import Case, found, values

T = datetime(2014, 8, 1, 12, 30, 15, 250000)
CASES = (
    *values(
        "2.1.3 character literals",
        ("'Earth''s'", "Earth's"), ("''", ""), ("''''", "'"), ("'a\\b'", "a\\b"), ("'\\n'", "\\n"), ("'-- no comment'", "-- no comment"), ("'/* */'", "/* */"), ("'Ω €'", "Ω €"), ("'\U0001f600'", "\U0001f600"), ("'a' || 'b'", "ab"), ("s || '-' || w", "abc-Äpfel ß Ω"), ("s || nos", None), ("s || empty", "abc"), ("'%d %s ?'", "%d %s ?"), ("'a;b'", "a;b"), ("'$1 {x}'", "$1 {x}"),
        ("empty", ""), ("nos", None), ("s || i", "abc7"), ("'x' || NULL", None),
    ),
    *values(
        "4.3 LOWER and UPPER",
        ("LOWER('ABC')", "abc"), ("UPPER(s)", "ABC"), ("LOWER(w)", "äpfel ß ω"), ("UPPER('äöü')", "ÄÖÜ"), ("LOWER(nos)", None), ("UPPER(nos)", None), ("UPPER(empty)", ""), ("LOWER('ÀÉÎ')", "àéî"),
    ),
    *values(
        "4.5 CAST to texts",
        ("CAST(s AS CHAR(2))", "ab"), ("CAST(s AS VARCHAR(10))", "abc"), ("CAST('äöü' AS VARCHAR(2))", "äö"), ("CAST(t AS VARCHAR)", "2014-08-01T12:30:15.25"), ("CAST(t AS CHAR(10))", "2014-08-01"), ("CAST(nothing AS VARCHAR)", None), ("CAST(nos AS CHAR(3))", None),
    ),
    # -------------------------------------------------------- comparisons
    *found(
        "2.2.1 comparisons of texts", "words",
        ("word = 'abc'", [0]), ("word = 'ABC'", [1]), ("word = 'abc '", [13]), ("'abc' = word", [0]), ("word <> 'abc'", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19]), ("word = ''", [5]), ("word IS NULL", [12]), ("word IS NOT NULL AND word < 'A'", [5]),
        ("word < 'a'", [1, 5, 15]), ("word > 'z'", [6, 7, 14, 16, 17, 19]), ("word BETWEEN 'A' AND 'a'", [1, 15]), ("word IN ('abc', 'zebra', NULL)", [0, 14]), ("word NOT IN ('abc', NULL)", []), ("word = 'Äpfel'", [6]), ("word = 'é'", [17]), ("word = 'fi'", []), ("word = 'a''b'", [8]), ("word = 'end\\'", [11]),
    ),
    *found(
        "2.2.4 LIKE", "words",
        ("word LIKE 'a%'", [0, 2, 3, 4, 8, 13]), ("word LIKE 'A%'", [1]), ("word LIKE 'a_c'", [0, 3, 4]), ("word LIKE 'a\\%'", [2]), ("word LIKE 'a\\_c'", [2]), ("word LIKE 'a\\bc'", [2]), ("word LIKE '%\\'", [11]), ("word LIKE '%\\\\%'", []), ("word LIKE ''", [5]), ("word LIKE '%'", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19]),
        ("word LIKE word", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19]), ("word NOT LIKE '%a%'", [1, 5, 6, 7, 10, 11, 16, 17, 18, 19]), ("word LIKE '%''%'", [8]), ("word LIKE 'line%'", [10]), ("word LIKE 'line_end'", [10]), ("word LIKE '_'", [16, 17, 19]), ("word LIKE '__'", [18]), ("word LIKE '_pfel'", [6, 7]), ("word LIKE 'abc'", [0]), ("word LIKE '%b' || 'c%'", [0, 2, 13]), ("word LIKE NULL", []), ("NOT word LIKE 'a%'", [1, 5, 6, 7, 9, 10, 11, 14, 15, 16, 17, 18, 19]) ,
        ("word LIKE '%.%'", []), ("word LIKE '[a]%'", []), ("word LIKE '%c '", [13]),
    ),
    *found(
        "4.3 ILIKE", "words",
        ("word ILIKE 'abc'", [0, 1]), ("word ILIKE 'ABC%'", [0, 1, 13]), ("word ILIKE 'äPFEL'", [6, 7]), ("word NOT ILIKE '%A%'", [5, 6, 7, 10, 11, 16, 17, 18, 19]) , ("word ILIKE 'A\\_C'", [2]), ("word ILIKE 'ZEBRA'", [14, 15]), ("word ILIKE 'END\\'", [11]),
    ),
    Case("2.2 order of texts", "SELECT n FROM words ORDER BY word, n", [(n,) for n in (5, 1, 15, 3, 8, 2, 4, 0, 13, 11, 18, 10, 9, 14, 6, 7, 17, 19, 16, 12)]),
    Case("2.2 order of texts, descending", "SELECT TOP 4 n FROM words WHERE n NOT IN (16, 19) ORDER BY word DESC", [(17,), (7,), (6,), (14,)]),
    Case("2.2 smallest and largest text", "SELECT MIN(word), MAX(word), COUNT(DISTINCT word) FROM words WHERE n < 12", [("", "äpfel", 12)]),
    Case("2.2 groups of texts", "SELECT LOWER(word) AS k, COUNT(*) FROM words WHERE n IN (0, 1, 13, 14, 15) GROUP BY LOWER(word) ORDER BY k", [("abc", 2), ("abc ", 1), ("zebra", 2)]),
    # -------------------------------------------------------- identifiers
    *values("2.1.4 identifiers", ("I", 7), ("one.I", 7), ("ONE.i", 7), ("s.one.i", 7), ("S.ONE.\"i\"", 7), ("mixed", 5), ("\"Mixed\"", 5), ("\"odd \"\"name\"\"\"", 6), ("\"size\"", 4), ("one.\"size\" + Mixed", 9)),
    Case("2.1.4 identifiers", "SELECT \"s\".id FROM (SELECT id FROM a WHERE id = 1) AS S", [(1,)]),
    Case("2.1.4 identifiers", "SELECT X.ID FROM a AS x WHERE x.Id = 2", [(2,)]),
    Case("2.1.4 identifiers", "select I as \"Select\" from ONE", [(7,)]),
    Case("2.1.2 comments", "SELECT i -- the seventh\n, s --\nFROM one -- end", [(7, "abc")]),
    # --------------------------------------------------------- timestamps
    *values(
        "3.2 TIMESTAMP",
        ("t", T), ("nothing", None), ("CAST('2014-08-01T12:30:15.25' AS TIMESTAMP)", T), ("CAST('2014-08-01T12:30:15.25Z' AS TIMESTAMP)", T), ("CAST('2000-01-01' AS TIMESTAMP)", datetime(2000, 1, 1)), ("CAST('2000-01-01T12:00:00' AS TIMESTAMP)", datetime(2000, 1, 1, 12)), ("CAST('2000-01-01 12:00:00.000001' AS TIMESTAMP)", datetime(2000, 1, 1, 12, 0, 0, 1)), ("CAST(NULL AS TIMESTAMP)", None),
        ("CAST(s AS TIMESTAMP)", None), ("CAST('2001-02-' || '03' AS TIMESTAMP)", datetime(2001, 2, 3)), ("CAST('2001-02-03T04:05:06' || 'Z' AS TIMESTAMP)", datetime(2001, 2, 3, 4, 5, 6)), ("COALESCE(nothing, t)", T), ("CASE WHEN t > '2014-01-01' THEN t END", T), ("GREATEST(t, nothing)", T), ("CAST(CAST(t AS VARCHAR) AS TIMESTAMP)", T),
    ),
    *found(
        "3.2 TIMESTAMP comparisons", "times",
        ("t = '2000-01-01'", [1]), ("t = '2000-01-01T00:00:00Z'", [1]), ("'2000-01-01' = t", [1]), ("t = '2000-01-01T00:00:00.000001'", [5]), ("t > '2000-01-01'", [4, 5]), ("t >= '2000-01-01T00:00:00'", [1, 4, 5]), ("t < '2000-01-01T00:00:00'", [0, 3]), ("t <> '2000-01-01'", [0, 3, 4, 5]), ("t BETWEEN '1999-12-31T23:59:59' AND '2000-01-01'", [0, 1]),
        ("t NOT BETWEEN '1999-12-31T23:59:59' AND '2000-01-01'", [3, 4, 5]), ("t IN ('2000-01-01', '0001-01-01T00:00:00')", [1, 3]), ("t NOT IN ('2000-01-01', '0001-01-01T00:00:00')", [0, 4, 5]), ("t IS NULL", [2]), ("t > CAST('2000-01-01T00:00:00Z' AS TIMESTAMP)", [4, 5]), ("t = '1999-12-31T23:59:59.000005'", [0]), ("t = '9999-12-31T23:59:59.999999'", [4]),
    ),
    Case("3.2 TIMESTAMP aggregates", "SELECT MIN(t), MAX(t), COUNT(t), COUNT(DISTINCT t) FROM times", [(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), 5, 5)]),
    Case("3.2 TIMESTAMP order", "SELECT n FROM times ORDER BY t", [(3,), (0,), (1,), (5,), (4,), (2,)]),
    Case("3.2 TIMESTAMP order", "SELECT n FROM times ORDER BY t DESC", [(4,), (5,), (1,), (0,), (3,), (2,)]),
)  # fmt: skip
