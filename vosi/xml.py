"""XML as text: escaping that no content can break, and the media type of VOSI documents."""

from __future__ import annotations

import re

MEDIA_TYPE = "text/xml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

# Characters outside XML 1.0 section 2.2; lone surrogates cannot be encoded either.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\r\n\t]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_SPECIAL_IN_TEXT = re.compile("[&<>\r]")


def text(value: str) -> str:
    """Escape `value` for element content; characters that XML forbids are removed."""
    return _SPECIAL_IN_TEXT.sub(lambda hit: _ENTITIES[hit[0]], _ILLEGAL.sub("", value))


def attribute(value: str) -> str:
    """Escape `value` for a double-quoted attribute; characters that XML forbids are removed."""
    return _SPECIAL.sub(lambda hit: _ENTITIES[hit[0]], _ILLEGAL.sub("", value))


def optional(tag: str, value: str) -> str:
    """Give `<tag>value</tag>`, or nothing where `value` is empty or blank."""
    return f"<{tag}>{text(value)}</{tag}>" if value.strip() else ""
