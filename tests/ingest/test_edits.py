"""Descriptors: what was found stands there for editing, and edits win from then on."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import PublishError
from nashira.engines.store import open_snapshot, version
from nashira.schema.model import Schema, Table
from tests.ingest.publisher import Publisher, files_of, position_of


@pytest.fixture
def hip(tmp_path: Path) -> Path:
    """A catalogue with metadata."""
    fields = [
        pa.field("RAdeg", pa.float64(), metadata={"unit": "deg", "description": "Right ascension"}),
        pa.field("DEdeg", pa.float64(), metadata={"unit": "deg"}),
        pa.field("Vmag", pa.float32(), metadata={"unit": "mag", "ucd": "phot.mag"}),
        pa.field("B-V", pa.float32()),
        pa.field("no", pa.int32()),
        pa.field("SpType", pa.string(), metadata={"description": 'Type: "MK", #1 {a, b}'}),
    ]
    path = tmp_path / "hip.parquet"
    columns = [[1.0, 2.0], [3.0, 4.0], [5.0, None], [None, 0.5], [1, 2], ["A0", None]]
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), path)
    return path


def schema(site: Publisher) -> Schema:
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert snapshot.faults == ()
    (found,) = snapshot.catalog.schemas
    return found


def table(site: Publisher) -> Table:
    return schema(site).tables[0]


def data_folder(site: Publisher) -> str:
    return str((site.folder.store / "hip.main" / "current").readlink())


def uncomment(site: Publisher, start: str, **replacements: str) -> None:
    """Do what the head of the file says: remove the # of the line that begins so; then replace words."""
    path = site.descriptor("hip")
    lines = path.read_text().splitlines(keepends=True)
    (n,) = [n for n, line in enumerate(lines) if line.strip().startswith(f"# {start}")]
    line = lines[n].replace("# ", "", 1)
    for old, new in replacements.items():
        assert old in line
        line = line.replace(old, new)
    path.write_text("".join([*lines[:n], line, *lines[n + 1 :]]))


def test_uncommenting_every_line_changes_nothing(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    before = table(site)
    text = site.descriptor("hip").read_text()
    head, _, block = text.partition("tables:\n")
    opened = re.sub(r"^(\s+)# (?!position found|title|primary_key|keys|description)", r"\1", block, flags=re.M)
    assert opened != block
    site.descriptor("hip").write_text(f"{head}tables:\n{opened}")
    site.publish()
    after = table(site)
    assert after.columns == before.columns
    assert (position_of(after).ra, position_of(after).dec) == (position_of(before).ra, position_of(before).dec)


def test_edits_of_metadata_do_not_touch_the_data(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    folder, seen = data_folder(site), version(site.folder.store)
    uncomment(site, "Vmag:", **{"unit: mag": "unit: mmag"})
    uncomment(site, '"no":', description="number: 1, description")  # an unknown key
    with pytest.raises(PublishError, match=r"hip\.yaml: tables\.main\.columns\.no\.number.*unknown key"):
        site.publish()
    assert version(site.folder.store) == seen
    site.edit("hip", "number: 1, description", "description")
    site.edit("hip", "# title: A name for people, such as Hipparcos main catalogue", "title: Hipparcos")
    site.edit("hip", "# creators: [Institute or Person, Another]", "creators: ESA")
    (done,) = site.publish()
    assert done.outcome == "described"
    assert table(site).column("Vmag").unit == "mmag"
    assert (schema(site).title, schema(site).creators) == ("Hipparcos", ("ESA",))
    assert data_folder(site) == folder
    assert version(site.folder.store) != seen
    assert [one.outcome for one in site.publish()] == ["unchanged"]


def test_edits_outlive_a_new_file(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    uncomment(site, "Vmag:", **{"phot.mag": "phot.mag;em.opt.V"})
    text = site.descriptor("hip").read_text() + "# a word of my own\n"
    site.descriptor("hip").write_text(text)
    pq.write_table(pq.read_table(hip).slice(0, 1), hip)
    for sources in ((hip,), ()):
        site.publish(*sources)
        assert table(site).rows == 1
        assert table(site).column("Vmag").ucd == "phot.mag;em.opt.V"
        assert site.descriptor("hip").read_text() == text


def test_a_block_nobody_edited_is_brought_up_to_date(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    pq.write_table(pq.read_table(hip).append_column("extra", pa.array([1, 2])), hip)
    site.publish(hip)
    assert "# extra: " in site.descriptor("hip").read_text()


def test_a_second_table_is_added_below(site: Publisher, hip: Path, stars: Path) -> None:
    site.publish(hip)
    site.edit("hip", "# rights: a licence, such as CC BY 4.0", "rights: CC0  # by me")
    site.publish(stars, table="hip.others")
    text = site.descriptor("hip").read_text()
    assert text.index("- name: main") < text.index("- name: others")
    assert "rights: CC0  # by me" in text
    assert [t.name for t in schema(site).tables] == ["main", "others"]
    assert schema(site).rights == "CC0"


def test_another_position_makes_the_index_anew(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    folder = data_folder(site)
    uncomment(site, "position: {", **{"ra: RAdeg, dec: DEdeg": "ra: DEdeg, dec: RAdeg", "2000.0": "1991.25"})
    (done,) = site.publish()
    assert done.outcome == "published"
    assert data_folder(site) != folder
    assert (position_of(table(site)).ra, position_of(table(site)).epoch) == ("DEdeg", 1991.25)


def test_an_epoch_is_only_metadata(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    site.edit("hip", "# primary_key", "position: {ra: RAdeg, dec: DEdeg, epoch: 1991.25}\n    # primary_key")
    site.publish()  # from found to said: the data are made once more
    site.edit("hip", "epoch: 1991.25", "epoch: 2016")
    assert site.publish()[0].outcome == "described"
    assert position_of(table(site)).epoch == 2016


def test_position_false_means_none(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    site.edit("hip", "# primary_key", "position: false\n    # primary_key")
    site.publish()
    assert table(site).position is None
    assert not files_of(table(site)).indexed


def test_hidden_columns_and_keys(site: Publisher, hip: Path, stars: Path) -> None:
    site.publish(hip)
    site.publish(stars, table="hip.others")
    site.edit("hip", "# SpType:", "SpType: {hidden: true}\n      # SpType:")
    site.edit("hip", "# primary_key: [column]", 'primary_key: ["no"]')
    site.edit("hip", "# keys: [", "keys: [{to: hip.others, columns: {no: id}}]\n    # keys: [")
    site.publish()
    main = table(site)
    assert "SpType" not in [column.name for column in main.columns]
    assert main.primary == ("no",)
    assert main.keys[0].target == ("hip", "others")
    assert main.keys[0].pairs == (("no", "id"),)


def test_keys_to_nowhere_are_not_published(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    site.edit("hip", "# keys: [", "keys: [{to: hip.nothing, columns: {no: id}}]\n    # keys: [")
    site.publish()
    assert table(site).keys == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("columns: {Vmagg: {unit: mag}}", r"no column 'Vmagg' \(did you mean Vmag\?\)"),
        ("position: {ra: RAdeg, dec: SpType}", "sexagesimal"),
        ("position: {ra: RAdeg, dec: DE}", "no column 'DE'"),
        ("primary_key: [HIP]", "no column 'HIP'"),
    ],
)
def test_faults_name_file_key_and_reason(site: Publisher, hip: Path, line: str, reason: str) -> None:
    site.publish(hip)
    text = site.descriptor("hip").read_text()
    text = text[: text.index("    columns:")] + f"    {line}\n"
    site.descriptor("hip").write_text(text)
    with pytest.raises(PublishError, match=reason) as caught:
        site.publish()
    assert "datasets/hip.yaml: tables.main" in str(caught.value)
    assert table(site).rows == 2


def test_the_column_of_the_position_cannot_be_hidden(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    site.edit("hip", "# primary_key", "position: {ra: RAdeg, dec: DEdeg}\n    # primary_key")
    site.edit("hip", "    # RAdeg:", "    RAdeg: {hidden: true}\n      # RAdeg:")
    with pytest.raises(PublishError, match="RAdeg"):
        site.publish()


def test_what_no_descriptor_names_is_taken_down(site: Publisher, hip: Path, stars: Path) -> None:
    site.publish(hip)
    site.publish(stars)
    site.descriptor("stars").unlink()
    outcomes = {done.name: done.outcome for done in site.publish()}
    assert outcomes == {"hip.main": "unchanged", "stars.main": "withdrawn"}
    assert schema(site).name == "hip"
    assert not (site.folder.store / "stars.main").exists()


def test_a_broken_descriptor_takes_nothing_down(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    site.descriptor("hip").write_text("schema: hip\ntables: [")
    with pytest.raises(PublishError, match=r"hip\.yaml"):
        site.publish()
    assert table(site).rows == 2


def test_a_source_that_is_gone_leaves_the_table(site: Publisher, hip: Path) -> None:
    site.publish(hip)
    hip.unlink()
    uncomment(site, "Vmag:", **{"unit: mag": "unit: mmag"})
    assert site.publish()[0].outcome == "described"
    assert table(site).column("Vmag").unit == "mmag"
    assert any("gone" in text for text in site.heard.warned)
