"""What the PostgreSQL target prints: types, native columns, samples, patterns, and what it cannot do by name."""
# ruff: noqa: E501  (queries stay on one line)

from __future__ import annotations

from dataclasses import replace

import pglast
import pytest

from nashira.adql.functions import FUNCTIONS
from nashira.adql.patterns_postgres import advanced
from nashira.adql.targets import TARGETS
from nashira.adql.translate import translate
from nashira.config.errors import Unsupported
from nashira.schema.model import Catalog, Column, Files, Relation, Schema, SkyColumns, SkyIndex, Table
from nashira.schema.types import DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP

COLUMNS = (
    Column("id", LONG), Column("ra", DOUBLE), Column("dec", DOUBLE), Column("r", DOUBLE), Column("mag", FLOAT), Column("n", INTEGER), Column("name", STRING), Column("t", TIMESTAMP), Column("p", POINT), Column("g", POLYGON),
)  # fmt: skip
TABLE = Table("s", "t", COLUMNS, Relation(("data", "t 1"), 1000, True), position=SkyColumns("ra", "dec"))


def printed(adql: str, table: Table = TABLE, uploads: tuple[Table, ...] = ()) -> str:
    made = translate(adql, Catalog((Schema("s", (table,)),)), uploads=uploads, target="postgresql")
    pglast.parse_sql(made.sql)
    assert made.cut is None
    return made.sql


def test_every_function_of_the_table_has_a_form_for_every_target() -> None:
    missing = {(name, engine) for name, row in FUNCTIONS.items() for engine in TARGETS if engine not in row.engines}
    assert not missing


def test_a_function_that_an_engine_lacks_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        FUNCTIONS, "SIN", replace(FUNCTIONS["SIN"], engines={"duckdb": FUNCTIONS["SIN"].engines["duckdb"]})
    )
    with pytest.raises(Unsupported, match="SIN is not available on this service's engine") as caught:
        printed("SELECT SIN(ra) FROM s.t")
    assert caught.value.position is not None


def test_tables_have_their_schema_and_uploads_are_temporary() -> None:
    mine = Table("TAP_UPLOAD", "mine", COLUMNS, Relation(("upload_1",), 3))
    sql = printed("SELECT a.id FROM s.t AS a JOIN TAP_UPLOAD.mine AS b ON a.id = b.id", uploads=(mine,))
    assert '"data"."t 1" AS "t1"' in sql
    assert '"pg_temp"."upload_1" AS "t2"' in sql


def test_a_table_of_files_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"s\.t is not in this service's engine"):
        printed("SELECT id FROM s.t", replace(TABLE, source=Files(())))


@pytest.mark.parametrize(
    ("native", "adql", "made"),
    [
        ("spoint", "SELECT COORD1(p) FROM s.t", 'DEGREES(LONG("t1"."p"))'),
        (
            "spoint",
            "SELECT p FROM s.t",
            'CASE WHEN NOT ("t1"."p" IS NULL) THEN ARRAY[DEGREES(LONG("t1"."p")), DEGREES(LAT("t1"."p"))] END',
        ),
        ("scircle", "SELECT p FROM s.t", 'NS_CIRCLE("t1"."p")'),
        ("text", "SELECT p FROM s.t", 'CAST("t1"."p" AS TEXT)'),
        ("double", "SELECT p FROM s.t", 'CAST("t1"."p" AS DOUBLE PRECISION)'),
        ("utc", "SELECT p FROM s.t", '"t1"."p" AT TIME ZONE \'UTC\''),
    ],
)
def test_native_columns_are_read_as_what_is_promised(native: str, adql: str, made: str) -> None:
    source = Relation(("data", "t"), 10, native=(("p", native),))
    assert made in printed(adql, replace(TABLE, source=source))


def test_texts_are_ordered_by_bytes_but_equal_as_they_are() -> None:
    assert '"t1"."name" = \'x\'' in printed("SELECT id FROM s.t WHERE name = 'x'")
    assert '("t1"."name" COLLATE "C") < \'x\'' in printed("SELECT id FROM s.t WHERE name < 'x'")
    assert 'ORDER BY "t1"."name" COLLATE "C" DESC NULLS LAST' in printed("SELECT id FROM s.t ORDER BY name DESC")
    assert "LIKE 'a\\%' ESCAPE ''" in printed("SELECT id FROM s.t WHERE name LIKE 'a\\%'")


def test_a_column_of_single_precision_needs_no_test_and_one_of_double_has_one() -> None:
    assert "NS_ADD" not in printed("SELECT mag + 1 FROM s.t")
    assert "NS_MUL" not in printed("SELECT mag * 2.5 + n FROM s.t")
    assert "NS_ADD" in printed("SELECT ra + 1 FROM s.t")
    assert "NS_ADD" not in printed("SELECT n + 1 FROM s.t")
    assert "NS_ADD" in printed("SELECT id + 1 FROM s.t")


def test_samples() -> None:
    assert "TABLESAMPLE BERNOULLI (5.0) REPEATABLE (3)" in printed("SELECT id FROM s.t TABLESAMPLE(5) REPEATABLE(3)")
    assert "TABLESAMPLE SYSTEM (5.0)" in printed("SELECT id FROM s.t TABLESAMPLE SYSTEM(5)")
    assert "RANDOM() < 0.05" in printed("SELECT id FROM s.t TABLESAMPLE BERNOULLI(5)")


def test_scans_tell_the_regions_that_an_extension_serves() -> None:
    for sky in (SkyIndex("q3c"), SkyIndex("pgsphere"), SkyIndex("pgsphere", "pos")):
        table = replace(TABLE, source=Relation(("data", "t"), 10, False, sky))
        made = translate(
            "SELECT id FROM s.t WHERE DISTANCE(ra, dec, 10, 20) < 1",
            Catalog((Schema("s", (table,)),)),
            target="postgresql",
        )
        assert made.scans[0].ranges
        assert made.scans[0].rows == 10


def test_circles_too_wide_for_an_index_and_radii_of_the_same_row_have_no_prefilter() -> None:
    table = replace(TABLE, source=Relation(("data", "t"), 10, False, SkyIndex("q3c")))
    for where in (
        "DISTANCE(ra, dec, 10, 20) < 100",
        "DISTANCE(ra, dec, 10, 20) < r",
        "NOT DISTANCE(ra, dec, 10, 20) < 1",
    ):
        assert "Q3C_" not in printed(f"SELECT id FROM s.t WHERE {where}", table)


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(Unsupported, match="1700 columns"):
        printed("SELECT " + ", ".join(["id"] * 1700) + " FROM s.t")


def test_texts_with_the_character_0_are_refused() -> None:
    with pytest.raises(Unsupported, match="code 0"):
        printed("SELECT id FROM s.t WHERE name = 'a\0b'")


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        (r"^a.*b$", "(?s)^a.*b$"),
        (r"(?i)abc", "(?i)abc"),
        (r"(?i:a)", None),
        (r"\bM\d+\b", r"(?s)\yM\d+\y"),
        (r"[\d\s_-]+x", r"(?s)[\d\s_-]+x"),
        (r"[^]a]", "(?s)[^]a]"),
        (r"(?:a|b){2,3}?", "(?s)(?:a|b){2,3}?"),
        (r"\pL+", "(?s)[[:alpha:]]+"),
        (r"\.\*\\", r"(?s)\.\*\\"),
        (r"\x41", r"(?s)\U00000041"),
        (r"\pZ", None),
        (r"\Qa.b\E", None),
    ],
)
def test_patterns_are_written_as_the_engine_reads_them(pattern: str, made: str | None) -> None:
    if made is None:
        with pytest.raises(Unsupported, match="gavo_match"):
            advanced(pattern)
    else:
        assert advanced(pattern) == made
