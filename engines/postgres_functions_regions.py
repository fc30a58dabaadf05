"""Coverage maps, and regions of any shape, in PL/pgSQL: the same names and meanings as in `sphere.functions_regions`.

A map is an ASCII text; inside, a multirange of order-29 cells. A shape is an array of degrees as in `sphere.shapes`.
"""

from __future__ import annotations

from ..sphere.frames import FRAMES
from ..sphere.healpix import MAX_ORDER, cell_radius_rad
from ..sphere.mocs import END, SKY_DEG2
from .postgres_plpgsql import D, inlined, plpgsql

_BORDER = "2e-12"  # sphere.exact.BORDER_RAD
_MOST_CELLS = 400_000  # sphere.descent
_PI = "3.141592653589793"
_SHAPE = f"shape {D}[]"
_REACHES = f"ARRAY[{', '.join(repr(cell_radius_rad(order)) for order in range(MAX_ORDER + 1))}]::{D}[]"

_MAPS = (
    plpgsql(
        "ns_moc_ranges(moc text)",
        "int8multirange",
        "word text; part text[]; depth integer; low numeric; high numeric; n integer := 0; found int8range[] := '{}';",
        f"""
        FOREACH word IN ARRAY string_to_array(btrim(regexp_replace(replace(
            regexp_replace(moc, '^\\s*[sS]', ''), '/', '/ '), '[ \\t\\r\\n,]+', ' ', 'g')), ' ') LOOP
          IF word ~ '^[0-9]{{1,19}}/$' THEN
            IF rtrim(word, '/')::numeric > {MAX_ORDER} THEN
              RETURN NULL;
            END IF;
            depth := rtrim(word, '/')::integer;
          ELSIF depth IS NULL OR word !~ '^[0-9]{{1,19}}(-[0-9]{{1,19}})?$' THEN
            RETURN NULL;
          ELSE
            part := string_to_array(word, '-');
            low := part[1]::numeric;
            high := coalesce(part[2], part[1])::numeric;
            IF low > high OR high >= 12::numeric * 4::numeric ^ depth THEN
              RETURN NULL;
            END IF;
            n := n + 1;
            found[n] := int8range(low::bigint << (58 - 2 * depth), (high::bigint + 1) << (58 - 2 * depth));
          END IF;
        END LOOP;
        IF depth IS NULL THEN
          RETURN NULL;
        END IF;
        RETURN (SELECT coalesce(range_agg(r), '{{}}'::int8multirange) FROM unnest(found) AS r);
        """,
        cost=1000,
    ),
    inlined(
        "ns_moc_order(moc text)",
        "integer",
        "(SELECT max(m[1]::integer) FROM regexp_matches(moc, '([0-9]{1,2})/', 'g') AS m)",
    ),
    plpgsql(
        "ns_moc_text(ranges int8multirange, depth integer)",
        "text",
        """
        one int8range; low bigint; high bigint; head bigint; tail bigint; size bigint; a bigint; b bigint; cut boolean;
        orders integer[] := '{}'; firsts bigint[] := '{}'; lasts bigint[] := '{}'; n integer := 0; made text;
        """,
        f"""
        FOR one IN SELECT unnest(ranges) LOOP
          low := lower(one);
          high := upper(one);
          cut := false;
          FOR k IN 0 .. {MAX_ORDER} LOOP
            EXIT WHEN cut AND low >= head AND tail >= high;
            size := 1::bigint << (58 - 2 * k);
            IF NOT cut THEN
              a := (low + size - 1) / size;
              b := high / size;
              IF a < b THEN
                n := n + 1;
                orders[n] := k; firsts[n] := a; lasts[n] := b - 1;
                cut := true;
                head := a * size;
                tail := b * size;
              END IF;
            ELSE
              a := (low + size - 1) / size;
              IF a * size < head THEN
                n := n + 1;
                orders[n] := k; firsts[n] := a; lasts[n] := head / size - 1;
                head := a * size;
              END IF;
              b := high / size;
              IF tail < b * size THEN
                n := n + 1;
                orders[n] := k; firsts[n] := tail / size; lasts[n] := b - 1;
                tail := b * size;
              END IF;
            END IF;
          END LOOP;
        END LOOP;
        made := (
          SELECT string_agg(k || '/' || cells, ' ' ORDER BY k) FROM (
            SELECT k, string_agg(CASE WHEN f = l THEN f::text ELSE f || '-' || l END, ' ' ORDER BY f) AS cells
            FROM unnest(orders, firsts, lasts) AS t(k, f, l) GROUP BY k
          ) AS s
        );
        IF n = 0 THEN
          RETURN depth || '/';
        END IF;
        RETURN made || CASE WHEN (SELECT max(k) FROM unnest(orders) AS k) < depth THEN ' ' || depth || '/' ELSE '' END;
        """,
        cost=2000,
    ),
    inlined(
        "ns_moc_has(moc text, cell bigint)",
        "boolean",
        "CASE WHEN cell >= 0 THEN nashira.ns_moc_ranges(moc) @> cell END",
    ),
    inlined(
        "ns_moc_in_moc(one text, other text)", "boolean", "nashira.ns_moc_ranges(one) <@ nashira.ns_moc_ranges(other)"
    ),
    inlined(
        "ns_mocs_meet(one text, other text)", "boolean", "nashira.ns_moc_ranges(one) && nashira.ns_moc_ranges(other)"
    ),
    *(
        inlined(
            f"{name}(one text, other text)",
            "text",
            f"nashira.ns_moc_text(nashira.ns_moc_ranges(one) {sign} nashira.ns_moc_ranges(other), "
            "greatest(nashira.ns_moc_order(one), nashira.ns_moc_order(other)))",
        )
        for name, sign in (("ns_moc_union", "+"), ("ns_moc_intersection", "*"))
    ),
    plpgsql(
        "ns_moc_area(moc text)",
        D,
        "ranges int8multirange := nashira.ns_moc_ranges(moc);",
        f"""
        IF ranges IS NULL THEN
          RETURN NULL;
        END IF;
        RETURN (SELECT coalesce(sum((upper(r) - lower(r))::{D} / {END}::{D}), 0) FROM unnest(ranges) AS r)
          * {SKY_DEG2!r}::{D};
        """,
        cost=1000,
    ),
    plpgsql(
        f"ns_moc_of_point(depth integer, ra {D}, de {D})",
        "text",
        "cell bigint := nashira.ns_healpix29(ra, de);",
        f"""
        IF cell < 0 OR depth < 0 OR depth > {MAX_ORDER} THEN
          RETURN NULL;
        END IF;
        RETURN depth || '/' || (cell >> (58 - 2 * depth));
        """,
    ),
)

_WORDS = (
    "icrs|fk5|j2000|unknownframe|barycenter|geocenter|heliocenter|lsr|lsrk|topocenter|relocatable|unknownrefpos|"
    "spherical2|fk4|b1950|ecliptic|galactic|galactic_ii|super_galactic"
)
_ROTATED = " ".join(
    f"WHEN words ~ '\\y{word}\\y' THEN {FRAMES.index(name)}"
    for word, name in (
        ("fk4", "FK4"),
        ("b1950", "FK4"),
        ("ecliptic", "ECLIPTIC"),
        ("galactic", "GALACTIC"),
        ("galactic_ii", "GALACTIC"),
        ("super_galactic", "SUPER_GALACTIC"),
    )
)
_ICRS = FRAMES.index("ICRS")
_KINDS = "position|point|circle|polygon|box"

_TEXTS = (
    plpgsql(
        "ns_region_member(member text, around text)",
        f"{D}[]",
        f"m text[]; n {D}[]; words text; frame integer; turned {D}[]; pairs integer; count integer;",
        f"""
        m := regexp_match(btrim(member) || ' ', '^({_KINDS}) (?:fillfactor \\S+ )?((?:(?:{_WORDS}) )*)'
          '((?:[+-]?(?:\\d{{1,30}}\\.?\\d{{0,30}}|\\.\\d{{1,30}})(?:e[+-]?\\d{{1,2}})? )+)$');
        IF m IS NULL THEN
          RETURN NULL;
        END IF;
        n := string_to_array(btrim(m[3]), ' ')::{D}[];
        count := cardinality(n);
        IF NOT (CASE m[1] WHEN 'circle' THEN count = 3 WHEN 'box' THEN count = 4
            WHEN 'polygon' THEN count >= 6 AND count % 2 = 0 ELSE count = 2 END) THEN
          RETURN NULL;
        END IF;
        words := CASE WHEN m[2] = '' THEN around ELSE m[2] END;
        frame := CASE {_ROTATED} END;
        IF frame IS NOT NULL THEN
          pairs := CASE m[1] WHEN 'polygon' THEN count ELSE 2 END;
          FOR i IN 1 .. pairs BY 2 LOOP
            turned := nashira.ns_rotate(frame, {_ICRS}, n[i], n[i + 1]);
            IF turned IS NOT NULL THEN
              n[i] := turned[1];
              n[i + 1] := turned[2];
            END IF;
          END LOOP;
        END IF;
        RETURN CASE WHEN m[1] = 'box' THEN nashira.ns_box(n[1], n[2], n[3], n[4]) ELSE n END;
        """,
        cost=500,
    ),
    plpgsql(
        "ns_region(region text)",
        f"{D}[]",
        f"plain text; m text[]; members text[]; member text; around text := ''; one {D}[]; made {D}[];",
        f"""
        plain := regexp_replace(lower(replace(region, ',', ' ')), '\\s*\\yunit\\s+deg\\y', '', 'g');
        plain := btrim(regexp_replace(plain, '\\s+', ' ', 'g'));
        m := regexp_match(plain, '^union (?:fillfactor \\S+ )?((?:(?:{_WORDS}) )*)\\(([^()]*)\\)$');
        IF m IS NULL THEN
          members := ARRAY[plain];
        ELSE
          around := m[1];
          members := string_to_array(
            regexp_replace(regexp_replace(btrim(m[2]), '\\y({_KINDS})\\y', '|\\1', 'g'), '^\\|', ''), '|');
        END IF;
        FOREACH member IN ARRAY members LOOP
          one := nashira.ns_region_member(member, around);
          IF one IS NULL THEN
            RETURN NULL;
          END IF;
          made := CASE WHEN made IS NULL THEN one ELSE made || 'NaN'::{D} || one END;
        END LOOP;
        RETURN made;
        """,
        cost=1000,
    ),
)


def _setof(signature: str, declared: str, body: str) -> str:
    return plpgsql(signature, f"SETOF {D}[] ROWS 2", declared, body, cost=50)


_MEMBERS = (
    _setof(
        f"ns_members({_SHAPE})",
        f"one {D}[] := '{{}}'; x {D};",
        f"""
        FOREACH x IN ARRAY shape || 'NaN'::{D} LOOP
          IF x = 'NaN' THEN
            IF cardinality(one) > 0 THEN
              RETURN NEXT one;
            END IF;
            one := '{{}}';
          ELSE
            one := one || x;
          END IF;
        END LOOP;
        """,
    ),
    plpgsql(
        f"ns_is_member(one {D}[])",
        "boolean",
        "",
        """
        RETURN CASE cardinality(one)
          WHEN 2 THEN nashira.ns_is_position(one[1], one[2])
          WHEN 3 THEN (nashira.ns_round(one)).radius IS NOT NULL
          ELSE nashira.ns_prepared(one) IS NOT NULL END;
        """,
    ),
    plpgsql(
        f"ns_is_shape({_SHAPE})",
        "boolean",
        "",
        "RETURN (SELECT coalesce(bool_and(coalesce(nashira.ns_is_member(one), false)), false) "
        "FROM nashira.ns_members(shape) AS one);",
    ),
    plpgsql(
        f"ns_member_depth(one {D}[], x {D}, y {D}, z {D})",
        D,
        f"c record; p {D}[]; d {D};",
        f"""
        IF cardinality(one) <= 3 THEN
          c := nashira.ns_round(CASE cardinality(one) WHEN 2 THEN one || 0::{D} ELSE one END);
          RETURN 2 * atan2(sqrt((c.x - x) ^ 2 + (c.y - y) ^ 2 + (c.z - z) ^ 2),
                           sqrt((c.x + x) ^ 2 + (c.y + y) ^ 2 + (c.z + z) ^ 2)) - c.radius;
        END IF;
        p := nashira.ns_prepared(one);
        d := nashira.ns_prepared_distance(p, x, y, z);
        RETURN CASE WHEN nashira.ns_prepared_holds(p, x, y, z) THEN -d ELSE d END;
        """,
        cost=2000,
    ),
    plpgsql(
        f"ns_depth({_SHAPE}, x {D}, y {D}, z {D})",
        D,
        "",
        "RETURN (SELECT min(nashira.ns_member_depth(one, x, y, z)) FROM nashira.ns_members(shape) AS one);",
        cost=3000,
    ),
    plpgsql(
        f"ns_members_meet(one {D}[], other {D}[])",
        "boolean",
        "c record;",
        f"""
        IF cardinality(one) <= 3 AND cardinality(other) <= 3 THEN
          c := nashira.ns_round(CASE cardinality(one) WHEN 2 THEN one || 0::{D} ELSE one END);
          RETURN nashira.ns_member_depth(other, c.x, c.y, c.z) <= c.radius + {_BORDER};
        ELSIF cardinality(one) <= 3 THEN
          RETURN nashira.ns_circle_meets_polygon((one || 0::{D})[1:3], other);
        ELSIF cardinality(other) <= 3 THEN
          RETURN nashira.ns_circle_meets_polygon((other || 0::{D})[1:3], one);
        END IF;
        RETURN nashira.ns_polygon_meets_polygon(one, other);
        """,
        cost=5000,
    ),
    plpgsql(
        f"ns_member_in_member(one {D}[], other {D}[])",
        "boolean",
        "c record; o record;",
        f"""
        IF cardinality(one) <= 3 AND cardinality(other) <= 3 THEN
          c := nashira.ns_round((one || 0::{D})[1:3]);
          o := nashira.ns_round((other || 0::{D})[1:3]);
          RETURN o.radius >= {_PI}::{D} OR nashira.ns_member_depth(other, c.x, c.y, c.z) <= {_BORDER} - c.radius;
        ELSIF cardinality(one) <= 3 THEN
          RETURN nashira.ns_circle_in_polygon((one || 0::{D})[1:3], other);
        ELSIF cardinality(other) <= 3 THEN
          RETURN nashira.ns_polygon_in_circle(one, (other || 0::{D})[1:3]);
        END IF;
        RETURN nashira.ns_polygon_in_polygon(one, other);
        """,
        cost=5000,
    ),
)

_RELATIONS = (
    plpgsql(
        f"ns_point_in_shape(ra {D}, de {D}, {_SHAPE})",
        "boolean",
        "v record;",
        f"""
        IF NOT (nashira.ns_is_position(ra, de) AND nashira.ns_is_shape(shape)) THEN
          RETURN NULL;
        END IF;
        v := nashira.ns_vector(ra, de);
        RETURN nashira.ns_depth(shape, v.x, v.y, v.z) <= {_BORDER};
        """,
        cost=5000,
    ),
    plpgsql(
        f"ns_shapes_meet(one {D}[], other {D}[])",
        "boolean",
        "",
        """
        IF NOT (nashira.ns_is_shape(one) AND nashira.ns_is_shape(other)) THEN
          RETURN NULL;
        END IF;
        RETURN (SELECT bool_or(nashira.ns_members_meet(a, b))
          FROM nashira.ns_members(one) AS a, nashira.ns_members(other) AS b);
        """,
        cost=8000,
    ),
    plpgsql(
        f"ns_shape_in_shape(one {D}[], other {D}[])",
        "boolean",
        "",
        """
        IF NOT (nashira.ns_is_shape(one) AND nashira.ns_is_shape(other)) THEN
          RETURN NULL;
        END IF;
        RETURN (SELECT bool_and((SELECT bool_or(nashira.ns_member_in_member(a, b)) FROM nashira.ns_members(other) AS b))
          FROM nashira.ns_members(one) AS a);
        """,
        cost=8000,
    ),
    plpgsql(
        f"ns_shape_area({_SHAPE})",
        D,
        "",
        f"""
        IF 'NaN'::{D} = ANY (shape) OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        RETURN CASE WHEN cardinality(shape) > 3 THEN nashira.ns_polygon_area(shape)
          ELSE 4 * {_PI} * sin((nashira.ns_round((shape || 0::{D})[1:3])).radius / 2) ^ 2 * (180 / {_PI}) ^ 2 END;
        """,
        cost=2000,
    ),
    plpgsql(
        f"ns_shape_centroid({_SHAPE})",
        f"{D}[]",
        "",
        f"""
        IF 'NaN'::{D} = ANY (shape) OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        IF cardinality(shape) > 3 THEN
          RETURN nashira.ns_polygon_centroid(shape);
        END IF;
        RETURN shape[1:2];
        """,
        cost=2000,
    ),
)


def _descent(signature: str, returns: str, declared: str, before: str, visit: str, after: str) -> str:
    """Divide the sky into cells; `visit` looks at `cell` of order `k`, range `r`, at `away` from the shape, and may
    CONTINUE, so that it is not divided.
    """
    return plpgsql(
        signature,
        returns,
        f"""
        reaches CONSTANT {D}[] := {_REACHES}; cells bigint[]; orders integer[]; top integer := 12; cell bigint;
        k integer; r int8range; v record; at {D}[]; away {D}; reach {D}; visited integer := 0;
        {declared}
        """,
        f"""
        {before}
        cells := ARRAY[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]::bigint[];
        orders := array_fill(0, ARRAY[12]);
        WHILE top > 0 LOOP
          cell := cells[top];
          k := orders[top];
          top := top - 1;
          visited := visited + 1;
          r := int8range(cell << (58 - 2 * k), (cell + 1) << (58 - 2 * k));
          reach := reaches[k + 1];
          {visit}
          FOR i IN 0 .. 3 LOOP
            top := top + 1;
            cells[top] := 4 * cell + i;
            orders[top] := k + 1;
          END LOOP;
        END LOOP;
        {after}
        """,
        cost=100_000,
    )


_AWAY = """
          at := nashira.ns_healpix_center(k, cell);
          v := nashira.ns_vector(at[1], at[2]);
          away := nashira.ns_depth(shape, v.x, v.y, v.z);
"""
_ANCHORED = """
        FOR one IN SELECT m FROM nashira.ns_members(shape) AS m LOOP
          FOR i IN 1 .. CASE WHEN cardinality(one) <= 3 THEN 1 ELSE cardinality(one) - 1 END BY 2 LOOP
            IF ranges @> nashira.ns_healpix29(one[i], one[i + 1]) THEN
              RETURN true;
            END IF;
          END LOOP;
        END LOOP;
"""


def _meets(name: str, touch: str) -> str:
    """A shape shares a position with ranges; `touch` is the answer where order 29 does not tell."""
    return _descent(
        f"{name}({_SHAPE}, ranges int8multirange)",
        "boolean",
        f"one {D}[];",
        _ANCHORED,
        f"""
          CONTINUE WHEN NOT ranges && r;
          {_AWAY}
          IF away <= -reach OR (away <= 0 AND ranges @> r) THEN
            RETURN true;
          END IF;
          CONTINUE WHEN away > reach;
          IF k = {MAX_ORDER} OR visited > {_MOST_CELLS} THEN
            RETURN {touch};
          END IF;
        """,
        "RETURN false;",
    )


_DESCENTS = (
    _meets("ns_shape_meets_ranges", "true"),
    _meets("ns_shape_enters_ranges", "false"),
    plpgsql(
        f"ns_shape_meets_moc({_SHAPE}, moc text)",
        "boolean",
        "ranges int8multirange := nashira.ns_moc_ranges(moc);",
        """
        IF ranges IS NULL OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        RETURN nashira.ns_shape_meets_ranges(shape, ranges);
        """,
        cost=100_000,
    ),
    plpgsql(
        f"ns_shape_in_moc({_SHAPE}, moc text)",
        "boolean",
        f"ranges int8multirange := int8multirange(int8range(0, {END})) - nashira.ns_moc_ranges(moc);",
        """
        IF ranges IS NULL OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        RETURN NOT nashira.ns_shape_enters_ranges(shape, ranges);
        """,
        cost=100_000,
    ),
    _descent(
        f"ns_moc_in_shape(moc text, {_SHAPE})",
        "boolean",
        "ranges int8multirange := nashira.ns_moc_ranges(moc);",
        """
        IF ranges IS NULL OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        """,
        f"""
          CONTINUE WHEN NOT ranges && r;
          {_AWAY}
          IF away >= reach OR (away > {_BORDER} AND ranges @> r) THEN
            RETURN false;
          END IF;
          CONTINUE WHEN away <= -reach OR k = {MAX_ORDER};
          IF visited > {_MOST_CELLS} THEN
            RETURN true;
          END IF;
        """,
        "RETURN true;",
    ),
    _descent(
        f"ns_moc_of_shape(depth integer, {_SHAPE})",
        "text",
        f"found int8range[] := '{{}}'; n integer := 0; last integer := least(depth + 2, {MAX_ORDER}); level integer;",
        f"""
        IF depth < 0 OR depth > {MAX_ORDER} OR NOT nashira.ns_is_shape(shape) THEN
          RETURN NULL;
        END IF;
        """,
        f"""
          {_AWAY}
          CONTINUE WHEN away > reach;
          IF away <= -reach OR k = last THEN
            level := least(k, depth);
            cell := cell >> (2 * (k - level));
            n := n + 1;
            found[n] := int8range(cell << (58 - 2 * level), (cell + 1) << (58 - 2 * level));
            CONTINUE;
          END IF;
          IF visited > {_MOST_CELLS} THEN
            RETURN NULL;
          END IF;
        """,
        "RETURN (SELECT nashira.ns_moc_text(coalesce(range_agg(r2), '{}'::int8multirange), depth) "
        "FROM unnest(found) AS r2);",
    ),
)

STATEMENTS: tuple[str, ...] = (*_MAPS, *_TEXTS, *_MEMBERS, *_RELATIONS, *_DESCENTS)
"""Complete CREATE statements, in an order in which each finds what it calls."""
