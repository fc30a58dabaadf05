"""HTML: a result to leaf through, for people.

The query runs once. The first page of rows stands in the document; the others lie behind it as inert text, of which a
few lines of script show one at a time: a browser lays out `PAGE_ROWS` rows, whatever the result. Without scripts the
first page remains and says so. At most `MOST_ROWS` rows are sent; the whole result is a matter of the other formats.
Nothing is loaded from anywhere, and `SCRIPT` is all that may run (`SCRIPT_SOURCE` in a content security policy).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from urllib.parse import quote

import pyarrow as pa

from ..schema.model import Column
from ..schema.types import arrow_type, is_scalar_number
from .arrays import conform, pieces
from .cells_text import XML, texts
from .layout import layout_of
from .rows import join_texts
from .stream import Chunk, ResultInfo, ResultStream

PAGE_ROWS = 1_000
MOST_ROWS = 100_000

SCRIPT = """
(() => {
  const all = Number(document.currentScript.dataset.rows), size = Number(document.currentScript.dataset.page);
  const body = document.querySelector("tbody"), nav = document.querySelector("nav");
  const pages = [body.innerHTML, ...Array.from(document.querySelectorAll("script.rows"), rows => rows.textContent)];
  const [first, back, next, last] = nav.querySelectorAll("button"), text = nav.querySelector("output");
  const number = new Intl.NumberFormat("en");
  let page = 0;
  const show = to => {
    page = Math.min(Math.max(to, 0), pages.length - 1);
    body.innerHTML = pages[page];
    scrollTo(scrollX, Math.min(scrollY, body.parentNode.offsetTop - nav.offsetHeight));
    const from = page * size + 1, until = Math.min(all, from + size - 1);
    text.textContent = `Rows ${number.format(from)} to ${number.format(until)} of ${number.format(all)}`;
    first.disabled = back.disabled = page === 0;
    next.disabled = last.disabled = page === pages.length - 1;
  };
  const steps = [[first, () => 0], [back, () => page - 1], [next, () => page + 1], [last, () => pages.length - 1]];
  for (const [button, to] of steps) button.onclick = () => show(to());
  document.onkeydown = event => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (step && !event.altKey && !event.ctrlKey && !event.metaKey) show(page + step);
  };
  show(0);
  nav.hidden = false;
})();
"""
SCRIPT_SOURCE = f"'sha256-{b64encode(sha256(SCRIPT.encode()).digest()).decode()}'"

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
    "nav{position:sticky;top:0;left:0;z-index:1;display:flex;gap:.3rem;align-items:center;height:2.4rem;"
    "background:var(--paper)}nav[hidden]{display:none}nav:not([hidden])~table th{top:2.4rem}"
    "button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--line);border-radius:.3rem;"
    "padding:.1rem .6rem}button:disabled{opacity:.4}output{margin:0 .6rem;color:var(--soft)}"
)
# Longer queries do not go into links.
_LINKED_CHARS = 4_000


def write_html(stream: ResultStream) -> Iterator[Chunk]:
    """Write pages of at most `MOST_ROWS` rows in all; errors of the source break the transfer."""
    try:
        yield _head(stream).encode()
        types = [arrow_type(column.type) for column in stream.columns]
        layouts = [layout_of(column.type) for column in stream.columns]
        shown, cut = 0, False
        for batch in stream:
            cut = batch.num_rows > MOST_ROWS - shown
            for piece in _paged(batch.slice(0, MOST_ROWS - shown), shown):
                arrays = conform(piece, types)
                cells = [texts(array, layout, XML) for array, layout in zip(arrays, layouts, strict=True)]
                if shown and shown % PAGE_ROWS == 0:
                    yield _SECOND if shown == PAGE_ROWS else _NEXT
                shown += piece.num_rows
                yield join_texts(cells, "<tr><td>", "</td><td>", "</td></tr>\n")
            if cut:
                break
        yield f"{_tail(shown)}{_note(shown, cut, stream.overflow)}</body></html>\n".encode()
    finally:
        stream.close()


_SECOND = (
    b"</tbody></table>\n<noscript><p class='note'>Scripts are off: only the first rows are visible.</p></noscript>\n"
    b"<script type='text/html' class='rows'>"
)
_NEXT = b"</script>\n<script type='text/html' class='rows'>"


def _paged(batch: pa.RecordBatch, before: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch that `before` rows precede where pages end."""
    start = 0
    while start < batch.num_rows:
        rows = min(batch.num_rows - start, PAGE_ROWS - (before + start) % PAGE_ROWS)
        yield from pieces(batch.slice(start, rows))
        start += rows


def _tail(shown: int) -> str:
    """Close the table, or the last page behind it and start the script."""
    if shown <= PAGE_ROWS:
        return "</tbody></table>\n"
    return f'</script>\n<script data-rows="{shown}" data-page="{PAGE_ROWS}">{SCRIPT}</script>\n'


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
        '<nav hidden aria-label="Pages"><button type="button" aria-label="First page">«</button>'
        '<button type="button" aria-label="Previous page">‹</button><output></output>'
        '<button type="button" aria-label="Next page">›</button>'
        '<button type="button" aria-label="Last page">»</button></nav>\n'
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
            f'<p class="note">Only the first {shown} rows are here; there are more. '
            "Ask for another RESPONSEFORMAT, for example csv or votable, to get all.</p>\n"
        )
    if overflow:
        return f'<p class="note">OVERFLOW: the result was cut after {shown} rows; there are more.</p>\n'
    return f"<p>{shown} {'row' if shown == 1 else 'rows'}.</p>\n"
