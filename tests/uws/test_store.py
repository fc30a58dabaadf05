"""The job store: one row, one statement, the same SQL everywhere."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nashira.config.errors import Forbidden, StoreError
from nashira.uws import rows
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, JobFailure, JobResult, Phase, Upload
from nashira.uws.store import Claim, JobFilter, JobStore
from nashira.uws.times import iso, micros, moment, whole

POSTGRESQL: sa.Dialect = sa.make_url("postgresql://").get_dialect()()
TIME = datetime(2026, 11, 20, 8, 0, 0, 123_000, tzinfo=UTC)
JOB = Job(
    "abc",
    "tap",
    Phase.PENDING,
    created=TIME,
    destruction=TIME + timedelta(days=7),
    execution_seconds=60,
    parameters=(("QUERY", "SELECT 'é𝄞' \n"), ("UPLOAD", "a,b"), ("UPLOAD", "c,d")),
    uploads=(Upload("a", Path("uploads/x"), "text/xml"),),
    owner="anna",
    run_id="r",
    quote=TIME,
)


@pytest.fixture
def statements(store: JobStore) -> Iterator[list[str]]:
    """Every statement that the store sends."""
    sent: list[str] = []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(store._engine, "before_cursor_execute", note)


def test_a_job_comes_back_as_it_went_by_one_query(store: JobStore, statements: list[str]) -> None:
    store.insert(JOB)
    statements.clear()
    assert store.get("abc") == JOB
    assert len(statements) == 1
    assert store.get("nosuchjob") is None


def test_a_whole_life(store: JobStore) -> None:
    store.insert(JOB)
    assert store.queue("abc", TIME, TIME)
    assert not store.queue("abc", TIME, TIME)
    assert store.claim("w", ["soda"], TIME, TIME) is None
    claimed = store.claim("w", ["soda", "tap"], TIME, TIME)
    assert claimed is not None
    assert (claimed.phase, claimed.tries, claimed.started) == (Phase.EXECUTING, 1, TIME)
    claim = Claim("abc", "w", 1)
    assert store.set_progress(claim, {"rows": "3"})
    results = (JobResult("result", "text/csv", 12, 3), JobResult("log", "text/plain", 0, None))
    assert store.finish(claim, Phase.COMPLETED, TIME, results, JobFailure("almost", transient=True))
    job = store.get("abc")
    assert job == replace(
        JOB,
        phase=Phase.COMPLETED,
        started=TIME,
        ended=TIME,
        results=results,
        failure=JobFailure("almost", transient=True),
        tries=1,
        progress={"rows": "3"},
    )
    assert not store.abort("abc", TIME)
    assert store.forget("abc")
    assert not store.forget("abc")


def test_content_changes_only_where_nobody_else_changed_it(store: JobStore) -> None:
    store.insert(JOB)
    assert store.set_content(JOB, [("A", "1")], [], None)
    assert not store.set_content(JOB, [("A", "2")], [], None)
    job = store.get("abc")
    assert job is not None
    assert job.parameters == (("A", "1"),)
    assert store.set_content(job, [("A", "3")], [], None)


def test_parameters_added_at_once_are_all_kept(jobs: Jobs) -> None:
    job = jobs.create("tap", [])

    def add(i: int) -> None:
        jobs.add_parameters(job.id, [(f"P{i}", str(i))])

    adders = [threading.Thread(target=add, args=(i,)) for i in range(8)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    assert sorted(jobs.get(job.id).parameters) == [(f"P{i}", str(i)) for i in range(8)]


def test_lists_load_no_long_columns(store: JobStore, statements: list[str]) -> None:
    for i, owner in enumerate([None, "anna", "anna", "bert"]):
        store.insert(replace(JOB, id=f"j{i}", owner=owner, created=TIME + timedelta(seconds=i)))
    statements.clear()
    assert [ref.id for ref in store.list(JobFilter("tap", "anna"))] == ["j2", "j1"]
    assert [ref.id for ref in store.list(JobFilter("tap"))] == ["j0"]
    assert not store.list(JobFilter("soda", "anna"))
    assert not any("parameters" in statement for statement in statements)


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def open_it() -> None:
        try:
            JobStore(f"sqlite:///{tmp_path / 'new' / 'jobs.sqlite'}").close()
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    openers = [threading.Thread(target=open_it) for _ in range(8)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert not faults


def test_a_database_that_fails_is_an_error_of_the_tree(store: JobStore, statements: list[str]) -> None:
    rows.METADATA.drop_all(store._engine)
    with pytest.raises(StoreError, match="does not answer") as caught:
        store.get("abc")
    assert "nashira_jobs" not in str(caught.value)


def test_sqlite_writes_ahead(store: JobStore) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_every_statement_compiles_for_postgresql(store: JobStore) -> None:
    seen: list[str] = []

    def note(_connection: object, clause: sa.ClauseElement, *_: object) -> None:
        seen.append(str(clause.compile(dialect=POSTGRESQL)))

    sa.event.listen(store._engine, "before_execute", note)
    store.insert(JOB)
    store.queue("abc", TIME, TIME)
    store.claim("w", ["tap"], TIME, TIME)
    store.renew("w", ["abc"], TIME)
    store.held("w")
    store.overdue(TIME)
    store.due(TIME)
    store.claims(TIME)
    store.phases(["abc"])
    store.count(Phase.QUEUED)
    store.list(JobFilter("tap", None, (Phase.QUEUED,), TIME))
    store.set_content(JOB, [], [], None)
    store.set_duration("abc", 5, None)
    store.hand_back(Claim("abc", "w", 1))
    store.abort("abc", TIME)
    store.forget("abc")
    assert len(seen) >= 17
    assert all(text.split()[0] in {"SELECT", "UPDATE", "INSERT", "DELETE"} for text in seen)
    ddl = str(sa.schema.CreateTable(rows.JOBS).compile(dialect=POSTGRESQL))
    assert "BIGINT" in ddl
    assert "JSON" in ddl


def test_forbidden_is_not_forgotten_by_the_owner_seam(jobs: Jobs) -> None:
    job = jobs.create("tap", [], owner="anna")
    for act in (jobs.run, jobs.abort, jobs.delete, jobs.get):
        with pytest.raises(Forbidden):
            act(job.id, "bert")
        with pytest.raises(Forbidden):
            act(job.id)
    with pytest.raises(Forbidden):
        jobs.add_parameters(job.id, [], owner="bert")
    with pytest.raises(Forbidden):
        jobs.set_duration(job.id, 5, "bert")
    with pytest.raises(Forbidden):
        jobs.set_destruction(job.id, TIME, "bert")
    with pytest.raises(Forbidden):
        jobs.result(job.id, "result", "bert")
    jobs.delete(job.id, "anna")


def test_times() -> None:
    assert moment(micros(TIME)) == TIME
    assert iso(TIME) == "2026-11-20T08:00:00.123Z"
    assert iso(None) == ""
    assert whole(TIME + timedelta(microseconds=999)) == TIME
    assert iso(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"
