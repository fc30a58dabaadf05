"""Coverage maps in PL/pgSQL: the same names and meanings as in `sphere.functions_regions`.

A map is an ASCII text; inside, a multirange of order-29 cells.
"""

from __future__ import annotations

from ..sphere.healpix import MAX_ORDER, cell_radius_rad
from ..sphere.mocs import END, SKY_DEG2
from .postgres_plpgsql import D, inlined, plpgsql

_BORDER = "2e-12"  # sphere.exact.BORDER_RAD
_MOST_CELLS = 400_000  # sphere.descent
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
        WHILE visited < top LOOP  -- large cells first: they decide soonest
          visited := visited + 1;
          cell := cells[visited];
          k := orders[visited];
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
          IF visited > {_MOST_CELLS} OR (k = {MAX_ORDER} AND {touch}) THEN
            RETURN {touch};
          END IF;
          CONTINUE WHEN k = {MAX_ORDER};
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

STATEMENTS: tuple[str, ...] = (*_MAPS, *_DESCENTS)
"""Complete CREATE statements, in an order in which each finds what it calls."""
