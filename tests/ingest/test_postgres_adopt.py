"""Tables that are in the database already: published as they are, with what the database says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from nashira.config.errors import PublishError
from nashira.config.site import open_site
from nashira.engines.store import open_snapshot
from nashira.schema.model import Catalog, ForeignKey, Relation, SkyColumns, SkyIndex, Table
from nashira.schema.types import CIRCLE, DOUBLE, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType
from nashira.sphere.coverage import healpix29
from tests.ingest.publisher import Publisher
from tests.postgres_server import Database, PostgresServer

STARS = """
CREATE TABLE public.main (
  hip integer PRIMARY KEY,
  ra double precision NOT NULL,
  "dec" double precision NOT NULL,
  "B-V" real,
  name varchar(30)
);
COMMENT ON TABLE public.main IS 'Stars of the
Hipparcos catalogue';
COMMENT ON COLUMN public.main.hip IS 'Identifier';
INSERT INTO public.main
  SELECT n, (n * 37.7)::numeric % 360, degrees(asin(2 * (n::float8 / 2001) - 1)), n / 1000.0, 'star ' || n
  FROM generate_series(1, 2000) AS n;
ANALYZE public.main;
"""


@pytest.fixture
def database(postgres: PostgresServer) -> Database:
    return postgres.fresh()


@pytest.fixture
def sql(database: Database) -> Iterator[psycopg.Connection]:
    """A connection of the owner of the tables, each statement on its own, with the stars."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        with psycopg.connect(database.super_url, autocommit=True) as boss:
            boss.execute("GRANT CREATE ON SCHEMA public TO nashira_admin")
        connection.execute(STARS)
        yield connection


@pytest.fixture
def site(tmp_path: Path, database: Database) -> Publisher:
    root = tmp_path / "site"
    root.mkdir()
    settings = f'[engine]\nurl = "{database.read_url}"\nadmin_url = "{database.url}"\n'
    (root / "nashira.toml").write_text(settings)
    return Publisher(open_site(root))


def catalog(site: Publisher) -> Catalog:
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert not snapshot.faults
    return snapshot.catalog


def the_table(site: Publisher) -> Table:
    (table,) = catalog(site).tables()
    return table


def relation_of(table: Table) -> Relation:
    assert isinstance(table.source, Relation)
    return table.source


def describe(site: Publisher, *lines: str) -> None:
    """Write a descriptor of hip.main with these lines."""
    said = "".join(f"    {line}\n" for line in ("source: postgresql:public.main", *lines))
    site.descriptor("hip").write_text(f"schema: hip\ntables:\n  - name: main\n{said}")


def test_a_table_is_published_untouched(site: Publisher, sql: psycopg.Connection) -> None:
    before = sql.execute("SELECT oid, relfilenode, xmin FROM pg_class WHERE relname = 'main'").fetchall()
    (done,) = site.publish("postgresql:public.main", table="hip.main")
    assert (done.name, done.outcome, done.rows) == ("hip.main", "published", 2000)
    table = the_table(site)
    assert relation_of(table).path == ("public", "main")
    assert table.description == "Stars of the Hipparcos catalogue"
    assert [(c.name, c.type, c.nullable, c.description) for c in table.columns] == [
        ("hip", INTEGER, False, "Identifier"),
        ("ra", DOUBLE, False, ""),
        ("dec", DOUBLE, False, ""),
        ("B-V", VOType("float"), True, ""),
        ("name", STRING, True, ""),
    ]
    assert table.position == SkyColumns("ra", "dec")
    assert table.primary == ("hip",)
    assert table.column("hip").indexed
    assert sql.execute("SELECT oid, relfilenode FROM pg_class WHERE relname = 'main'").fetchall() == [before[0][:2]]
    assert "source: postgresql:public.main" in site.descriptor("hip").read_text().replace('"', "")


def test_the_reader_may_read_it_then(site: Publisher, sql: psycopg.Connection, database: Database) -> None:
    site.publish("postgresql:public.main", table="hip.main")
    with psycopg.connect(database.read_url) as reader:
        assert reader.execute("SELECT count(*) FROM public.main").fetchone() == (2000,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM public.main")


def test_a_table_of_somebody_else_tells_what_to_run(site: Publisher, database: Database) -> None:
    with psycopg.connect(database.super_url, autocommit=True) as boss:
        boss.execute("CREATE TABLE public.theirs (x int)")
    with pytest.raises(PublishError, match=r"GRANT SELECT ON \"public\"\.\"theirs\" TO \"nashira_reader\""):
        site.publish("postgresql:public.theirs", table="a.b")


_POINTS = "ALTER TABLE main ADD pos spoint; UPDATE main SET pos"
SKY_INDEXES = {
    "none": ("", None),
    "q3c": ('CREATE INDEX ON main (q3c_ang2ipix(ra, "dec"))', SkyIndex("q3c")),
    "q3c the other way": ('CREATE INDEX ON main (q3c_ang2ipix("dec", ra))', None),
    "expression": ('CREATE INDEX ON main USING gist (spoint(radians(ra), radians("dec")))', SkyIndex("pgsphere")),
    "degrees": ('CREATE INDEX ON main USING gist (spoint(ra, "dec"))', None),
    "column": (
        f'{_POINTS} = spoint(radians(ra), radians("dec")); CREATE INDEX ON main USING gist (pos)',
        SkyIndex("pgsphere", "pos"),
    ),
    "column of other places": (
        f"{_POINTS} = spoint(1, 1); CREATE INDEX ON main USING gist (pos)",
        None,
    ),
    "column with holes": (
        f'{_POINTS} = spoint(radians(ra), radians("dec")) WHERE hip > 1; CREATE INDEX ON main USING gist (pos)',
        None,
    ),
    "partial": ('CREATE INDEX ON main (q3c_ang2ipix(ra, "dec")) WHERE "B-V" > 1', None),
}


@pytest.mark.parametrize("case", SKY_INDEXES)
def test_existing_sky_indexes_are_recognised(site: Publisher, sql: psycopg.Connection, case: str) -> None:
    """Only an index that serves the predicates of queries and holds the true positions counts."""
    statements, expected = SKY_INDEXES[case]
    sql.execute(statements or "SELECT 1")
    site.publish("postgresql:public.main", table="hip.main")
    relation = relation_of(the_table(site))
    assert relation.sky == expected
    assert not relation.indexed


@pytest.mark.parametrize("shift", [0, 1])
def test_the_healpix_column_is_recognised_where_it_is_right(
    site: Publisher, sql: psycopg.Connection, shift: int
) -> None:
    sql.execute("ALTER TABLE main ADD _healpix_29 bigint")
    rows = sql.execute('SELECT ra, "dec", hip FROM main').fetchall()
    cells = [(int(healpix29([ra], [dec])[0]) + shift, hip) for ra, dec, hip in rows]
    with sql.cursor() as cursor:
        cursor.executemany("UPDATE main SET _healpix_29 = %s WHERE hip = %s", cells)
    sql.execute("CREATE INDEX ON main (_healpix_29)")
    site.publish("postgresql:public.main", table="hip.main")
    table = the_table(site)
    assert relation_of(table).indexed is (shift == 0)
    assert "_healpix_29" not in {c.name for c in table.columns}


TYPES = {
    "bool": ("boolean", VOType("boolean"), ""),
    "small": ("smallint", VOType("short"), ""),
    "big": ("bigint", LONG, ""),
    "digits": ("numeric(18,0)", LONG, "long"),
    "more_digits": ("numeric(19,0)", DOUBLE, "double"),
    "fraction": ("numeric(10,2)", DOUBLE, "double"),
    "exact": ("numeric", DOUBLE, "double"),
    "moment": ("timestamptz", TIMESTAMP, "utc"),
    "local": ("timestamp(0)", TIMESTAMP, ""),
    "day": ("date", TIMESTAMP, "date"),
    "id": ("uuid", STRING, "text"),
    "json": ("jsonb", STRING, "text"),
    "fixed": ("char(4)", STRING, "text"),
    "host": ("inet", STRING, "text"),
    "class": ("spectral", STRING, "text"),
    "mag": ("magnitude", DOUBLE, ""),
    "deep": ("deeper", DOUBLE, ""),
    "whole": ("counts", LONG, "long"),
    "numbers": ("real[]", VOType("float", "*"), ""),
    "integers": ("bigint[]", VOType("long", "*"), ""),
    "decimals": ("numeric[]", VOType("double", "*"), "double[]"),
    "point": ("spoint", POINT, "spoint"),
    "circle": ("scircle", CIRCLE, "scircle"),
    "poly": ("spoly", POLYGON, "spoly"),
    "box": ("sbox", POLYGON, "sbox"),
    "moc": ("smoc", VOType("char", "*", "moc"), "smoc"),
    "bytes": ("bytea", None, ""),
    "matrix": ("real[][]", None, ""),
    "texts": ("text[]", None, ""),
    "line": ("sline", None, ""),
}


def test_types_of_the_database(site: Publisher, sql: psycopg.Connection) -> None:
    """Domains are followed; what has no place in a VOTable is left out, and told."""
    sql.execute("CREATE TYPE spectral AS ENUM ('O', 'B', 'A')")
    sql.execute("CREATE DOMAIN magnitude AS double precision NOT NULL")
    sql.execute("CREATE DOMAIN deeper AS magnitude")
    sql.execute("CREATE DOMAIN counts AS numeric(9,0)")
    sql.execute(f"CREATE TABLE kinds ({', '.join(f'{name} {kind}' for name, (kind, _, _) in TYPES.items())})")
    site.publish("postgresql:public.kinds", table="a.kinds")
    table = the_table(site)
    expected = {name: vo for name, (_, vo, _) in TYPES.items() if vo is not None}
    assert {column.name: column.type for column in table.columns} == expected
    native = {name: word for name, (_, vo, word) in TYPES.items() if vo is not None and word}
    assert dict(relation_of(table).native) == native
    assert not table.column("mag").nullable
    warned = "\n".join(site.heard.warned)
    for name, (_, vo, _) in TYPES.items():
        assert (f"'{name}' is left out" in warned) is (vo is None)


def test_foreign_keys_of_the_database(site: Publisher, sql: psycopg.Connection) -> None:
    """A declared key is published between published tables, under the names they have here."""
    sql.execute("CREATE TABLE planets (star integer REFERENCES main, mass real, PRIMARY KEY (star, mass))")
    site.publish("postgresql:public.planets", table="exo.planets")
    assert the_table(site).keys == ()
    site.publish("postgresql:public.main", table="hip.stars")
    planets = next(table for table in catalog(site).tables() if table.name == "planets")
    assert planets.keys == (ForeignKey(("hip", "stars"), (("star", "hip"),)),)
    assert planets.primary == ("star", "mass")


def test_views_and_partitioned_tables(site: Publisher, sql: psycopg.Connection) -> None:
    """What can be read can be published; an index below a view or on every partition serves."""
    sql.execute('CREATE INDEX ON main (q3c_ang2ipix(ra, "dec"))')
    sql.execute('CREATE VIEW bright AS SELECT hip, ra, "dec" FROM main WHERE hip < 1000')
    sql.execute("CREATE MATERIALIZED VIEW frozen AS SELECT * FROM main")
    sql.execute('CREATE TABLE parts (n int, ra float8, "dec" float8) PARTITION BY RANGE (n)')
    sql.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1001)")
    sql.execute("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1001) TO (9999)")
    sql.execute('CREATE INDEX ON parts (q3c_ang2ipix(ra, "dec"))')
    sql.execute('INSERT INTO parts SELECT hip, ra, "dec" FROM main')
    done = site.publish("postgresql:public.*", schema="all_of_it")
    assert {one.name for one in done} == {f"all_of_it.{name}" for name in ("main", "bright", "frozen", "parts")}
    tables = {table.name: table for table in catalog(site).tables()}
    assert {name: relation_of(table).sky for name, table in tables.items()} == {
        "main": SkyIndex("q3c"),
        "bright": SkyIndex("q3c"),
        "frozen": None,
        "parts": SkyIndex("q3c"),
    }
    assert tables["parts"].rows == 2000
    assert tables["bright"].rows > 0


def test_positions_must_be_degrees(site: Publisher, sql: psycopg.Connection) -> None:
    """Nothing can be added to such a table: a guessed position that is none is told, one in hours is refused."""
    sql.execute("UPDATE main SET ra = ra + 1000")
    site.publish("postgresql:public.main", table="hip.main")
    assert the_table(site).position is None
    describe(site, "position: {ra: ra, dec: dec}", "columns: {ra: {unit: h}}")
    with pytest.raises(PublishError, match="not in degrees"):
        site.publish()


def test_the_descriptor_wins(site: Publisher, sql: psycopg.Connection) -> None:
    site.publish("postgresql:public.main", table="hip.main")
    describe(site, "title: Bright stars", "columns: {name: {hidden: true}, ra: {unit: deg}}")
    (done,) = site.publish()
    assert done.outcome == "published"
    table = the_table(site)
    assert table.title == "Bright stars"
    assert table.column("ra").unit == "deg"
    assert "name" not in {c.name for c in table.columns}
    assert [one.outcome for one in site.publish()] == ["unchanged"]


def test_a_withdrawn_table_stays_in_the_database(site: Publisher, sql: psycopg.Connection) -> None:
    site.publish("postgresql:public.main", table="hip.main")
    site.descriptor("hip").unlink()
    site.publish()
    assert not list(catalog(site).tables())
    assert sql.execute("SELECT count(*) FROM main").fetchone() == (2000,)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("postgresql:public.mian", "no such table"),
        ("postgresql:public.MAIN", "did you mean public.main"),
        ("postgresql:main", "postgresql:schema.table"),
        ("postgresql:empty.*", "no tables in a schema empty"),
        ("postgresql://host/other/public.main", "one database"),
        ("postgresql://me:secret@host/db/public.main", "leave user and password out"),
        ("postgresql:public.main_pkey", "no table or view"),
        ("postgresql:public.main; DROP TABLE main", "no such table"),
    ],
)
def test_wrong_sources_are_told(site: Publisher, sql: psycopg.Connection, source: str, told: str) -> None:
    with pytest.raises(PublishError, match=told) as caught:
        site.publish(source, table="hip.main") if "*" not in source else site.publish(source)
    assert "secret" not in str(caught.value)


def test_names_of_a_schema_and_its_tables(site: Publisher, sql: psycopg.Connection, database: Database) -> None:
    """Without names wanted, a table keeps its own; `public` is called as the database."""
    sql.execute('CREATE SCHEMA "Deep Field"; CREATE TABLE "Deep Field"."My.Objects" (ra real, "dec" real)')
    site.publish('postgresql:"Deep Field"."My.Objects"')
    site.publish("postgresql:public.main")
    assert {f"{t.schema}.{t.name}" for t in catalog(site).tables()} == {
        "deep_field.my_objects",
        f"{database.name}.main",
    }


def test_without_a_database_there_are_no_such_sources(tmp_path: Path) -> None:
    (tmp_path / "nashira.toml").touch()
    with pytest.raises(PublishError, match=r"\[engine\] url"):
        Publisher(open_site(tmp_path)).publish("postgresql:public.main", table="a.b")
