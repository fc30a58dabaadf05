"""HTML: a page with the first rows of a result, for people.

A browser cannot hold a catalogue, so the page shows `PAGE_ROWS` rows at most and says so; the whole result is a
matter of the other formats. Nothing on the page runs or loads anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import quote

from ..schema.model import Column
from ..schema.types import arrow_type, is_scalar_number
from .arrays import conform, pieces
from .cells_text import XML, texts
from .layout import layout_of
from .rows import join_texts
from .stream import Chunk, ResultInfo, ResultStream

PAGE_ROWS = 2_000

_STYLE = (
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#d8dee6;--paper:#fff;--panel:#f4f6f9;"
    "--link:#0b57a4;--note:#ffe9a8}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#a3afbf;--line:#384252;--paper:#12171e;"
    "--panel:#1b222c;--link:#8cc2ff;--note:#5a4700}}"
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem;color:var(--ink);background:var(--paper)}"
    "a{color:var(--link)}table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums}"
    "th,td{border-bottom:1px solid var(--line);padding:.2rem .6rem;text-align:left;white-space:pre}"
    "th{position:sticky;top:0;background:var(--panel)}th small{font-weight:normal;color:var(--soft)}"
    "tbody tr:hover{background:var(--panel)}pre{background:var(--panel);padding:.5rem .75rem;white-space:pre-wrap}"
    ".note{background:var(--note);padding:.5rem .75rem}summary{cursor:pointer;color:var(--soft)}"
    "dl{display:grid;grid-template-columns:max-content auto;gap:.1rem 1rem;margin:.5rem 0 1rem}dt{color:var(--soft)}"
    "dd{margin:0;overflow-wrap:anywhere}"
)
# Longer queries do not go into links.
_LINKED_CHARS = 4_000


def write_html(stream: ResultStream) -> Iterator[Chunk]:
    """Write a page of at most `PAGE_ROWS` rows; errors of the source break the transfer."""
    try:
        yield _head(stream).encode()
        types = [arrow_type(column.type) for column in stream.columns]
        layouts = [layout_of(column.type) for column in stream.columns]
        shown, cut = 0, False
        for batch in stream:
            cut = batch.num_rows > PAGE_ROWS - shown
            for piece in pieces(batch.slice(0, PAGE_ROWS - shown)):
                arrays = conform(piece, types)
                cells = [texts(array, layout, XML) for array, layout in zip(arrays, layouts, strict=True)]
                shown += piece.num_rows
                yield join_texts(cells, "<tr><td>", "</td><td>", "</td></tr>\n")
            if cut:
                break
        yield f"</tbody></table>\n{_note(shown, cut, stream.overflow)}</body></html>\n".encode()
    finally:
        stream.close()


def _head(stream: ResultStream) -> str:
    title = escape(stream.info.title or "Result")
    query = f"<pre>{escape(stream.info.query)}</pre>\n" if stream.info.query else ""
    infos = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in stream.info.infos)
    infos = f"<details><summary>Where it comes from</summary><dl>{infos}</dl></details>\n" if infos else ""
    columns = "".join(map(_column, stream.columns))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}{_aligned(stream.columns)}</style></head>\n"
        f"<body><h1>{title}</h1>\n{query}{_back(stream.info)}{infos}"
        f"<table><thead><tr>{columns}</tr></thead><tbody>\n"
    )


def _aligned(columns: Sequence[Column]) -> str:
    """Write the style that sets numbers to the right."""
    cells = [f"tr>:nth-child({n})" for n, column in enumerate(columns, 1) if is_scalar_number(column.type)]
    return f"{','.join(cells)}{{text-align:right}}" if cells else ""


def _back(info: ResultInfo) -> str:
    """Write the way back to the page for queries, which takes this one along."""
    if not info.home:
        return ""
    query = f"?query={quote(info.query)}#query" if 0 < len(info.query) <= _LINKED_CHARS else ""
    return f'<p><a href="{escape(info.home + query)}">{"Change the query" if query else "Ask again"}</a></p>\n'


def _column(column: Column) -> str:
    unit = f" <small>{escape(column.unit)}</small>" if column.unit else ""
    return f'<th title="{escape(column.description)}">{escape(column.name)}{unit}</th>'


def _note(shown: int, cut: bool, overflow: bool) -> str:
    if cut:
        return (
            f'<p class="note">This page shows the first {shown} rows; there are more. '
            "Ask for another RESPONSEFORMAT, for example csv or votable, to get all.</p>\n"
        )
    if overflow:
        return f'<p class="note">OVERFLOW: the result was cut after {shown} rows; there are more.</p>\n'
    return f"<p>{shown} {'row' if shown == 1 else 'rows'}.</p>\n"
