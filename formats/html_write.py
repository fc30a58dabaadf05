"""HTML: a page with the first rows of a result, for people.

A browser cannot hold a catalogue, so the page shows `PAGE_ROWS` rows at most and says so; the whole result is a
matter of the other formats. Nothing on the page runs or loads anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..schema.model import Column
from ..schema.types import arrow_type
from .arrays import conform, pieces
from .cells_text import XML, texts
from .layout import layout_of
from .rows import join_texts
from .stream import ResultStream

PAGE_ROWS = 2_000

_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem}table{border-collapse:collapse}"
    "th,td{border:1px solid #ccc;padding:.15rem .4rem;text-align:left;white-space:pre}"
    "th{position:sticky;top:0;background:#eee}th small{font-weight:normal;color:#555}"
    "pre{background:#f6f6f6;padding:.5rem}.note{background:#ffe9a8;padding:.5rem}"
)


def write_html(stream: ResultStream) -> Iterator[bytes]:
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
    infos = f"<dl>{infos}</dl>\n" if infos else ""
    columns = "".join(map(_column, stream.columns))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n"
        f"<body><h1>{title}</h1>\n{query}{infos}<table><thead><tr>{columns}</tr></thead><tbody>\n"
    )


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
    return f"<p>{shown} rows.</p>\n"
