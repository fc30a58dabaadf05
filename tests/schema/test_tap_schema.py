"""TAP_SCHEMA (TAP 1.1 section 4): the rules TS-2 … TS-15 on a catalog with awkward names."""

from typing import Any

import pytest

from nashira.schema.model import Catalog, Column, Files, ForeignKey, Relation, Schema, Table
from nashira.schema.names import is_regular
from nashira.schema.tap_schema import number_part, tap_schema
from nashira.schema.types import DOUBLE, LONG, POINT, TIMESTAMP, VOType

STARS = Table(
    "hip",
    "main",
    (
        Column("ra", DOUBLE, "Right ascension", "deg", "pos.eq.ra;meta.main", "stc:x", indexed=True, principal=True),
        Column("size", VOType("float", "3")),
        Column("Vmag-2", VOType("char", "12*"), "Größe in mag"),
        Column("seen", TIMESTAMP),
        Column("place", POINT),
        Column("image", VOType("short", "64x64")),
    ),
    Files(()),
    title="Hipparcos",
    kind="view",
    utype="ivo://ivoa.net/std/obscore#table-1.1",
)
NOTES = Table(
    "hip",
    "Table of notes",
    (Column("star", LONG), Column("where", LONG)),
    Files(()),
    keys=(
        ForeignKey(("hip", "main"), (("star", "ra"), ("where", "size")), "Notes on stars"),
        ForeignKey(("gone", "away"), (("star", "x"),)),
    ),
)
CATALOG = Catalog(
    (Schema("hip", (STARS, NOTES), "Hipparcos", utype="x"), Schema("1odd", (), description="Nothing")), "v1"
)


@pytest.fixture(scope="module")
def built() -> Any:
    return tap_schema(CATALOG)


@pytest.fixture(scope="module")
def rows(built: Any) -> Any:
    return {name: table.to_pylist() for name, table in built[1].items()}


def test_it_describes_itself_with_std_1(built: Any, rows: Any) -> None:
    schema, _ = built
    assert schema.name == "TAP_SCHEMA"
    counts = {table.name: len(table.columns) for table in schema.tables}
    assert counts == {"schemas": 4, "tables": 6, "columns": 14, "keys": 5, "key_columns": 3}
    own = [row for row in rows["columns"] if row["table_name"].startswith("TAP_SCHEMA.")]
    assert len(own) == 32
    assert {row["std"] for row in own} == {1}
    assert all(row["description"] for row in own)


def test_rows_correspond_to_the_declaration(built: Any) -> None:
    schema, data = built
    for table in schema.tables:
        assert data[table.name].column_names == [column.name for column in table.columns]
        assert isinstance(table.source, Relation)
        assert table.source.rows == data[table.name].num_rows
        for column in table.columns:
            values = data[table.name][column.name]
            assert column.nullable or values.null_count == 0, (table.name, column.name)
            bound = number_part(column.type.arraysize)
            if column.type.datatype == "char" and bound:
                assert all(len(text.encode()) <= bound for text in values.to_pylist() if text is not None)


def test_every_declared_column_has_its_row(built: Any, rows: Any) -> None:
    schema, _ = built
    for table in (*CATALOG.tables(), *schema.tables):
        told = [row for row in rows["columns"] if row["table_name"] == table.adql_name]
        assert [(row["datatype"], row["arraysize"], row["xtype"]) for row in told] == [
            (column.type.datatype, column.type.arraysize, column.type.xtype) for column in table.columns
        ]
        assert [row["column_index"] for row in told] == list(range(1, len(told) + 1))


def test_names_are_written_as_queries_need_them(rows: Any) -> None:
    assert [row["schema_name"] for row in rows["schemas"]] == ["hip", '"1odd"', "TAP_SCHEMA"]
    assert [row["table_name"] for row in rows["tables"]][:2] == ["hip.main", 'hip."Table of notes"']
    names = [row["column_name"] for row in rows["columns"]]
    assert '"size"' in names
    assert '"Vmag-2"' in names
    assert '"where"' in names
    for name in names:
        assert is_regular(name) or (name[0] == name[-1] == '"')
    own = [row["column_name"] for row in rows["columns"] if row["table_name"] == "TAP_SCHEMA.columns"]
    assert '"size"' in own


@pytest.mark.parametrize(
    ("arraysize", "size"),
    [(None, None), ("3", 3), ("12*", 12), ("*", None), ("64x64", None), ("8x*", None), ("", None)],
)
def test_the_old_size_column(arraysize: Any, size: Any) -> None:
    assert number_part(arraysize) == size


def test_sizes_in_the_rows(rows: Any) -> None:
    told = {row["column_name"]: row["size"] for row in rows["columns"] if row["table_name"] == "hip.main"}
    assert told == {"ra": None, '"size"': 3, '"Vmag-2"': 12, "seen": None, "place": 2, "image": None}


def test_flags_and_texts(rows: Any) -> None:
    row = next(row for row in rows["columns"] if row["column_name"] == "ra")
    assert row == {
        "table_name": "hip.main",
        "column_name": "ra",
        "datatype": "double",
        "arraysize": None,
        "xtype": None,
        "size": None,
        "description": "Right ascension",
        "utype": "stc:x",
        "unit": "deg",
        "ucd": "pos.eq.ra;meta.main",
        "indexed": 1,
        "principal": 1,
        "std": 0,
        "column_index": 1,
    }
    empty = next(row for row in rows["columns"] if row["column_name"] == "seen")
    assert [empty[name] for name in ("description", "utype", "unit", "ucd")] == [None] * 4
    for flag in ("indexed", "principal", "std"):
        assert {row[flag] for row in rows["columns"]} <= {0, 1}
    view, table = rows["tables"][:2]
    assert (view["table_type"], view["utype"], view["description"]) == (
        "view",
        "ivo://ivoa.net/std/obscore#table-1.1",
        "Hipparcos",
    )
    assert (table["table_type"], table["description"]) == ("table", None)


def test_foreign_keys_exist_on_both_sides(rows: Any) -> None:
    assert len(rows["keys"]) == 6  # five of TAP_SCHEMA itself; the key to a missing table is left out
    assert len({row["key_id"] for row in rows["keys"]}) == 6
    columns = {(row["table_name"], row["column_name"]) for row in rows["columns"]}
    keys = {row["key_id"]: row for row in rows["keys"]}
    for pair in rows["key_columns"]:
        key = keys[pair["key_id"]]
        assert (key["from_table"], pair["from_column"]) in columns
        assert (key["target_table"], pair["target_column"]) in columns
    described = {
        (keys[p["key_id"]]["from_table"], p["from_column"], keys[p["key_id"]]["target_table"], p["target_column"])
        for p in rows["key_columns"]
    }
    assert {
        ("TAP_SCHEMA.tables", "schema_name", "TAP_SCHEMA.schemas", "schema_name"),
        ("TAP_SCHEMA.columns", "table_name", "TAP_SCHEMA.tables", "table_name"),
        ("TAP_SCHEMA.keys", "from_table", "TAP_SCHEMA.tables", "table_name"),
        ("TAP_SCHEMA.keys", "target_table", "TAP_SCHEMA.tables", "table_name"),
        ("TAP_SCHEMA.key_columns", "key_id", "TAP_SCHEMA.keys", "key_id"),
        ('hip."Table of notes"', '"where"', "hip.main", '"size"'),
    } <= described


def test_an_empty_catalog() -> None:
    schema, data = tap_schema(Catalog(()))
    assert data["columns"].num_rows == 32
    assert data["keys"].num_rows == 5
    assert data["schemas"].to_pylist()[0]["schema_name"] == "TAP_SCHEMA"
    assert {table.schema for table in schema.tables} == {"TAP_SCHEMA"}


def test_long_names_widen_their_column() -> None:
    long = "c" * 100
    catalog = Catalog((Schema("s", (Table("s", "t", (Column(long, LONG),), Files(())),)),))
    schema, data = tap_schema(catalog)
    columns = next(table for table in schema.tables if table.name == "columns")
    assert columns.column("column_name").type == VOType("char", "*")
    told = next(
        row
        for row in data["columns"].to_pylist()
        if (row["table_name"], row["column_name"]) == ("TAP_SCHEMA.columns", "column_name")
    )
    assert (told["arraysize"], told["size"]) == ("*", None)
    assert columns.column("table_name").type == VOType("char", "128*")
