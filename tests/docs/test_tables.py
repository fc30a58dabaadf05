"""Tables, settings and descriptors in the pages are those of the code; UPDATE_DOCS=1 writes the tables anew."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from nashira.adql.features import TYPES, features
from nashira.adql.functions import FUNCTIONS, UNSUPPORTED
from nashira.adql.geometry import BUILDERS
from nashira.adql.parse_functions import AGGREGATES
from nashira.config.settings import Settings
from nashira.dali.errors import ERRORS
from nashira.formats.registry import FORMATS
from nashira.query.site import QueryEnd
from nashira.schema.descriptor import ColumnEdit, Dataset, Key, Position, TableDescriptor, parse_descriptor
from nashira.server.metrics import Metrics

from ..adql.test_messages import CASES, refusal

DOCS = Path(__file__).parents[2] / "docs"
UNITS = {"": "", "same": "Keeps the unit.", "power": "The unit follows."}


def table(*rows: tuple[str, ...]) -> str:
    """Write rows, the first the head, as a Markdown table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def functions() -> str:
    rows = [("function", "belongs to", "notes")]
    for row in FUNCTIONS.values():
        unit = UNITS.get(row.unit, f"In {row.unit}.")
        notes = " ".join(filter(None, (row.description, unit)))
        rows += [(code(one.text), row.feature, notes) for one in row.signatures]
    return table(*rows)


def optional() -> str:
    rows = [("type in /capabilities", "forms")]
    for key, uri in TYPES.items():
        forms = [code(one.form) for one in features() if one.type == uri]
        if key != "udf":
            rows.append((code(uri), ", ".join(forms)))
    return table(*rows)


def unsupported() -> str:
    return table(("function", "instead"), *((code(name.lower()), advice) for name, advice in UNSUPPORTED.items()))


def formats() -> str:
    rows = [("RESPONSEFORMAT", "content", "media type", "also", "a cut result says so by")]
    for one in FORMATS:
        others = dict.fromkeys((*one.aliases, *one.media_aliases))
        also = ", ".join(code(name) for name in others if name != one.name)
        rows.append((code(one.name), one.description, code(one.media_type), also, one.overflow))
    return table(*rows)


def settings() -> str:
    parts = []
    for name, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        meaning = (model.__doc__ or "").partition(": ")[2]
        rows = [("key", "default", "meaning")]
        for key, one in model.model_fields.items():
            shown = {True: "true", False: "false"}.get(one.default) if isinstance(one.default, bool) else one.default
            rows.append((code(key), code(shown), one.description or ""))
        parts.append(f"`[{name}]`: {meaning}\n\n{table(*rows)}")
    return "\n\n".join(parts)


def errors() -> str:
    """Statuses with the meanings of the classes; the last resorts, whose names say nothing, in one line."""
    rows = [("status", "when", "`Retry-After`")]
    for kind, rule in ERRORS:
        if kind.__module__.startswith("nashira") and rule.status != 500:
            when = (kind.__doc__ or "").split("\n")[0]
            rows.append((str(rule.status), when, "" if rule.retry_seconds is None else f"{rule.retry_seconds} s"))
    rows.append(("500", "Anything else: the service is at fault, or its operator must act.", ""))
    return table(*rows)


MESSAGES = (
    ("names", "column misspelt"),
    ("names", "column of a table that is not in FROM: foreign key"),
    ("names", "ambiguous column"),
    ("names", "table name hidden by its alias"),
    ("reserved", "size as a column"),
    ("punctuation", "text in double quotes"),
    ("punctuation", "curly quotes around a text"),
    ("punctuation", "parenthesis of a function not closed"),
    ("dialects", "LIMIT"),
    ("dialects", "two equal signs"),
    ("types", "aggregate in WHERE"),
    ("types", "number and text compared"),
    ("geometry", "CONTAINS without a comparison"),
)


def messages() -> str:
    """Some of the messages that tests/adql/messages holds, in one line each."""
    rows = [("query", "message")]
    cases = {(case.file, case.title): case for case in CASES}
    for key in MESSAGES:
        error = refusal(cases[key])
        rows.append((code(" ".join(cases[key].query.split())), str(error)))
    return table(*rows)


def verdicts() -> str:
    path = Path(__file__).parents[1] / "adql" / "semantic_misjudged.json"
    rows = [("query", "why it is judged so")]
    for key, reason in json.loads(path.read_text("utf-8")).items():
        text = key.split(" ", 1)[1]
        rows.append((code(text + (" …" if len(text) == 70 else "")), reason))
    return table(*rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "functions": ("adql.md", functions),
    "features": ("adql.md", optional),
    "unsupported": ("adql.md", unsupported),
    "messages": ("adql.md", messages),
    "verdicts": ("adql.md", verdicts),
    "formats": ("formats.md", formats),
    "settings": ("operating.md", settings),
    "errors": ("operating.md", errors),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_the_table_of_the_code(name: str) -> None:
    page, make = TABLES[name]
    path = DOCS / page
    text = path.read_text("utf-8")
    found = re.search(rf"<!-- table {name}: .*? -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert found, f"{page} has no section for the table {name}"
    wanted = f"\n{make()}\n\n"
    if os.environ.get("UPDATE_DOCS") == "1":
        path.write_text(text[: found.start(1)] + wanted + text[found.end(1) :], "utf-8")
        return
    assert found[1] == wanted, f"{page}: run UPDATE_DOCS=1 pytest tests/docs to write the table {name} anew"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_example_descriptor_has_every_key() -> None:
    (text,) = blocks("publishing.md", "yaml")
    parse_descriptor(text, "the example")
    models = (Dataset, TableDescriptor, Position, Key, ColumnEdit)
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()} - {"images"}
    missing = {key for key in keys if not re.search(rf"\b{key}:", text)}
    assert not missing


@pytest.mark.parametrize("text", blocks("operating.md", "toml"))
def test_the_example_settings_are_settings(text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("redis://somewhere/0\n")
    values = tomllib.loads(re.sub(r'(\w+_file) = "[^"]*"', rf'\1 = "{secret}"', text))
    loaded = Settings(**values).model_dump()
    given = [(part, key, value) for part, keys in values.items() for key, value in keys.items()]
    for part, key, value in given:
        if key.endswith("_file"):
            assert loaded[part][key.removesuffix("_file")] == "redis://somewhere/0"
        else:
            assert loaded[part][key] == value


def test_what_to_watch_is_there() -> None:
    shown = Metrics(lambda: {})
    shown.query_ended(QueryEnd("duckdb", "failed", 1.0, 1))
    known = asyncio.run(shown.endpoint(None)).body.decode()  # type: ignore[arg-type]
    page = (DOCS / "operating.md").read_text("utf-8").partition("**What to watch**")[2].partition("**Backups.**")[0]
    named = set(re.findall(r"`(nashira_\w+)[`{]", page))
    assert len(named) > 5
    assert {name for name in named if f"# TYPE {name.removesuffix('_total')}" not in known} == set()


def test_every_geometry_and_aggregate_is_explained() -> None:
    text = (DOCS / "adql.md").read_text("utf-8")
    missing = [name for name in (*BUILDERS, *AGGREGATES, "CAST", "IN_UNIT") if f"{name}(" not in text]
    assert not missing
