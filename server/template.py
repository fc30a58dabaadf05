"""The settings file that `nashira init` writes: every setting with its meaning, commented at its default."""

from __future__ import annotations

import json
from textwrap import fill
from typing import Any

from pydantic import BaseModel

from ..config.settings import Settings

_HEAD = """\
# Settings of a Nashira site. Lines behind a # show the defaults: remove the # to change them.
# Any of them can come from the environment instead: NASHIRA_SERVICE__BASE_URL=https://vo.example.org
"""


def settings_text() -> str:
    """Write nashira.toml."""
    return _HEAD + "".join(_section(name, field.annotation) for name, field in Settings.model_fields.items())


def _section(name: str, part: Any) -> str:
    title = (part.__doc__ or "").partition(": ")[2].rstrip(".")
    lines = [f"\n[{name}]    # {title}\n"]
    default: BaseModel = part()
    for key, field in part.model_fields.items():
        lines.append(fill(field.description or "", 110, initial_indent="# ", subsequent_indent="# ") + "\n")
        lines.append(f"# {key} = {json.dumps(getattr(default, key))}\n")
    return "".join(lines)
