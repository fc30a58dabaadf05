"""One door to rows: limits, promised columns, uploads, cancelling, errors, and many threads at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
import structlog

from nashira.config.errors import (
    AdqlSyntaxError,
    Cancelled,
    EngineError,
    ParameterError,
    QueryError,
    QueryTimeout,
    StoreError,
    UnknownName,
)
from nashira.query.run import Question, UploadedTable, run
from nashira.schema.arrow import column_of
from nashira.schema.model import Column, Files
from nashira.schema.types import DOUBLE, LONG, STRING

SLOW = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b, demo.stars AS c WHERE a.ra * b.ra * c.mag < 1"


def table(site: Any, text: Any, **more: Any) -> Any:
    stream = run(site, Question(text, **more)).stream
    return pa.Table.from_batches(list(stream), schema=stream.schema)


def rows(site: Any, text: Any, **more: Any) -> Any:
    return table(site, text, **more).to_pylist()


def test_columns_come_as_promised(calm: Any) -> None:
    answer = run(calm, Question("SELECT TOP 3 id, ra, mag, name AS label FROM demo.stars ORDER BY id"))
    batches = list(answer.stream)
    assert [column.name for column in answer.stream.columns] == ["id", "ra", "mag", "label"]
    for batch in batches:
        assert batch.schema.equals(answer.stream.schema, check_metadata=True)
    assert column_of(batches[0].schema.field("ra")).unit == "deg"
    assert pa.Table.from_batches(batches)["label"].to_pylist() == ["star 0", "star 1", "star 2"]
    assert (answer.stream.rows, answer.stream.overflow) == (3, False)
    assert answer.translation.tables == ("demo.stars",)


@pytest.mark.parametrize(
    ("maxrec", "count", "overflow"),
    [(None, 2000, False), (2000, 2000, False), (1999, 1999, True), (1, 1, True), (0, 0, True)],
)
def test_maxrec(calm: Any, maxrec: Any, count: Any, overflow: Any) -> None:
    stream = run(calm, Question("SELECT id FROM demo.stars", maxrec=maxrec)).stream
    assert sum(batch.num_rows for batch in stream) == count
    assert (stream.rows, stream.overflow) == (count, overflow)


@pytest.mark.parametrize(
    ("top", "maxrec", "count", "overflow"),
    [
        ("", 60_000, 60_000, True),
        ("TOP 60000", 100_000, 60_000, False),
        ("TOP 60000", 60_000, 60_000, False),
        ("TOP 60001", 60_000, 60_000, True),
        ("TOP 60000", None, 60_000, False),
    ],
)
def test_large_limits_are_cut_on_the_way(calm: Any, top: str, maxrec: Any, count: int, overflow: bool) -> None:
    """TAP-52 where the SQL itself has no limit."""
    question = Question(f"SELECT {top} a.id FROM demo.stars AS a, demo.stars AS b", maxrec=maxrec)
    stream = run(calm, question).stream
    assert sum(batch.num_rows for batch in stream) == count
    assert (stream.rows, stream.overflow) == (count, overflow)


def test_top_below_maxrec_is_no_overflow(calm: Any) -> None:
    stream = run(calm, Question("SELECT TOP 5 id FROM demo.stars", maxrec=5)).stream
    list(stream)
    assert (stream.rows, stream.overflow) == (5, False)


def test_maxrec_0_never_reaches_the_engine(calm: Any, monkeypatch: Any) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        pytest.fail("the engine was asked")

    with calm.lease() as lease:
        monkeypatch.setattr(lease.engine, "run", refuse)
    answer = run(calm, Question("SELECT ra, name FROM demo.stars", maxrec=0))
    assert [column.ucd for column in answer.stream.columns] == ["pos.eq.ra;meta.main", ""]
    assert list(answer.stream) == []
    answer.cancel()
    with pytest.raises(UnknownName):
        run(calm, Question("SELECT nope FROM demo.stars", maxrec=0))


def test_tap_schema_is_there(calm: Any) -> None:
    names = [row["table_name"] for row in rows(calm, "SELECT table_name FROM tap_schema.tables ORDER BY table_index")]
    assert names == [
        "demo.stars",
        *(f"TAP_SCHEMA.{t}" for t in ("schemas", "tables", "columns", "keys", "key_columns")),
    ]
    count = rows(calm, "SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns")
    assert count == [{"n": 32 + 5}]
    joined = """SELECT TAP_SCHEMA.keys.from_table, target_column FROM TAP_SCHEMA.keys JOIN TAP_SCHEMA.key_columns
        ON TAP_SCHEMA.keys.key_id = TAP_SCHEMA.key_columns.key_id"""
    assert len(rows(calm, joined)) == 5
    assert rows(
        calm, "SELECT \"size\" FROM TAP_SCHEMA.columns WHERE table_name = 'TAP_SCHEMA.keys' AND column_name = 'key_id'"
    ) == [{"size": 64}]


def test_a_cone_gives_what_brute_force_gives(calm: Any) -> None:
    cone = "SELECT id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(180, 20, 15)) ORDER BY id"
    brute = "SELECT id FROM demo.stars WHERE DISTANCE(POINT(ra + 0, dec + 0), POINT(180, 20)) <= 15 ORDER BY id"
    square = "POLYGON(170, 10, 190, 10, 190, 30, 170, 30)"
    polygon = f"SELECT id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), {square}) ORDER BY id"
    found = rows(calm, cone)
    assert found
    assert found == rows(calm, brute)
    assert 0 < len(rows(calm, polygon)) < 2000


def test_a_stored_file_that_vanished_is_told_without_its_path(folder: Any, site: Any) -> None:
    for stored in folder.store.rglob("*.parquet"):
        stored.unlink()
    with pytest.raises(StoreError, match=r"demo\.stars") as caught:
        rows(site, "SELECT COUNT(*) FROM demo.stars WHERE ra > 3")
    assert str(folder.root) not in str(caught.value)


# ------------------------------------------------------------------------------------------------ uploads


def upload(name: Any, **columns: Any) -> Any:
    kinds = {int: LONG, float: DOUBLE, str: STRING}
    declared = tuple(Column(column, kinds[type(values[0])]) for column, values in columns.items())
    return UploadedTable(name, declared, pa.table({f"x{n}": values for n, values in enumerate(columns.values())}))


def test_uploads_join_with_stored_tables(calm: Any) -> None:
    mine = upload("mine", id=[3, 5, 99999], label=["a", "b", "c"])
    text = "SELECT m.label, s.name FROM TAP_UPLOAD.mine AS m JOIN demo.stars AS s ON m.id = s.id ORDER BY m.label"
    assert rows(calm, text, uploads=(mine,)) == [{"label": "a", "name": "star 3"}, {"label": "b", "name": "star 5"}]


def test_two_uploads_and_equal_names_in_concurrent_queries(calm: Any) -> Any:
    def ask(n: Any) -> Any:
        text = "SELECT a.x + b.x AS total FROM TAP_UPLOAD.a AS a, TAP_UPLOAD.b AS b"
        return rows(calm, text, uploads=(upload("a", x=[n]), upload("b", x=[1000])))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [[{"total": n + 1000}] for n in range(40)]


def test_the_cache_tells_uploads_of_different_types_apart(calm: Any) -> None:
    text = "SELECT x FROM TAP_UPLOAD.t"
    assert table(calm, text, uploads=(upload("t", x=[1]),)).schema.types == [pa.int64()]
    assert table(calm, text, uploads=(upload("t", x=["a"]),)).schema.types == [pa.string()]
    with pytest.raises(UnknownName):
        run(calm, Question(text))


# ------------------------------------------------------------------------------------------------ ends and errors


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELEC 1", AdqlSyntaxError),
        ("SELECT * FROM nowhere.at_all", UnknownName),
        ("SELECT 1; DROP TABLE x", QueryError),
        ("SELECT " + "1+" * 4000 + "1 FROM demo.stars", ParameterError),
    ],
)
def test_faults_of_the_text_come_at_once_and_let_go(site: Any, text: Any, kind: Any) -> None:
    with pytest.raises(kind):
        run(site, Question(text))
    assert site._current.users == 0


def test_time_limit(site: Any) -> None:
    began = time.monotonic()
    with pytest.raises(QueryTimeout):
        rows(site, SLOW, seconds=0.2)
    assert time.monotonic() - began < 3
    assert site._current.users == 0


def test_cancel_from_another_thread(site: Any) -> None:
    answer = run(site, Question(SLOW))
    threading.Timer(0.1, answer.cancel).start()
    with pytest.raises(Cancelled):
        list(answer.stream)
    answer.cancel()
    assert site._current.users == 0


def test_closing_an_unread_stream_releases_everything(site: Any) -> None:
    answer = run(site, Question("SELECT * FROM demo.stars"))
    assert site._current.users == 1
    answer.stream.close()
    answer.stream.close()
    assert site._current.users == 0


class Fake:
    """A running query that gives one batch."""

    def __init__(self, batch: Any) -> None:
        self.batch, self.closed = batch, 0

    def __iter__(self) -> Any:
        yield self.batch

    def cancel(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        (pa.record_batch({"c1": pa.array(["x"])}), QueryError),
        (pa.record_batch({"c1": pa.array([2.5])}), QueryError),
        (pa.record_batch({"c1": pa.array([1]), "c2": pa.array([1])}), EngineError),
    ],
)
def test_what_the_engine_did_not_promise_is_an_error_never_another_value(
    site: Any, monkeypatch: Any, batch: Any, kind: Any
) -> None:
    fake = Fake(batch)
    with site.lease() as lease:
        monkeypatch.setattr(lease.engine, "run", lambda *_args, **_more: fake)
    with pytest.raises(kind):
        rows(site, "SELECT id FROM demo.stars")
    assert fake.closed
    assert site._current.users == 0


def test_narrower_types_are_widened(site: Any, monkeypatch: Any) -> None:
    fake = Fake(pa.record_batch({"c1": pa.array([7], pa.int16())}))
    with site.lease() as lease:
        monkeypatch.setattr(lease.engine, "run", lambda *_args, **_more: fake)
    assert rows(site, "SELECT id FROM demo.stars") == [{"id": 7}]


def test_one_log_line_for_each_query(site: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        rows(site, "SELECT TOP 7 id FROM demo.stars", tag="abc-1")
        with pytest.raises(QueryTimeout):
            rows(site, SLOW, seconds=0.1, tag="abc-2")
        run(site, Question("SELECT * FROM demo.stars", tag="abc-3")).stream.close()
    lines = {line["tag"]: line for line in logs if line["event"] == "query"}
    assert (lines["abc-1"]["rows"], lines["abc-1"]["outcome"]) == (7, "done")
    assert lines["abc-2"]["outcome"] == "failed"
    assert lines["abc-3"]["outcome"] == "unread"
    assert all(line["ms"] >= 0 for line in lines.values())


def test_many_threads_at_once(calm: Any) -> Any:
    def ask(n: Any) -> Any:
        return rows(calm, f"SELECT id FROM demo.stars WHERE id BETWEEN {n} AND {n + 4} ORDER BY id", maxrec=100)

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(ask, range(120)))
    assert [[row["id"] for row in result] for result in results] == [list(range(n, n + 5)) for n in range(120)]


def test_translations_are_kept(calm: Any, monkeypatch: Any) -> None:
    text = "SELECT TOP 1 id, ra, dec FROM demo.stars"
    first = run(calm, Question(text, maxrec=3))
    second = run(calm, Question(text, maxrec=3))
    third = run(calm, Question(text, maxrec=4))
    assert first.translation is second.translation
    assert third.translation is not first.translation
    for answer in (first, second, third):
        answer.stream.close()


def test_files_are_those_of_the_catalog(calm: Any) -> None:
    stars = next(t for t in calm.catalog.tables() if t.name == "stars")
    assert isinstance(stars.source, Files)
    assert stars.rows == 2000
