"""All wire formats: names, media types, aliases, and which one a RESPONSEFORMAT means (DALI 1.1 section 3.4.3).

The default, `votable`, is TABLEDATA: it is what every client reads. BINARY2 is faster, but astropy (and so pyvo and
astroquery) decodes its `char` as ASCII and fails on any accent; who knows that the texts are plain asks for
`votable/b2`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..config.errors import ParameterError
from .arrow_write import write_arrow
from .ecsv_write import write_ecsv
from .fits_write import write_fits
from .html_write import write_html
from .json_write import write_json
from .parquet_write import write_parquet
from .stream import Chunk, ResultStream
from .text_write import write_csv, write_csv_bare, write_tsv
from .votable_write import write_binary, write_binary2, write_tabledata

_VOTABLE = "application/x-votable+xml"
_OUTPUT = "ivo://ivoa.net/std/TAPRegExt#output-votable"


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format.

    `media_type` is the Content-Type where the client named no media type; `aliases` are further RESPONSEFORMAT values,
    those with a slash before any parameter being media types where they are answered as such. `ivo_id` is that of
    TAPRegExt 1.0 section 2.4 or None. `overflow` tells in words how a cut result shows.
    """

    name: str
    media_type: str
    aliases: tuple[str, ...]
    write: Callable[[ResultStream], Iterator[Chunk]]
    extension: str
    description: str
    overflow: str
    ivo_id: str | None = None
    media_aliases: tuple[str, ...] = ()

    @property
    def is_votable(self) -> bool:
        """Whether a late error can be told inside the document; other formats break the transfer."""
        return self.name.startswith("votable")


_LATE = "INFO QUERY_STATUS=OVERFLOW after the table"
_LAST_LINE = "last line `# OVERFLOW: …`"

FORMATS: tuple[Format, ...] = (
    Format(
        "votable",
        _VOTABLE,
        ("votable",),
        write_tabledata,
        "vot",
        "VOTable, TABLEDATA",
        _LATE,
        f"{_OUTPUT}-td",
        ("text/xml", "application/xml"),
    ),
    Format(
        "votable/td",
        f"{_VOTABLE};serialization=TABLEDATA",
        ("votable/td", "votabletd", "votable_plain"),
        write_tabledata,
        "vot",
        "VOTable, TABLEDATA",
        _LATE,
        f"{_OUTPUT}-td",
        ("text/xml;serialization=TABLEDATA",),
    ),
    Format(
        "votable/b2",
        f"{_VOTABLE};serialization=BINARY2",
        ("votable/b2", "votableb2", "votable_gzip"),
        write_binary2,
        "vot",
        "VOTable, BINARY2",
        _LATE,
        f"{_OUTPUT}-binary2",
        ("text/xml;serialization=BINARY2",),
    ),
    Format(
        "votable/b",
        f"{_VOTABLE};serialization=BINARY",
        ("votable/b", "votableb"),
        write_binary,
        "vot",
        "VOTable, BINARY",
        _LATE,
        f"{_OUTPUT}-binary",
        ("text/xml;serialization=BINARY",),
    ),
    Format(
        "fits",
        "application/fits",
        ("fits",),
        write_fits,
        "fits",
        "FITS binary table",
        "header keyword QSTATUS",
        None,
        ("image/fits",),
    ),
    Format(
        "csv",
        "text/csv;header=present",
        ("csv",),
        write_csv,
        "csv",
        "Comma-separated values with column names",
        _LAST_LINE,
        None,
        ("text/csv",),
    ),
    Format(
        "csv/bare",
        "text/csv;header=absent",
        (),
        write_csv_bare,
        "csv",
        "Comma-separated values without column names",
        _LAST_LINE,
    ),
    Format(
        "tsv",
        "text/tab-separated-values",
        ("tsv",),
        write_tsv,
        "tsv",
        "Tab-separated values with column names",
        _LAST_LINE,
    ),
    Format(
        "parquet",
        "application/vnd.apache.parquet",
        ("parquet",),
        write_parquet,
        "parquet",
        "Apache Parquet with VO metadata",
        "footer key QUERY_STATUS",
        None,
        ("application/parquet", "application/x-parquet"),
    ),
    Format(
        "arrow",
        "application/vnd.apache.arrow.stream",
        ("arrow",),
        write_arrow,
        "arrows",
        "Arrow IPC stream with VO metadata",
        "custom metadata QUERY_STATUS of the last, empty batch",
    ),
    Format(
        "ecsv",
        "text/x-ecsv",
        ("ecsv",),
        write_ecsv,
        "ecsv",
        "ECSV 1.0: CSV with types, units and descriptions, for astropy",
        _LAST_LINE,
        None,
        ("application/x-ecsv",),
    ),
    Format(
        "json",
        "application/json",
        ("json",),
        write_json,
        "json",
        "JSON: columns, rows, status",
        "last key `status`",
    ),
    Format("html", "text/html", ("html",), write_html, "html", "Pages to leaf through", "a note below the table"),
)


@dataclass(frozen=True, slots=True)
class ChosenFormat:
    """The format that a request means, and the exact Content-Type of the answer."""

    format: Format
    content_type: str


def find_format(text: str | None) -> ChosenFormat:
    """Find the format that a RESPONSEFORMAT means; None and blanks mean the default.

    Case and blanks do not count, nor do quotes around parameters, `charset` and `content`. A client that names a
    media type is answered with it (DALI 1.1 section 3.4.3), csv with the header parameter added. ParameterError where
    nothing fits.
    """
    key = _key(text or "")
    if not key:
        return ChosenFormat(FORMATS[0], FORMATS[0].media_type)
    if key not in _KNOWN:
        names = ", ".join(entry.name for entry in FORMATS)
        message = (
            f"RESPONSEFORMAT {(text or '')[:80]!r} is not known here; use one of {names}, or a media type of these"
        )
        raise ParameterError(message)
    return _KNOWN[key]


def _key(text: str) -> str:
    name, *parameters = "".join(text.lower().split()).replace('"', "").split(";")
    return ";".join([name, *sorted(p for p in parameters if p and p.split("=")[0] not in {"charset", "content"})])


def _known() -> dict[str, ChosenFormat]:
    known: dict[str, ChosenFormat] = {}
    for entry in FORMATS:
        names = (entry.name, *entry.aliases, entry.media_type, entry.extension, *entry.media_aliases)
        for name in names:
            same = name in entry.media_aliases and name != "text/csv"
            known.setdefault(_key(name), ChosenFormat(entry, name if same else entry.media_type))
    return known


_KNOWN = _known()
