"""COOSYS and TIMESYS of a VOTable (1.4 sections 3.1 and 3.2): the frames that columns refer to by `ref`.

Positions are ICRS, by the rule of the house; a timestamp is UTC, by DALI 1.1 section 3.3.3, at no stated place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..schema.model import Column
from .stream import SkySystem


@dataclass(frozen=True, slots=True)
class Frames:
    """The elements to stand before the TABLE, and the ID that each column refers to, "" where it has no frame."""

    elements: str
    refs: tuple[str, ...]


def frames(columns: Sequence[Column], identifiers: Sequence[str], systems: Sequence[SkySystem]) -> Frames:
    """Declare the frames of a result; `identifiers` are the IDs of its FIELDs, which those of frames must not equal."""
    taken = {identifier.lower() for identifier in identifiers}
    refs = [""] * len(columns)
    elements = ""
    for number, system in enumerate(systems, 1):
        name = _free(f"sky_{number}", taken)
        epoch = "" if system.epoch is None else f' epoch="J{system.epoch:g}"'
        elements += f'<COOSYS ID="{name}" system="ICRS"{epoch}/>\n'
        for place in system.columns:
            refs[place] = name
    times = [place for place, column in enumerate(columns) if column.type.xtype == "timestamp"]
    if times:
        name = _free("time_utc", taken)
        elements += f'<TIMESYS ID="{name}" timescale="UTC" refposition="UNKNOWN"/>\n'
        for place in times:
            refs[place] = refs[place] or name
    return Frames(elements, tuple(refs))


def _free(name: str, taken: set[str]) -> str:
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name
