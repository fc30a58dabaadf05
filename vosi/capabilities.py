"""The capabilities document: what a service can do, one element a capability (VOSI 1.1 section 2)."""

from __future__ import annotations

from collections.abc import Sequence

from .xml import DECLARATION, XSI, attribute, text

_NAMESPACES = {
    "vosi": "http://www.ivoa.net/xml/VOSICapabilities/v1.0",
    "vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
}
# (standardID, path below the service, type of the interface, its attributes), TAP 1.1 section 2.4
_SIBLINGS = (
    ("ivo://ivoa.net/std/VOSI#capabilities", "capabilities", "vs:ParamHTTP", ' role="std" version="1.0"'),
    ("ivo://ivoa.net/std/VOSI#availability", "availability", "vs:ParamHTTP", ' role="std" version="1.0"'),
    ("ivo://ivoa.net/std/VOSI#tables-1.1", "tables", "vs:ParamHTTP", ' role="std" version="1.1"'),
    ("ivo://ivoa.net/std/DALI#examples", "examples", "vr:WebBrowser", ""),
)


def sibling_elements(service_url: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Give the capability elements of the resources `paths` beside a service (capabilities, tables, examples…).

    `service_url` is absolute, without a trailing slash; their accessURLs are `use="full"` (VOSI-9).
    """
    return tuple(
        f'<capability standardID="{standard}"><interface xsi:type="{kind}"{attributes}>'
        f'<accessURL use="full">{text(service_url)}/{path}</accessURL></interface></capability>'
        for standard, path, kind, attributes in _SIBLINGS
        if path in paths
    )


def document(elements: Sequence[str]) -> bytes:
    """Join `capability` elements, given as unprefixed XML text, to a document.

    The prefixes vosi, vr, vs, tr and xsi are declared on the root, children stay unqualified (TAP-34).
    """
    names = " ".join(f'xmlns:{prefix}="{attribute(uri)}"' for prefix, uri in _NAMESPACES.items())
    body = "\n".join(elements)
    return f"{DECLARATION}<vosi:capabilities {names} {XSI}>\n{body}\n</vosi:capabilities>\n".encode()
