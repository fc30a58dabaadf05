"""The settings file that `nashira init` writes: every setting with its meaning, commented at its default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import fill
from typing import Any

from pydantic import BaseModel

from ..config.settings import Settings

_HEAD = """\
# Settings of a Nashira site. Lines behind a # show the defaults: remove the # to change them.
# Any of them can come from the environment instead: NASHIRA_SERVICE__BASE_URL=https://vo.example.org
"""


def settings_text(said: Mapping[str, str] | None = None) -> str:
    """Write nashira.toml; `said` gives values of `section.key` that are set."""
    parts = Settings.model_fields.items()
    return _HEAD + "".join(_section(name, field.annotation, said or {}) for name, field in parts)


def _section(name: str, part: Any, said: Mapping[str, str]) -> str:
    title = (part.__doc__ or "").partition(": ")[2].rstrip(".")
    lines = [f"\n[{name}]    # {title}\n"]
    default: BaseModel = part()
    for key, field in part.model_fields.items():
        lines.append(fill(field.description or "", 110, initial_indent="# ", subsequent_indent="# ") + "\n")
        value = said.get(f"{name}.{key}")
        lines.append(
            f"# {key} = {json.dumps(getattr(default, key))}\n" if value is None else f"{key} = {_text(value)}\n"
        )
    return "".join(lines)


def _text(value: str) -> str:
    """Write a text of TOML; JSON's is one but for the character DEL."""
    return json.dumps(value).replace("\x7f", "\\u007f")
