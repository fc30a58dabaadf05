"""`nashira init --postgresql`: from an empty database to a site, and the SQL for those who give no rights away."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nashira.config.errors import SettingsError
from nashira.config.loading import load_settings
from nashira.engines.postgres_check import examine
from nashira.server.cli import app
from tests.postgres_server import Database, PostgresServer

runner = CliRunner()


@pytest.fixture
def database(postgres: PostgresServer) -> Database:
    return postgres.fresh()


def test_init_makes_what_the_database_lacks(database: Database, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = runner.invoke(app, ["init", str(site), "--postgresql", database.read_url, "--admin", database.url])
    assert done.exit_code == 0, done.output
    settings = load_settings(site).engine
    assert (settings.url, settings.admin_url) == (database.read_url, database.url)
    assert stat.S_IMODE((site / "nashira.toml").stat().st_mode) == 0o600, "URLs may hold passwords"
    assert examine(settings.url).faults == ()


def test_init_makes_the_reading_role(database: Database, tmp_path: Path) -> None:
    role = f"reader_of_{database.name}"
    url = database.read_url.replace("nashira_reader@", f"{role}:it's%20secret@")
    arguments = ["init", str(tmp_path / "site"), "--postgresql", url, "--admin", database.super_url]
    try:
        done = runner.invoke(app, arguments)
        assert done.exit_code == 0, done.output
        assert examine(url).faults == ()
    finally:
        with psycopg.connect(database.super_url, autocommit=True) as boss:
            boss.execute(f"DROP OWNED BY {role}")
            boss.execute(f"DROP ROLE {role}")


def test_an_administrator_who_may_not_make_roles_is_told(database: Database, tmp_path: Path) -> None:
    url = database.read_url.replace("nashira_reader@", "somebody_new@")
    done = runner.invoke(app, ["init", str(tmp_path / "site"), "--postgresql", url, "--admin", database.url])
    assert isinstance(done.exception, SettingsError)
    assert 'CREATE ROLE "somebody_new"' in str(done.exception)
    assert not (tmp_path / "site").exists(), "nothing was made"


def test_a_wrong_url_makes_nothing(tmp_path: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/none"
    done = runner.invoke(app, ["init", str(tmp_path / "site"), "--postgresql", url])
    assert isinstance(done.exception, SettingsError)
    assert "secret" not in str(done.exception)
    assert not (tmp_path / "site").exists()


def test_extensions_come_where_they_can(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.super_url, autocommit=True) as boss:
        boss.execute("DROP EXTENSION q3c")
    first = ["init", str(tmp_path / "a"), "--postgresql", database.read_url, "--admin"]
    told = runner.invoke(app, [*first, database.url])
    assert "as a superuser of the database: CREATE EXTENSION q3c" in told.output
    runner.invoke(app, ["init", str(tmp_path / "b"), "--postgresql", database.read_url, "--admin", database.super_url])
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'q3c'").fetchone() == (1,)


def test_the_sql_for_a_superuser_is_enough(database: Database, tmp_path: Path) -> None:
    """What `nashira check --sql` writes, run by somebody else, makes the database one that can be served."""
    site = tmp_path / "site"
    assert runner.invoke(app, ["init", str(site), "--postgresql", database.read_url]).exit_code == 0
    command = [sys.executable, "-m", "nashira", "check", "--sql", "--site", str(site)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert examine(database.read_url).faults
    with psycopg.connect(database.super_url, autocommit=True) as boss:
        boss.execute(text)
    assert examine(database.read_url).faults == ()


def test_functions_of_an_extension_that_comes_later(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.super_url, autocommit=True) as boss:
        boss.execute("DROP EXTENSION pg_sphere")
        arguments = ["--postgresql", database.read_url, "--admin", database.url]
        assert runner.invoke(app, ["init", str(tmp_path / "a"), *arguments]).exit_code == 0
        assert examine(database.read_url).faults == ()
        boss.execute("CREATE EXTENSION pg_sphere")
    assert "ns_circle" in examine(database.read_url).faults[0]
    assert runner.invoke(app, ["init", str(tmp_path / "b"), *arguments]).exit_code == 0
    assert examine(database.read_url).faults == ()
