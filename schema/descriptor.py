"""Descriptors: what a site says of its datasets beyond what the files say; `datasets/<schema>.yaml`.

Every value here wins over the file's. Scalars are read as the text that stands there, so that `unit: no`,
a title of digits or a date mean what they look like.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from ..config.errors import PublishError
from .model import Column
from .names import identifier_fault

RESERVED_SCHEMAS = frozenset({"tap_schema", "tap_upload", "ivoa", "rr"})
NO_IMAGES = "image collections cannot be published yet; remove this section"

_Model = TypeVar("_Model", bound=BaseModel)


def _listed(value: object) -> object:
    """Take a single text for a list of one and an empty value for none."""
    if value in (None, ""):
        return ()
    return (value,) if isinstance(value, str) else value


def _mapped(value: object) -> object:
    """Take an empty value for an empty mapping."""
    return {} if value in (None, "") else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Part(BaseModel):
    """A section of a descriptor; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Position(Part):
    """`position`: the columns of right ascension and declination (ICRS), and the epoch in Julian years."""

    ra: str
    dec: str
    epoch: float | None = Field(None, ge=1000, le=3000)


class ColumnEdit(Part):
    """`columns.<name>`: what to say instead of the file; None leaves what the file says."""

    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    principal: bool | None = None
    hidden: bool = False


class Key(Part):
    """`keys[]`: a foreign key to another table, `to: schema.table`, as own column → its column."""

    to: str
    columns: dict[str, str] = Field(min_length=1)
    description: str = ""

    @field_validator("to")
    @classmethod
    def _two_parts(cls, value: str) -> str:
        if value.count(".") != 1 or not all(value.split(".")):
            message = "say the other table as schema.table"
            raise ValueError(message)
        return value

    @property
    def target(self) -> tuple[str, str]:
        """(schema, table) of the other table."""
        schema, _, table = self.to.partition(".")
        return schema, table


def _position(value: object) -> object:
    """Understand `position: false` and an empty value."""
    if isinstance(value, str):
        if value.strip().lower() in {"false", "no", "none", "off"}:
            return False
        return None if not value.strip() else value
    return value


class TableDescriptor(Part):
    """`tables[]`: one table; `position` False says it has none, None lets it be found."""

    name: str
    source: str = Field(min_length=1)
    index: int = Field(0, ge=0)
    title: str = ""
    description: str = ""
    utype: str = ""
    position: Annotated[Position | Literal[False] | None, BeforeValidator(_position)] = None
    primary_key: Texts = ()
    keys: Annotated[tuple[Key, ...], BeforeValidator(_listed)] = ()
    columns: Annotated[dict[str, ColumnEdit], BeforeValidator(_mapped)] = Field(default_factory=dict)

    @field_validator("columns", mode="before")
    @classmethod
    def _empty_edits(cls, value: object) -> object:
        return {k: _mapped(v) for k, v in value.items()} if isinstance(value, Mapping) else value

    @field_validator("name")
    @classmethod
    def _legal(cls, value: str) -> str:
        return _identifier(value)


class Dataset(Part):
    """A descriptor: the metadata of a schema and its tables."""

    name: str = Field(alias="schema")
    title: str = ""
    description: str = ""
    utype: str = ""
    creators: Texts = ()
    subjects: Texts = ()
    citation: str = ""
    rights: str = ""
    tables: Annotated[tuple[TableDescriptor, ...], BeforeValidator(_listed)] = ()
    images: Any = None

    @field_validator("name")
    @classmethod
    def _legal(cls, value: str) -> str:
        if value.lower() in RESERVED_SCHEMAS:
            message = f"{value} is a schema of the Virtual Observatory itself; choose another name"
            raise ValueError(message)
        return _identifier(value)

    @field_validator("tables")
    @classmethod
    def _different(cls, value: tuple[TableDescriptor, ...]) -> tuple[TableDescriptor, ...]:
        seen: set[str] = set()
        for table in value:
            if table.name.lower() in seen:
                message = f"two tables are called {table.name}"
                raise ValueError(message)
            seen.add(table.name.lower())
        return value

    @field_validator("images")
    @classmethod
    def _later(cls, value: object) -> object:
        if value not in (None, ""):
            raise ValueError(NO_IMAGES)
        return None

    def table(self, name: str) -> TableDescriptor | None:
        """Give the table of this name (case does not count); None where there is none."""
        return next((table for table in self.tables if table.name.lower() == name.lower()), None)


def _identifier(value: str) -> str:
    fault = identifier_fault(value)
    if fault:
        raise ValueError(fault)
    return value


@dataclass(frozen=True, slots=True)
class Described:
    """A descriptor file: where, its text, what it says."""

    path: Path
    text: str
    dataset: Dataset


class _Loader(yaml.SafeLoader):
    """Reads every scalar as text and refuses a key given twice."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 (declared so by PyYAML)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping, keys checked."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_descriptor(path: Path) -> Described:
    """Read a descriptor; PublishError names the file, the key and the reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"datasets/{path.name}: cannot be read ({error})"
        raise PublishError(message) from error
    dataset = parse_descriptor(text, f"datasets/{path.name}")
    if dataset.name != path.stem:
        message = f"datasets/{path.name}: it describes the schema {dataset.name}; rename it to {dataset.name}.yaml"
        raise PublishError(message)
    return Described(path, text, dataset)


def load_descriptors(folder: Path) -> tuple[dict[str, Described], tuple[PublishError, ...]]:
    """Read all descriptors of a site by schema, and give the faults of those that cannot be read."""
    found: dict[str, Described] = {}
    faults: list[PublishError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = load_descriptor(path)
        except PublishError as error:
            faults.append(error)
            continue
        twin = next((name for name in found if name.lower() == one.dataset.name.lower()), None)
        if twin:
            faults.append(PublishError(f"datasets/{path.name}: the schema {twin} differs from it only in case"))
        else:
            found[one.dataset.name] = one
    return found, tuple(faults)


def parse_descriptor(text: str, where: str) -> Dataset:
    """Read the text of a descriptor; `where` names it in messages. PublishError on any fault."""
    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        message = f"{where}{line}: {error.problem or error.context}"
        raise PublishError(message) from error
    except yaml.YAMLError as error:
        message = f"{where}: {' '.join(str(error).split())}"
        raise PublishError(message) from error
    if not isinstance(raw, dict):
        message = f"{where}: a descriptor is a mapping that begins with `schema: name`"
        raise PublishError(message)
    try:
        return Dataset.model_validate(raw)
    except ValidationError as error:
        faults = [one for one in error.errors() if "literal[False]" not in one["loc"]]
        message = "; ".join(_fault(where, raw, one) for one in faults)
        raise PublishError(message) from error


def _fault(where: str, raw: object, error: Any) -> str:
    """Say a pydantic fault in words: file, key path, reason."""
    path = [step for step in error["loc"] if step != "Position"]
    place = _place(raw, path)
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        reason = "unknown key" + did_you_mean(str(path[-1]), _known_keys(path))
    elif error["type"] == "missing":
        reason = "it is missing"
    return f"{where}: {place}: {reason}"


def _place(raw: object, path: Sequence[int | str]) -> str:
    """Write a key path, naming tables: `tables.main.columns.Vmag`."""
    steps: list[str] = []
    for step in path:
        raw = raw[step] if _has(raw, step) else None  # type: ignore[index]
        steps.append(
            str(raw["name"]) if isinstance(raw, dict) and "name" in raw and isinstance(step, int) else str(step)
        )
    return ".".join(steps)


def _has(raw: object, step: int | str) -> bool:
    if isinstance(raw, dict):
        return step in raw
    return isinstance(raw, list) and isinstance(step, int) and step < len(raw)


def _known_keys(path: Sequence[int | str]) -> list[str]:
    """Give the keys that could stand at the last step of `path`."""
    kinds: dict[str, type[BaseModel]] = {
        "columns": ColumnEdit,
        "position": Position,
        "keys": Key,
        "tables": TableDescriptor,
    }
    named = [str(step) for step in path[:-1] if str(step) in kinds]
    model = kinds[named[-1]] if named else Dataset
    return [field.alias or name for name, field in model.model_fields.items()]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give ` (did you mean …?)` or nothing."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def edited_columns(columns: Sequence[Column], table: TableDescriptor | None, where: str) -> tuple[Column, ...]:
    """Give the columns a table publishes: the file's with the descriptor's edits, hidden ones left out.

    PublishError where the descriptor speaks of columns that are not there; `where` names the descriptor's table.
    """
    if table is None:
        return tuple(columns)
    known = [column.name for column in columns]
    for name in table.columns:
        _must_exist(name, known, f"{where}.columns")
    edited = (_edited(column, table.columns.get(column.name)) for column in columns)
    shown = tuple(column for column in edited if column is not None)
    names = [column.name for column in shown]
    for name in table.primary_key:
        _must_exist(name, names, f"{where}.primary_key")
    for key in table.keys:
        for own in key.columns:
            _must_exist(own, names, f"{where}.keys")
    if isinstance(table.position, Position):
        for name in (table.position.ra, table.position.dec):
            _must_exist(name, names, f"{where}.position")
    if not shown:
        message = f"{where}: all columns are hidden; leave at least one"
        raise PublishError(message)
    return shown


def _must_exist(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        message = f"{where}: the table has no column {name!r}{did_you_mean(name, known)}"
        raise PublishError(message)


def _edited(column: Column, edit: ColumnEdit | None) -> Column | None:
    if edit is None:
        return column
    if edit.hidden:
        return None
    said = edit.model_dump(exclude_none=True, exclude={"hidden"})
    return replace(column, **said)
