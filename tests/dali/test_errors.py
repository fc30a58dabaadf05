"""DALI 1.1 section 4.2: every error has a status and a document."""

import pytest
import structlog
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from nashira.config import errors
from nashira.dali.errors import ERRORS, answer, error_response, plain_error_response

STATUS = {
    errors.ParameterError: 400,
    errors.AdqlSyntaxError: 400,
    errors.UnknownName: 400,
    errors.UploadError: 400,
    errors.UploadTooLarge: 413,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.MethodNotAllowed: 405,
    errors.QueryTimeout: 504,
    errors.Overloaded: 503,
    errors.OutOfResources: 507,
    errors.Cancelled: 503,
    errors.StoreError: 500,
    errors.EngineError: 500,
    ValueError: 500,
}


@pytest.mark.parametrize("kind", STATUS)
def test_status(kind: type[Exception]) -> None:
    assert answer(kind("Something & <that>")).status == STATUS[kind]


def test_overload_says_when_to_come_back() -> None:
    response = plain_error_response(errors.Overloaded("The queue is full"))
    assert response.status_code == 503
    assert response.headers["retry-after"].isdigit()
    assert response.body == b"The queue is full"
    assert response.headers["content-type"].startswith("text/plain")


def test_the_document_is_a_votable_with_the_message() -> None:
    response = error_response(errors.ParameterError("MAXREC must be < 1 & > 0"))
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/x-votable+xml"
    body = bytes(response.body)
    assert b"ERROR" in body
    assert b"MAXREC must be &lt; 1 &amp; &gt; 0" in body or b"MAXREC must be &lt; 1 &amp; > 0" in body


@pytest.mark.parametrize("kind", [KeyError, errors.StoreError, errors.SettingsError])
def test_secrets_stay_in_the_log(kind: type[Exception]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc123"), capture_logs() as logs:
        body = bytes(plain_error_response(kind("/secret/path SELECT 1")).body)
    assert b"secret" not in body
    assert b"SELECT" not in body
    assert b"abc123" in body
    (entry,) = logs
    assert entry["request_id"] == "abc123"
    assert "/secret/path" in str(entry["exc_info"])


def test_router_errors_keep_status_and_headers() -> None:
    response = plain_error_response(HTTPException(405, headers={"Allow": "GET"}))
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


def test_every_error_of_the_tree_finds_its_most_special_rule() -> None:
    kinds = [kind for kind, _ in ERRORS]
    for i, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:i])


def test_engine_errors_are_shown_and_logged() -> None:
    with capture_logs() as logs:
        assert answer(errors.EngineError("Division failed")).message == "Division failed"
    assert len(logs) == 1
