"""What a function of the sphere room is for an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SphereFunction:
    """A function of the engine: DuckDB types of its parameters and of its result, and what computes a column."""

    name: str
    parameters: tuple[str, ...]
    returns: str
    call: Callable[..., pa.Array]
