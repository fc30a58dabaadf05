"""docs/conformance.md explains exactly the findings that `make conformance` lets pass."""

import re
from pathlib import Path

from tests.conformance.expected import EXPLAINED

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


def test_every_finding_that_stays_is_explained() -> None:
    told = re.findall(r"^\| `[EWF]-([A-Z]{3})-([A-Z0-9]{4})`", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(told) == EXPLAINED
