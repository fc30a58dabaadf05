"""Results kept at a URL: moved there when a job completes, served with length, ETag and ranges."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from structlog.testing import capture_logs

from nashira.config.errors import SettingsError
from nashira.uws.jobs import Jobs
from nashira.uws.model import Job, Phase
from nashira.uws.threads import ThreadDispatcher

CONTENT = b"a,b\n1,2\n"


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/kept" if request.param == "file" else f"memory://{tmp_path.name}"


@pytest.fixture
def jobs(make_jobs: Callable[..., Jobs], url: str) -> Jobs:
    return make_jobs(jobs={"results": url})


@pytest.fixture
def done(jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job]) -> Job:
    job = ended(jobs.run(jobs.create("tap", []).id).id)
    assert job.phase is Phase.COMPLETED
    return job


def test_results_move_when_the_job_is_done(jobs: Jobs, done: Job, url: str, until: Callable[..., None]) -> None:
    system, root = fsspec.core.url_to_fs(url)
    assert system.cat_file(f"{root}/{done.id}/1/result") == CONTENT
    until(lambda: not (jobs.files.folder / done.id).exists())
    jobs.delete(done.id)
    assert not system.exists(f"{root}/{done.id}")


def test_a_result_is_sent_whole_or_in_parts(client: Any, done: Job) -> None:
    path = f"/{done.id}/results/result"
    whole = client.get(path)
    assert whole.content == CONTENT
    assert whole.headers["content-length"] == str(len(CONTENT))
    assert whole.headers["content-type"] == "text/csv;header=present"
    etag = whole.headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    for asked, part in {"bytes=4-": b"1,2\n", "bytes=0-2": b"a,b", "bytes=-2": b"2\n", "bytes=6-99": b"2\n"}.items():
        answer = client.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        start = CONTENT.index(part)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(CONTENT)}"
    assert client.get(path, headers={"Range": "bytes=4-", "If-Range": '"other"'}).status_code == 200
    assert client.get(path, headers={"Range": "bytes=8-"}).status_code == 416
    for odd in ("bytes=a-b", "bytes=-", "rows=1-2", "bytes=0-1,3-4"):
        assert client.get(path, headers={"Range": odd}).content == CONTENT
    assert client("HEAD", path).headers["content-length"] == str(len(CONTENT))


def test_a_result_that_is_gone_is_not_found(client: Any, done: Job, url: str) -> None:
    system, root = fsspec.core.url_to_fs(url)
    system.rm(f"{root}/{done.id}", recursive=True)
    assert client.get(f"/{done.id}/results/result").status_code == 404


def test_a_store_that_fails_is_the_reason_of_the_job(
    jobs: Jobs, dispatcher: ThreadDispatcher, ended: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        message = "no space on secret-bucket"
        raise OSError(message)

    monkeypatch.setattr(jobs.shelf._system, "put_file", fail)  # type: ignore[attr-defined]
    with capture_logs():
        job = ended(jobs.run(jobs.create("tap", []).id).id)
    assert job.phase is Phase.ERROR
    assert job.failure is not None
    assert job.failure.message == "The result could not be stored"


def test_an_unknown_kind_of_url_is_told_at_the_start(make_jobs: Callable[..., Jobs]) -> None:
    with pytest.raises(SettingsError, match="results"):
        make_jobs(jobs={"results": "nosuchsystem://bucket"})


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    asyncio.run(asyncio.sleep(0))
    fsspec.filesystem("memory").store.clear()
