"""Upload: a document handed in as text or bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nashira.formats.readers import read_upload
from nashira.formats.source import ReadLimits, SourceTable


@pytest.fixture
def upload(tmp_path: Path) -> Callable[..., SourceTable]:
    """Give upload(text or bytes, limits) -> SourceTable."""

    def read(text: str | bytes, limits: ReadLimits | None = None) -> SourceTable:
        path = tmp_path / "stars"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_upload(path, limits or ReadLimits())

    return read
