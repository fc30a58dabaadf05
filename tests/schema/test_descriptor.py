"""Descriptors are read strictly, told about plainly, and written so that they read back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashira.config.errors import PublishError
from nashira.schema.descriptor import (
    ColumnEdit,
    Dataset,
    Key,
    Position,
    TableDescriptor,
    edited_columns,
    load_descriptors,
    parse_descriptor,
)
from nashira.schema.descriptor_text import Found, block_digest, scalar, table_block, whole_text, with_table
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE

DESIGN = """
schema: hip
title: Hipparcos main catalogue
creators: [ESA]
subjects: [stars, astrometry]
tables:
  - name: main
    source: hip_main.fits
    position: {ra: RAdeg, dec: DEdeg, epoch: 1991.25}
    columns: {Vmag: {unit: mag, ucd: phot.mag;em.opt.V, description: Johnson V}}
"""


def test_the_example_of_the_design() -> None:
    dataset = parse_descriptor(DESIGN, "hip.yaml")
    assert (dataset.name, dataset.creators) == ("hip", ("ESA",))
    (table,) = dataset.tables
    assert table.position == Position(ra="RAdeg", dec="DEdeg", epoch=1991.25)
    assert table.columns["Vmag"].ucd == "phot.mag;em.opt.V"


def test_scalars_are_the_text_that_stands_there() -> None:
    text = """
schema: s
title: 1.10
tables:
- name: t
  source: x
  index: 2
  position: false
  columns:
    no: {unit: no, description: 2000-01-01}
    2MASS:
    1e5: {description: ~, hidden: true}
"""
    dataset = parse_descriptor(text, "s.yaml")
    table = dataset.tables[0]
    assert dataset.title == "1.10"
    assert table.position is False
    assert table.index == 2
    assert table.columns["no"] == ColumnEdit(unit="no", description="2000-01-01")
    assert table.columns["2MASS"] == ColumnEdit()
    assert table.columns["1e5"].hidden


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("schema: s\ntabels: []", "x.yaml: tabels: unknown key (did you mean tables?)"),
        ("title: x", "x.yaml: schema: it is missing"),
        ("schema: s\ntables:\n- name: t", "x.yaml: tables.t.source: it is missing"),
        (
            "schema: s\ntables: [{name: t, source: a, colums: {}}]",
            "tables.t.colums: unknown key (did you mean columns?)",
        ),
        ("schema: s\ntables: [{name: t, source: a, columns: {a: {unti: m}}}]", "columns.a.unti: unknown key"),
        ("schema: s\ntables: [{name: t, source: a, position: {ra: a}}]", "tables.t.position.dec: it is missing"),
        ("schema: s\ntables: [{name: t, source: a, position: {ra: a, dec: b, epoch: x}}]", "tables.t.position.epoch"),
        ("schema: s\ntables: [{name: t, source: a}, {name: T, source: b}]", "two tables are called T"),
        ("schema: s\ntables: [{name: a b, source: a}]", "tables.a b.name: 'a b' is no name"),
        ("schema: TAP_SCHEMA", "schema of the Virtual Observatory itself"),
        ("schema: select", "reserved word"),
        ("schema: s\nimages: [{collection: x}]", "images: image collections cannot be published yet"),
        ("schema: s\nschema: t", "line 2, column 1: the key 'schema' is given twice"),
        ("schema: s\ntables: [", "x.yaml line 2"),
        ("schema: s\n? [a]\n: b", "a key must be a text"),
        ("- a", "a descriptor is a mapping"),
        ("schema: !!python/object/apply:os.system [ls]", "x.yaml"),
        ("schema: s\ntables: [{name: t, source: a, keys: [{to: other, columns: {a: b}}]}]", "schema.table"),
    ],
)
def test_faults_name_file_key_and_reason(text: str, reason: str) -> None:
    with pytest.raises(PublishError) as caught:
        parse_descriptor(text, "x.yaml")
    assert reason in str(caught.value)
    assert str(caught.value).startswith("x.yaml")


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("schema: a\n")
    (tmp_path / "b.yaml").write_text("schema: other\n")
    (tmp_path / "c.yaml").write_text("schema: [\n")
    (tmp_path / "A.yaml").write_text("schema: A\n")
    found, faults = load_descriptors(tmp_path)
    assert list(found) == ["A"]
    assert len(faults) == 3


names = st.text(min_size=1, max_size=30)
edits = st.builds(
    ColumnEdit,
    unit=st.none() | st.text(max_size=10),
    description=st.none() | st.text(max_size=40),
    principal=st.none() | st.booleans(),
    hidden=st.booleans(),
)
tables = st.builds(
    TableDescriptor,
    name=st.sampled_from(["main", "t_2", "Abc"]),
    source=names,
    index=st.integers(0, 3),
    title=st.text(max_size=30),
    description=st.text(max_size=60),
    position=st.none() | st.just(False) | st.builds(Position, ra=names, dec=names, epoch=st.none() | st.just(2016.0)),
    primary_key=st.lists(names, max_size=2).map(tuple),
    keys=st.lists(st.builds(Key, to=st.just("a.b"), columns=st.dictionaries(names, names, min_size=1)), max_size=2).map(
        tuple
    ),
    columns=st.dictionaries(names, edits, max_size=4),
)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_survives_as_a_scalar(text: str) -> None:
    dataset = parse_descriptor(f"schema: s\ntitle: {scalar(text)}\ncreators: [{scalar(text)}, x]\n", "s")
    assert dataset.title == text
    assert dataset.creators[0] == text


@given(tables, st.lists(names, max_size=4, unique=True), st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_what_is_written_reads_back_the_same(table: TableDescriptor, columns: list[str], text: str) -> None:
    shown = [Column(name, DOUBLE, text, text, text) for name in columns]
    found = Found(shown, Position(ra="ra", dec="dec"), text, text, text)
    dataset = Dataset(name="s", title=text, creators=(text,), tables=(table,))
    written = whole_text(dataset, {table.name: table_block(table, found)})
    assert parse_descriptor(written, "s") == dataset


AUTHOR = """\
# my own words
schema: s      # short
tables:
- name: one    # the first
  source: a.fits
  columns:
    x: {unit: m}   # metres
# between
title: At the end
"""


def test_a_new_table_goes_below_and_the_rest_stays() -> None:
    dataset = parse_descriptor(AUTHOR, "s")
    new = TableDescriptor(name="two", source="b.fits")
    text = with_table(AUTHOR, dataset, new, Found([Column("y", DOUBLE)]), "")
    assert parse_descriptor(text, "s").tables == (*dataset.tables, new)
    for line in AUTHOR.splitlines():
        assert line in text.splitlines()


def test_another_source_changes_only_that_word() -> None:
    dataset = parse_descriptor(AUTHOR, "s")
    moved = dataset.tables[0].model_copy(update={"source": "b: c.fits"})
    text = with_table(AUTHOR, dataset, moved, Found(()), "")
    assert text == AUTHOR.replace("a.fits", '"b: c.fits"')


def test_a_block_is_replaced_only_where_nobody_touched_it() -> None:
    table = TableDescriptor(name="one", source="a.fits")
    dataset = Dataset(name="s", tables=(table, TableDescriptor(name="two", source="b.fits")))
    blocks = {t.name: table_block(t, Found([Column("x", DOUBLE)])) for t in dataset.tables}
    text = whole_text(dataset, blocks)
    digest = block_digest(text, dataset, "one")
    found = Found([Column("x", DOUBLE), Column("new", DOUBLE)])
    assert with_table(text, dataset, table, found, digest).count("# new:") == 1
    touched = text.replace("- name: one", "- name: one  # mine")
    assert with_table(touched, dataset, table, found, digest) == touched


def test_a_flow_list_is_written_anew_from_its_meaning() -> None:
    text = "schema: s\ntables: [{name: one, source: a, columns: {x: {unit: m}}}]\n"
    dataset = parse_descriptor(text, "s")
    new = TableDescriptor(name="two", source="b")
    again = parse_descriptor(with_table(text, dataset, new, Found(()), ""), "s")
    assert again.tables == (*dataset.tables, new)


def test_edits_win_and_unknown_columns_are_told() -> None:
    columns = [Column("Vmag", DOUBLE, "from the file", "mag"), Column("x", DOUBLE)]
    table = TableDescriptor(
        name="t", source="a", columns={"Vmag": ColumnEdit(unit="mmag"), "x": ColumnEdit(hidden=True)}
    )
    (only,) = edited_columns(columns, table, "w")
    assert (only.unit, only.description) == ("mmag", "from the file")
    wrong = TableDescriptor(name="t", source="a", columns={"vmag": ColumnEdit(unit="mmag")})
    with pytest.raises(PublishError, match=r"did you mean Vmag\?"):
        edited_columns(columns, wrong, "w")
    with pytest.raises(PublishError, match="all columns are hidden"):
        edited_columns(columns[1:], table.model_copy(update={"columns": {"x": ColumnEdit(hidden=True)}}), "w")
