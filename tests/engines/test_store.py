"""The store: snapshots that nothing can take away, and damage that costs only its own table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nashira.config.errors import PublishError
from nashira.config.site import SiteFolder, open_site
from nashira.engines.store import open_snapshot, version
from nashira.engines.store_records import (
    ColumnRecord,
    KeyRecord,
    PartitionRecord,
    PositionRecord,
    SchemaRecord,
    TableRecord,
)
from nashira.engines.store_write import commit, drafting, publishing, rewrite, sweep, withdraw, write_schema
from nashira.schema.model import Files, Partition, SkyColumns, Table


@pytest.fixture
def folder(tmp_path: Path) -> SiteFolder:
    (tmp_path / "nashira.toml").touch()
    return open_site(tmp_path)


def record(name: str = "main", **more: Any) -> TableRecord:
    columns = (ColumnRecord(name="ra", datatype="double"), ColumnRecord(name="id", datatype="long"))
    part = PartitionRecord(path="dataset/a.parquet", rows=3, low=5, high=9, size_bytes=4)
    return TableRecord(
        schema_name="s",
        name=name,
        columns=columns,
        file_columns=columns,
        partitions=(part,),
        **more,
    )


def put(folder: SiteFolder, name: str = "main", **more: Any) -> Path:
    with publishing(folder.store, f"s.{name}") as home, drafting(home) as draft:
        (draft.folder / "dataset").mkdir()
        (draft.folder / "dataset" / "a.parquet").write_bytes(b"data")
        commit(draft, record(name, **more))
    return home


def names(folder: SiteFolder) -> list[str]:
    snapshot = open_snapshot(folder)
    snapshot.release()
    return [table.name for table in snapshot.catalog.tables()]


def parts(table: Table) -> tuple[Partition, ...]:
    assert isinstance(table.source, Files)
    return table.source.partitions


def test_an_empty_store_is_an_empty_catalog(folder: SiteFolder) -> None:
    snapshot = open_snapshot(folder)
    assert snapshot.catalog.schemas == ()
    assert snapshot.catalog.version == version(folder.store)
    snapshot.release()


def test_a_table_comes_back_as_it_was_put(folder: SiteFolder) -> None:
    put(folder, position=PositionRecord(ra="ra", dec="dec", epoch=2016.0), indexed=True, primary=("id",))
    write_schema(folder.store, SchemaRecord(name="s", title="The S", creators=("me",), tables=("main",)))
    snapshot = open_snapshot(folder)
    (schema,) = snapshot.catalog.schemas
    (table,) = schema.tables
    assert (schema.title, schema.creators) == ("The S", ("me",))
    assert (table.rows, table.position, table.primary) == (3, SkyColumns("ra", "dec", 2016.0), ("id",))
    (part,) = parts(table)
    assert Path(part.path).is_absolute()
    assert Path(part.path).read_bytes() == b"data"
    assert (part.low, part.high) == (5, 9)
    snapshot.release()


def test_tables_stand_in_the_order_of_the_descriptor(folder: SiteFolder) -> None:
    for name in ("a", "b", "c"):
        put(folder, name)
    write_schema(folder.store, SchemaRecord(name="s", tables=("c", "a")))
    assert names(folder) == ["c", "a", "b"]


def test_every_change_changes_the_version(folder: SiteFolder) -> None:
    seen = [version(folder.store)]
    home = put(folder)
    seen.append(version(folder.store))
    rewrite(home, record(title="new"))
    seen.append(version(folder.store))
    write_schema(folder.store, SchemaRecord(name="s"))
    seen.append(version(folder.store))
    withdraw(folder.store, "s.main")
    seen.append(version(folder.store))
    assert len(set(seen)) == len(seen)
    assert names(folder) == []
    assert not home.exists()


def test_a_held_version_outlives_its_successors(folder: SiteFolder) -> None:
    home = put(folder)
    first, second = open_snapshot(folder), open_snapshot(folder)
    (path,) = {Path(parts(t)[0].path) for t in first.catalog.tables()}
    put(folder)
    sweep(folder.store)
    assert path.read_bytes() == b"data"
    first.release()
    sweep(folder.store)
    assert path.exists()
    second.release()
    assert not path.exists()
    assert [p.name for p in home.glob("v-*")] == [(home / "current").readlink().name]


def test_a_withdrawn_table_stays_for_those_who_hold_it(folder: SiteFolder) -> None:
    home = put(folder)
    snapshot = open_snapshot(folder)
    withdraw(folder.store, "s.main")
    (table,) = snapshot.catalog.tables()
    assert Path(parts(table)[0].path).exists()
    snapshot.release()
    sweep(folder.store)
    assert not home.exists()


def test_a_draft_without_commit_leaves_nothing(folder: SiteFolder) -> None:
    home = put(folder)
    before = version(folder.store), sorted(home.iterdir())
    with publishing(folder.store, "s.main"), drafting(home) as draft:
        (draft.folder / "half").touch()
    assert (version(folder.store), sorted(home.iterdir())) == before


def test_leftovers_are_swept_but_not_a_living_publishers_draft(folder: SiteFolder) -> None:
    home = put(folder)
    dead = home / "v-1-dead.partial"
    dead.mkdir()
    (home / "current.v-1-dead").symlink_to("v-1-dead")
    (home / "v-0-cut").mkdir()  # a removal that was cut short: no lock file any more
    with publishing(folder.store, "s.other") as other, drafting(other) as draft:
        sweep(folder.store)
        assert draft.folder.exists()
    assert sorted(path.name[:2] for path in home.iterdir()) == ["cu", "lo", "v-"]
    sweep(folder.store)
    assert not other.exists()


def test_one_publisher_a_table(folder: SiteFolder) -> None:
    with publishing(folder.store, "s.main"):
        with pytest.raises(PublishError, match=r"s\.main is being published by another process"):
            put(folder)
        put(folder, "other")
    put(folder)
    assert names(folder) == ["main", "other"]


DAMAGE = {
    "no record": lambda home, now: (now / "table.json").unlink(),
    "broken record": lambda home, now: (now / "table.json").write_text("{"),
    "other record": lambda home, now: (now / "table.json").write_text(record("other").model_dump_json()),
    "unknown key": lambda home, now: (now / "table.json").write_text(
        record().model_dump_json().replace('"title"', '"titel"')
    ),
    "no data": lambda home, now: (now / "dataset" / "a.parquet").unlink(),
    "data cut short": lambda home, now: (now / "dataset" / "a.parquet").write_bytes(b"d"),
    "no version": lambda home, now: now.rename(home / "elsewhere"),
    "link outside": lambda home, now: ((home / "current").unlink(), (home / "current").symlink_to("../../..")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_costs_only_its_own_table(
    folder: SiteFolder, damage: Callable[[Path, Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    home = put(folder)
    put(folder, "whole")
    write_schema(folder.store, SchemaRecord(name="s"))
    damage(home, home / (home / "current").readlink())
    snapshot = open_snapshot(folder)
    snapshot.release()
    assert [table.name for table in snapshot.catalog.tables()] == ["whole"]
    (fault,) = snapshot.faults
    assert "s.main" in str(fault) or "v-" in str(fault)
    assert "left out of the catalog" in caplog.text
    put(folder)
    assert names(folder) == ["main", "whole"]


def test_a_damaged_schema_record_costs_only_the_metadata(folder: SiteFolder) -> None:
    put(folder)
    (folder.store / "s.json").write_text("no")
    snapshot = open_snapshot(folder)
    snapshot.release()
    assert [schema.name for schema in snapshot.catalog.schemas] == ["s"]
    assert len(snapshot.faults) == 1


def test_keys_lead_only_to_what_is_published(folder: SiteFolder) -> None:
    good = KeyRecord(target=("s", "other"), pairs=(("id", "id"),))
    put(
        folder,
        keys=(
            good,
            KeyRecord(target=("s", "none"), pairs=(("id", "id"),)),
            KeyRecord(target=("s", "other"), pairs=(("id", "no"),)),
        ),
    )
    put(folder, "other")
    snapshot = open_snapshot(folder)
    snapshot.release()
    main = next(table for table in snapshot.catalog.tables() if table.name == "main")
    assert [key.target for key in main.keys] == [("s", "other")]
    assert len(main.keys) == 1


def test_files_that_are_no_tables_do_no_harm(folder: SiteFolder) -> None:
    put(folder)
    (folder.store / "note.txt").touch()
    (folder.store / "a.b").mkdir()
    (folder.store / "lost+found").mkdir()
    assert names(folder) == ["main"]
