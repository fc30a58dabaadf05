"""Any tree, written as ADQL and read again, is the same tree; so is any query of the corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashira.adql import tree
from nashira.adql.parser import parse
from nashira.config.errors import Position, QueryError
from tests.adql.written import bare, write

AT = Position(0, 0, 1, 1)
CORPUS = (Path(__file__).parents[2] / ".." / "shared" / "corpora" / "adql" / "queries.json").resolve()

plain_names = st.sampled_from(["a", "ra", "Dec_1", "gmag", "X", "source_id", "t2"])
names = st.one_of(
    plain_names.map(lambda text: tree.Identifier(text, False, AT)),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).map(
        lambda text: tree.Identifier(text, True, AT)
    ),
)
numbers = st.one_of(
    st.integers(0, 2**70).map(str),
    st.floats(0, allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1.", ".5", "1.2E-4", "0xFF", "007"]),
).map(lambda text: tree.Number(text, AT))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8).map(
    lambda text: tree.String(text, AT)
)
columns = st.builds(lambda q, n: tree.ColumnRef(q, n, AT), st.lists(names, max_size=2).map(tuple), names)
leaves = st.one_of(columns, numbers, texts, st.just(tree.Null(AT)))
operators = st.sampled_from(["=", "<>", "<", ">", "<=", ">="])
TYPES = [
    ("INTEGER", None),
    ("BIGINT", None),
    ("DOUBLE PRECISION", None),
    ("CHAR", 5),
    ("VARCHAR", None),
    ("TIMESTAMP", None),
]


def _expressions(inner: Any) -> Any:
    numeric = inner.filter(lambda node: not isinstance(node, tree.Null | tree.String | tree.Boolean))
    function = st.builds(
        lambda name, args: tree.Function(name, tuple(args), AT),
        st.sampled_from(["COALESCE", "ivo_hasword", "my_function"]),
        st.lists(inner, min_size=1, max_size=3),
    )
    return st.one_of(
        st.builds(lambda o, e: tree.Unary(o, e, AT), st.sampled_from(["+", "-"]), numeric),
        st.builds(
            lambda o, a, b: tree.Binary(o, a, b, AT), st.sampled_from(["+", "-", "*", "/", "%"]), numeric, numeric
        ),
        st.builds(lambda a, b: tree.Binary("||", a, b, AT), columns, texts),
        function,
        st.builds(
            lambda name, distinct, e: tree.Aggregate(name, distinct, e, AT),
            st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX"]),
            st.booleans(),
            numeric,
        ),
        st.builds(lambda e, t: tree.Cast(e, t[0], t[1], AT), inner, st.sampled_from(TYPES)),
        st.builds(
            lambda s, bs, o: tree.Case(s, tuple(bs), o, AT),
            numeric,
            st.lists(st.tuples(inner, inner), min_size=1, max_size=2),
            st.none() | inner,
        ),
    )


expressions = st.recursive(leaves, _expressions, max_leaves=6)
values = expressions.filter(lambda node: not isinstance(node, tree.Null))
simple = st.one_of(
    st.builds(lambda o, a, b: tree.Comparison(o, a, b, AT), operators, values, values),
    st.builds(lambda e, a, b, n: tree.Between(e, a, b, n, AT), values, values, values, st.booleans()),
    st.builds(
        lambda e, i, n: tree.InList(e, tuple(i), n, AT), values, st.lists(values, min_size=1, max_size=3), st.booleans()
    ),
    st.builds(lambda e, p, n, i: tree.Like(e, p, n, i, AT), columns, texts, st.booleans(), st.booleans()),
    st.builds(lambda e, n: tree.IsNull(e, n, AT), columns, st.booleans()),
)


def _conditions(inner: Any) -> Any:
    def join(operator: Any, operands: Any) -> tree.Logical:
        """AND and OR are flat."""
        flat = [
            p
            for o in operands
            for p in (o.operands if isinstance(o, tree.Logical) and o.operator == operator else (o,))
        ]
        return tree.Logical(operator, tuple(flat), AT)

    return st.one_of(
        st.builds(lambda c: tree.Not(c, AT), inner),
        st.builds(join, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    )


conditions = st.recursive(simple, _conditions, max_leaves=5)
tables = st.builds(
    lambda q, n, a: tree.TableName(q, n, a, AT), st.lists(names, max_size=1).map(tuple), names, st.none() | names
)


def _tables(inner: Any) -> Any:
    return st.one_of(
        st.builds(lambda a, b: tree.Join("CROSS", False, a, b, None, (), AT), inner, inner),
        st.builds(
            lambda kind, a, b, on: tree.Join(kind, False, a, b, on, (), AT),
            st.sampled_from(["INNER", "LEFT", "RIGHT", "FULL"]),
            inner,
            inner,
            conditions,
        ),
        st.builds(
            lambda a, b, using: tree.Join("LEFT", not using, a, b, None, tuple(using), AT),
            inner,
            inner,
            st.lists(names, max_size=2),
        ),
    )


items = st.one_of(
    st.builds(lambda q: tree.Star(q, AT), st.lists(names, max_size=2).map(tuple)),
    st.builds(lambda e, a: tree.Item(e, a, AT), expressions, st.none() | names),
)
orderings = st.builds(lambda k, d: tree.Ordering(k, d, AT), st.integers(1, 9) | columns, st.booleans())


def _queries(inner: Any) -> Any:
    derived = st.builds(lambda q, a: tree.DerivedTable(q, a, AT), inner, names)
    where = st.one_of(
        conditions,
        st.builds(lambda q: tree.Exists(q, AT), inner),
        st.builds(lambda e, q, n: tree.InQuery(e, q, n, AT), columns, inner, st.booleans()),
    )
    select = _select(st.recursive(tables | derived, _tables, max_leaves=3), where)
    return st.one_of(
        st.builds(
            lambda s, o, n: tree.Query((), s, tuple(o), n, AT),
            select,
            st.lists(orderings, max_size=2),
            st.none() | st.integers(0, 99),
        ),
        st.builds(
            lambda op, a, left, right: tree.Query((), tree.SetOperation(op, a, left, right, AT), (), None, AT),
            st.sampled_from(["UNION", "EXCEPT", "INTERSECT"]),
            st.booleans(),
            select,
            select | inner,
        ),
    )


def _select(source: Any, where: Any) -> Any:
    return st.builds(
        lambda d, top, i, t, w, g, h: tree.Select(d, top, tuple(i), t, w, tuple(g), h, AT),
        st.booleans(),
        st.none() | st.integers(0, 10**6),
        st.lists(items, min_size=1, max_size=3),
        source,
        st.none() | where,
        st.lists(columns, max_size=2),
        st.none() | conditions,
    )


queries = st.recursive(
    _select(tables, conditions).map(lambda s: tree.Query((), s, (), None, AT)), _queries, max_leaves=3
)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@given(queries)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_generated_trees_are_read_as_they_were_written(query: tree.Query) -> None:
    text = write(query)
    assert bare(parse(text)) == bare(query), text


def test_queries_of_the_corpus_survive_writing() -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus of queries is not beside the checkout")
    read = 0
    for case in _texts(json.loads(CORPUS.read_text())):
        try:
            first = parse(case)
        except QueryError:
            continue
        if "TABLESAMPLE" not in case.upper():
            assert bare(parse(write(first))) == bare(first), case
            read += 1
    assert read > 500


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content] if "SELECT" in content.upper() else []
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [text for part in parts for text in _texts(part)]
