"""The job store: one row, one statement, the same SQL everywhere."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nashira.config.errors import Forbidden, StoreError
from nashira.uws import migrations, rows
from nashira.uws.jobs import Jobs
from nashira.uws.likeness import likeness
from nashira.uws.model import Job, JobFailure, JobResult, Phase, Queue, Upload
from nashira.uws.store import Claim, JobFilter, JobStore, Wanted
from nashira.uws.times import iso, micros, moment, whole

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
    assert store.queue(JOB, TIME)
    assert not store.queue(JOB, TIME)
    assert store.claim("w", Wanted(("soda",)), TIME, TIME) is None
    claimed = store.claim("w", Wanted(("soda", "tap")), TIME, TIME)
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


def test_several_processes_may_open_a_new_database_at_once(database: str) -> None:
    faults: list[BaseException] = []

    def open_it() -> None:
        try:
            JobStore(database).close()
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


def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'new' / 'jobs.sqlite'}")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    store.close()


def test_every_statement_is_one_of_data(store: JobStore, statements: list[str]) -> None:
    store.insert(JOB)
    store.queue(JOB, TIME)
    store.claim("w", Wanted(("tap",), party_most=1, most=5), TIME, TIME)
    store.renew("w", ["abc"], TIME)
    store.held("w")
    store.overdue(TIME)
    store.due(TIME)
    store.claims(TIME)
    store.phases(["abc"])
    store.count(Phase.QUEUED, "user anna")
    store.counts()
    store.usual_seconds("x")
    store.list(JobFilter("tap", None, (Phase.QUEUED,), TIME))
    store.set_content(JOB, [], [], None)
    store.set_duration("abc", 5, None)
    store.push_back(Claim("abc", "w", 1))
    store.hand_back(Claim("abc", "w", 1))
    store.abort("abc", TIME)
    store.forget("abc")
    assert len(statements) >= 20
    assert all(text.split()[0] in {"SELECT", "UPDATE", "INSERT", "DELETE"} for text in statements)


# Queues


def queued(store: JobStore, job_id: str, second: int, **values: object) -> None:
    job = replace(JOB, id=job_id, **values)  # type: ignore[arg-type]
    store.insert(job)
    assert store.queue(job, TIME + timedelta(seconds=second))


def claimed(store: JobStore, wanted: Wanted) -> str | None:
    job = store.claim("w", wanted, TIME, TIME)
    return None if job is None else job.id


def test_a_party_with_fewer_running_jobs_comes_first(store: JobStore) -> None:
    for n in range(3):
        queued(store, f"anna{n}", n, party="user anna")
    queued(store, "bert", 10, party="user bert")
    queued(store, "cleo", 11, party="from 10.0.0.1")
    wanted = Wanted(("tap",))
    assert [claimed(store, wanted) for _ in range(6)] == ["anna0", "bert", "cleo", "anna1", "anna2", None]


def test_limits_of_running_jobs(store: JobStore) -> None:
    for n in range(3):
        queued(store, f"anna{n}", n, party="user anna")
    queued(store, "bert", 10, party="user bert")
    of_one = Wanted(("tap",), party_most=1)
    assert [claimed(store, of_one) for _ in range(3)] == ["anna0", "bert", None]
    assert claimed(store, Wanted(("tap",), most=2)) is None
    assert claimed(store, Wanted(("tap",), most=3)) == "anna1"


def test_a_worker_takes_the_queues_it_wants(store: JobStore) -> None:
    queued(store, "long", 0, queue=Queue.LONG)
    queued(store, "short", 1)
    assert claimed(store, Wanted(("tap",), (Queue.SHORT,))) == "short"
    assert claimed(store, Wanted(("tap",), (Queue.SHORT,))) is None
    assert store.counts() == {(Phase.QUEUED, Queue.LONG): 1, (Phase.EXECUTING, Queue.SHORT): 1}
    assert store.push_back(Claim("short", "w", 1))
    assert store.counts() == {(Phase.QUEUED, Queue.LONG): 2}
    assert claimed(store, Wanted(("tap",))) == "long"


def test_like_jobs_tell_how_long_a_job_takes(store: JobStore) -> None:
    assert store.usual_seconds("alike") is None
    for n, seconds in enumerate([10, 20, 1000]):
        queued(store, f"j{n}", 0, likeness="alike")
        assert claimed(store, Wanted(("tap",))) == f"j{n}"
        store.finish(Claim(f"j{n}", "w", 1), Phase.COMPLETED, TIME + timedelta(seconds=seconds))
    assert store.usual_seconds("alike") == 20
    assert store.usual_seconds("other") is None


# Revisions


def test_a_database_of_release_0_1_is_brought_to_the_newest_revision(database: str) -> None:
    JobStore(database).close()
    engine = sa.create_engine(sa.make_url(database.replace("postgresql:", "postgresql+psycopg:")))
    old_columns = (
        "id, service, phase, created, destruction, execution_seconds, tries, lost, revision, progress, results"
    )
    old = f"INSERT INTO nashira_jobs ({old_columns}, uploads, parameters)"
    with engine.begin() as connection:
        _downgrade(connection)
        connection.execute(sa.text("DROP TABLE nashira_jobs_version"))
        values = "'old', 'tap', 'PENDING', 1000, 2000000, 60, 0, 0, 0, '{}', '[]', '[]', '[[\"QUERY\", \"SELECT 1\"]]'"
        connection.exec_driver_sql(f"{old} VALUES ({values})")
    engine.dispose()
    store = JobStore(database)
    job = store.get("old")
    assert job is not None
    assert (job.parameters, job.queue, job.party) == ((("QUERY", "SELECT 1"),), Queue.SHORT, "")
    store.insert(JOB)
    assert store.get("abc") == JOB
    store.close()


def _downgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.downgrade(config, "0001")


def test_the_revisions_make_the_table_that_the_program_uses(store: JobStore) -> None:
    made = sa.inspect(store._engine)
    columns = {column["name"]: column["nullable"] for column in made.get_columns("nashira_jobs")}
    assert columns == {column.name: column.nullable for column in rows.JOBS.columns}
    indexes = {index["name"]: index["column_names"] for index in made.get_indexes("nashira_jobs")}
    assert indexes == {index.name: list(index.columns.keys()) for index in rows.JOBS.indexes}


def test_a_newer_database_is_refused(database: str) -> None:
    JobStore(database).close()
    engine = sa.create_engine(sa.make_url(database.replace("postgresql:", "postgresql+psycopg:")))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE nashira_jobs_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer release"):
        JobStore(database)


def test_a_database_that_is_not_there_is_an_error_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        JobStore(f"postgresql://nobody:secret@/none?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_jobs_are_alike_up_to_numbers_and_texts() -> None:
    one = likeness("tap", [("QUERY", "SELECT  ra FROM t WHERE x < 1.5e3 AND n = 'a'"), ("RUNID", "x")])
    two = likeness("tap", [("QUERY", "select ra\nfrom t where x < 17 and n = 'b c'")])
    assert one == two
    assert likeness("soda", [("QUERY", "SELECT ra FROM t")]) != likeness("tap", [("QUERY", "SELECT ra FROM t")])
    assert likeness("tap", [("QUERY", "SELECT ra FROM t")]) != likeness("tap", [("QUERY", "SELECT dec FROM t")])


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
