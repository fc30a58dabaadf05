"""The vocabularies that a site keeps: `vocabularies/<name>.desise` in the site folder, as the IVOA publishes them."""

from __future__ import annotations

from pathlib import Path

import structlog

from ..adql.service import Vocabulary, read_vocabulary

log = structlog.get_logger(__name__)

_ENDING = ".desise"
_LARGEST = 50_000_000  # bytes


def vocabularies(folder: Path) -> dict[str, Vocabulary]:
    """Read all vocabularies of a folder, by name; those that cannot be read are logged and left out."""
    found: dict[str, Vocabulary] = {}
    for path in sorted(folder.glob(f"*{_ENDING}")) if folder.is_dir() else ():
        name = path.name.removesuffix(_ENDING)
        try:
            if path.stat().st_size > _LARGEST:
                log.error("a vocabulary is too large", file=path.name)
                continue
            found[name] = read_vocabulary(name, path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.error("a vocabulary cannot be read", file=path.name, error=str(error))
    return found
