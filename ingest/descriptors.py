"""Descriptor files of a site: read, extended and replaced by one writer at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config.site import SiteFolder
from ..engines.store_records import SchemaRecord
from ..schema.descriptor import Dataset, TableDescriptor, load_descriptor
from ..schema.descriptor_text import Found, block_digest, table_block, whole_text, with_table


@contextmanager
def writing_descriptors(folder: SiteFolder) -> Iterator[None]:
    """Be the only writer of the site's descriptors; waits for another, which is brief."""
    folder.var.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder.var / "descriptors.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def put_table(
    folder: SiteFolder, schema: str, table: TableDescriptor, found: Found, written: str
) -> tuple[Dataset, str]:
    """Bring a table into its descriptor, made where it is missing; gives what it says then and the block's digest.

    What the file says of the table by now wins over `table`, but for source and index. `written` is the digest
    of the block as it was written last.
    """
    path = folder.datasets / f"{schema}.yaml"
    old = load_descriptor(path) if path.exists() else None
    if old is None:
        dataset = Dataset(name=schema, tables=(table,))
        text = whole_text(dataset, {table.name: table_block(table, found)})
    else:
        now = old.dataset.table(table.name)
        if now is not None:
            table = now.model_copy(update={"source": table.source, "index": table.index})
        text = with_table(old.text, old.dataset, table, found, written)
    if old is None or text != old.text:
        _replace(path, text)
    new = load_descriptor(path)
    return new.dataset, block_digest(new.text, new.dataset, table.name)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def schema_record(dataset: Dataset) -> SchemaRecord:
    """Give what the store keeps of a descriptor."""
    return SchemaRecord(
        name=dataset.name,
        title=dataset.title,
        description=dataset.description,
        utype=dataset.utype,
        creators=dataset.creators,
        subjects=dataset.subjects,
        citation=dataset.citation,
        rights=dataset.rights,
        tables=tuple(table.name for table in dataset.tables),
    )
