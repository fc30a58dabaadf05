"""What one query may consist of: beyond, it is refused at once instead of being planned for minutes."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from nashira.adql.parser import parse
from nashira.adql.translate import translate
from nashira.config.errors import AdqlSyntaxError, AdqlTypeError, QueryError
from nashira.schema.model import Catalog, Column, Relation, Schema, Table
from nashira.schema.types import DOUBLE, STRING

COLUMNS = (Column("ra", DOUBLE, unit="deg"), Column("name", STRING))
CATALOG = Catalog((Schema("s", (Table("s", "t", COLUMNS, Relation(("t",))),)),))


def many(piece: str, count: int, separator: str = ", ") -> str:
    return separator.join(piece.format(number) for number in range(count))


WHERE = "SELECT ra FROM s.t WHERE "
TOO_MUCH = {
    "OR of ANDs": (WHERE + many("ra > {0} AND ra < {0}", 501, " OR "), "more than 1000 comparisons"),
    "BETWEEN counts twice": (WHERE + many("ra BETWEEN {0} AND {0}", 501, " OR "), "more than 1000 comparisons"),
    "CASE": (
        "SELECT CASE " + many("WHEN ra > {0} THEN {0}", 1001, " ") + " END FROM s.t",
        "more than 1000 comparisons",
    ),
    "EXISTS": (WHERE + many("EXISTS (SELECT 1 FROM s.t)", 21, " AND "), "more than 20 subqueries"),
    "IN (SELECT)": (WHERE + many("ra IN (SELECT ra FROM s.t)", 21, " OR "), "more than 20 subqueries"),
    "list of literals": (WHERE + f"ra IN ({many('-{}', 50_001)})", "more than 50000 values in lists"),
    "list of expressions": (WHERE + f"ra IN ({many('ra+{}', 5_001)})", "more than 10000 columns, values"),
    "columns": (f"SELECT {many('ra', 10_001)} FROM s.t", "more than 10000 columns, values"),
    "stars": (f"SELECT {many('t.*', 6_000)} FROM s.t", "too many columns"),
    "polygon": (
        WHERE + f"1 = CONTAINS(POINT(ra, ra), POLYGON({many('{}', 4_098)}))",
        "more than 4096 arguments of one function",
    ),
    "ORDER BY": (f"SELECT ra FROM s.t ORDER BY {many('ra+{}', 257)}", "more than 256 terms"),
    "GROUP BY": (f"SELECT COUNT(*) FROM s.t GROUP BY {many('ra+{}', 257)}", "more than 256 terms"),
    "tables": (f"WITH {many('w{} AS (SELECT ra FROM s.t)', 201)} SELECT ra FROM w0", "more than 200 tables"),
}
DOUBLED = "WITH w0 AS (SELECT ra, name FROM s.t)" + "".join(
    f", w{n} AS (SELECT a.*, b.* FROM w{n - 1} AS a, w{n - 1} AS b)" for n in range(1, 40)
)
TOO_MUCH["columns doubled again and again"] = (f"{DOUBLED} SELECT * FROM w39", "too many columns")


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_would_take_minutes_to_plan_is_refused_at_once(name: str) -> None:
    text, said = TOO_MUCH[name]
    started = time.perf_counter()
    with pytest.raises(QueryError, match=said) as caught:
        translate(text, CATALOG)
    assert caught.value.position is not None
    assert caught.value.advice
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        WHERE + many("ra = {}", 1000, " OR "),
        WHERE + f"ra IN ({many('{}', 20_000)})",
        f"SELECT {many('ra AS c{}', 2_000)} FROM s.t",
        WHERE + many("EXISTS (SELECT 1 FROM s.t)", 20, " AND "),
    ],
    ids=["1000 conditions", "20,000 values in a list", "2,000 columns", "20 subqueries"],
)
def test_what_people_need_is_served(text: str) -> None:
    assert translate(text, CATALOG).sql


@pytest.mark.parametrize("number", ["9" * 100_000, "0x" + "f" * 10_000, "9" * 5_000])
def test_numbers_of_thousands_of_digits_are_type_errors(number: str) -> None:
    for text in (f"SELECT {number} FROM s.t", f"{WHERE}ra < {number}", f"{WHERE}ra IN (1, {number})"):
        with pytest.raises(AdqlTypeError, match="too large"):
            translate(text, CATALOG)


def test_a_column_number_of_thousands_of_digits_is_no_column() -> None:
    with pytest.raises(QueryError, match="GROUP BY 9"):
        translate(f"SELECT ra FROM s.t GROUP BY {'9' * 5000}", CATALOG)


@pytest.mark.parametrize("kind", ["CHAR", "VARCHAR"])
def test_texts_of_fixed_length_have_a_limit(kind: str) -> None:
    assert parse(f"SELECT CAST(name AS {kind}(10000)) FROM s.t").body
    with pytest.raises(AdqlSyntaxError, match=r"is too long .* At most"):
        parse(f"SELECT CAST(name AS {kind}(10001)) FROM s.t")


@pytest.mark.parametrize(
    "unit", ["10**999999999 deg", "deg**(1/(2**99999))", "m**99999999", "m." * 5000 + "m", "10**9999 deg", "9" * 9000]
)
def test_units_that_take_for_ever_to_read_are_none(unit: str) -> None:
    started = time.perf_counter()
    with pytest.raises(QueryError, match="no VOUnit"):
        translate(f"SELECT IN_UNIT(ra, '{unit}') FROM s.t", CATALOG)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("unit", ["10**999999999 deg", "m**" + "9" * 9000, "km**9999"])
@pytest.mark.parametrize("value", ["ra * ra", "POWER(ra, 20)", "ra / 2", "IN_UNIT(ra, 'deg')"])
def test_units_of_uploads_cannot_stop_the_service(unit: str, value: str) -> None:
    table = Table("TAP_UPLOAD", "u", (Column("ra", DOUBLE, unit=unit),), Relation(("upload_1",)))
    started = time.perf_counter()
    with suppress(QueryError):  # a unit that nobody understands cannot be converted
        translate(f"SELECT {value} AS x FROM TAP_UPLOAD.u", CATALOG, uploads=[table])
    assert time.perf_counter() - started < 2
