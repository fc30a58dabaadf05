"""Publishers that die and disks that fill: the old table stays whole, leftovers go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.errors import PublishError
from nashira.config.site import open_site
from nashira.engines.store import open_snapshot, version
from tests.ingest.publisher import Make, Publisher, files_of

# A publish that stops for ever in the middle of writing and says so; the test then kills it.
STUCK = """
import sys, time
from pathlib import Path
from nashira.config.site import open_site
from nashira.ingest import {module} as module
from nashira.ingest.publish import publish as act
from nashira.ingest.report import LogReport

def stuck(*_, **__):
    print("now", flush=True)
    time.sleep(600)

module.{function} = stuck
act(open_site(Path(sys.argv[1])), [Path(sys.argv[2])], table=None, schema=None, report=LogReport())
"""


@pytest.mark.parametrize(
    ("module", "function"),
    [("parquet", "_grouped"), ("publish", "commit"), ("publish", "write_schema")],
    ids=["writing", "before the rename", "after the rename"],
)
def test_kill_minus_nine_leaves_a_whole_table(site: Publisher, stars: Path, module: str, function: str) -> None:
    site.publish(stars)
    before = version(site.folder.store)
    pq.write_table(pq.read_table(stars).slice(0, 7), stars)
    code = STUCK.format(module=module, function=function)
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(site.folder.root), str(stars)], stdout=subprocess.PIPE, text=True
    )
    home = site.folder.store / "stars.main"
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "now\n"
            if function != "write_schema":
                assert list(home.glob("*.partial"))
                assert version(site.folder.store) == before
            with pytest.raises(PublishError, match="another process"):
                site.publish(stars)
        finally:
            child.kill()
    snapshot = open_snapshot(site.folder)
    (table,) = snapshot.catalog.tables()
    assert snapshot.faults == ()
    assert sum(pq.ParquetFile(part.path).read().num_rows for part in files_of(table).partitions) == table.rows
    assert table.rows == (7 if function == "write_schema" else 500)
    snapshot.release()
    assert site.publish(stars)[0].rows == 7
    assert sorted(path.name[:2] for path in home.iterdir()) == ["cu", "lo", "v-"]
    assert list(site.folder.temp.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_and_costs_nothing(
    site: Publisher, stars: Path, tmp_path: Path, small_disk: Path, make: Make
) -> None:
    (small_disk / "nashira.toml").touch()
    small = type(site)(open_site(small_disk))
    small.publish(stars)
    before = version(small.folder.store)
    noise = [os.urandom(60).hex() for _ in range(100_000)]
    big = make(tmp_path / "big.parquet", 100_000, noise=pa.array(noise))
    with pytest.raises(PublishError, match=r"stars\.main: the disk is full"):
        small.publish(big, table="stars.main")
    assert version(small.folder.store) == before
    snapshot = open_snapshot(small.folder)
    snapshot.release()
    (table,) = snapshot.catalog.tables()
    assert table.rows == 500
    assert not list(small.folder.store.rglob("*.partial"))
    assert small.publish(stars)[0].rows == 500
