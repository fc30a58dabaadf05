"""A real PostgreSQL 15 with pg_sphere and q3c for a test session: private folder, private socket, no network.

Fixture `postgres` gives the session's server; `postgres.fresh()` a new empty database in it. A test that stops or
restarts a server makes one of its own: `with running_server() as server: ...`.
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

APT = "apt-get install postgresql-15 postgresql-15-pgsphere postgresql-15-q3c"
ADMIN, READER = "nashira_admin", "nashira_reader"
_EXTENSIONS = ("pg_sphere", "q3c")
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "autovacuum": "off",  # nothing but the tests themselves uses the machine
    "log_min_messages": "fatal",
}
_PDEATHSIG = 1
_PARENT, _PREFIX = "/tmp", "nashira-pg-"  # short: paths of sockets have 107 bytes at most
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Database:
    """A database: `url` of its owner (no superuser; may create), `read_url` of a role that may only connect.

    `super_url` is for what neither may do: roles, extensions, watching other sessions.
    """

    url: str
    read_url: str
    super_url: str
    name: str


class PostgresServer:
    """A server in `folder`; `url`, `read_url` and `super_url` are those of its database `nashira`."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"fresh_{n}" for n in itertools.count(1))
        self.main = self._database("nashira")
        self.url, self.read_url, self.super_url = self.main.url, self.main.read_url, self.main.super_url

    def _database(self, name: str) -> Database:
        def url(user: str) -> str:
            return f"postgresql://{user}@/{name}?host={self.folder}"

        return Database(url(ADMIN), url(READER), url("postgres"), name)

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        """Make the cluster, start it, make roles, extensions and the database."""
        self._call("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()
        with psycopg.connect(self._database("template1").super_url, autocommit=True) as connection:
            for extension in _EXTENSIONS:
                connection.execute(f"CREATE EXTENSION {extension}")
            for role in (ADMIN, READER):
                connection.execute(f"CREATE ROLE {role} LOGIN")
        self._create_database("nashira")

    def fresh(self) -> Database:
        """Make another empty database with the extensions; it goes with the server."""
        name = next(self._names)
        self._create_database(name)
        return self._database(name)

    def _create_database(self, name: str) -> None:
        with psycopg.connect(self._database("postgres").super_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {ADMIN}")

    def start(self) -> None:
        """Start the postmaster as a child that dies with this process."""
        options = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        command = [str(self._binaries / "postgres"), "-D", self._data, "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (a bare system call)
                **_user(),
            )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while True:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail("PostgreSQL does not start: " + (self.folder / "log").read_text()[-2000:])
            try:
                psycopg.connect(self._database("postgres").super_url).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop at once, as `pg_ctl stop -m immediate`; harmless when it has ended."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)

    def restart(self) -> None:
        """Restart as `pg_ctl restart -m immediate`: every connection breaks."""
        self.stop()
        self.start()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments], capture_output=True, text=True, check=False, **_user()
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr[-2000:]}")


def _die_with_parent() -> None:
    _LIBC.prctl(_PDEATHSIG, signal.SIGQUIT)


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _binaries() -> Path:
    """Find the programs of PostgreSQL 15 with both extensions; without them the session fails."""
    candidates = [Path("/usr/lib/postgresql/15/bin")]
    if found := shutil.which("pg_config"):
        done = subprocess.run([found, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(done.stdout.strip()))
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            shared = Path("/usr/share/postgresql") / "15" / "extension"
            missing = [e for e in _EXTENSIONS if shared.is_dir() and not (shared / f"{e}.control").exists()]
            if not missing:
                return folder
    pytest.fail(f"PostgreSQL 15 with pg_sphere and q3c is not installed: {APT}", pytrace=False)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Give a server of one's own; it is stopped and its folder removed whatever happens."""
    binaries = _binaries()
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PARENT))
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.geteuid():
        shutil.chown(folder, "postgres", "postgres")
    server = PostgresServer(folder, binaries)
    try:
        server.create()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep() -> None:
    """Remove the folders of sessions that were killed; their servers have ended with them."""
    for folder in Path(_PARENT).glob(f"{_PREFIX}*"):
        try:
            old = time.time() - folder.stat().st_mtime > 60
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # it goes at this moment, or is another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if old:
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its session lives
            pass
        finally:
            os.close(lock)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's PostgreSQL, started when first asked for."""
    with running_server() as server:
        yield server
