"""`nashira check` on a site with a database: what is wrong is found, and what to run is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from nashira.config.site import open_site
from nashira.engines.store import open_snapshot
from nashira.ingest.check import check
from nashira.ingest.finding import Finding, Level
from tests.ingest.publisher import Publisher
from tests.postgres_server import Database, PostgresServer

Run = Callable[..., None]  # run(sql, url)
OURS = """
CREATE TABLE own.main (hip integer PRIMARY KEY, ra double precision, "dec" double precision, mag real);
INSERT INTO own.main SELECT n, n % 360, n % 90, n FROM generate_series(1, 1000) AS n;
CREATE INDEX main_sky ON own.main (q3c_ang2ipix(ra, "dec"));
ANALYZE own.main;
"""


@pytest.fixture
def database(postgres: PostgresServer) -> Database:
    return postgres.fresh()


@pytest.fixture
def run(database: Database) -> Run:
    """Run SQL as the owner of the tables, or by another URL."""

    def execute(text: str, url: str = "") -> None:
        with psycopg.connect(url or database.url, autocommit=True) as connection:
            connection.execute(text)

    return execute


def make_site(root: Path, database: Database, url: str = "") -> Publisher:
    root.mkdir(exist_ok=True)
    settings = f'[engine]\nurl = "{url or database.read_url}"\nadmin_url = "{database.url}"\n'
    (root / "nashira.toml").write_text(settings)
    return Publisher(open_site(root))


@pytest.fixture
def site(tmp_path: Path, database: Database, run: Run, stars: Path) -> Publisher:
    """A site with a table in place, own.main, and a loaded one, sky.stars."""
    run("CREATE SCHEMA own")
    run(OURS)
    site = make_site(tmp_path / "site", database)
    site.publish("postgresql:own.main", table="hip.main")
    site.publish(stars, table="sky.stars")
    return site


def told(site: Publisher, where: str, level: Level) -> str:
    return "\n".join(f.text for f in check(site.folder) if f.where == where and f.level == level)


def errors(site: Publisher) -> list[Finding]:
    return [finding for finding in check(site.folder) if finding.level == Level.ERROR]


def test_a_good_site_has_no_errors(site: Publisher) -> None:
    assert errors(site) == []


def test_a_superuser_is_refused(site: Publisher, database: Database) -> None:
    other = make_site(site.folder.root, database, database.super_url)
    assert "superuser" in told(other, "nashira.toml", Level.ERROR)


def test_a_role_that_may_write_is_refused(site: Publisher, database: Database, run: Run) -> None:
    run("GRANT INSERT ON own.main TO nashira_reader")
    assert "may write own.main" in told(site, "nashira.toml", Level.ERROR)
    run("REVOKE INSERT ON own.main FROM nashira_reader")
    other = make_site(site.folder.root, database, database.url)
    assert "may write" in told(other, "nashira.toml", Level.ERROR)


def test_a_dropped_column_is_told_and_the_rest_served(site: Publisher, run: Run) -> None:
    run("ALTER TABLE own.main DROP COLUMN mag")
    (finding,) = errors(site)
    assert finding.where == "hip.main"
    assert "no columns mag any more" in finding.text
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert {t.name for t in snapshot.catalog.tables()} == {"main", "stars"}
    site.publish()
    assert errors(site) == []


def test_a_changed_type_is_told(site: Publisher, run: Run) -> None:
    run("ALTER TABLE own.main ALTER COLUMN mag TYPE numeric")
    assert "mag was real and is numeric now" in told(site, "hip.main", Level.ERROR)


def test_a_dropped_table_is_told(site: Publisher, run: Run) -> None:
    run("DROP TABLE own.main")
    assert "postgresql:own.main is gone" in told(site, "hip.main", Level.ERROR)


def test_a_lost_right_is_told_with_the_grant(site: Publisher, run: Run) -> None:
    run("REVOKE SELECT ON own.main FROM nashira_reader")
    assert 'GRANT SELECT ON "own"."main" TO "nashira_reader"' in told(site, "hip.main", Level.ERROR)


def test_a_lost_index_is_told_and_publish_takes_note(site: Publisher, run: Run) -> None:
    run("DROP INDEX own.main_sky")
    assert "index of the position (q3c) is gone" in told(site, "hip.main", Level.ERROR)
    site.publish()
    assert errors(site) == []


def test_a_lost_index_of_a_loaded_table_is_made_again(site: Publisher, database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        query = "SELECT indexname FROM pg_indexes WHERE schemaname = 'nashira_data' AND indexdef LIKE '%q3c%'"
        ((name,),) = connection.execute(query).fetchall()
        connection.execute(f'DROP INDEX nashira_data."{name}"')
        assert "index of the position (q3c) is gone" in told(site, "sky.stars", Level.ERROR)
        site.publish()
        assert connection.execute(query).fetchall() == [(name,)]
    assert errors(site) == []


def test_an_invalid_index_is_told(site: Publisher, database: Database, run: Run) -> None:
    run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'own.main_pkey'::regclass", database.super_url)
    assert "REINDEX INDEX own.main_pkey" in told(site, "hip.main", Level.WARNING)


def test_a_table_without_statistics_is_told(site: Publisher, run: Run) -> None:
    run("CREATE TABLE own.raw (x real)")
    site.publish("postgresql:own.raw", table="hip.raw")
    assert "ANALYZE own.raw" in told(site, "hip.raw", Level.WARNING)


def test_missing_functions_are_told(site: Publisher, run: Run) -> None:
    run("DROP SCHEMA nashira CASCADE")
    assert "lacks functions" in told(site, "nashira.toml", Level.ERROR)
    site.publish()
    assert errors(site) == []


def test_missing_extensions_are_advised(site: Publisher, database: Database, run: Run) -> None:
    run("DROP EXTENSION pg_sphere CASCADE", database.super_url)
    assert "CREATE EXTENSION pg_sphere" in told(site, "database", Level.ADVICE)


def test_an_unreachable_database_is_one_error(site: Publisher, database: Database) -> None:
    nowhere = make_site(site.folder.root, database, "postgresql://me:secret@127.0.0.1:1/nothing")
    (finding,) = errors(nowhere)
    assert "database" in finding.text
    assert "secret" not in finding.text


def test_two_databases_are_told(site: Publisher, postgres: PostgresServer) -> None:
    other = make_site(site.folder.root, postgres.fresh(), site.folder.settings.engine.url)
    assert "different databases" in told(other, "nashira.toml", Level.ERROR)
