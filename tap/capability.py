"""The TAP capability as TAPRegExt prints it: languages, formats, uploads, limits, from the tables that do the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from ..adql.features import LanguageFeature, features
from ..adql.service import EVERYTHING, Service
from ..config.settings import Limits
from ..formats.registry import FORMATS, Format

_TAPREGEXT = "ivo://ivoa.net/std/TAPRegExt"
_ADQL_VERSIONS = ("2.0", "2.1")
_UPLOAD_METHODS = ("inline", "http", "https")


def table_access(service_url: str, limits: Limits, language: Service = EVERYTHING) -> str:
    """Give the `tr:TableAccess` capability of the TAP service at `service_url` (absolute, no trailing slash).

    Children stand in the order of the schema; each limit once, since clients take the last of several
    (TAP-25, TRE-14); executionDuration is that of async jobs, pyvo waits that long. Durations are seconds.
    """
    return "".join(
        (
            '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">',
            '<interface xsi:type="vs:ParamHTTP" role="std" version="1.1">',
            f'<accessURL use="base">{escape(service_url)}</accessURL></interface>\n',
            _language(features(language)),
            *map(_output_format, FORMATS),
            *(f'<uploadMethod ivo-id="{_TAPREGEXT}#upload-{method}"/>\n' for method in _UPLOAD_METHODS),
            _seconds("retentionPeriod", limits.retention_seconds, limits.retention_seconds_hard),
            _seconds("executionDuration", limits.async_seconds, limits.async_seconds_hard),
            _sizes("outputLimit", "row", limits.maxrec_default, limits.maxrec_hard),
            _sizes("uploadLimit", "byte", limits.upload_bytes, limits.upload_bytes),
            "</capability>",
        )
    )


def _language(known: Sequence[LanguageFeature]) -> str:
    versions = "".join(f'<version ivo-id="ivo://ivoa.net/std/ADQL#v{v}">{v}</version>' for v in _ADQL_VERSIONS)
    types = dict.fromkeys(feature.type for feature in known)
    groups = "".join(_features(kind, [feature for feature in known if feature.type == kind]) for kind in types)
    description = "<description>Astronomical Data Query Language</description>"
    return f"<language><name>ADQL</name>{versions}{description}\n{groups}</language>\n"


def _features(kind: str, known: Iterable[LanguageFeature]) -> str:
    return f"<languageFeatures type={quoteattr(kind)}>\n{''.join(map(_feature, known))}</languageFeatures>\n"


def _feature(feature: LanguageFeature) -> str:
    description = f"<description>{escape(feature.description)}</description>" if feature.description else ""
    return f"<feature><form>{escape(feature.form)}</form>{description}</feature>\n"


def _output_format(known: Format) -> str:
    ivo_id = f" ivo-id={quoteattr(known.ivo_id)}" if known.ivo_id else ""
    aliases = "".join(f"<alias>{escape(alias)}</alias>" for alias in known.aliases)
    return f"<outputFormat{ivo_id}><mime>{escape(known.media_type)}</mime>{aliases}</outputFormat>\n"


def _seconds(tag: str, default: float, hard: float) -> str:
    return f"<{tag}><default>{int(default)}</default><hard>{int(hard)}</hard></{tag}>\n"


def _sizes(tag: str, unit: str, default: int, hard: int) -> str:
    low = min(default, hard)
    return f'<{tag}><default unit="{unit}">{low}</default><hard unit="{unit}">{hard}</hard></{tag}>\n'
