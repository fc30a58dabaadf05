"""The log keeps what users wrote for the level debug."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from nashira.config.errors import EngineUnavailable, StoreError
from nashira.server import log as server_log


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    kept, handlers = structlog.get_config(), logging.getLogger("uvicorn").handlers
    yield
    structlog.configure(**kept)
    logging.getLogger("uvicorn").handlers = handlers


def written(monkeypatch: pytest.MonkeyPatch, level: int) -> tuple[StringIO, structlog.stdlib.BoundLogger]:
    out = StringIO()
    monkeypatch.setattr("sys.stderr", out)
    server_log.configure_logging(level)
    return out, structlog.get_logger("test")


def test_private_keys_are_for_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    out, log = written(monkeypatch, logging.INFO)
    log.warning("query failed", sql="SELECT secret", query="secret", detail="secret", kind="QueryError")
    told = json.loads(out.getvalue())
    assert told["kind"] == "QueryError"
    assert "secret" not in out.getvalue()
    out, log = written(monkeypatch, logging.DEBUG)
    log.warning("query failed", sql="SELECT secret")
    assert json.loads(out.getvalue())["sql"] == "SELECT secret"


def test_a_traceback_says_where_and_what_kind_but_repeats_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    out, log = written(monkeypatch, logging.INFO)
    try:
        try:
            float("a secret")
        except ValueError as error:
            message = "The store is damaged"
            raise StoreError(message) from error
    except StoreError as error:
        log.error("internal error", exc_info=error)
        log.exception("the same")
    for line in out.getvalue().splitlines():
        told = json.loads(line)["exception"]
        assert 'float("a' in told  # the line of the program
        assert "StoreError: The store is damaged" in told
        assert "builtins.ValueError (its text is logged at the level debug)" in told
        assert "could not convert" not in told


def test_what_the_machine_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    out, log = written(monkeypatch, logging.INFO)
    for error in (OSError(28, "No space left on device"), EngineUnavailable("The database cannot be reached")):
        log.error("engine error", exc_info=error)
        assert str(error) in out.getvalue()
    log.error("engine error", exc_info=sqlite3.IntegrityError("secret"))
    assert "secret" not in out.getvalue()


def test_errors_of_the_web_server_pass_the_same_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = written(monkeypatch, logging.INFO)
    try:
        dict[str, str]()["a secret"]
    except KeyError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    told = json.loads(out.getvalue())
    assert "KeyError (its text" in told["exception"]
    assert "'a secret'" not in told["exception"]
