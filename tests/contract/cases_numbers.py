"""Numbers: literals, arithmetic, the edges of the types, rounding, casts and aggregates (ADQL 2.1 sections 2.1, 2.3, 3, 4.6)."""
# ruff: noqa: E501

from tests.contract.case import Case, found, values
from tests.contract.tables import LEAST, MOST

CASES = (
    # ------------------------------------------------------------ literals
    *values(
        "2.1.3 literals",
        ("12", 12), ("12.", 12.0), (".5", 0.5), ("5.", 5.0), ("1.2E-4", 1.2e-4), ("1e3", 1000.0), ("1.e2", 100.0), (".5e1", 5.0),
        ("1e308", 1e308), ("1.7976931348623157e308", 1.7976931348623157e308), ("1e-320", 1e-320), ("5e-324", 5e-324), ("1e-400", 0.0),
        ("0.1", 0.1), ("123456789.123456789", 123456789.123456789), ("9007199254740993", 9007199254740993), ("9223372036854775807", MOST),
        ("9223372036854775808", 9223372036854775808.0), ("-9223372036854775808", -9223372036854775808.0), ("2147483648", 2147483648),
        ("-0.0", -0.0), ("007", 7), ("+5", 5), ("0xFF", 255), ("- 7", -7), ("1e0", 1.0),
        ("big", 1e308), ("tiny", 1e-320), ("bmax", MOST), ("bmin", LEAST), ("f", 1.5), ("u", 255), ("h", 300),
    ),
    # ------------------------------------------------------- integer division
    *values(
        "2.3 division",
        ("7/2", 3), ("-7/2", -3), ("7/-2", -3), ("-7/-2", 3), ("1/60", 0), ("1/60.", 1 / 60), ("0/5", 0),
        ("i/2", 3), ("neg/2", -3), ("i/-2", -3), ("neg/-2", 3), ("i/n", 7), ("i/2.0", 3.5), ("i/d", 2.8), ("h/7", 42), ("u/2", 127), ("b/7", 142857142857),
        ("f/2", 0.75), ("i/4*4", 4), ("4*i/4", 7), ("i - 4 - 1", 2), ("100/10/5", 2), ("2+3*4", 14), ("(2+3)*4", 20), ("i*-n", -7), ("-i*n", -7), ("- i - - n", -6),
        ("bmax/2", 4611686018427387903), ("bmin/2", -4611686018427387904), ("bmin/-1", None), ("bmin/neg", 1317624576693539401), ("imin/-1", None),
        ("1/0", None), ("i/zero", None), ("d/0", None), ("d/zero", None), ("0/zero", None), ("0.0/0.0", None), ("i/(n-1)", None), ("bmax/zero", None), ("i/nil", None), ("nil/zero", None),
    ),
    *values(
        "2.3 remainder",
        ("7 % 3", 1), ("-7 % 3", -1), ("7 % -3", 1), ("i % 4", 3), ("neg % 4", -3), ("i % zero", None), ("d % 1", 0.5), ("dneg % 1", -0.5), ("d % 0", None),
        ("MOD(7, 3)", 1), ("MOD(-7, 3)", -1), ("MOD(7, -3)", 1), ("MOD(i, 4)", 3), ("MOD(neg, 4)", -3), ("MOD(d, 1)", 0.5), ("MOD(dneg, 1)", -0.5), ("MOD(i, zero)", None),
        ("MOD(d, zero)", None), ("MOD(7.5, -2)", 1.5), ("MOD(bmin, -1)", 0), ("bmin % -1", 0), ("bmin % neg", -1), ("MOD(bmax, 10)", 7), ("MOD(nil, 3)", None), ("MOD(3, nil)", None),
    ),
    # -------------------------------------------------------------- BIGINT
    *values(
        "3 BIGINT",
        ("bmax + 0", MOST), ("bmax + 1", None), ("bmax + n", None), ("1 + bmax", None), ("bmin - 1", None), ("bmin - n", None), ("bmax - bmin", None), ("bmax * 2", None), ("bmax * neg", None),
        ("bmin * -1", None), ("-bmin", None), ("-bmax", -MOST), ("-(bmin)", None), ("bmax * 1", MOST), ("bmin + bmax", -1), ("bmax - 1", MOST - 1), ("bmax * 1.0", float(MOST)),
        ("bmax + 1.0", float(MOST)), ("bmin + 0.0", float(LEAST)), ("imax + 1", 2147483648), ("imax + n", 2147483648), ("imin - 1", -2147483649), ("imax * imax", 4611686014132420609), ("-imin", 2147483648),
        ("hmax + 1", 32768), ("hmax * hmax", 1073676289), ("-hmax", -32767), ("u + 1", 256), ("u * u", 65025), ("u - 300", -45), ("-u", -255), ("imax * imax * imax", None),
        ("b * b", None), ("b + b", 2 * 10**12), ("nob + 1", None), ("nil * 2", None), ("-nil", None), ("b * 1000000", 10**18), ("b * 10000000", None),
        ("ABS(neg)", 7.0), ("ABS(bmin)", 9223372036854775808.0), ("ABS(bmax)", float(MOST)),
    ),
    *found("3 BIGINT comparisons", "bigs", ("b = 9223372036854775807", [0]), ("b > 9223372036854775806", [0]), ("b < -9223372036854775807", [2]), ("b >= 9223372036854775807", [0]), ("b IN (1, 9223372036854775807)", [0, 1]), ("b BETWEEN 0 AND 9223372036854775807", [0, 1])),
    Case("4.6 SUM", "SELECT SUM(b) AS x FROM bigs", [(0,)]),
    Case("4.6 SUM overflow", "SELECT SUM(b) AS x FROM bigs WHERE n < 2", [(None,)]),
    Case("4.6 AVG", "SELECT AVG(b) AS x FROM bigs WHERE n = 0", [(float(MOST),)]),
    Case("4.6 SUM of doubles", "SELECT SUM(d) AS x FROM floats WHERE n IN (0, 2)", [(0.0,)]),
    Case("4.6 subnormals", "SELECT MIN(d) AS x FROM floats WHERE d > 0", [(5e-324,)]),
    # -------------------------------------------------------------- floats
    *values(
        "3 DOUBLE PRECISION",
        ("tiny * 2", 2e-320), ("tiny / 1e10", 0.0), ("d + f", 4.0), ("d * i", 17.5), ("d - dneg", 5.0), ("nod + 1", None), ("1e308 + 1e307", 1.1e308), ("d * NULL", None),
        ("f * f", 2.25), ("f + n", 2.5), ("f / zero", None), ("0.1 + 0.2", 0.30000000000000004), ("d * 0.0", 0.0),
    ),
    # ------------------------------------------------------- rounding
    *values(
        "2.3 ROUND",
        ("ROUND(2.5)", 3.0), ("ROUND(-2.5)", -3.0), ("ROUND(0.5)", 1.0), ("ROUND(1.5)", 2.0), ("ROUND(d)", 3.0), ("ROUND(dneg)", -3.0), ("ROUND(2.4999)", 2.0), ("ROUND(i)", 7.0),
        ("ROUND(1234.5678, 2)", 1234.57), ("ROUND(1234.5678, 0)", 1235.0), ("ROUND(1234.5678, -2)", 1200.0), ("ROUND(1250, -2)", 1300.0), ("ROUND(-1250, -2)", -1300.0), ("ROUND(1234.5678, -4)", 0.0), ("ROUND(6789, -4)", 10000.0),
        ("ROUND(99.95, 1)", 100.0), ("ROUND(d, 1)", 2.5), ("ROUND(nod)", None), ("ROUND(nod, 2)", None), ("ROUND(d, nil)", None), ("ROUND(1e300, 2)", 1e300), ("ROUND(0.000012345, 6)", 1.2e-05), ("ROUND(d, n)", 2.5), ("ROUND(d, n - 1)", 3.0), ("ROUND(1234.5 * n, neg + 5)", 1200.0),
    ),
    *values(
        "2.3 TRUNCATE",
        ("TRUNCATE(2.9)", 2.0), ("TRUNCATE(-2.9)", -2.0), ("TRUNCATE(d)", 2.0), ("TRUNCATE(dneg)", -2.0), ("TRUNCATE(1234.5678, 2)", 1234.56), ("TRUNCATE(-1234.5678, 2)", -1234.56), ("TRUNCATE(1299, -2)", 1200.0), ("TRUNCATE(-1299, -2)", -1200.0),
        ("TRUNCATE(1234, -5)", 0.0), ("TRUNCATE(i)", 7.0), ("TRUNCATE(nod)", None), ("TRUNCATE(nod, 1)", None), ("TRUNCATE(d, nil)", None), ("TRUNCATE(1e300, 2)", 1e300), ("TRUNCATE(d, n)", 2.5), ("TRUNCATE(1234.5 * n, neg + 5)", 1200.0), ("TRUNCATE(0.29, 2)", 0.29), ("TRUNCATE(-0.57, 2)", -0.57), ("TRUNCATE(1.15 * n, 2)", 1.15),
    ),
    # ------------------------------------------------------- casts
    *values(
        "4.5 CAST",
        ("CAST(d AS INTEGER)", 2), ("CAST(3.5 * n AS INTEGER)", 4), ("CAST(dneg AS INTEGER)", -2), ("CAST(2.6 * n AS BIGINT)", 3), ("CAST(i AS DOUBLE PRECISION)", 7.0), ("CAST(i AS REAL)", 7.0), ("CAST(bmax AS DOUBLE PRECISION)", float(MOST)),
        ("CAST(b AS INTEGER)", None), ("CAST(imax AS SMALLINT)", None), ("CAST(big AS INTEGER)", None), ("CAST(big AS BIGINT)", None), ("CAST(big AS REAL)", None), ("CAST(i AS VARCHAR)", "7"), ("CAST(neg AS VARCHAR(2))", "-7"), ("CAST(b AS CHAR(4))", "1000"),
        ("CAST(s AS INTEGER)", None), ("CAST('12' AS INTEGER)", 12), ("CAST(' 12 ' AS INTEGER)", 12), ("CAST('-1.5e3' AS DOUBLE PRECISION)", -1500.0), ("CAST(CAST(i AS VARCHAR) AS SMALLINT)", 7), ("CAST(nil AS VARCHAR)", None), ("CAST(nos AS INTEGER)", None),
        ("CAST(NULL AS INTEGER)", None), ("CAST(u AS SMALLINT)", 255), ("CAST(d AS VARCHAR)", "2.5"), ("CAST(f AS DOUBLE PRECISION)", 1.5), ("CAST(0.1 AS REAL)", 0.10000000149011612), ("CAST(nod AS BIGINT)", None),
    ),
    # --------------------------------------------------- comparisons and logic
    *values(
        "2.2 comparisons",
        *((f"CASE WHEN {text} THEN 1 WHEN NOT ({text}) THEN 0 END", result) for text, result in (
            ("i = 7", 1), ("i = 7.0", 1), ("i <> 7", 0), ("i != 8", 1), ("i < d", 0), ("neg < zero", 1), ("nil = 1", None), ("nil <> nil", None), ("nil IS NULL", 1), ("i IS NOT NULL", 1), ("i IN (1, 7)", 1), ("i IN (1, NULL)", None), ("i IN (7, NULL)", 1),
            ("i NOT IN (1, NULL)", None), ("i NOT IN (7, NULL)", 0), ("nil IN (1, 2)", None), ("i BETWEEN 1 AND 7", 1), ("i BETWEEN 7 AND 1", 0), ("i NOT BETWEEN 1 AND 3", 1), ("i BETWEEN nil AND 3", 0), ("i BETWEEN 1 AND nil", None), ("i NOT BETWEEN nil AND 3", 1), ("nil BETWEEN 1 AND 2", None),
            ("nil = 1 AND i = 8", 0), ("nil = 1 AND i = 7", None), ("nil = 1 OR i = 7", 1), ("nil = 1 OR i = 8", None), ("NOT nil = 1", None), ("NOT (nil = 1 AND i = 8)", 1), ("d = 2.5", 1), ("f = 1.5", 1), ("h < b", 1), ("u > neg", 1), ("bmax = 9223372036854775807", 1), ("flag = TRUE", 1), ("flag = 1", 1), ("noflag = TRUE", None),
            ("1 = 1 AND NOT 1 = 2 OR 1 = 3", 1), ("1 = 2 AND 1 = 3 OR 1 = 1", 1), ("1 = 1 OR 1 = 2 AND 1 = 3", 1),
        )),
    ),
    # ------------------------------------------------------- aggregates
    Case("4.6 aggregates", "SELECT COUNT(*), COUNT(id), COUNT(v), COUNT(DISTINCT v), COUNT(DISTINCT s), SUM(id), SUM(v), AVG(v), AVG(id), MIN(v), MAX(id), MIN(s), MAX(s) FROM a",
         [(6, 5, 5, 4, 3, 14, 7.5, 1.5, 2.8, -2.0, 4, "Z", "y")]),
    Case("4.6 aggregates", "SELECT SUM(DISTINCT v), AVG(DISTINCT id), COUNT(ALL v), SUM(ALL id) FROM a", [(3.5, 2.5, 5, 14)]),
    Case("4.6 aggregates of nothing", "SELECT COUNT(*), COUNT(v), COUNT(DISTINCT v), SUM(id), SUM(v), AVG(v), MIN(s), MAX(v) FROM none", [(0, 0, 0, None, None, None, None, None)]),
    Case("4.6 aggregates of NULLs", "SELECT COUNT(nil), SUM(nil), AVG(nod), MIN(nos), MAX(nothing), SUM(nob) FROM one", [(0, None, None, None, None, None)]),
    Case("4.6 SUM of all integers", "SELECT SUM(h), SUM(u), SUM(i), SUM(b), AVG(h), AVG(u), MIN(h), MAX(u), SUM(f), AVG(f) FROM one", [(300, 255, 7, 10**12, 300.0, 255.0, 300, 255, 1.5, 1.5)]),
    Case("4.6 expressions of aggregates", "SELECT MAX(v) - MIN(v), SUM(id) / COUNT(id), COUNT(*) / 4, 2 * COUNT(DISTINCT s) + 1 FROM a", [(6.0, 2, 1, 7)]),
)  # fmt: skip
