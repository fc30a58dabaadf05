"""What a translation is: SQL for one engine and all that is known before it runs."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema.model import Column


@dataclass(frozen=True, slots=True)
class Scan:
    """How one table reference is read: which files, and the HEALPix order-29 ranges that chose them.

    `ranges` is empty where no region constrains the reference; `join_order` is the HEALPix order of
    a positional join through cells, None where there is none.
    """

    table: str
    files: int
    of_files: int
    rows: int
    ranges: tuple[tuple[int, int], ...] = ()
    join_order: int | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """The outcome of `translate`.

    The result columns of `sql` correspond to `columns` by position (their SQL names mean nothing).
    `tables` are the ADQL names read; `features` the optional features and functions used. Whoever reads the rows
    stops after `cut` of them; None where the SQL ends by itself.
    """

    sql: str
    columns: tuple[Column, ...]
    tables: tuple[str, ...]
    features: frozenset[str]
    scans: tuple[Scan, ...]
    warnings: tuple[str, ...] = ()
    cut: int | None = None
