"""The one table of functions × engines: names, signatures, results, optional features and how each engine does it.

Only what stands here exists; `/capabilities` and the documentation are printed from it. Geometry constructors and
tests are typed in `geometry`, aggregates of SQL-92 in `resolve_values`.
Sources: ADQL 2.1 sections 2.3, 4.2 to 4.7; IVOA catalogue of user defined functions 1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..schema.types import DOUBLE, FLOAT, INTEGER, LONG, MOC, POINT, STRING, TIMESTAMP, VOType
from ..sphere.frames import FRAMES
from . import lowering as low
from . import nodes as n
from .lowering_postgres import POSTGRESQL

Lowering = Callable[..., n.Node]

RESULTS: dict[str, VOType] = {
    "INTEGER": INTEGER,
    "BIGINT": LONG,
    "REAL": FLOAT,
    "DOUBLE PRECISION": DOUBLE,
    "TEXT": STRING,
    "TIMESTAMP": TIMESTAMP,
    "POINT": POINT,
    "MOC": MOC,
    "INTEGER[]": VOType("int", "*"),
    "DOUBLE PRECISION[6]": VOType("double", "6"),
}
"""Type names in signatures → types of results; `ANY` is the common type of the arguments."""

KINDS: dict[str, str] = {
    "INTEGER": "integer",
    "BIGINT": "integer",
    "REAL": "number",
    "NUMERIC": "number",
    "DOUBLE PRECISION": "number",
    "TEXT": "string",
    "TIMESTAMP": "timestamp",
    "POINT": "point",
    "MOC": "moc",
    "GEOMETRY": "geometry",
    "ANY": "any",
}
"""Type names in signatures → kinds of arguments they take."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload: `text` as printed, `kinds` of its parameters, `least` how many of them must be given."""

    text: str
    kinds: tuple[str, ...]
    least: int
    endless: bool
    result: str


def signature(text: str) -> Signature:
    """Read `NAME(a TYPE, b TYPE) -> TYPE`; a parameter in brackets is optional, `...` repeats the last."""
    head, _, result = text.partition(" -> ")
    inside = head.partition("(")[2].removesuffix(")")
    parameters = [part.strip() for part in inside.split(",") if part.strip()]
    endless = parameters[-1:] == ["..."]
    given = parameters[:-1] if endless else parameters
    kinds = tuple(KINDS[part.strip("[]").split(" ", 1)[1]] for part in given)
    return Signature(text, kinds, sum(not part.startswith("[") for part in given), endless, result)


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    `feature` is the optional feature it belongs to (a key of `features.TYPES`; "core" for mandatory ones);
    `unit` and `ucd` those of the result; `unit` "same" keeps that of the first argument, "power" raises it.
    `test`: the engine's form is a condition, the value 1 or 0. `literals` are indices of arguments that must be
    literals.
    """

    name: str
    signatures: tuple[Signature, ...]
    feature: str
    description: str
    engines: Mapping[str, Lowering]
    unit: str = ""
    ucd: str = ""
    aggregate: bool = False
    test: bool = False
    literals: frozenset[int] = field(default=frozenset())


def _row(
    feature: str,
    signatures: str | Sequence[str],
    duckdb: Lowering,
    description: str = "",
    *,
    unit: str = "",
    ucd: str = "",
    aggregate: bool = False,
    test: bool = False,
    literals: Sequence[int] = (),
) -> Function:
    texts = (signatures,) if isinstance(signatures, str) else tuple(signatures)
    read = tuple(signature(text) for text in texts)
    name = texts[0].partition("(")[0].upper()
    lowerings = {"duckdb": duckdb}
    if name in POSTGRESQL:
        lowerings["postgresql"] = POSTGRESQL[name]
    return Function(name, read, feature, description, lowerings, unit, ucd, aggregate, test, frozenset(literals))


def _real(name: str, duckdb: Lowering | None = None, unit: str = "") -> Function:
    """A core function of one real number."""
    lowering = duckdb or low.named(name.lower())
    return _row("core", f"{name}(x DOUBLE PRECISION) -> DOUBLE PRECISION", lowering, unit=unit)


_CORE = (
    _real("ABS", unit="same"),
    _real("CEILING", low.named("ceil"), unit="same"),
    _real("DEGREES", unit="deg"),
    _real("EXP"),
    _real("FLOOR", unit="same"),
    _real("LOG", low.guarded("ln", low.positive)),
    _real("LOG10", low.guarded("log10", low.positive)),
    _real("RADIANS", unit="rad"),
    _real("SQRT", low.guarded("sqrt", low.not_negative), unit="power"),
    _real("ACOS", low.guarded("acos", low.is_cosine), unit="rad"),
    _real("ASIN", low.guarded("asin", low.is_cosine), unit="rad"),
    _real("ATAN", unit="rad"),
    _real("COS"),
    _real("COT", low.guarded("cot", low.not_zero)),
    _real("SIN"),
    _real("TAN"),
    _row("core", "ATAN2(y DOUBLE PRECISION, x DOUBLE PRECISION) -> DOUBLE PRECISION", low.named("atan2"), unit="rad"),
    _row(
        "core",
        ("MOD(x BIGINT, y BIGINT) -> ANY", "MOD(x DOUBLE PRECISION, y DOUBLE PRECISION) -> DOUBLE PRECISION"),
        low.modulo,
        unit="same",
    ),
    _row("core", "PI() -> DOUBLE PRECISION", low.named("pi")),
    _row("core", "POWER(x DOUBLE PRECISION, y DOUBLE PRECISION) -> DOUBLE PRECISION", low.power, unit="power"),
    _row("core", "RAND([seed INTEGER]) -> DOUBLE PRECISION", low.random),
    _row("core", "ROUND(x DOUBLE PRECISION, [n INTEGER]) -> DOUBLE PRECISION", low.rounded, unit="same"),
    _row("core", "TRUNCATE(x DOUBLE PRECISION, [n INTEGER]) -> DOUBLE PRECISION", low.truncated, unit="same"),
)

_PASSED = "NULLs do not count."
_OPTIONAL = (
    _row("string", "LOWER(text TEXT) -> TEXT", low.named("lower")),
    _row("string", "UPPER(text TEXT) -> TEXT", low.named("upper")),
    # an extension because clients' validators do not know the type features-adql-conditional of ADQL 2.1 yet
    _row("extension", "COALESCE(value ANY, ...) -> ANY", low.named("coalesce"), unit="same"),
    _row("extension", "GREATEST(value ANY, ...) -> ANY", low.named("greatest"), f"The largest; {_PASSED}", unit="same"),
    _row("extension", "LEAST(value ANY, ...) -> ANY", low.named("least"), f"The smallest; {_PASSED}", unit="same"),
    _row("extension", "NULLIF(value ANY, other ANY) -> ANY", low.null_if, "NULL where both are equal.", unit="same"),
)

_EPOCH = ", ".join(
    f"{name} DOUBLE PRECISION"
    for name in ("ra", "dec", "parallax", "pmra", "pmdec", "radial_velocity", "ref_epoch", "out_epoch")
)
_NAMED = "ICRS position of an object whose name, a literal, a name service knows."
_JULIAN = "Julian date of a timestamp, without regard to time scales."
_MODIFIED = "Modified Julian date of a timestamp, without regard to time scales."
_HISTOGRAM = "Aggregate: nbins + 2 counts; the first of values below lower and NULLs, the last of those from upper on."
_NORMAL = "A random number of the normal distribution with mean mu and standard deviation sigma."
_ROTATION = (
    "A point, circle or polygon in another reference frame, by a fixed rotation; frames are the literals "
    + ", ".join(FRAMES)
    + " (FK5 and ECLIPTIC of J2000, FK4 of B1950)."
)

_USER_DEFINED = (
    _row(
        "udf",
        (
            "ivo_healpix_index(hpxOrder INTEGER, long DOUBLE PRECISION, lat DOUBLE PRECISION) -> BIGINT",
            "ivo_healpix_index(hpxOrder INTEGER, p POINT) -> BIGINT",
        ),
        low.healpix_index,
        "NESTED HEALPix cell of an order from 0 to 29 that holds a position in degrees.",
        ucd="pos.healpix",
    ),
    _row(
        "udf",
        "ivo_healpix_center(hpxOrder INTEGER, hpxIndex BIGINT) -> POINT",
        low.healpix_center,
        "Centre of a NESTED HEALPix cell.",
        unit="deg",
        ucd="pos",
    ),
    _row(
        "udf",
        f"ivo_epoch_prop_pos({_EPOCH}) -> POINT",
        low.epoch_position,
        "Position at out_epoch by rigorous linear motion: deg, mas, mas/yr (pmra with cos dec), km/s, Julian years. "
        "NULL parallax is infinitely far, NULL proper motions and velocity are 0.",
        unit="deg",
        ucd="pos.eq",
    ),
    _row(
        "udf",
        f"ivo_epoch_prop({_EPOCH}) -> DOUBLE PRECISION[6]",
        low.epoch_values,
        "Position, parallax, proper motions and radial velocity at out_epoch, as ivo_epoch_prop_pos and in its units.",
    ),
    _row(
        "udf",
        "gavo_apply_pm(ra DOUBLE PRECISION, dec DOUBLE PRECISION, pmra DOUBLE PRECISION, pmde DOUBLE PRECISION, "
        "epdist DOUBLE PRECISION) -> POINT",
        low.apply_motion,
        "Position after epdist Julian years of motion in the tangent plane: deg and deg/yr, pmra with cos dec. "
        "Better use ivo_epoch_prop_pos.",
        unit="deg",
        ucd="pos.eq",
    ),
    _row(
        "udf",
        "gavo_mocunion(moc1 MOC, moc2 MOC) -> MOC",
        low.named("ns_moc_union"),
        "The union of two coverage maps.",
    ),
    _row(
        "udf",
        "gavo_mocintersect(moc1 MOC, moc2 MOC) -> MOC",
        low.named("ns_moc_intersection"),
        "The intersection of two coverage maps.",
    ),
    _row("udf", "ivo_simbadpoint(identifier TEXT) -> POINT", low.resolved_away, _NAMED),
    _row("udf", "gavo_simbadpoint(identifier TEXT) -> POINT", low.resolved_away, _NAMED),
    _row(
        "udf",
        "gavo_vocmatch(vocname TEXT, term TEXT, matchagainst TEXT) -> INTEGER",
        low.resolved_away,
        "1 where the last argument is a term of an IVOA vocabulary or a narrower one, else 0; the others are literals.",
    ),
    _row(
        "udf", "ivo_to_jd(d TIMESTAMP) -> DOUBLE PRECISION", low.julian(2440587.5), _JULIAN, unit="d", ucd="time.epoch"
    ),
    _row(
        "udf", "ivo_to_mjd(d TIMESTAMP) -> DOUBLE PRECISION", low.julian(40587.0), _MODIFIED, unit="d", ucd="time.epoch"
    ),
    _row(
        "udf", "gavo_to_jd(d TIMESTAMP) -> DOUBLE PRECISION", low.julian(2440587.5), _JULIAN, unit="d", ucd="time.epoch"
    ),
    _row(
        "udf",
        "gavo_to_mjd(d TIMESTAMP) -> DOUBLE PRECISION",
        low.julian(40587.0),
        _MODIFIED,
        unit="d",
        ucd="time.epoch",
    ),
    _row(
        "udf",
        "ivo_string_agg(expression TEXT, delimiter TEXT) -> TEXT",
        low.joined_texts,
        "Aggregate: all texts of a group that are not NULL, joined by the delimiter; empty where there is none.",
        aggregate=True,
    ),
    _row(
        "udf",
        "ivo_nocasematch(value TEXT, pattern TEXT) -> INTEGER",
        low.matches_ignoring_case,
        "1 where the value matches a LIKE pattern whatever the case, else 0.",
        test=True,
    ),
    _row(
        "udf",
        "ivo_hasword(haystack TEXT, needle TEXT) -> INTEGER",
        low.has_words,
        "1 where all words of the needle occur in the haystack, whatever the case, else 0.",
        test=True,
    ),
    _row(
        "udf",
        "ivo_hashlist_has(hashlist TEXT, item TEXT) -> INTEGER",
        low.hashlist_has,
        "1 where the item is a member of a list separated by #, whatever the case, else 0.",
        test=True,
    ),
    _row(
        "udf",
        "ivo_interval_overlaps(a1 NUMERIC, b1 NUMERIC, a2 NUMERIC, b2 NUMERIC) -> INTEGER",
        low.overlaps,
        "1 where the intervals a1..b1 and a2..b2 overlap or touch, else 0; a reversed interval never does.",
        test=True,
    ),
    _row(
        "udf",
        "ivo_histogram(val REAL, lower REAL, upper REAL, nbins INTEGER) -> INTEGER[]",
        low.histogram,
        _HISTOGRAM,
        aggregate=True,
        literals=(1, 2, 3),
    ),
    _row(
        "udf",
        "gavo_histogram(val REAL, lower REAL, upper REAL, nbins INTEGER) -> INTEGER[]",
        low.histogram,
        _HISTOGRAM,
        aggregate=True,
        literals=(1, 2, 3),
    ),
    _row("udf", "ivo_normal_random(mu REAL, sigma REAL) -> REAL", low.normal_random, _NORMAL, unit="same"),
    _row("udf", "gavo_normal_random(mu REAL, sigma REAL) -> REAL", low.normal_random, _NORMAL, unit="same"),
    _row(
        "udf",
        "ivo_hms_to_degrees(hms TEXT) -> DOUBLE PRECISION",
        low.sexagesimal("hH", 15.0),
        "An angle in hours, h:m:s, hhmmss or hHmMsS, in degrees; NULL where the text is none.",
        unit="deg",
    ),
    _row(
        "udf",
        "ivo_dms_to_degrees(dms TEXT) -> DOUBLE PRECISION",
        low.sexagesimal("dD", 1.0),
        "An angle in degrees, d:m:s, ddmmss or dDmMsS, as a number; NULL where the text is none.",
        unit="deg",
    ),
    _row(
        "udf",
        "gavo_getauthority(ivoid TEXT) -> TEXT",
        low.authority,
        "The authority of an IVOA identifier; NULL where the text is none.",
    ),
    _row(
        "udf", "ivo_geom_transform(from_sys TEXT, to_sys TEXT, geo GEOMETRY) -> GEOMETRY", low.resolved_away, _ROTATION
    ),
    _row("udf", "gavo_transform(from_sys TEXT, to_sys TEXT, geo GEOMETRY) -> GEOMETRY", low.resolved_away, _ROTATION),
    _row(
        "udf",
        (
            "gavo_specconv(expr DOUBLE PRECISION, dest_unit TEXT) -> DOUBLE PRECISION",
            "gavo_specconv(expr NUMERIC, expr_unit TEXT, dest_unit TEXT) -> NUMERIC",
        ),
        low.resolved_away,
        "A wavelength, wave number, frequency or photon energy in another unit of any of these; units are literals. "
        "Without expr_unit the value needs a declared unit.",
    ),
    _row(
        "udf",
        "gavo_match(pattern TEXT, string TEXT) -> INTEGER",
        low.matches_pattern,
        "1 where the regular expression, a literal, is found anywhere in the text, else 0.",
        test=True,
    ),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in (*_CORE, *_OPTIONAL, *_USER_DEFINED)}
"""Name in upper case → function."""

UNSUPPORTED: dict[str, str] = {
    "IVO_APPLY_PM": "Use ivo_epoch_prop_pos",
    "GAVO_IPIX": "Use ivo_healpix_index",
}
"""Functions of common use that no engine does -> what to do instead."""
