"""A site and the verbs of the tests of publishing; what a table of files is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nashira.config.site import SiteFolder
from nashira.ingest.publish import Published, publish
from nashira.schema.model import Files, SkyColumns, Table

Make = Callable[..., Path]  # make(path, rows, **columns)


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

    def publish(
        self, *sources: Path | str, table: str | None = None, schema: str | None = None
    ) -> tuple[Published, ...]:
        return publish(self.folder, sources, table=table, schema=schema, report=self.heard)

    def descriptor(self, schema: str) -> Path:
        return self.folder.datasets / f"{schema}.yaml"

    def edit(self, schema: str, old: str, new: str) -> None:
        text = self.descriptor(schema).read_text()
        assert old in text, text
        self.descriptor(schema).write_text(text.replace(old, new, 1))


def files_of(table: Table) -> Files:
    """Give the files of a table that is kept as files."""
    assert isinstance(table.source, Files)
    return table.source


def position_of(table: Table) -> SkyColumns:
    """Give the position of a table that has one."""
    assert table.position is not None
    return table.position
