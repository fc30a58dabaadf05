"""What tests of several rooms need: waiting for a condition, and the XML schemas of the standards."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ("tests.postgres_server", "tests.redis_server")

XSDCHECK = (Path(__file__).parents[1] / ".." / "shared" / "tools" / "xsdcheck.py").resolve()


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Give until(condition, seconds=5): wait until `condition()` is true, fail where it does not become so."""

    def wait(condition: Callable[[], object], seconds: float = 5) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.005)

    return wait


@pytest.fixture
def valid(tmp_path: Path) -> Callable[[bytes], None]:
    """Check a document against both sets of schemas; skipped where the checker is not at hand."""

    def check(document: bytes) -> None:
        if not XSDCHECK.exists():
            pytest.skip("the XSD checker is not here")
        path = tmp_path / "document.xml"
        path.write_bytes(document)
        for known in ("new", "rofr"):
            done = subprocess.run(
                [sys.executable, str(XSDCHECK), "--set", known, str(path)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

    return check
