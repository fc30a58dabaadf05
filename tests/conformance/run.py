"""`make conformance`: the demo under STILTS taplint, votlint and tapquery, pyvo and astroquery.

Exit status 1 where a client fails, a validator finds an error, or a warning that docs/conformance.md does not
explain. Nothing leaves loopback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from nashira.server.demo import make_demo_site

from .clients import run_checks
from .expected import EXPLAINED
from .server import serving
from .taplint import taplint


def main() -> int:
    """Run everything and print one line a check."""
    with TemporaryDirectory(prefix="nashira-conformance-") as folder:
        site = Path(folder) / "site"
        make_demo_site(site)
        log = Path(folder) / "server.log"
        with serving(site, log, NASHIRA_LIMITS__UPLOAD_PRIVATE_HOSTS="true") as url:
            tap = f"{url}/tap"
            outcomes = run_checks(tap)
            report, findings = taplint(tap)
        if any(not passed for _, passed, _ in outcomes):
            print(log.read_text()[-3000:])
    for name, passed, seen in outcomes:
        print(f"{'ok  ' if passed else 'FAIL'} {name}: {seen}")
    left = [finding for finding in findings if (finding.stage, finding.code) not in EXPLAINED]
    for finding in findings:
        mark = "FAIL" if finding in left else "explained"
        print(f"{mark} taplint {finding.level}-{finding.stage}-{finding.code} {finding.text}")
    totals = [line for line in report.splitlines() if "Totals" in line]
    print("taplint", *totals)
    failed = [name for name, passed, _ in outcomes if not passed]
    print(f"{len(failed)} clients failed, {len(left)} findings not explained")
    return 1 if failed or left else 0


if __name__ == "__main__":
    sys.exit(main())
