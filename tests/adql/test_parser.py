"""The grammar (ADQL 2.1 appendix A): what the tree looks like, and which arguments fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.adql import tree
from nashira.adql.parser import parse
from nashira.config.errors import AdqlSyntaxError


def select(text: str) -> tree.Select:
    body = parse(text).body
    assert isinstance(body, tree.Select)
    return body


def value(text: str) -> Any:
    item = select(f"SELECT {text} FROM t").items[0]
    assert isinstance(item, tree.Item)
    return item.expression


def where(text: str) -> Any:
    return select(f"SELECT a FROM t WHERE {text}").where


def tables(text: str) -> Any:
    return select(f"SELECT a FROM {text}").tables


def fault(text: str, version: str = "2.1") -> AdqlSyntaxError:
    with pytest.raises(AdqlSyntaxError) as caught:
        parse(text, version)
    return caught.value


def names(identifiers: tuple[tree.Identifier, ...]) -> list[str]:
    return [identifier.text for identifier in identifiers]


def shape(node: Any) -> Any:
    """Write a value or table tree shortly: operators in front, names and numbers as text."""
    match node:
        case tree.Binary(operator, left, right):
            return (operator, shape(left), shape(right))
        case tree.Unary(operator, operand):
            return (operator, shape(operand))
        case tree.Number(text):
            return text
        case tree.String(text):
            return repr(text)
        case tree.ColumnRef(qualifier, name):
            return ".".join(names((*qualifier, name)))
        case tree.Function(name, arguments):
            return (name, *map(shape, arguments))
        case tree.TableName(qualifier, name, alias):
            return ".".join(names((*qualifier, name))) + (f" {alias.text}" if alias else "")
        case tree.DerivedTable(_, alias):
            return f"() {alias.text}"
        case tree.Join(kind, natural, left, right, on, using):
            how = (
                ("NATURAL " if natural else "") + kind + (" ON" if on else "") + ("".join(f" {u.text}" for u in using))
            )
            return (how, shape(left), shape(right))
        case tree.Select():
            return shape(node.tables)
        case tree.SetOperation(operator, keep_all, left, right):
            return (operator + " ALL" * keep_all, shape(left), shape(right))
        case tree.Query():
            return {"query": shape(node.body)}
    raise AssertionError(node)


# ---------------------------------------------------------------- SELECT


def test_select_clause() -> None:
    query = select('SELECT DISTINCT TOP 10 a, b AS "B b", c d, *, t.*, s.t.* FROM s.t')
    assert query.distinct
    assert query.top == 10
    aliases = [item.alias.text for item in query.items if isinstance(item, tree.Item) and item.alias]
    assert aliases == ["B b", "d"]
    assert [names(item.qualifier) for item in query.items if isinstance(item, tree.Star)] == [[], ["t"], ["s", "t"]]
    assert not select("SELECT ALL a FROM t").distinct


@pytest.mark.parametrize(("text", "top"), [("0", 0), ("007", 7), ("9" * 30, 2**63 - 1), ("9" * 5000, 2**63 - 1)])
def test_top_may_be_zero_or_huge(text: str, top: int) -> None:
    assert select(f"SELECT TOP {text} a FROM t").top == top


def test_clauses_in_order() -> None:
    query = parse(
        "SELECT a FROM t WHERE b > 1 GROUP BY a, b + 1 HAVING COUNT(*) > 2 ORDER BY 1, t.a DESC, a + 1 OFFSET 5;;"
    )
    assert isinstance(query.body, tree.Select)
    assert isinstance(query.body.where, tree.Comparison)
    assert [shape(term) for term in query.body.group_by] == ["a", ("+", "b", "1")]
    assert isinstance(query.body.having, tree.Comparison)
    assert [(o.key if isinstance(o.key, int) else shape(o.key), o.descending) for o in query.order_by] == [
        (1, False),
        ("t.a", True),
        (("+", "a", "1"), False),
    ]
    assert query.offset == 5


def test_a_number_in_a_sum_is_no_column_number() -> None:
    (ordering,) = parse("SELECT a FROM t ORDER BY 2*a").order_by
    assert shape(ordering.key) == ("*", "2", "a")


def test_with() -> None:
    query = parse("WITH x AS (SELECT a FROM t), y (b) AS (SELECT a FROM x UNION SELECT a FROM t) SELECT b FROM y")
    assert names(tuple(common.name for common in query.with_tables)) == ["x", "y"]
    assert names(query.with_tables[1].columns) == ["b"]
    assert isinstance(query.with_tables[1].query.body, tree.SetOperation)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c - d", ("-", ("+", "a", ("*", "b", "c")), "d")),
        ("a / b / c % d", ("%", ("/", ("/", "a", "b"), "c"), "d")),
        ("(a + b) * c", ("*", ("+", "a", "b"), "c")),
        ("-a * 2 - -1", ("-", ("*", ("-", "a"), "2"), ("-", "1"))),
        ("a || 'x' || b", ("||", ("||", "a", "'x'"), "b")),
        ("a || (b + 1)", ("||", "a", ("+", "b", "1"))),
        ("c.s.t.a + s.t.a + t.a", ("+", ("+", "c.s.t.a", "s.t.a"), "t.a")),
        ("'Earth''s'", '"Earth\'s"'),
        ("Gavo_F(1, g())", ("Gavo_F", "1", ("g",))),
        ("COALESCE(a, NULLIF(b, 0))", ("COALESCE", "a", ("NULLIF", "b", "0"))),
        ("log10(a)", ("log10", "a")),
        ("0xFF + .5 + 5.", ("+", ("+", "0xFF", ".5"), "5.")),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert shape(value(text)) == expected


def test_identifiers_keep_spelling_and_quotes() -> None:
    column = value('"T"."a""b"')
    assert [(part.text, part.delimited) for part in (*column.qualifier, column.name)] == [("T", True), ('a"b', True)]


def test_literals() -> None:
    assert isinstance(value("NULL"), tree.Null)
    assert value("TRUE").value is True
    assert value("false").value is False


@pytest.mark.parametrize(
    ("text", "name", "distinct", "counted"),
    [
        ("COUNT(*)", "COUNT", False, None),
        ("count(DISTINCT a)", "COUNT", True, "a"),
        ("AVG(ALL a)", "AVG", False, "a"),
        ("Sum(a+b)", "SUM", False, ("+", "a", "b")),
    ],
)
def test_aggregates(text: str, name: str, distinct: bool, counted: object) -> None:
    node = value(text)
    assert isinstance(node, tree.Aggregate)
    assert (node.name, node.distinct) == (name, distinct)
    assert (node.argument and shape(node.argument)) == counted


TYPES = "SMALLINT INTEGER BIGINT REAL CHAR VARCHAR TIMESTAMP POINT CIRCLE POLYGON".split()


@pytest.mark.parametrize(
    ("text", "name", "length"),
    [*((name, name, None) for name in TYPES), ("double\n precision", "DOUBLE PRECISION", None), ("Char(5)", "CHAR", 5)],
)
def test_cast(text: str, name: str, length: int | None) -> None:
    node = value(f"CAST(a AS {text})")
    assert (node.type_name, node.length) == (name, length)


def test_case() -> None:
    searched = value("CASE WHEN a > 1 AND b = 2 THEN 1 WHEN c IS NULL THEN 2 ELSE 3 END")
    assert searched.subject is None
    assert [type(when) for when, _ in searched.branches] == [tree.Logical, tree.IsNull]
    simple = value("CASE a WHEN 1 THEN 'x' END")
    assert shape(simple.subject) == "a"
    assert simple.otherwise is None


# ---------------------------------------------------------------- conditions


def test_and_binds_stronger_than_or_and_not_strongest() -> None:
    node = where("a = 1 AND b <> 2 OR NOT c != 3 AND (d < 4 OR e >= 5)")
    assert isinstance(node, tree.Logical)
    assert node.operator == "OR"
    first, second = node.operands
    assert isinstance(first, tree.Logical)
    assert isinstance(second, tree.Logical)
    assert isinstance(second.operands[0], tree.Not)
    assert isinstance(second.operands[0].operand, tree.Comparison)
    assert second.operands[0].operand.operator == "<>"


def test_logical_chains_are_flat() -> None:
    node = where(" AND ".join(f"a > {number}" for number in range(900)))
    assert len(node.operands) == 900


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a BETWEEN b + 1 AND 2 * c AND d = 1", tree.Between),
        ("a NOT BETWEEN 1 AND 2 AND d = 1", tree.Between),
        ("a IN (1, 2+3, 'x') AND d = 1", tree.InList),
        ("a IN ((1), (2)) AND d = 1", tree.InList),
        ("a NOT IN (SELECT b FROM u WHERE u.c = t.c) AND d = 1", tree.InQuery),
        ("a IN ((SELECT b FROM u) UNION (SELECT c FROM v)) AND d = 1", tree.InQuery),
        ("a || 'x' LIKE 'b' || '%' AND d = 1", tree.Like),
        ("a NOT ILIKE 'x_' AND d = 1", tree.Like),
        ("t.a IS NULL AND d = 1", tree.IsNull),
        ("COALESCE(a, b) IS NOT NULL AND d = 1", tree.IsNull),
        ("EXISTS (SELECT * FROM u) AND d = 1", tree.Exists),
        ("NOT EXISTS (SELECT * FROM u) AND d = 1", tree.Not),
        ("((a + 1)) * 2 > (b) AND d = 1", tree.Comparison),
        ("(((a + 1) > (b))) AND d = 1", tree.Comparison),
        ("1 = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3)) AND d = 1", tree.Comparison),
    ],
)
def test_predicates(text: str, kind: type) -> None:
    node = where(text)
    assert isinstance(node, tree.Logical)
    assert isinstance(node.operands[0], kind)
    assert getattr(node.operands[0], "negated", False) is (" NOT " in text)


def test_ilike_ignores_case() -> None:
    assert where("a ILIKE 'x'").ignore_case
    assert not where("a LIKE 'x'").ignore_case


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c.s.t AS x", "c.s.t x"),
        ("a, b c, d", ("CROSS", ("CROSS", "a", "b c"), "d")),
        ("a CROSS JOIN b", ("CROSS", "a", "b")),
        ("a NATURAL LEFT OUTER JOIN b", ("NATURAL LEFT", "a", "b")),
        ("a NATURAL JOIN b", ("NATURAL INNER", "a", "b")),
        ("a JOIN b ON a.x = b.x LEFT JOIN c USING (y, z)", ("LEFT y z", ("INNER ON", "a", "b"), "c")),
        ("a FULL JOIN b USING (x), c", ("CROSS", ("FULL x", "a", "b"), "c")),
        ("a JOIN (b RIGHT JOIN c USING (x)) USING (y)", ("INNER y", "a", ("RIGHT x", "b", "c"))),
        ("a JOIN b JOIN c USING (x) USING (y)", ("INNER y", "a", ("INNER x", "b", "c"))),
        ("((a JOIN b USING (x))) JOIN c USING (y)", ("INNER y", ("INNER x", "a", "b"), "c")),
        ("(SELECT a FROM t) AS q", "() q"),
        ("((SELECT a FROM t) UNION (SELECT a FROM u)) q", "() q"),
        ("(((SELECT a FROM t))) q", "() q"),
        ("((SELECT a FROM t) q JOIN u USING (a))", ("INNER a", "() q", "u")),
        ("(((SELECT a FROM t) q JOIN u USING (a)) JOIN v USING (a))", ("INNER a", ("INNER a", "() q", "u"), "v")),
        ("(a JOIN b USING (x)) AS q", "() q"),
    ],
)
def test_from(text: str, expected: object) -> None:
    assert shape(tables(text)) == expected


# ---------------------------------------------------------------- set operations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S a UNION S b EXCEPT ALL S c", ("EXCEPT ALL", ("UNION", "a", "b"), "c")),
        ("S a UNION S b INTERSECT S c", ("UNION", "a", ("INTERSECT", "b", "c"))),
        ("S a INTERSECT ALL S b UNION S c", ("UNION", ("INTERSECT ALL", "a", "b"), "c")),
        ("(S a UNION S b) INTERSECT S c", ("INTERSECT", ("UNION", "a", "b"), "c")),
        ("S a EXCEPT (S b EXCEPT S c)", ("EXCEPT", "a", ("EXCEPT", "b", "c"))),
        ("(S a ORDER BY x) UNION (S b OFFSET 1)", ("UNION", {"query": "a"}, {"query": "b"})),
        ("((S a))", "a"),
        ("(S a) ORDER BY x", {"query": "a"}),
    ],
)
def test_set_operations(text: str, expected: object) -> None:
    assert shape(parse(text.replace("S ", "SELECT x FROM ")).body) == expected


def test_order_and_offset_belong_to_the_whole_union() -> None:
    query = parse("SELECT a FROM t UNION SELECT a FROM u ORDER BY a OFFSET 3")
    assert isinstance(query.body, tree.SetOperation)
    assert query.offset == 3
    assert len(query.order_by) == 1


# ---------------------------------------------------------------- versions


def test_2_0_queries_may_use_the_words_of_2_1_as_names() -> None:
    parse("SELECT offset, ilike AS in_unit FROM bigint", "2.0")
    assert "double quotes" in fault("SELECT offset FROM t").advice


@pytest.mark.parametrize("text", ["SELECT a FROM t OFFSET 5", "SELECT a FROM t WHERE a ILIKE 'x'"])
def test_2_0_says_that_a_feature_is_new(text: str) -> None:
    assert "LANG=ADQL-2.1" in fault(text, "2.0").advice


# ---------------------------------------------------------------- places


def test_nodes_know_their_place() -> None:
    text = "SELECT a,\n  (b + c) * 2 AS d\nFROM t"
    query = parse(text)
    assert (query.at.start, query.at.end) == (0, len(text))
    assert isinstance(query.body, tree.Select)
    item = query.body.items[1]
    assert isinstance(item, tree.Item)
    assert text[item.expression.at.start : item.expression.at.end] == "(b + c) * 2"
    assert (item.at.line, item.at.column) == (2, 3)
    assert text[query.body.tables.at.start :] == "t"


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "call",
    [
        *("PI(1)", "ABS()", "SQRT(1, 2)", "MOD(1)", "ROUND(1, 2, 3)", "RAND(1, 2)", "COALESCE()", "LOWER()"),
        *("POINT(1)", "POINT(a, 2, 3)", "POINT('a' || 'b', 2, 3)", "POINT(POINT(1, 2), 3)", "POINT('x', 1)"),
        *("CIRCLE(1, 2)", "CIRCLE('x', 1, 2)", "CIRCLE(a, b, c, d)", "BOX(1, 2, 3)", "BOX(p)", "BOX(1, 2, 3, 4, 5)"),
        *("POLYGON(1, 2, 3, 4)", "POLYGON(1, 2, 3, 4, 5, 6, 7)", "POLYGON(POINT(1, 2), 3, 4, 5, 6, 7)"),
        *("DISTANCE(1, 2, 3)", "DISTANCE(1, 2)", "REGION(a)", "REGION(1)", "IN_UNIT(a)", "IN_UNIT(a, b)"),
        *("AREA()", "CONTAINS(a)", "COORD1(a, b)"),
    ],
)
def test_arguments_that_the_grammar_excludes(call: str) -> None:
    error = fault(f"SELECT {call} FROM t")
    assert error.position is not None
    assert (error.position.start, error.position.end) == (7, 7 + len(call))


@pytest.mark.parametrize(
    "call",
    [
        *("PI()", "RAND()", "ROUND(a, -1)", "COALESCE(NULL)", "POINT(1, 2)", "POINT('', a, 2)", "POINT(NULL, a, 2)"),
        *("CIRCLE(p, 1)", "CIRCLE('ICRS', p, 1)", "CIRCLE(POINT(1, 2), a)", "CIRCLE(1, 2, 3)", "CIRCLE('', 1, 2, 3)"),
        *("BOX(p, 1, 2)", "BOX(1, 2, 3, 4)", "BOX('', 1, 2, 3, 4)", "DISTANCE(p, POINT(1, 2))", "DISTANCE(a, b, 1, 2)"),
        *("POLYGON(a, b, c)", "POLYGON('', 1, 2, 3, 4, 5, 6)", "POLYGON(a, b, c, d, e, f, g)"),
        *("POLYGON(POINT(1, 2), CENTROID(s), f(1))", "REGION('x')", "CONTAINS(CAST('1 2' AS POINT), s)"),
    ],
)
def test_arguments_that_the_grammar_allows(call: str) -> None:
    assert isinstance(value(call), tree.Function)


# ---------------------------------------------------------------- properties


NUMBERS = st.recursive(
    st.integers(0, 9).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"(-({text}))"),
    ),
    max_leaves=12,
)


def calculate(node: Any) -> int:
    match node:
        case tree.Number(text):
            return int(text)
        case tree.Unary("-", operand):
            return -calculate(operand)
        case tree.Binary(operator, left, right):
            one, other = calculate(left), calculate(right)
            return {"+": one + other, "-": one - other, "*": one * other}[operator]
    raise AssertionError(node)


@given(NUMBERS)
def test_arithmetic_means_what_it_means_elsewhere(text: str) -> None:
    assert calculate(value(text)) == eval(text)


TRUTHS = st.recursive(
    st.sampled_from(["1 = 1", "1 = 2", "1 < 2", "(2) < 1"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"NOT ({text})"),
        st.sampled_from(["NOT 1 = 2", "NOT 1 < 2"]),
    ),
    max_leaves=12,
)


def judge(node: Any) -> bool:
    match node:
        case tree.Comparison(operator, left, right):
            one, other = calculate(left), calculate(right)
            return one == other if operator == "=" else one < other
        case tree.Not(operand):
            return not judge(operand)
        case tree.Logical(operator, operands):
            return (all if operator == "AND" else any)(map(judge, operands))
    raise AssertionError(node)


@given(TRUTHS)
def test_logic_means_what_it_means_elsewhere(text: str) -> None:
    python = text.replace(" = ", " == ").replace("AND", "and").replace("OR", "or").replace("NOT", "not")
    assert judge(where(text)) == eval(python)
