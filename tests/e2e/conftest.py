"""One demo site and one real server for the tests of the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nashira.server.demo import make_demo_site
from tests.conformance.server import serving

STARS = 20_000


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder with a small demo sky."""
    site = tmp_path_factory.mktemp("demo") / "site"
    make_demo_site(site, stars=STARS)
    return site


@pytest.fixture(scope="session")
def tap(demo_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """TAP URL of a server on the demo site; uploads are limited to 2 MB and 5,000 rows."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    limits = {"NASHIRA_LIMITS__UPLOAD_BYTES": "2000000", "NASHIRA_LIMITS__UPLOAD_ROWS": "5000"}
    with serving(demo_site, log, **limits) as url:
        yield f"{url}/tap"
