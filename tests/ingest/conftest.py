"""Sites in temporary folders, made-up catalogues, and a listener that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nashira.config.site import SiteFolder, open_site
from nashira.ingest.publish import Published, publish


@dataclass
class Listener:
    """Remembers what it hears."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    rows: int = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def begin(self, work: str, rows: int | None) -> None:
        self.rows = 0

    def advance(self, rows: int) -> None:
        self.rows += rows

    def end(self) -> None:
        pass


@dataclass
class Publisher:
    """A site and the verbs of the tests."""

    folder: SiteFolder
    heard: Listener = field(default_factory=Listener)

    def publish(self, *sources: Path, table: str | None = None, schema: str | None = None) -> tuple[Published, ...]:
        return publish(self.folder, sources, table=table, schema=schema, report=self.heard)

    def descriptor(self, schema: str) -> Path:
        return self.folder.datasets / f"{schema}.yaml"

    def edit(self, schema: str, old: str, new: str) -> None:
        text = self.descriptor(schema).read_text()
        assert old in text, text
        self.descriptor(schema).write_text(text.replace(old, new, 1))


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
def make():
    """The maker of star files: make(path, rows, **columns)."""
    return make_stars
