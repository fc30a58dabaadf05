"""The demo: a site with the made-up sky, published like anybody's tables, and served."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console
from rich.markup import escape

from ..config.errors import SettingsError
from ..config.site import SiteFolder, open_site
from ..ingest.publish import publish
from ..ingest.report import LogReport, Report
from .console import ConsoleReport
from .serve import Ready, serve
from .sky import EPOCH, make_sky
from .template import settings_text

STARS = 200_000
SOURCES = "sources"
DESCRIPTOR = f"""\
schema: demo
title: Nashira demo sky
description: A sky that does not exist, drawn from simple laws, to try queries on.
creators: [Nashira]
subjects: [stars, open star clusters]
rights: Do with it what you like.
tables:
  - name: stars
    source: {SOURCES}/stars.parquet
    title: Stars
    description: Made-up stars of a disc, a bulge, a halo, two small galaxies and open clusters.
    position: {{ra: ra, dec: dec, epoch: {EPOCH}}}
    primary_key: source_id
    keys:
      - to: demo.clusters
        columns: {{cluster_id: cluster_id}}
  - name: clusters
    source: {SOURCES}/clusters.parquet
    title: Clusters
    description: The made-up clusters and small galaxies that some of the stars belong to.
    primary_key: cluster_id
"""
TRY = """
The demo is served on [bold]{url}/[/]   Stop it with Ctrl-C.

  [bold]Browser[/]   {url}/
  [bold]TOPCAT[/]    VO > Table Access Protocol (TAP) Query, TAP URL: {url}/tap
  [bold]pyvo[/]      import pyvo
            tap = pyvo.dal.TAPService("{url}/tap")
            print(tap.run_sync("SELECT TOP 5 designation, ra, dec, gmag FROM demo.stars ORDER BY gmag"))
  [bold]curl[/]      curl {url}/tap/sync -d LANG=ADQL -d RESPONSEFORMAT=csv \\
              -d QUERY="SELECT COUNT(*) AS n FROM demo.stars WHERE gmag < 10"

Publish your own tables beside it, in another terminal:
            nashira publish --site {root} FILE
"""


def make_demo_site(root: Path, stars: int = STARS, report: Report | None = None) -> SiteFolder:
    """Make a site folder with the demo sky published, or bring an existing one up to date."""
    root.mkdir(parents=True, exist_ok=True)
    settings = root / "nashira.toml"
    if not settings.exists():
        settings.write_text(settings_text(), encoding="utf-8")
    folder = open_site(root)
    sources = folder.root / SOURCES
    if not (sources / "clusters.parquet").exists():
        sources.mkdir(exist_ok=True)
        sky = make_sky(stars)
        pq.write_table(sky.stars, sources / "stars.parquet")
        pq.write_table(sky.clusters, sources / "clusters.parquet")
    descriptor = folder.datasets / "demo.yaml"
    if not descriptor.exists():
        descriptor.write_text(DESCRIPTOR, encoding="utf-8")
    publish(folder, (), table=None, schema=None, report=report or LogReport())
    return folder


def demo(root: Path, port: int | None = None) -> None:
    """Make the demo site under `root` where it is missing, serve it, and say what to try."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    if root.exists() and not root.is_dir():
        message = f"{root} is a file; choose another name for the folder"
        raise SettingsError(message)
    if not (root / "nashira.toml").exists():
        console.print(f"Making a sky of {STARS:,} stars in {root} …", markup=False)
    with ConsoleReport(Console(stderr=True, emoji=False)) as report:
        folder = make_demo_site(root, report=report)

    def announce(ready: Ready) -> None:
        console.print(TRY.format(url=ready.base_url, root=escape(str(root))))

    serve(folder, port=port, announce=announce, log_level=logging.WARNING)
