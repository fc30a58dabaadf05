"""STILTS taplint: run it over all stages and read its report, for it exits 0 even on errors."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

LINE = re.compile(r"^(?P<level>[EWF])-(?P<stage>[A-Z]{3})-(?P<code>[A-Z0-9]{4})(?:-\d+)?\s+(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: level E, W or F, stage, four-letter code and text."""

    level: str
    stage: str
    code: str
    text: str


def read_report(report: str) -> list[Finding]:
    """Give the errors, warnings and failures of a taplint report; raise where it has no totals."""
    if not re.search(r"^#?\s*Totals:", report, re.MULTILINE):
        message = "taplint ended without totals:\n" + report[-2000:]
        raise RuntimeError(message)
    return [Finding(**found.groupdict()) for line in report.splitlines() if (found := LINE.match(line))]


def taplint(url: str, seconds: float = 600) -> tuple[str, list[Finding]]:
    """Run all stages against the TAP service at `url` (OBS and LOC say themselves that there is no ObsCore)."""
    command = ["stilts", "taplint", f"tapurl={url}", "report=EWFS", "maxrepeat=5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True)
    return done.stdout, read_report(done.stdout)
