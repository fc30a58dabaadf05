"""What authors read: every message with its place, excerpt and advice, kept in `messages/*.txt` to be read and judged.

A case is a title behind `== `, the query, a line `-->` and the message as `show` writes it. After a change of words
`UPDATE_MESSAGES=1 pytest tests/adql/test_messages.py` writes the messages anew: read the difference.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from nashira.adql.excerpt import WIDTH
from nashira.adql.translate import translate
from nashira.config.errors import QueryError
from nashira.schema.model import Catalog, Column, ForeignKey, Relation, Schema, SkyColumns, Table
from nashira.schema.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, POINT, POLYGON, STRING, TIMESTAMP, VOType

FOLDER = Path(__file__).parent / "messages"
UPDATE = bool(os.environ.get("UPDATE_MESSAGES"))
ARROW = "-->"


@dataclass(frozen=True)
class Case:
    file: str
    title: str
    query: str
    message: str


def table(schema: str, name: str, *columns: Column, **more: object) -> Table:
    return Table(schema, name, columns, Relation((f"{schema}_{name}",)), **more)  # type: ignore[arg-type]


SOURCE = table(
    "gaia",
    "source",
    Column("source_id", LONG, ucd="meta.id;meta.main"),
    Column("ra", DOUBLE, unit="deg", ucd="pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, unit="deg", ucd="pos.eq.dec;meta.main"),
    Column("parallax", DOUBLE, unit="mas", ucd="pos.parallax"),
    Column("pmra", DOUBLE, unit="mas/yr"),
    Column("pmdec", DOUBLE, unit="mas/yr"),
    Column("phot_g_mean_mag", FLOAT, unit="mag"),
    Column("phot_bp_mean_mag", FLOAT, unit="mag"),
    Column("variable", BOOLEAN),
    position=SkyColumns("ra", "dec"),
)
HIPPARCOS = table(
    "hip",
    "main",
    Column("HIP", INTEGER, ucd="meta.id;meta.main"),
    Column("RAdeg", DOUBLE, unit="deg", ucd="pos.eq.ra;meta.main"),
    Column("DEdeg", DOUBLE, unit="deg", ucd="pos.eq.dec;meta.main"),
    Column("Vmag", FLOAT, unit="mag"),
    Column("B-V", FLOAT, unit="mag"),
    Column("SpType", STRING),
    Column("size", DOUBLE, unit="arcsec"),
    Column("date", TIMESTAMP),
    position=SkyColumns("RAdeg", "DEdeg"),
)
SPECTRA = table(
    "gaia",
    "spectra",
    Column("source_id", LONG),
    Column("teff", FLOAT, unit="K"),
    Column("obs_time", TIMESTAMP),
    Column("flux", VOType("float", "*")),
    keys=(ForeignKey(("gaia", "source"), (("source_id", "source_id"),)),),
)
IMAGES = table(
    "obs",
    "images",
    Column("obs_id", STRING),
    Column("target_name", STRING),
    Column("s_region", POLYGON),
    Column("centre", POINT),
    Column("exposure", DOUBLE, unit="s"),
    Column("t_start", TIMESTAMP),
)
MINE = table("TAP_UPLOAD", "mine", Column("id", INTEGER), Column("ra", DOUBLE), Column("dec", DOUBLE))
CATALOG = Catalog(
    (Schema("gaia", (SOURCE, SPECTRA)), Schema("hip", (HIPPARCOS,)), Schema("obs", (IMAGES,))),
)


def read(path: Path) -> list[Case]:
    cases = []
    for block in path.read_text(encoding="utf-8").removeprefix("== ").split("\n\n== "):
        title, _, rest = block.partition("\n")
        query, _, message = rest.partition(f"\n{ARROW}")
        cases.append(Case(path.stem, title, query.replace("\\r", "\r"), message.strip("\n")))
    return cases


CASES = [case for path in sorted(FOLDER.glob("*.txt")) for case in read(path)]


def refusal(case: Case) -> QueryError:
    uploads = () if "no upload" in case.title else (MINE,)
    with pytest.raises(QueryError) as caught:
        translate(case.query, CATALOG, uploads=uploads)
    return caught.value


def show(error: QueryError) -> str:
    """Write an error as it stands in the files: kind and place, excerpt, message, advice, lists for editors."""
    place = f", line {error.position.line}, column {error.position.column}" if error.position else ""
    lines = [f"[{error.kind}{place}]", *(f"    {line}" for line in error.excerpt.split("\n") if error.excerpt)]
    lines += [error.message, error.advice]
    lines += [f"expected: {' | '.join(error.expected)}"] if error.expected else []
    lines += [f"suggestions: {' | '.join(error.suggestions)}"] if error.suggestions else []
    return "\n".join(line.rstrip() for line in lines if line.strip())


def written(path: Path) -> str:
    blocks = []
    for case in read(path):
        query = case.query.replace("\r", "\\r")
        blocks.append(f"== {case.title}\n{query}\n{ARROW}\n{show(refusal(case))}\n")
    return "\n".join(blocks)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_the_file_is_as_it_would_be_written(path: Path) -> None:
    text = written(path)
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.title}")
def test_the_message_is_the_one_that_was_judged(case: Case) -> None:
    assert show(refusal(case)) == case.message


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.title}")
def test_a_message_has_a_place_in_the_text_and_tells_what_to_do(case: Case) -> None:
    error = refusal(case)
    assert error.position is not None
    assert 0 <= error.position.start <= error.position.end <= len(case.query)
    assert error.advice, "an author should learn what to do"
    assert len(str(error)) < 600
    assert all(len(line) <= WIDTH + 2 for line in error.excerpt.split("\n")[:1])


def left_over(query: str) -> QueryError | None:
    try:
        translate(query, CATALOG, uploads=(MINE,))
    except QueryError as error:
        return error
    return None


def test_suggestions_repair_the_query() -> None:
    """The first suggestion, put where the error is, gives a query that is right, or at least another error."""
    for case in CASES:
        error = refusal(case)
        if not error.suggestions or error.position is None:
            continue
        place = error.position
        left = left_over(case.query[: place.start] + error.suggestions[0] + case.query[place.end :])
        if left is not None:
            assert left.position is not None, case.title
            assert left.position.start > place.start or left.kind != error.kind, f"{case.title}: {left}"


def test_there_are_enough_cases_with_titles_of_their_own() -> None:
    titles = [(case.file, case.title) for case in CASES]
    assert len(titles) == len(set(titles)) >= 120
