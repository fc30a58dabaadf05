"""The server that the tests start: what it has, that it ends, and what is said where it is not installed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psycopg
import pytest

from tests import postgres_server
from tests.postgres_server import PostgresServer, running_server


def test_it_has_the_extensions_and_two_plain_roles(postgres: PostgresServer) -> None:
    for url in (postgres.url, postgres.read_url):
        with psycopg.connect(url) as connection:
            found = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
            assert {"pg_sphere", "q3c"} <= found
            role = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            assert role == (False,)
            assert connection.info.server_version // 10_000 == 15


def test_the_reader_cannot_write_and_the_owner_can(postgres: PostgresServer) -> None:
    database = postgres.fresh()
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA s")
        owner.execute("CREATE TABLE s.t (a int)")
    with psycopg.connect(database.read_url) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("CREATE TABLE public.u (a int)")


def test_fresh_databases_do_not_see_each_other(postgres: PostgresServer) -> None:
    one, other = postgres.fresh(), postgres.fresh()
    with psycopg.connect(one.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mine")
    with psycopg.connect(other.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'mine'").fetchone() == (0,)


def test_nothing_stays_when_the_session_fails() -> None:
    def fail() -> None:
        with running_server() as server:
            seen.extend((server.folder, server.pid))
            raise ValueError

    seen: list[Path | int] = []
    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    folder, pid = seen
    assert not Path(str(folder)).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(pid)), 0)


def test_missing_packages_fail_with_the_line_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_EXTENSIONS", ("no_such_extension",))
    with (
        pytest.raises(pytest.fail.Exception, match="apt-get install postgresql-15 postgresql-15-pgsphere"),
        running_server(),
    ):
        pass


def test_what_killed_sessions_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_PARENT", str(tmp_path))
    for name, age_s in (("nashira-pg-old", 100), ("nashira-pg-new", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
        os.utime(tmp_path / name, (time.time() - age_s, time.time() - age_s))
    postgres_server._sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["nashira-pg-new"]
