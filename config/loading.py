"""Reading a site's settings: `nashira.toml`, overridden by `NASHIRA_…` variables; faults are told with their place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError as SourceError

from .errors import SettingsError
from .places import line_of
from .settings import FILE, PREFIX, Part, Settings

_SITE = f"{PREFIX}SITE"  # of the command line: the site's folder
# What Kubernetes says of a service named "nashira" to everything beside it.
_OF_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)\Z")
_WORDS = {
    "extra_forbidden": "there is no such setting",
    "model_type": "this is a section, [{name}], with keys of its own",
}


def load_settings(site: Path) -> Settings:
    """Read the settings of the site folder `site`; SettingsError says what is wrong where, and never a secret."""
    text = _read(site)
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"nashira.toml: {error}"
        raise SettingsError(message) from None
    _refuse_strangers(os.environ)
    try:
        return Settings(**values)
    except ValidationError as error:
        faults = [
            _place(place := tuple(map(str, one["loc"])), text, os.environ) + _reason(place, one["type"], one["msg"])
            for one in error.errors(include_input=False)
        ]
        raise SettingsError("; ".join(faults)) from None
    except SourceError:
        message = f"a {PREFIX} variable cannot be read: lists are written as in JSON, sections are not set as a whole"
        raise SettingsError(message) from None


def _read(site: Path) -> str:
    path = site / "nashira.toml"
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        message = f"{site} is no site folder: it has no nashira.toml (make one with `nashira init`)"
        raise SettingsError(message) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise SettingsError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is no text in UTF-8: {error.reason} in byte {error.start}"
        raise SettingsError(message) from None


def variables() -> tuple[str, ...]:
    """Give the names of all variables that set something."""
    names: list[str] = []
    for section, field in Settings.model_fields.items():
        names += [f"{PREFIX}{section}__{key}".upper() for key in keys(field.annotation)]
    return tuple(names)


def keys(model: object) -> list[str]:
    """Give the keys of a section, those that name the file of a secret among them."""
    if not (isinstance(model, type) and issubclass(model, Part)):
        return list(Settings.model_fields)
    return [*model.model_fields, *(f"{name}{FILE}" for name in model.secrets())]


def _refuse_strangers(environment: Mapping[str, str]) -> None:
    """SettingsError where a variable looks like ours and sets nothing: it is misspelt."""
    names = variables()
    for given in environment:
        name = given.upper()
        if not name.startswith(PREFIX) or name in names or name == _SITE:
            continue
        if "KUBERNETES_SERVICE_HOST" in environment and _OF_KUBERNETES.match(name):
            continue
        message = f"the variable {given}: there is no such setting{_meant(name, names)}"
        raise SettingsError(message)


def _place(place: tuple[str, ...], text: str, environment: Mapping[str, str]) -> str:
    """Say where a setting was made: in the environment, which wins, or in a line of the file."""
    name = PREFIX + "__".join(place[:2]).upper()
    found = next((given for given in environment if given.upper() in {name, f"{name}{FILE.upper()}"}), "")
    line = line_of(text, place)
    if found:
        return f"the variable {found}: "
    return "nashira.toml: " if line is None else f"nashira.toml, line {line}: "


def _reason(place: tuple[str, ...], kind: str, message: str) -> str:
    """Say what is wrong with a key; one that does not exist may be one that does, misspelt."""
    name = ".".join(place)
    if kind == "extra_forbidden":
        section = Settings.model_fields.get(place[0]) if len(place) > 1 else None
        return f"{name}: {_WORDS[kind]}{_meant(place[-1], keys(section.annotation if section else None))}"
    words = _WORDS.get(kind, message.removeprefix("Value error, ")).format(name=name)
    return f"{name}: {words[:1].lower()}{words[1:]}"


def _meant(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""
