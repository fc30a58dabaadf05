"""Publishing files on a site with a database: rows, indexes, versions, and what a failed publish leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import PublishError
from nashira.config.site import open_site
from nashira.engines.store import open_snapshot
from nashira.schema.model import Relation, SkyIndex, Table
from nashira.sphere.coverage import healpix29
from tests.ingest.publisher import Make, Publisher
from tests.postgres_server import Database, PostgresServer


@pytest.fixture
def database(postgres: PostgresServer) -> Database:
    return postgres.fresh()


def make_site(root: Path, database: Database, **more: str) -> Publisher:
    root.mkdir(exist_ok=True)
    values = {"url": database.read_url, "admin_url": database.url, **more}
    lines = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    (root / "nashira.toml").write_text(f"[engine]\n{lines}")
    return Publisher(open_site(root))


@pytest.fixture
def site(tmp_path: Path, database: Database) -> Publisher:
    return make_site(tmp_path / "site", database)


def the_table(site: Publisher) -> Table:
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert not snapshot.faults
    (table,) = snapshot.catalog.tables()
    return table


def relation_of(table: Table) -> Relation:
    assert isinstance(table.source, Relation)
    return table.source


def loaded(database: Database) -> list[str]:
    """Name the tables of loaded data in the database."""
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = (SELECT oid"
            " FROM pg_namespace WHERE nspname = 'nashira_data') ORDER BY 1"
        )
        return [name for (name,) in rows]


def test_a_file_becomes_a_sorted_table_with_indexes(site: Publisher, database: Database, stars: Path) -> None:
    (done,) = site.publish(stars, table="sky.stars")
    assert (done.name, done.outcome, done.rows) == ("sky.stars", "published", 500)
    table = the_table(site)
    relation = relation_of(table)
    assert relation.rows == 500
    assert relation.indexed
    assert relation.sky == SkyIndex("q3c")
    assert [c.name for c in table.columns] == ["ra", "dec", "id"]
    with psycopg.connect(database.read_url) as reader:
        schema, name = relation.path
        rows = reader.execute(f'SELECT ra, "dec", id, _healpix_29 FROM "{schema}"."{name}"').fetchall()
        assert reader.execute("SELECT count(*) FROM pg_stats WHERE tablename = %s", (name,)).fetchone() == (4,)
    ra, dec, _, cells = (np.array(values) for values in zip(*rows, strict=True))
    assert np.array_equal(cells, healpix29(ra, dec))
    assert np.all(np.diff(cells) >= 0), "rows lie in the order of the index"
    truth = pq.read_table(stars).to_pydict()
    assert sorted((r[2], r[0], r[1]) for r in rows) == sorted(zip(truth["id"], truth["ra"], truth["dec"], strict=True))


@pytest.mark.parametrize(
    ("asked", "sky"), [("pgsphere", SkyIndex("pgsphere")), ("q3c", SkyIndex("q3c")), ("healpix", None)]
)
def test_the_setting_chooses_the_sky_index(
    tmp_path: Path, database: Database, stars: Path, asked: str, sky: SkyIndex | None
) -> None:
    site = make_site(tmp_path / "site", database, sky_index=asked)
    site.publish(stars, table="sky.stars")
    relation = relation_of(the_table(site))
    assert relation.sky == sky
    assert relation.indexed


def test_a_new_version_replaces_the_old_one(site: Publisher, database: Database, stars: Path, make: Make) -> None:
    site.publish(stars, table="sky.stars")
    before = relation_of(the_table(site)).path
    make(stars, rows=700)
    site.publish(stars, table="sky.stars")
    after = relation_of(the_table(site))
    assert after.path != before
    assert after.rows == 700
    assert loaded(database) == [after.path[1]]


def test_a_reader_keeps_its_version(site: Publisher, database: Database, stars: Path) -> None:
    site.publish(stars, table="sky.stars")
    held = open_snapshot(site.folder)
    (table,) = held.catalog.tables()
    site.publish(stars, table="sky.stars")
    assert relation_of(table).path[1] in loaded(database)
    assert len(loaded(database)) == 2
    held.release()
    assert len(loaded(database)) == 2, "a reader may not drop tables"
    site.publish()
    assert loaded(database) == [relation_of(the_table(site)).path[1]]


def test_a_failed_publish_leaves_nothing(site: Publisher, database: Database, tmp_path: Path, stars: Path) -> None:
    site.publish(stars, table="sky.stars")
    before = the_table(site)
    broken = tmp_path / "broken.csv"
    broken.write_text("ra,dec,x\n" + "1,2,3\n" * 70_000 + "1,2\n")
    with pytest.raises(PublishError):
        site.publish(broken, table="sky.stars")
    assert the_table(site) == before
    assert loaded(database) == [relation_of(before).path[1]]


def test_withdrawn_tables_are_dropped(site: Publisher, database: Database, stars: Path) -> None:
    site.publish(stars, table="sky.stars")
    site.descriptor("sky").unlink()
    (done,) = site.publish()
    assert done.outcome == "withdrawn"
    assert loaded(database) == []


def test_all_types_arrive(site: Publisher, database: Database, tmp_path: Path) -> None:
    """Every type of the model goes into the database and is what it was; NaN is null, the character NUL goes."""
    columns = {
        "flag": pa.array([True, None, False]),
        "byte": pa.array([0, None, 255], pa.uint8()),
        "short": pa.array([-32768, None, 32767], pa.int16()),
        "int": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
        "long": pa.array([-(2**63), None, 2**63 - 1], pa.int64()),
        "float": pa.array([1.5, None, np.nan], pa.float32()),
        "double": pa.array([1e300, None, np.inf]),
        "text": pa.array(["é \U0001f52d", None, "a\0b"]),
        "when": pa.array([0, None, 1_600_000_000_123_456], pa.timestamp("us")),
        "pair": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2)),
        "many": pa.array([[1, 2, 3], None, []], pa.list_(pa.int16())),
        "bytes": pa.array([[1, 255], None, []], pa.list_(pa.uint8())),
        'odd "name"; --': pa.array([1, 2, 3]),
        "ctid": pa.array([1, 2, 3]),
        "x" * 80: pa.array([1, 2, 3]),
        "x" * 81: pa.array([1, 2, 3]),
    }
    file = tmp_path / "types.parquet"
    pq.write_table(pa.table(columns), file)
    site.publish(file, table="every.types")
    table = the_table(site)
    schema, name = relation_of(table).path
    with psycopg.connect(database.read_url) as reader:
        cursor = reader.execute(f'SELECT * FROM "{schema}"."{name}"')
        names = [one.name for one in cursor.description or ()]
        rows = cursor.fetchall()
    assert names == [c.name for c in table.columns]
    assert [name[:5] for name in names[12:]] == ['odd "', "ctid_", "xxxxx", "xxxxx"]
    found = dict(zip(names, zip(*rows, strict=True), strict=True))
    assert found["byte"] == (0, None, 255)
    assert found["long"] == (-(2**63), None, 2**63 - 1)
    assert found["float"] == (1.5, None, None)
    assert found["double"] == (1e300, None, np.inf)
    assert found["text"] == ("é \U0001f52d", None, "ab")
    assert found["pair"] == ([1.0, 2.0], None, [3.0, 4.0])
    assert found["many"] == ([1, 2, 3], None, [])
    assert found["bytes"] == ([1, 255], None, [])
    assert [None if when is None else when.isoformat() for when in found["when"]] == [
        "1970-01-01T00:00:00",
        None,
        "2020-09-13T12:26:40.123456",
    ]
    assert any("ctid" in warning for warning in site.heard.warned)


def test_edits_of_the_descriptor_cost_no_load(site: Publisher, database: Database, stars: Path) -> None:
    site.publish(stars, table="sky.stars")
    before = loaded(database)
    text = site.descriptor("sky").read_text()
    site.descriptor("sky").write_text(
        text.replace("  - name: stars\n", "  - name: stars\n    title: Stars\n    primary_key: [id]\n")
    )
    (done,) = site.publish()
    assert done.outcome == "described"
    assert the_table(site).primary == ("id",)
    assert loaded(database) == before
    with psycopg.connect(database.url) as connection:
        indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", (before[0],)).fetchall()
    assert any(text.endswith("(id)") for (text,) in indexes), "the key is indexed"
    assert [one.outcome for one in site.publish()] == ["unchanged"]


def test_a_site_that_gets_a_database_is_published_anew(tmp_path: Path, database: Database, stars: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    (root / "nashira.toml").touch()
    Publisher(open_site(root)).publish(stars, table="sky.stars")
    site = make_site(root, database)
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert "run `nashira publish`" in str(snapshot.faults[0])
    (done,) = site.publish()
    assert done.outcome == "published"
    assert relation_of(the_table(site)).rows == 500


def test_a_hats_catalogue_is_copied(tmp_path: Path, database: Database, make: Make) -> None:
    """What stays in place on an embedded site is loaded into a database, with the position of its properties."""
    embedded = tmp_path / "embedded"
    embedded.mkdir()
    (embedded / "nashira.toml").touch()
    Publisher(open_site(embedded)).publish(make(tmp_path / "sky.parquet", 3000), table="s.sky")
    site = make_site(tmp_path / "site", database)
    (done,) = site.publish(embedded / "store" / "s.sky" / "current", table="copy.sky")
    assert done.rows == 3000
    relation = relation_of(the_table(site))
    assert relation.indexed
    schema, name = relation.path
    truth = pq.read_table(tmp_path / "sky.parquet")
    with psycopg.connect(database.read_url) as reader:
        rows = reader.execute(f'SELECT id, ra, "dec" FROM "{schema}"."{name}" ORDER BY id').fetchall()
    assert rows == list(zip(*(truth[name].to_pylist() for name in ("id", "ra", "dec")), strict=True))
    assert [one.outcome for one in site.publish()] == ["unchanged"]


def test_files_need_an_administrator(tmp_path: Path, database: Database, stars: Path) -> None:
    site = make_site(tmp_path / "site", database, admin_url="")
    with pytest.raises(PublishError, match="admin_url"):
        site.publish(stars, table="sky.stars")


def test_a_password_never_comes_out(tmp_path: Path, stars: Path) -> None:
    wrong = Database("postgresql://me:secret@127.0.0.1:1/none", "postgresql://me:secret@127.0.0.1:1/none", "", "none")
    site = make_site(tmp_path / "site", wrong)
    with pytest.raises(Exception, match="cannot be reached") as caught:
        site.publish(stars, table="sky.stars")
    assert "secret" not in str(caught.value)


# A publish that stops for ever at some point and says so; the test then kills it.
STUCK = """
import sys, time
import subprocess
import sys
from pathlib import Path
from nashira.config.site import open_site
from nashira.ingest import {module} as module
from nashira.ingest.publish import publish as act
from nashira.ingest.report import LogReport

def stuck(*_, **__):
    print("now", flush=True)
    time.sleep(600)

module.{function} = stuck
act(open_site(Path(sys.argv[1])), [Path(sys.argv[2])], table="sky.stars", schema=None, report=LogReport())
"""


@pytest.mark.parametrize(
    ("module", "function"),
    [("postgres_load", "storable"), ("postgres_load", "with_sky_index"), ("publish", "commit")],
    ids=["table made", "rows loaded", "before the rename"],
)
def test_kill_minus_nine_leaves_nothing_served(
    site: Publisher, database: Database, stars: Path, module: str, function: str
) -> None:
    site.publish(stars, table="sky.stars")
    before = the_table(site)
    code = STUCK.format(module=module, function=function)
    command = [sys.executable, "-c", code, str(site.folder.root), str(stars)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "now\n"
        finally:
            child.kill()
    assert the_table(site) == before
    assert len(loaded(database)) == 2, "the killed one left its table"
    site.publish(stars, table="sky.stars")
    after = relation_of(the_table(site)).path
    assert after != relation_of(before).path
    assert loaded(database) == [after[1]], "the next one swept it"
