"""The availability document (VOSI 1.1 section 5)."""

from __future__ import annotations

from datetime import UTC, datetime

from .xml import DECLARATION, text


def document(up_since: datetime, trouble: str = "") -> bytes:
    """Say whether queries are accepted: `trouble` empty means yes, else it is the note for people.

    `up_since` is an aware time; it is written in UTC and only while the service is available.
    """
    since = up_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = f"<vosi:upSince>{since}</vosi:upSince>" if not trouble else ""
    return (
        f'{DECLARATION}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
        f"<vosi:available>{'false' if trouble else 'true'}</vosi:available>{state}"
        f"<vosi:note>{text(trouble or 'accepting queries')}</vosi:note></vosi:availability>\n"
    ).encode()
