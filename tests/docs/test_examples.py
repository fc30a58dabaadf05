"""The examples of README and docs run as they stand, against a demo server; links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from nashira.server.demo import make_demo_site
from tests.conformance.server import serving

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SERVED = "http://127.0.0.1:8000"


def blocks(language: str) -> list[tuple[str, str]]:
    """Give (page, text) of every code block in `language`."""
    return [
        (page.name, text) for page in PAGES for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language
    ]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("docs")
    make_demo_site(folder / "site", stars=200_000)
    with serving(folder / "site", folder / "log") as base:
        yield base


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_python_examples_run(page: str, text: str, url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text.replace(SERVED, url), page, "exec"), {})


def queries() -> list[tuple[str, str]]:
    return [(page, q.strip()) for page, text in blocks("sql") for q in text.split(";\n") if q.strip()]


@pytest.mark.parametrize(("page", "query"), queries())
def test_adql_examples_run(page: str, query: str, url: str) -> None:
    import httpx

    answer = httpx.post(f"{url}/tap/sync", data={"LANG": "ADQL", "QUERY": query}, timeout=30)
    assert answer.status_code == 200, f"{page}: {answer.text}"


@pytest.mark.parametrize(("page", "text"), blocks("sh"))
def test_commands_exist(page: str, text: str) -> None:
    """Every `nashira` command of the pages is known, with its options; make targets exist."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert set(words[1:]) <= targets, f"{page}: {line}"
        if words[:1] == ["nashira"]:
            command = [sys.executable, "-m", "nashira", words[1], "--help"]
            environment = dict(os.environ) | {"COLUMNS": "200", "TERM": "dumb"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            assert done.returncode == 0, f"{page}: {line}"
            options = {word.split("=")[0] for word in words[2:] if word.startswith("--")}
            assert all(option in done.stdout for option in options), f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
