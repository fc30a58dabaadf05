"""Print the SQL that a site's engine is handed for a query: `python -m bench.wire_sql SITE QUERY`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog

from nashira.adql.translate import translate
from nashira.config.site import open_site
from nashira.query.site import Site


def main(site: Path, query: str) -> None:
    """Open the site with the settings of the environment, translate for its engine."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = open_site(site)
    opened = Site.open(folder)
    try:
        print(translate(query, opened.catalog, target="postgresql" if folder.settings.engine.url else "duckdb").sql)
    finally:
        opened.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
