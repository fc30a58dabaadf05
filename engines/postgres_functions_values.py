"""Functions of the schema nashira on numbers, texts and times, as PostgreSQL reads them.

Printed SQL calls them where the engine alone would fail or mean something else than the embedded one: floats that
overflow become infinite and those too small zero, integers beyond their type NULL, as does what is outside of the
domain of a function; casts that fail give NULL. NULL in gives NULL (STRICT). All are fast PL/pgSQL or SQL without
subtransactions but for the reading of times.
"""

from __future__ import annotations

_HEAD = "CREATE OR REPLACE FUNCTION nashira."
_PLPGSQL = "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE"
_D = "double precision"


def _body(signature: str, returns: str, body: str, declare: str = "") -> str:
    declared = f"DECLARE {declare} " if declare else ""
    return f"{_HEAD}{signature} RETURNS {returns} {_PLPGSQL} AS $ns${declared}BEGIN {body} END$ns$"


def _real(name: str, body: str, declare: str = "") -> str:
    """A function of one double."""
    return _body(f"{name}(x {_D})", _D, body, declare)


def _reals(name: str, body: str, declare: str = "") -> str:
    """A function of two doubles."""
    return _body(f"{name}(x {_D}, y {_D})", _D, body, declare)


_COLLATION = """DO $ns$
DECLARE found text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace s ON s.oid = c.collnamespace
                 WHERE c.collname = 'ns_case' AND s.nspname = 'nashira') THEN
    SELECT collname INTO found FROM pg_catalog.pg_collation
    WHERE collname IN ('C.utf8', 'C.UTF-8', 'en_US.utf8', 'und-x-icu', 'C')
      AND collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database WHERE datname = current_database()))
    ORDER BY array_position(ARRAY['C.utf8', 'C.UTF-8', 'en_US.utf8', 'und-x-icu', 'C'], collname::text) LIMIT 1;
    EXECUTE format('CREATE COLLATION nashira.ns_case FROM pg_catalog.%I', found);
  END IF;
END$ns$"""

# Infinite operands overflow nothing; 8e307 and less do not add up to more than there is.
_ARITHMETIC = (
    _reals(
        "ns_add",
        """
  IF abs(x) < 8e307 AND abs(y) < 8e307 OR abs(x) >= 'Infinity' OR abs(y) >= 'Infinity' THEN RETURN x + y; END IF;
  IF abs(x) < 1e291 OR abs(y) < 1e291 THEN RETURN x + y; END IF;
  IF abs(x / 4 + y / 4) <= 4.49423283715579e307 THEN RETURN x + y; END IF;
  RETURN CASE WHEN x / 4 + y / 4 > 0 THEN 'Infinity' ELSE '-Infinity' END;""",
    ),
    _reals("ns_sub", "RETURN nashira.ns_add(x, -y);"),
    _reals(
        "ns_mul",
        """
  IF abs(x) BETWEEN 1e-150 AND 1e150 AND abs(y) BETWEEN 1e-150 AND 1e150 OR x = 0 OR y = 0
     OR abs(x) >= 'Infinity' OR abs(y) >= 'Infinity' THEN RETURN x * y; END IF;
  power := log(abs(x)) + log(abs(y));
  IF power BETWEEN -307 AND 308 THEN RETURN x * y; END IF;
  sign := sign(x) * sign(y);
  IF power > 308.3 THEN RETURN sign * 'Infinity'::float8; END IF;
  IF power < -324 THEN RETURN sign * 0; END IF;
  RETURN nashira.ns_scaled(x, y, sign, power);""",
        f"power {_D}; sign {_D};",
    ),
    # products at the two ends of the range: computed shifted by a power of two, then shifted back with a test
    _body(
        f"ns_scaled(x {_D}, y {_D}, sign {_D}, power {_D})",
        _D,
        """
  IF abs(a) < abs(b) THEN a := abs(y); b := abs(x); END IF;
  IF power > 0 THEN
    a := a * 2^(-60)::float8 * b;
    RETURN sign * CASE WHEN a >= 1.5592603089503447e+290 THEN 'Infinity'::float8 ELSE a * 2^60::float8 END;
  END IF;
  IF a > 1 THEN a := a * 2^60::float8 * b; ELSE a := (a * 2^30::float8) * (b * 2^30::float8); END IF;
  IF a <= 2.848094538889218e-306 THEN RETURN sign * 0; END IF;
  RETURN sign * (a / 2^60::float8);""",
        f"a {_D} := abs(x); b {_D} := abs(y);",
    ),
    _reals(
        "ns_div",
        """
  IF y = 0 THEN RETURN NULL; END IF;
  IF abs(x) BETWEEN 1e-150 AND 1e150 AND abs(y) BETWEEN 1e-150 AND 1e150 OR x = 0
     OR abs(x) >= 'Infinity' OR abs(y) >= 'Infinity' THEN
    RETURN CASE WHEN abs(y) = 'Infinity' AND abs(x) < 'Infinity' THEN 0 * sign(x) * sign(y) ELSE x / y END;
  END IF;
  power := log(abs(x)) - log(abs(y));
  IF power BETWEEN -307 AND 308 THEN RETURN x / y; END IF;
  IF power > 308.3 THEN RETURN sign(x) * sign(y) * 'Infinity'::float8; END IF;
  IF power < -324 THEN RETURN sign(x) * sign(y) * 0; END IF;
  IF power > 0 THEN
    near := CASE WHEN abs(y) < 1 THEN x / (y * 2^60::float8) ELSE x / 2^60::float8 / y END;
    RETURN CASE WHEN abs(near) >= 1.5592603089503447e+290 THEN sign(near) * 'Infinity'::float8
                ELSE near * 2^60::float8 END;
  END IF;
  near := CASE WHEN abs(x) < 1 THEN x * 2^60::float8 / y ELSE x / (y / 2^60::float8) END;
  RETURN CASE WHEN abs(near) <= 2.848094538889218e-306 THEN 0 * sign(near) ELSE near / 2^60::float8 END;""",
        f"power {_D}; near {_D};",
    ),
    _reals(
        "ns_mod",
        """
  IF y = 0 THEN RETURN NULL; END IF;
  IF rest >= 'Infinity' OR abs(y) = 'NaN' THEN RETURN 'NaN'; END IF;
  IF step = 'Infinity' OR rest < step THEN RETURN x; END IF;
  WHILE step <= rest - step LOOP step := step * 2; END LOOP;
  WHILE step > abs(y) LOOP
    IF rest >= step THEN rest := rest - step; END IF;
    step := step / 2;
  END LOOP;
  IF rest >= step THEN rest := rest - step; END IF;
  RETURN CASE WHEN x < 0 THEN -rest ELSE rest END;""",
        f"rest {_D} := abs(x); step {_D} := abs(y);",
    ),
    _body(
        f"ns_real(x {_D})",
        "real",
        """
  IF abs(x) BETWEEN 1.2e-38 AND 3.4e38 OR abs(x) >= 'Infinity' OR x = 0 THEN RETURN x::real; END IF;
  IF abs(x) >= 3.4028235677973366e+38 THEN RETURN sign(x)::real * 'Infinity'::real; END IF;
  IF abs(x) <= 7.006492321624085e-46 THEN RETURN sign(x)::real * 0; END IF;
  RETURN x::real;""",
    ),
)


def _integers(name: str, expression: str) -> str:
    """An operation on BIGINTs, exact in NUMERIC where it may not fit."""
    return _body(
        f"{name}(x bigint, y bigint)",
        "bigint",
        f"""
  IF x BETWEEN -2147483648 AND 2147483647 AND y BETWEEN -2147483648 AND 2147483647 THEN RETURN {expression}; END IF;
  exact := {expression.replace("x", "x::numeric").replace("y", "y::numeric")};
  RETURN CASE WHEN exact BETWEEN -9223372036854775808 AND 9223372036854775807 THEN exact::bigint END;""",
        "exact numeric;",
    )


_INTEGERS = (
    _integers("ns_add", "x + y"),
    _integers("ns_sub", "x - y"),
    _integers("ns_mul", "x * y"),
    _body(
        "ns_div(x bigint, y bigint)",
        "bigint",
        "RETURN CASE WHEN y = 0 THEN NULL WHEN y <> -1 THEN x / y WHEN x > -9223372036854775808 THEN -x END;",
    ),
    _body("ns_neg(x bigint)", "bigint", "RETURN CASE WHEN x > -9223372036854775808 THEN -x END;"),
    _body(
        "ns_coarser(x bigint, y bigint)",
        "bigint",
        "RETURN CASE WHEN x >= 0 AND y BETWEEN 0 AND 29 THEN x >> (2 * (29 - y))::integer END;",
    ),
)

_FUNCTIONS = (
    _real(
        "ns_exp",
        "RETURN CASE WHEN x = 'NaN' THEN x WHEN x > 709.782712893384 THEN 'Infinity' "
        "WHEN x < -745.1332191019412 THEN 0 WHEN x < -708 THEN nashira.ns_div(exp(x + 100), exp(100)) ELSE exp(x) END;",
    ),
    _real("ns_ln", "RETURN CASE WHEN x > 0 THEN ln(x) END;"),
    _real("ns_log10", "RETURN CASE WHEN x > 0 THEN log(x) END;"),
    _real("ns_sqrt", "RETURN CASE WHEN x >= 0 THEN sqrt(x) END;"),
    _real("ns_acos", "RETURN CASE WHEN x BETWEEN -1 AND 1 THEN acos(x) END;"),
    _real("ns_asin", "RETURN CASE WHEN x BETWEEN -1 AND 1 THEN asin(x) END;"),
    *(
        _real(f"ns_{name}", f"RETURN CASE WHEN abs(x) < 'Infinity' THEN {name}(x) ELSE 'NaN' END;")
        for name in ("sin", "cos", "tan")
    ),
    _real("ns_cot", "RETURN CASE WHEN x = 0 THEN NULL WHEN abs(x) < 'Infinity' THEN cot(x) ELSE 'NaN' END;"),
    _real("ns_degrees", "RETURN nashira.ns_mul(x, 57.29577951308232);"),
    _real("ns_exact_radians", "RETURN nashira.ns_mul(x, 0.017453292519943295);"),
    # infinite and NaN operands, and results that are, as the C library has them
    _reals(
        "ns_pow",
        """
  IF y = 0 OR x = 1 THEN RETURN 1; END IF;
  IF y = 1 THEN RETURN x; END IF;
  IF x = 'NaN' OR y = 'NaN' OR (x < 0 AND x > '-Infinity' AND abs(y) < 'Infinity' AND y <> floor(y))
  THEN RETURN 'NaN'; END IF;
  odd := y = floor(y) AND abs(y) BETWEEN 1 AND 9007199254740991 AND floor(y / 2) * 2 <> y;
  IF x = 0 THEN RETURN CASE WHEN y > 0 THEN 0 ELSE 'Infinity'::float8 END; END IF;
  IF abs(x) < 'Infinity' AND abs(y) < 'Infinity' THEN
    size := nashira.ns_mul(y, ln(abs(x)));
    IF size BETWEEN -707 AND 709 THEN RETURN power(x, y); END IF;
    size := CASE WHEN size > 709.8 THEN 'Infinity'::float8 WHEN size < -745.2 THEN 0 ELSE nashira.ns_exp(size) END;
    RETURN CASE WHEN x < 0 AND odd THEN -size ELSE size END;
  END IF;
  IF abs(x) = 1 THEN RETURN 1; END IF;
  IF abs(y) = 'Infinity' THEN RETURN CASE WHEN (abs(x) > 1) = (y > 0) THEN 'Infinity'::float8 ELSE 0 END; END IF;
  RETURN CASE WHEN y > 0 THEN 'Infinity'::float8 ELSE 0 END * CASE WHEN x < 0 AND odd THEN -1 ELSE 1 END;""",
        f"size {_D}; odd boolean;",
    ),
    _body(
        f"ns_power(x {_D}, y {_D})",
        _D,
        "x := nashira.ns_pow(x, y); RETURN CASE WHEN abs(x) < 'Infinity' THEN x END;",
    ),
    _real(
        "ns_round",
        "IF abs(x) < 4.5e15 THEN RETURN trunc(x) + trunc(2 * (x - trunc(x))); END IF; RETURN x;",
    ),
    # ten to a power, as a float: what both engines multiply by
    _body(
        f"ns_round(x {_D}, y bigint)",
        _D,
        """
  IF abs(x) >= 'Infinity' OR y > 308 THEN RETURN x; END IF;
  IF y < -308 THEN RETURN 0; END IF;
  scale := power(10.0::float8, abs(y));
  IF y < 0 THEN
    scaled := nashira.ns_mul(nashira.ns_round(nashira.ns_div(x, scale)), scale);
    RETURN CASE WHEN abs(scaled) < 'Infinity' THEN scaled ELSE 0 END;
  END IF;
  scaled := nashira.ns_div(nashira.ns_round(nashira.ns_mul(x, scale)), scale);
  RETURN CASE WHEN abs(scaled) < 'Infinity' THEN scaled ELSE x END;""",
        f"scale {_D}; scaled {_D};",
    ),
    _body(
        f"ns_trunc(x {_D}, y bigint)",
        _D,
        """
  IF abs(x) >= 'Infinity' OR y > 300 THEN RETURN x; END IF;
  IF y < -300 THEN RETURN 0; END IF;
  scale := power(10.0::float8, abs(y));
  IF y < 0 THEN RETURN nashira.ns_mul(trunc(nashira.ns_div(x, scale)), scale); END IF;
  scaled := nashira.ns_mul(x, scale);
  IF nashira.ns_div(nashira.ns_round(scaled), scale) = x THEN RETURN x; END IF;
  RETURN nashira.ns_div(trunc(scaled), scale);""",
        f"scale {_D}; scaled {_D};",
    ),
    _real("ns_finite", "RETURN CASE WHEN abs(x) < 'Infinity' THEN x END;"),
    _body("ns_epoch_us(x timestamp)", _D, "RETURN extract(epoch FROM x) * 1000000;"),
)


def _integer_casts(name: str, kind: str, least: int, most: int) -> tuple[str, ...]:
    """Casts to an integer type: of integers, of floats to the nearest even, and of texts that are any number."""
    return (
        _body(f"{name}(x numeric)", kind, f"RETURN CASE WHEN x BETWEEN {least} AND {most} THEN x::{kind} END;"),
        _body(f"{name}(x bigint)", kind, f"RETURN CASE WHEN x BETWEEN {least} AND {most} THEN x::{kind} END;"),
        _body(
            f"{name}(x {_D})",
            kind,
            # the float nearest to the largest BIGINT is one beyond it
            f"x := nashira.ns_even(x); RETURN CASE WHEN x >= {least} AND x < {most + 1} THEN x::{kind} END;",
        ),
        _body(f"{name}(x text)", kind, f"RETURN nashira.{name}(round(nashira.ns_decimal(x)));"),
    )


_NUMBER = r"^\s*[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][+-]?\d{1,5})?\s*$"

_CASTS = (
    _real("ns_even", "RETURN CASE WHEN abs(x) < 4.5e15 THEN round(x) ELSE x END;"),
    _body(
        "ns_decimal(x text)",
        "numeric",
        f"""
  IF x ~ '^\\s*[+-]?0[xX][0-9A-Fa-f]{{1,15}}\\s*$' THEN
    RETURN ('x' || lpad(substring(x FROM '[xX]([0-9A-Fa-f]+)'), 16, '0'))::bit(64)::bigint
           * CASE WHEN x ~ '-' THEN -1 ELSE 1 END;
  END IF;
  IF length(x) > 400 OR x !~ '{_NUMBER}' OR coalesce(abs(substring(x FROM '[eE](.*)$')::numeric), 0) > 400
  THEN RETURN NULL; END IF;
  RETURN replace(x, '_', '')::numeric;""",
    ),
    *_integer_casts("ns_try_smallint", "smallint", -(2**15), 2**15 - 1),
    *_integer_casts("ns_try_integer", "integer", -(2**31), 2**31 - 1),
    *_integer_casts("ns_try_bigint", "bigint", -(2**63), 2**63 - 1),
    _body(
        "ns_try_double(x text)",
        _D,
        f"""
  IF x ~* '^\\s*[+-]?(inf|infinity|nan)\\s*$' THEN RETURN x::float8; END IF;
  IF length(x) > 1000 OR x !~ '{_NUMBER}' THEN RETURN NULL; END IF;
  exact := replace(x, '_', '');
  BEGIN
    RETURN exact::float8;
  EXCEPTION WHEN numeric_value_out_of_range THEN
    RETURN CASE WHEN exact ~ '[eE]-|^\\s*[+-]?0*\\.' THEN 0::float8
                WHEN exact ~ '^\\s*-' THEN '-Infinity' ELSE 'Infinity' END;
  END;""",
        "exact text;",
    ),
    _body(
        f"ns_try_real(x {_D})",
        "real",
        "RETURN CASE WHEN abs(x) < 3.4028235677973366e+38 OR abs(x) >= 'Infinity' THEN nashira.ns_real(x) END;",
    ),
    _body("ns_try_real(x text)", "real", "RETURN nashira.ns_try_real(nashira.ns_try_double(x));"),
    _body(
        "ns_try_timestamp(x text)",
        "timestamp",
        r"""
  IF x !~ '^\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$'
  THEN RETURN NULL; END IF;
  RETURN (regexp_replace(x, '(\.\d{6})\d+', '\1'))::timestamptz AT TIME ZONE 'UTC';
EXCEPTION WHEN data_exception THEN RETURN NULL;""",
    ).replace("STRICT PARALLEL SAFE AS", "STRICT PARALLEL SAFE SET timezone = 'UTC' SET datestyle = 'ISO, YMD' AS"),
)


def _written(kind: str) -> str:
    """Floats as text: the fewest digits that read back alike, always with a point or an exponent."""
    return _body(
        f"ns_text(x {kind})",
        "text",
        r"""
  IF made ~ '^-?(NaN|Infinity)$' THEN RETURN replace(lower(made), 'infinity', 'inf'); END IF;
  IF made ~ 'e\+1[0-5]$|e\+0' THEN made := made::numeric::text; END IF;
  RETURN CASE WHEN made ~ '[.e]' THEN made ELSE made || '.0' END;""",
        "made text := x::text;",
    )


_TEXTS = (
    _written(_D),
    _written("real"),
    _body(
        f"ns_sexagesimal(x text, letter text, factor {_D})",
        _D,
        r"""
  found := regexp_match(x, '^\s*[+-]?(\d{1,3})[:' || letter || '](\d{1,2})[:mM](\d{1,2}(?:\.\d*)?)[sS]?\s*$');
  IF found IS NULL THEN found := regexp_match(x, '^\s*[+-]?(\d{2,3})(\d{2})(\d{2}(?:\.\d*)?)\s*$'); END IF;
  IF found IS NULL THEN RETURN NULL; END IF;
  RETURN CASE WHEN x ~ '^\s*-' THEN -1 ELSE 1 END
    * ((found[1]::float8 + (found[2]::float8 / 60.0 + found[3]::float8 / 3600.0)) * factor);""",
        "found text[];",
    ),
    _body("ns_hms(x text)", _D, "RETURN nashira.ns_sexagesimal(x, 'hH', 15.0);"),
    _body("ns_dms(x text)", _D, "RETURN nashira.ns_sexagesimal(x, 'dD', 1.0);"),
)

_BIN = f"""{_HEAD}ns_bin(x {_D}, low {_D}, high {_D}, bins integer) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $ns$BEGIN
  RETURN CASE WHEN x >= high THEN bins + 1
              WHEN x >= low THEN least(floor((x - low) / ((high - low) / bins)) + 1, bins) ELSE 0 END;
END$ns$"""
_COUNT = f"""{_HEAD}ns_histogram_count(counts integer[], place integer, places integer) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $ns$BEGIN
  IF counts IS NULL THEN counts := array_fill(0, ARRAY[places]); END IF;
  counts[place + 1] := counts[place + 1] + 1;
  RETURN counts;
END$ns$"""
_AGGREGATE = """CREATE OR REPLACE AGGREGATE nashira.ns_histogram(place integer, places integer)
(sfunc = nashira.ns_histogram_count, stype = integer[], parallel = safe)"""


def _finite_size(angle: str) -> str:
    """Magnitude of an angle; the sine of an infinite one would be an error, that of NaN is NaN."""
    return f"CASE WHEN abs({angle}) = 'Infinity' THEN 'NaN'::float8 ELSE abs({angle}) END"


def _half(angle: str) -> str:
    """Half of an angle in radians: 0 or not so small that a square is too small; none above 1e-44 changes."""
    return f"(({_finite_size(angle)} + 1e-60::float8) - 1e-60::float8) * 0.008726646259971648::float8"


def _square(function: str, angle: str) -> str:
    return f"power({function}({_half(angle)}), 2)"


def _cosine(latitude: str) -> str:
    return f"cos(radians({_finite_size(latitude)} + 1e-30::float8))"


def _inlined(name: str, parameters: str, expression: str) -> str:
    """A function whose body the planner puts in its place: for that it must not be STRICT."""
    typed = ", ".join(f"{parameter} {_D}" for parameter in parameters.split())
    head = f"{_HEAD}{name}({typed}) RETURNS {_D} LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    return f"{head} AS $ns$SELECT {expression}$ns$"


_COSINES = f"({_cosine('lat1')} * {_cosine('lat2')})"
_NEAR = f"{_square('sin', '(lat1 - lat2)')} + {_COSINES} * {_square('sin', '(lon1 - lon2)')}"
_ACROSS = f"{_square('sin', '(lat1 + lat2)')} + {_COSINES} * {_square('cos', '(lon1 - lon2)')}"
_PLACES = "lon1 lat1 lon2 lat2"
_DISTANCES = (
    _inlined("ns_half_sin2", "angle", _square("sin", "angle")),
    _inlined("ns_half_cos2", "angle", _square("cos", "angle")),
    _inlined("ns_haversine", _PLACES, _NEAR),
    _inlined("ns_haversine_across", _PLACES, _ACROSS),
    _inlined("ns_separation", _PLACES, f"degrees(atan2(sqrt({_NEAR}), sqrt({_ACROSS}))) * 2"),
)

# the planner does not look into it: it would expect ten cells
_EACH_CELL = f"""{_HEAD}ns_each_cell(lon {_D}, lat {_D}, radius {_D}, cell_order integer) RETURNS SETOF bigint
{_PLPGSQL} COST 1000 ROWS 4 AS $ns$BEGIN
  RETURN QUERY SELECT unnest(nashira.ns_cells(lon, lat, radius, cell_order));
END$ns$"""

STATEMENTS: tuple[str, ...] = (
    _COLLATION,
    *_ARITHMETIC,
    *_INTEGERS,
    *_FUNCTIONS,
    *_CASTS,
    *_TEXTS,
    _BIN,
    _COUNT,
    _AGGREGATE,
    *_DISTANCES,
    _EACH_CELL,
)
"""Statements that make the functions, in an order in which each finds what it needs; they may be repeated."""
