"""What `nashira check` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a finding matters; errors make `nashira check` fail."""

    ERROR = 0
    WARNING = 1
    ADVICE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: where, and a sentence."""

    level: Level
    where: str
    text: str
