"""Which jobs are alike: the same request up to its numbers and texts, so that one tells how long the other takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_VALUES = re.compile(r"'[^']*'|\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_SAME_TIME = frozenset({"RUNID", "PHASE", "DESTRUCTION", "EXECUTIONDURATION"})


def likeness(service: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Give a text that like jobs share: a digest of service and parameters, their numbers and texts left out."""
    pairs = sorted((name, _bare(value)) for name, value in parameters if name not in _SAME_TIME)
    return hashlib.blake2s(repr((service, pairs)).encode(), digest_size=16).hexdigest()


def _bare(value: str) -> str:
    return _SPACE.sub(" ", _VALUES.sub("?", value)).strip().lower()
