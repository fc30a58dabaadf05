"""Functions: values at their domains' edges, NULL in each, conditional ones (ADQL 2.1 sections 2.3 and 4; UDF catalogue 1.2)."""
# ruff: noqa: E501

import math

from tests.contract.case import values

CASES = (
    *values(
        "2.3 mathematics",
        ("ABS(-2.5)", 2.5), ("ABS(dneg)", 2.5), ("CEILING(2.1)", 3.0), ("CEILING(dneg)", -2.0), ("CEILING(i)", 7.0), ("FLOOR(2.9)", 2.0), ("FLOOR(dneg)", -3.0), ("FLOOR(i)", 7.0),
        ("DEGREES(PI())", 180.0), ("DEGREES(d)", math.degrees(2.5)), ("RADIANS(180)", math.pi), ("RADIANS(d)", math.radians(2.5)), ("EXP(1)", math.e), ("EXP(d)", math.exp(2.5)), ("EXP(-1000)", 0.0), ("PI()", math.pi),
        ("LOG(1)", 0.0), ("LOG(d)", math.log(2.5)), ("LOG(EXP(1))", 1.0), ("LOG(100)", math.log(100)), ("LOG10(100)", 2.0), ("LOG10(d)", math.log10(2.5)), ("LOG(tiny)", math.log(1e-320)),
        ("POWER(2, 10)", 1024.0), ("POWER(d, 2)", 6.25), ("POWER(2, -1)", 0.5), ("POWER(d, 0)", 1.0), ("POWER(zero, 0)", 1.0), ("POWER(4, 0.5)", 2.0), ("POWER(neg, 3)", -343.0), ("POWER(dneg, 2)", 6.25), ("SQRT(2)", math.sqrt(2)), ("SQRT(zero)", 0.0), ("SQRT(d)", math.sqrt(2.5)),
    ),
    *values(
        "2.3 trigonometry",
        ("SIN(d)", math.sin(2.5)), ("COS(d)", math.cos(2.5)), ("TAN(d)", math.tan(2.5)), ("COT(d)", 1 / math.tan(2.5)), ("COT(1)", 1 / math.tan(1)), ("ASIN(1)", math.pi / 2), ("ASIN(-0.5 * n)", -math.pi / 6), ("ACOS(-1)", math.pi), ("ACOS(0.5 * n)", math.pi / 3), ("ATAN(d)", math.atan(2.5)),
        ("ATAN2(1, -1)", math.atan2(1, -1)), ("ATAN2(dneg, d)", -math.pi / 4), ("ATAN2(zero, zero)", 0.0), ("ATAN2(0, -1)", math.pi), ("SIN(RADIANS(30))", 0.5), ("SIN(1e15)", math.sin(1e15)),
    ),
    *values(
        "2.3 outside of the domain",
        ("LOG(0)", None), ("LOG(zero)", None), ("LOG(-1)", None), ("LOG(dneg)", None), ("LOG10(zero)", None), ("LOG10(neg)", None), ("SQRT(-1)", None), ("SQRT(neg)", None), ("ASIN(1.0000001)", None), ("ASIN(d)", None), ("ACOS(-2)", None), ("ACOS(dneg)", None), ("COT(0)", None), ("COT(zero)", None),
        ("POWER(neg, 0.5)", None), ("POWER(-8, 1/3.)", None), ("POWER(zero, -1)", None), ("POWER(0, -1)", None), ("POWER(10, 400)", None), ("POWER(big, 3 * n)", None),
    ),
    *values(
        "4.4 conditional functions",
        ("COALESCE(nil, 5)", 5), ("COALESCE(NULL, 1)", 1), ("COALESCE(nil, nob, i)", 7), ("COALESCE(nil, nob)", None), ("COALESCE(nos, 'x')", "x"), ("COALESCE(i, d)", 7.0), ("COALESCE(nod, nil, 2)", 2.0), ("COALESCE(i, 1/zero)", 7),
        ("NULLIF(i, 7)", None), ("NULLIF(i, 8)", 7), ("NULLIF(nil, 1)", None), ("NULLIF(i, nil)", 7), ("NULLIF(s, 'abc')", None), ("NULLIF(s, 'ABC')", "abc"), ("GREATEST(1, d, 2)", 2.5), ("GREATEST(nil, 3)", 3), ("GREATEST(nil, nob)", None), ("LEAST(neg, zero, i)", -7), ("LEAST(d, nod)", 2.5), ("GREATEST('a', s)", "abc"), ("LEAST('a', 'B', s)", "B"), ("LEAST(imin, bmin)", -(2**63)),
    ),
    *values(
        "2.3 CASE",
        ("CASE WHEN i > 5 THEN 'big' ELSE 'small' END", "big"), ("CASE i WHEN 7 THEN 'seven' END", "seven"), ("CASE i WHEN 8 THEN 'eight' END", None), ("CASE nil WHEN NULL THEN 1 ELSE 2 END", 2), ("CASE WHEN nil = 1 THEN 1 ELSE 2 END", 2), ("CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END", 1.0), ("CASE WHEN zero = 0 THEN 0 ELSE i / zero END", 0),
        ("CASE WHEN i > 5 THEN NULL ELSE 1 END", None), ("CASE WHEN 1 = 2 THEN 1 WHEN 1 = 1 THEN 2 WHEN 1 = 1 THEN 3 END", 2),
    ),
    *values(
        "UDF catalogue: HEALPix",
        ("ivo_healpix_index(0, 1, 1)", 4), ("ivo_healpix_index(17, 1, 1)", 81609757711), ("ivo_healpix_index(17, 359, -1)", 73009064944), ("ivo_healpix_index(0, POINT(1, 1))", 4), ("ivo_healpix_index(0, 361, 1)", 4),
        ("ivo_healpix_index(i - 7, n, n)", 4), ("ivo_healpix_index(30 * n, 1, 1)", None), ("ivo_healpix_index(neg, 1, 1)", None), ("ivo_healpix_index(3, 10, 91 * n)", None), ("ivo_healpix_index(nil, 1, 1)", None), ("ivo_healpix_index(3, nod, 1)", None), ("ivo_healpix_index(3, nop)", None),
        ("ivo_healpix_center(0, 4)", [0.0, 0.0]), ("ivo_healpix_center(0, 12 * n)", None), ("ivo_healpix_center(0, neg)", None), ("ivo_healpix_center(30 * n, 1)", None), ("ivo_healpix_center(nil, 1)", None), ("ivo_healpix_center(1, nob)", None),
    ),
    *values(
        "UDF catalogue: others",
        ("ivo_to_jd(t)", 2456871.021009838), ("ivo_to_mjd(t)", 56870.52100983796), ("gavo_to_mjd(t)", 56870.52100983796), ("ivo_to_jd(nothing)", None), ("ivo_to_mjd('1858-11-17')", 0.0), ("ivo_to_jd('2000-01-01T12:00:00')", 2451545.0),
        ("ivo_nocasematch(s, 'AB%')", 1), ("ivo_nocasematch(s, 'b%')", 0), ("ivo_nocasematch(nos, 'b%')", None), ("ivo_nocasematch(w, 'ÄPF%')", 1), ("ivo_hasword('The big, bright star', 'BRIGHT big')", 1), ("ivo_hasword('The bigger star', 'big')", 0), ("ivo_hasword(nos, 'a')", None), ("ivo_hasword(s, nos)", None), ("ivo_hasword(s, s)", 1),
        ("ivo_hashlist_has('Optical#X-ray', 'x-RAY')", 1), ("ivo_hashlist_has('Optical#X-ray', 'X')", 0), ("ivo_hashlist_has(nos, 'a')", None), ("ivo_hashlist_has(s, nos)", None), ("ivo_interval_overlaps(1, 3, 3, 5)", 1), ("ivo_interval_overlaps(1, 2, 3, 5)", 0), ("ivo_interval_overlaps(3, 1, 0, 5)", 0), ("ivo_interval_overlaps(nil, 1, 0, 5)", None), ("ivo_interval_overlaps(d, i, 7, 8.5)", 1),
        ("ivo_hms_to_degrees('12:30:00')", 187.5), ("ivo_hms_to_degrees('12h30m00s')", 187.5), ("ivo_hms_to_degrees('x')", None), ("ivo_hms_to_degrees(nos)", None), ("ivo_dms_to_degrees('-12:30:36')", -12.51), ("ivo_dms_to_degrees('+12d30m36.0s')", 12.51), ("ivo_dms_to_degrees('-00:30:00')", -0.5), ("ivo_dms_to_degrees(s)", None),
        ("gavo_getauthority('ivo://org.gavo.dc/tap')", "org.gavo.dc"), ("gavo_getauthority(s)", None), ("gavo_getauthority(nos)", None), ("gavo_match('^a.c$', s)", 1), ("gavo_match('^b', s)", 0), ("gavo_match('x', nos)", None), ("gavo_specconv(5000.0 * n, 'Angstrom', 'nm')", 500.0), ("gavo_specconv(nod, 'Angstrom', 'nm')", None),
        ("ivo_string_agg(s, ',')", "abc"), ("ivo_string_agg(nos, ',')", ""), ("ivo_histogram(d, 0, 10, 5)", [0, 0, 1, 0, 0, 0, 0]), ("ivo_histogram(nod, 0, 10, 2)", [1, 0, 0, 0]), ("ivo_histogram(i * 10, 0, 10, 2)", [0, 0, 0, 1]),
    ),
)  # fmt: skip
