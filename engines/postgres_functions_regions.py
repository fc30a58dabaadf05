"""Regions of any shape, and texts of them, in PL/pgSQL: names and meanings are those of `sphere.functions_regions`.

A shape is an array of degrees as in `sphere.shapes`.
"""

from __future__ import annotations

from ..sphere.frames import FRAMES
from .postgres_plpgsql import D, plpgsql

_BORDER = "2e-12"  # sphere.exact.BORDER_RAD
_PI = "3.141592653589793"
_SHAPE = f"shape {D}[]"

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

STATEMENTS: tuple[str, ...] = (*_TEXTS, *_MEMBERS, *_RELATIONS)
"""Complete CREATE statements, in an order in which each finds what it calls."""
