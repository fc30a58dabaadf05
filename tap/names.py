"""Positions of objects by name, from a name service of the operator's choice: CDS Sesame, or one that answers alike."""

from __future__ import annotations

import re
import tempfile
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ..config.errors import Unsupported as NotNow
from ..config.errors import UploadError
from ..config.settings import Limits
from ..query.site import Site
from .fetch import fetch

Position = tuple[float, float]
_NUMBER = r"([+-]?\d+(?:\.\d*)?)"
_ANSWER = re.compile(rf"^(?:%J\s+)?{_NUMBER}\s+{_NUMBER}(?:\s|$)", re.MULTILINE)
_KEPT = 1000
_LARGEST = 1_000_000  # bytes of an answer


class NameService:
    """Asks for positions and remembers them; safe to use from any thread, but not one with an event loop."""

    def __init__(self, template: str, limits: Limits, seconds: float, folder: Path) -> None:
        self._template = template
        self._limits = limits.model_copy(update={"upload_bytes": _LARGEST, "upload_seconds": seconds})
        self._folder = folder
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Position | None] = OrderedDict()

    def __call__(self, name: str) -> Position | None:
        """Give the ICRS degrees of an object, None where the service knows none of this name.

        Unsupported where it does not answer: the query may succeed later.
        """
        with self._lock:
            if name in self._kept:
                return self._kept[name]
        found = _read(self._asked(name))
        with self._lock:
            self._kept[name] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _asked(self, name: str) -> str:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "answer"
            try:
                fetch(self._template.replace("{name}", quote(name, safe="")), path, self._limits, lambda _: None)
            except UploadError:
                message = f"The name service does not answer, so that '{name[:40]}' cannot be looked up now"
                raise NotNow(message, None, "Try again later, or write POINT(longitude, latitude)") from None
            return path.read_text(encoding="utf-8", errors="replace")


def _read(answer: str) -> Position | None:
    """Read `%J ra dec …` of Sesame's plain answers, or a line of two numbers."""
    found = _ANSWER.search(answer)
    return (float(found[1]), float(found[2])) if found else None


def attach(site: Site) -> None:
    """Let the queries of a site look names up, where it has a name service."""
    settings = site.folder.settings
    if settings.adql.name_service and site.language.position is None:
        asked = NameService(settings.adql.name_service, settings.limits, settings.adql.name_seconds, site.folder.temp)
        site.language = replace(site.language, position=asked)
