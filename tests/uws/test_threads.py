"""The dispatcher: UWS 1.1 sections 2.1.3 to 2.1.5 with jobs that really run."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from nashira.config.errors import Forbidden, NotFound, Overloaded
from nashira.uws import holder
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, JobResult, Phase, Queue, Work
from nashira.uws.store import Claim
from nashira.uws.sweep import rescue, sweep, tidy
from nashira.uws.threads import ThreadDispatcher
from nashira.uws.times import now
from nashira.uws.workers import is_gone, worker_name

Until = Callable[[Callable[[], object]], None]


def file_of(jobs: Jobs, job_id: str) -> Path:
    """Find the file of a job's result."""
    job, result = jobs.result(job_id, "result")
    return jobs.files.of_try(job.id, job.tries) / result.name


def start(jobs: Jobs, todo: str = "") -> Job:
    return jobs.run(jobs.create("tap", [("DO", todo)]).id)


def test_a_job_runs_to_its_end(jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job]) -> None:
    job = ended(start(jobs).id)
    assert job.phase is Phase.COMPLETED
    assert job.started is not None
    assert job.ended is not None
    assert job.created <= job.started <= job.ended
    assert job.progress == {"rows": "3"}
    assert job.results == (JobResult("result", "text/csv;header=present", 8, 1),)
    assert file_of(jobs, job.id).read_bytes() == b"a,b\n1,2\n"


def test_abort_reaches_the_runner(jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, until: Until) -> None:
    job = start(jobs, "wait")
    until(lambda: service.running)
    assert jobs.abort(job.id).phase is Phase.ABORTED
    until(lambda: service.cancelled == [job.id])
    until(lambda: not (jobs.files.folder / job.id).exists())
    assert jobs.get(job.id).phase is Phase.ABORTED
    assert jobs.get(job.id).failure is None


def test_delete_stops_the_runner_and_leaves_no_files(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, until: Until
) -> None:
    job = start(jobs, "wait")
    until(lambda: service.running)
    jobs.delete(job.id)
    with pytest.raises(NotFound):
        jobs.get(job.id)
    until(lambda: service.cancelled == [job.id])
    until(lambda: not (jobs.files.folder / job.id).exists())


def test_an_abort_by_another_process_reaches_the_runner_soon(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, until: Until
) -> None:
    job = start(jobs, "wait")
    until(lambda: service.running)
    jobs.store.abort(job.id, now())
    until(lambda: service.cancelled == [job.id])
    assert jobs.get(job.id).phase is Phase.ABORTED


def test_a_job_queued_by_another_process_is_found(
    jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job]
) -> None:
    job = jobs.create("tap", [])
    jobs.store.queue(job, now())
    assert ended(job.id).phase is Phase.COMPLETED


def test_a_long_job_makes_place_when_short_ones_wait(
    make_jobs: Callable[..., Jobs], service: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "_TICK_SECONDS", 0.02)
    jobs = make_jobs(jobs={"workers": 2, "long_workers": 1, "short_seconds": 0.2})
    dispatcher = ThreadDispatcher(jobs, {"tap": service})
    dispatcher.start()
    old = start(jobs, "wait")
    until(lambda: service.running == [old.id])
    new = start(jobs, "wait")
    until(lambda: service.running == [old.id, new.id])
    time.sleep(0.3)
    assert service.cancelled == []  # both are long by now, but nobody waits
    quick = start(jobs)
    until(lambda: jobs.get(quick.id).phase is Phase.COMPLETED)
    assert service.cancelled == [new.id]  # the one that had done less
    assert (jobs.get(new.id).phase, jobs.get(new.id).queue) == (Phase.QUEUED, Queue.LONG)
    assert jobs.get(old.id).phase is Phase.EXECUTING
    service.release.set()
    until(lambda: jobs.get(new.id).phase is Phase.COMPLETED)
    dispatcher.stop()


def test_a_user_cannot_fill_the_queue(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(jobs={"user_queued": 2, "queued_limit": 3})
    for _ in range(2):
        jobs.run(jobs.create("tap", [], owner="anna").id, "anna")
    third = jobs.create("tap", [], owner="anna")
    with pytest.raises(Overloaded, match="You have 2 jobs"):
        jobs.run(third.id, "anna")
    jobs.run(jobs.create("tap", [], address="10.0.0.1").id)
    with pytest.raises(Overloaded, match="queue of jobs is full"):
        jobs.run(jobs.create("tap", [], address="10.0.0.2").id)


def test_the_quote_is_what_like_jobs_took(
    jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job]
) -> None:
    first = start(jobs)
    assert first.quote is not None
    assert first.quote - first.created > timedelta(seconds=3000)
    ended(first.id)
    second = start(jobs)
    assert second.quote is not None
    assert second.quote - second.created <= timedelta(seconds=2)
    ended(second.id)


def test_a_job_beyond_its_duration_is_aborted_with_the_reason(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, ended: Callable[[str], Job], until: Until
) -> None:
    job = jobs.create("tap", [("DO", "wait")])
    jobs.set_duration(job.id, 1)
    jobs.run(job.id)
    done = ended(job.id)
    assert done.phase is Phase.ABORTED
    assert done.failure is not None
    assert "execution duration" in done.failure.message
    until(lambda: service.cancelled == [job.id])


def test_destruction_stops_and_forgets(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, until: Until, ended: Callable[[str], Job]
) -> None:
    running, done = start(jobs, "wait"), start(jobs)
    until(lambda: service.running)
    ended(done.id)
    with file_of(jobs, done.id).open("rb") as reading:
        for job in (running, done):
            jobs.set_destruction(job.id, datetime.now(UTC) - timedelta(seconds=1))
        until(lambda: not jobs.list("tap"))
        until(lambda: not (jobs.files.folder / done.id).exists())
        assert reading.read() == b"a,b\n1,2\n"  # who reads it reads it to the end
    until(lambda: service.cancelled == [running.id])


def test_no_more_jobs_run_than_there_are_workers(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, until: Until, ended: Callable[[str], Job]
) -> None:
    ids = [start(jobs, "wait").id for _ in range(5)]
    until(lambda: len(service.running) == 2)
    assert set(service.running) == set(ids[:2])  # the oldest first
    assert jobs.store.count(Phase.QUEUED) == 3
    service.release.set()
    assert {ended(job_id).phase for job_id in ids} == {Phase.COMPLETED}
    assert sorted(service.running) == sorted(ids)


def test_two_runs_and_an_abort_at_once(
    jobs: Jobs, dispatcher: ThreadDispatcher, service: Any, ended: Callable[[str], Job]
) -> None:
    service.release.set()

    def attempt(act: Callable[[str], Job], job_id: str) -> None:
        with suppress(Forbidden):  # RUN comes too late
            act(job_id)

    for _ in range(10):
        job = jobs.create("tap", [("DO", "wait")])
        acts = (jobs.run, jobs.run, jobs.abort)
        actions = [threading.Thread(target=attempt, args=(act, job.id)) for act in acts]
        for action in actions:
            action.start()
        for action in actions:
            action.join()
        assert ended(job.id).phase in {Phase.ABORTED, Phase.COMPLETED}
        assert ended(job.id).tries <= 1


def test_stopping_hands_the_jobs_back_for_the_next_server(
    jobs: Jobs, service: Any, until: Until, make_jobs: Any, ended: Callable[[str], Job]
) -> None:
    first = ThreadDispatcher(jobs, {"tap": service})
    first.start()
    ids = [start(jobs, "wait").id for _ in range(3)]
    until(lambda: len(service.running) == 2)
    begin = time.monotonic()
    first.stop()
    first.stop()
    assert time.monotonic() - begin < 1
    assert [jobs.get(job_id).phase for job_id in ids] == [Phase.QUEUED] * 3
    assert sorted(service.cancelled) == sorted(ids[:2])
    assert not [path for path in jobs.files.folder.rglob("*") if path.is_file()]
    service.release.set()
    second = ThreadDispatcher(jobs, {"tap": service})
    second.start()
    assert {ended(job_id).phase for job_id in ids} == {Phase.COMPLETED}
    second.stop()


def test_a_run_that_does_not_stop_keeps_its_claim(jobs: Jobs, until: Until) -> None:
    go, running = threading.Event(), threading.Event()

    def stubborn(work: Work) -> tuple[JobResult, ...]:
        running.set()
        go.wait(5)
        return ()

    first = ThreadDispatcher(jobs, {"tap": stubborn})
    first.start()
    job = start(jobs)
    assert running.wait(5)
    first.stop(seconds=0.1)
    first_lease_ends = now() + timedelta(seconds=jobs.settings.jobs.lease_seconds)
    until(lambda: now() > first_lease_ends)
    rescue(jobs, now())
    assert jobs.get(job.id).phase is Phase.EXECUTING
    assert jobs.claim("other", ["tap"]) is None
    go.set()
    until(lambda: jobs.get(job.id).phase is Phase.COMPLETED)


def test_a_runner_can_register_its_stop_after_the_abort(jobs: Jobs, until: Until) -> None:
    stopped = threading.Event()
    running, aborted = threading.Event(), threading.Event()

    def late(work: Work) -> tuple[JobResult, ...]:
        running.set()
        aborted.wait(5)
        work.on_cancel(stopped.set)
        assert stopped.is_set()
        return ()

    dispatcher = ThreadDispatcher(jobs, {"tap": late})
    dispatcher.start()
    job = start(jobs)
    assert running.wait(5)
    jobs.abort(job.id)
    aborted.set()
    assert stopped.wait(5)
    dispatcher.stop()
    assert jobs.get(job.id).phase is Phase.ABORTED


def test_progress_is_seen_while_the_job_runs(jobs: Jobs, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "_TICK_SECONDS", 0.02)
    go = threading.Event()

    def slow(work: Work) -> tuple[JobResult, ...]:
        work.progress({"rows": "10"})
        go.wait(5)
        work.progress({"rows": "20", "bytes": "5"})
        return ()

    dispatcher = ThreadDispatcher(jobs, {"tap": slow})
    dispatcher.start()
    job = start(jobs)
    until(lambda: jobs.get(job.id).progress == {"rows": "10"})
    assert jobs.get(job.id).phase is Phase.EXECUTING
    go.set()
    until(lambda: jobs.get(job.id).phase is Phase.COMPLETED)
    assert jobs.get(job.id).progress == {"rows": "20", "bytes": "5"}
    dispatcher.stop()


def test_a_broken_database_stops_runs_before_others_take_them(
    jobs: Jobs, service: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "_TICK_SECONDS", 0.02)
    dispatcher = ThreadDispatcher(jobs, {"tap": service})
    dispatcher.start()
    job = start(jobs, "wait")
    until(lambda: service.running)

    def fail(*_: object) -> None:
        message = "disk full"
        raise OSError(message)

    with capture_logs(), monkeypatch.context() as broken:
        broken.setattr(jobs.store, "renew", fail)
        begin = time.monotonic()
        until(lambda: service.cancelled)
        assert time.monotonic() - begin < jobs.settings.jobs.lease_seconds
    assert service.cancelled == [job.id]
    service.release.set()
    until(lambda: jobs.get(job.id).phase is Phase.COMPLETED)
    dispatcher.stop()


def test_a_job_whose_engine_is_away_is_tried_again(
    jobs: Jobs, service: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "_PAUSE_SECONDS", 0.02)
    dispatcher = ThreadDispatcher(jobs, {"tap": service})
    dispatcher.start()
    job = start(jobs, "away")
    until(lambda: jobs.get(job.id).phase is Phase.ERROR)
    dispatcher.stop()
    done = jobs.get(job.id)
    assert done.tries == 3
    assert done.failure is not None
    assert done.failure.message == "The database cannot be reached"
    assert done.failure.transient


# What is lost is found


def test_a_lost_worker_costs_a_try_and_the_last_one_the_job(jobs: Jobs) -> None:
    job = start(jobs)
    later = now() + timedelta(seconds=60)
    for tries in (1, 2, 3):
        claimed = jobs.claim("elsewhere|boot|1|2|x", ["tap"])
        assert claimed is not None
        assert claimed.tries == tries
        rescue(jobs, now())
        assert jobs.get(job.id).phase is Phase.EXECUTING  # its lease is good
        with capture_logs() as logs:
            rescue(jobs, later)
        assert len(logs) == 1
        assert jobs.get(job.id).phase is (Phase.QUEUED if tries < 3 else Phase.ERROR)
    failure = jobs.get(job.id).failure
    assert failure is not None
    assert failure.transient
    assert "lost 3 times" in failure.message


def test_a_late_worker_cannot_touch_what_others_run(jobs: Jobs) -> None:
    job = start(jobs)
    assert jobs.claim("first", ["tap"])
    with capture_logs():
        rescue(jobs, now() + timedelta(seconds=60))
    assert jobs.claim("second", ["tap"])
    late = Claim(job.id, "first", 1)
    assert not jobs.store.finish(late, Phase.COMPLETED, now())
    assert not jobs.store.hand_back(late)
    assert not jobs.store.set_progress(late, {"rows": "1"})
    assert jobs.store.held("second") == {Claim(job.id, "second", 2, 1)}


def test_claims_go_to_one_worker_each(jobs: Jobs) -> None:
    ids = {start(jobs).id for _ in range(40)}
    taken: list[str] = []

    def work(name: str) -> None:
        while (job := jobs.claim(name, ["tap"])) is not None:
            taken.append(job.id)

    workers = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == sorted(ids)


def test_a_sweep_on_a_quiet_store_changes_nothing(jobs: Jobs) -> None:
    ids = [jobs.create("tap", []).id, start(jobs).id]
    sweep(jobs, now())
    assert [jobs.get(job_id).phase for job_id in ids] == [Phase.PENDING, Phase.QUEUED]


def test_orphans_are_removed_and_jobs_and_fresh_files_kept(jobs: Jobs) -> None:
    import os

    job = jobs.create("tap", [])
    old = time.time() - 7200
    for name in (job.id, "orphan", "fresh"):
        (jobs.files.folder / name / "uploads").mkdir(parents=True)
    (jobs.files.incoming / "part-old").write_text("x")
    (jobs.files.incoming / "part-new").write_text("x")
    for path in (job.id, "orphan", "_incoming/part-old"):
        os.utime(jobs.files.folder / path, (old, old))
    tidy(jobs)
    assert sorted(path.name for path in jobs.files.folder.iterdir()) == sorted([job.id, "fresh", "_incoming"])
    assert [path.name for path in jobs.files.incoming.iterdir()] == ["part-new"]


def test_only_a_process_known_to_be_dead_is_gone() -> None:
    name = worker_name()
    host, place, pid, started, token = name.split("|")
    assert not is_gone(name)
    for doubtful in ("", "w", "a|b|c|d|e", f"{host}|other boot|{pid}|{started}|{token}", f"{host}||1|2|3"):
        assert not is_gone(doubtful)
    if not place:
        pytest.skip("this system does not tell its boot")
    assert is_gone(f"{host}|{place}|{pid}|{int(started) - 1}|{token}")
    assert is_gone(f"{host}|{place}|{2**22 + 1}|{started}|{token}")


def test_other_tries_of_a_completed_job_are_removed(
    jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job], until: Until
) -> None:
    job = jobs.create("tap", [])
    left: Path = jobs.files.of_try(job.id, 0)
    left.mkdir(parents=True)
    (left / "result").write_text("half")
    jobs.run(job.id)
    assert ended(job.id).phase is Phase.COMPLETED
    until(lambda: not left.exists())
