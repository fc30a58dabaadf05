"""Which databases and roles the engine refuses to serve from, and that no message repeats a password."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from nashira.config.errors import SettingsError
from nashira.config.settings import Engine, Settings
from nashira.config.site import SiteFolder
from nashira.engines.postgres import PostgresEngine
from nashira.engines.postgres_functions import install
from tests.postgres_server import READER, Database, PostgresServer


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Database:
    database = postgres.fresh()
    with psycopg.connect(database.url, autocommit=True) as owner:
        install(owner)
        owner.execute("CREATE SCHEMA s")
        owner.execute("CREATE TABLE s.million (x bigint)")
    return database


def site(path: Path, url: str) -> SiteFolder:
    return SiteFolder(path, Settings(engine=Engine(url=url)))


@pytest.mark.parametrize(
    ("grants", "fault"),
    [
        (["GRANT INSERT ON s.million TO {role}"], r"may write s\.million"),
        (["GRANT UPDATE (x) ON s.million TO {role}"], r"may write s\.million"),
        (["GRANT CREATE ON SCHEMA s TO {role}"], "may create tables in schema s"),
        (["ALTER ROLE {role} SUPERUSER"], "is a superuser"),
        (["ALTER ROLE {role} CREATEROLE"], "can create roles"),
        (["GRANT pg_write_all_data TO {role}"], "belongs to pg_write_all_data"),
        (["GRANT pg_execute_server_program TO {role}"], "belongs to pg_execute_server_program"),
    ],
)
def test_a_role_that_could_do_harm_is_refused(
    tmp_path: Path, database: Database, postgres: PostgresServer, grants: list[str], fault: str
) -> None:
    role = "harmful"
    url = database.read_url.replace(READER, role)
    with psycopg.connect(database.super_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            PostgresEngine(site(tmp_path, url)).close()
            for grant in grants:
                connection.execute(grant.format(role=role))
            with pytest.raises(SettingsError, match=fault):
                PostgresEngine(site(tmp_path, url))
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_the_owner_is_refused(tmp_path: Path, database: Database) -> None:
    with pytest.raises(SettingsError, match="may write"):
        PostgresEngine(site(tmp_path, database.url))


def test_a_database_without_the_functions_is_refused_with_advice(tmp_path: Path, postgres: PostgresServer) -> None:
    with pytest.raises(SettingsError, match=r"nashira publish.*admin_url"):
        PostgresEngine(site(tmp_path, postgres.fresh().read_url))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:s3cret@127.0.0.1:1/db",
        "postgresql://reader:s3@cret@127.0.0.1:1/db",
        "postgresql://reader:s3/cret@nowhere:port/db",
        "postgresql://reader:s3cret@:x/db",
        "host=/nowhere password=s3cret",
        "s3cret",
    ],
)
def test_no_message_repeats_the_password(tmp_path: Path, url: str) -> None:
    folder = site(tmp_path, url)
    with pytest.raises(SettingsError) as caught:
        PostgresEngine(folder)
    for text in (str(caught.value), repr(folder.settings), repr(folder)):
        assert "s3" not in text
        assert "cret" not in text
