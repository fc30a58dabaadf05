"""A small published site, made anew for each test that changes it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.site import open_site
from nashira.ingest.publish import publish
from nashira.ingest.report import LogReport
from nashira.query.site import Site
from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, FLOAT, LONG, STRING

COLUMNS = (
    Column("id", LONG, "Number", nullable=False),
    Column("ra", DOUBLE, "Right ascension", "deg", "pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, "Declination", "deg", "pos.eq.dec;meta.main"),
    Column("mag", FLOAT, "Magnitude", "mag", "phot.mag"),
    Column("name", STRING, "Name"),
)


def put(folder: Any, table: Any, rows: Any, shift: Any = 0) -> None:
    """Publish `rows` made-up stars as `table`."""
    rng = np.random.default_rng(4)
    number = np.arange(rows)
    columns = [
        pa.array(number + shift),
        pa.array(rng.uniform(0, 360, rows)),
        pa.array(np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))),
        pa.array(rng.uniform(5, 15, rows).astype("f4")),
        pa.array([f"star {n}" for n in number]),
    ]
    path = folder.root / f"{table}.parquet"
    pq.write_table(pa.Table.from_arrays(columns, schema=schema_of(COLUMNS)), path)
    publish(folder, [path], table=table, schema=None, report=LogReport())


def make_folder(root: Any, settings: Any = "") -> Any:
    root.mkdir(exist_ok=True)
    (root / "nashira.toml").write_text(settings)
    return open_site(root)


@pytest.fixture(scope="session")
def tools() -> Any:
    """Functions for tests that make their own site: (make_folder, put)."""
    return make_folder, put


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    folder = make_folder(tmp_path / "site", "[limits]\nquery_chars = 5000\n[engine]\nmemory_mb = 300\n")
    put(folder, "demo.stars", 2000)
    return folder


@pytest.fixture
def site(folder: Any) -> Any:
    site = Site.open(folder)
    yield site
    site.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: Any) -> Any:
    """A site that no test changes."""
    folder = make_folder(tmp_path_factory.mktemp("calm") / "site", "[limits]\nquery_chars = 5000\n")
    put(folder, "demo.stars", 2000)
    site = Site.open(folder)
    yield site
    site.close()
