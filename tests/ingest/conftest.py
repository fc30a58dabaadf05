"""Sites in temporary folders, made-up catalogues, and a listener that remembers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.site import open_site
from tests.ingest.publisher import Make, Publisher


@pytest.fixture
def site(tmp_path: Path) -> Publisher:
    root = tmp_path / "site"
    root.mkdir()
    (root / "nashira.toml").touch()
    return Publisher(open_site(root))


def sky(rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Positions all over the sky."""
    rng = np.random.default_rng(seed)
    return {
        "ra": rng.uniform(0, 360, rows),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, rows))),
        "id": np.arange(rows),
    }


def make_stars(path: Path, rows: int = 500, **extra: object) -> Path:
    pq.write_table(pa.table({**sky(rows), **extra}), path)
    return path


@pytest.fixture
def stars(tmp_path: Path) -> Path:
    """A file of 500 stars."""
    return make_stars(tmp_path / "stars.parquet")


@pytest.fixture
def make() -> Make:
    """The maker of star files: make(path, rows, **columns)."""
    return make_stars
