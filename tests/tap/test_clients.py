"""Released clients against the real server: pyvo and astroquery."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvo
import requests
from astropy.table import Table

pytestmark = [
    # pyvo and astroquery leave sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def tap(service: Any) -> Any:
    return pyvo.dal.TAPService(service.tap)


def test_pyvo_sync(tap: Any) -> None:
    table = tap.search("SELECT TOP 5 id, name, mag, seen FROM stars.main ORDER BY id").to_table()
    assert list(table["id"]) == [0, 1, 2, 3, 4]
    assert table["name"][1] == "Étoile <1> & Co"
    assert table["mag"].mask[0]
    assert str(table["mag"].unit) == "mag"


def test_pyvo_async(tap: Any) -> None:
    result = tap.run_async("SELECT COUNT(*) AS n FROM lab.numbers")
    assert int(result["n"][0]) == 300_000


def test_pyvo_job_by_hand(tap: Any) -> None:
    job = tap.submit_job("SELECT TOP 1 id FROM stars.main")
    assert job.phase == "PENDING"
    job.query = "SELECT TOP 2 id FROM stars.main"
    job.run()
    job.wait(phases=["COMPLETED", "ERROR", "ABORTED"], timeout=8)
    job.raise_if_error()
    assert len(job.fetch_result()) == 2
    job.delete()


def test_pyvo_errors(tap: Any) -> None:
    with pytest.raises(pyvo.dal.DALQueryError, match=r"nowhere\.such"):
        tap.search("SELECT * FROM nowhere.such")
    with pytest.raises(pyvo.dal.DALQueryError):
        tap.run_async("SELECT * FROM nowhere.such")


def test_pyvo_upload(tap: Any) -> None:
    mine = Table({"id": np.arange(3), "w": [0.5, 1.5, 2.5]})
    text = "SELECT u.w, s.ra FROM TAP_UPLOAD.mine AS u JOIN stars.main AS s ON s.id = u.id"
    for run in (tap.run_sync, tap.run_async):
        assert len(run(text, uploads={"mine": mine})) == 3
    two = {"a": mine, "b": mine[:2]}
    assert (
        len(tap.run_sync("SELECT a.id FROM TAP_UPLOAD.a AS a JOIN TAP_UPLOAD.b AS b ON a.id = b.id", uploads=two)) == 2
    )


def test_pyvo_metadata(tap: Any, service: Any) -> None:
    assert {"stars.main", "lab.numbers", "TAP_SCHEMA.tables"} <= set(tap.tables.keys())
    assert [column.name for column in tap.tables["stars.main"].columns][:3] == ["id", "ra", "dec"]
    assert (tap.maxrec, tap.hardlimit) == (1000, 400_000)
    assert len(tap.upload_methods) == 3
    capability = tap.get_tap_capability()
    assert capability.get_adql().get_feature("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", "POINT") is not None


def test_pyvo_examples(tap: Any) -> None:
    examples = tap.examples
    assert len(examples) >= 4
    for example in examples:
        example.execute()


def test_pyvo_maxrec(tap: Any) -> None:
    assert len(tap.search("SELECT id FROM stars.main", maxrec=7)) == 7
    with pytest.warns(pyvo.dal.DALOverflowWarning):
        assert len(tap.search("SELECT n FROM lab.numbers")) == 1000


@pytest.fixture
def plus(service: Any) -> Any:
    from astroquery.utils.tap.core import TapPlus

    return TapPlus(url=service.tap)


def test_astroquery_sync_and_async(plus: Any) -> None:
    assert len(plus.launch_job("SELECT TOP 4 id, ra FROM stars.main").get_results()) == 4
    assert len(plus.launch_job_async("SELECT TOP 6 id, ra FROM stars.main").get_results()) == 6


def test_astroquery_upload(plus: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.vot"
    Table({"id": np.arange(3)}).write(path, format="votable")
    text = "SELECT s.id FROM TAP_UPLOAD.mine AS u JOIN stars.main AS s ON s.id = u.id"
    for launch in (plus.launch_job, plus.launch_job_async):
        job = launch(text, upload_resource=str(path), upload_table_name="mine")
        assert len(job.get_results()) == 3


def test_astroquery_tables(plus: Any) -> None:
    tables = {table.name: table for table in plus.load_tables()}
    assert len(tables["stars.main"].columns) == 7
    assert {table.name for table in plus.load_tables(only_names=True)} == set(tables)
    assert [column.name for column in plus.load_table("stars.main").columns][:2] == ["id", "ra"]


def test_astroquery_save_results(plus: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    text = "SELECT TOP 3 id FROM stars.main"
    plus.launch_job_async(text, dump_to_file=True, output_file=str(target), output_format="csv")
    assert len(Table.read(target, format="csv")) == 3


def test_astroquery_errors(plus: Any) -> None:
    with pytest.raises(requests.exceptions.HTTPError, match=r"nowhere\.such"):
        plus.launch_job("SELECT * FROM nowhere.such")
