"""A bar chart as SVG, small enough to be read as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

SERIES = (("end to end over HTTP", "#1b6ca8"), ("alone, without HTTP", "#9cc3de"), ("astropy's writer", "#d1495b"))
_LEFT, _WIDTH, _RIGHT, _BAR, _GAP, _TOP = 230, 460, 70, 9, 9, 64


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart: a name and a value for each series, 0 for none."""

    name: str
    values: tuple[float, ...]


def plot(title: str, bars: Sequence[Bar]) -> str:
    """Draw values as M rows/s on a logarithmic axis: they span four orders of magnitude."""
    least = min(value for bar in bars for value in bar.values if value) / 1.5
    most = max(value for bar in bars for value in bar.values)

    def place(value: float) -> float:
        return _WIDTH * log10(value / least) / log10(most / least)

    parts, y = [], float(_TOP)
    for bar in bars:
        drawn = [(value, colour) for value, (_, colour) in zip(bar.values, SERIES, strict=True) if value]
        height = len(drawn) * _BAR
        parts.append(_text(_LEFT - 8, y + height / 2 + 4, bar.name, "end"))
        for value, colour in drawn:
            parts.append(
                f'<rect x="{_LEFT}" y="{y:g}" width="{place(value):.1f}" height="{_BAR - 1}" fill="{colour}"/>'
            )
            label = f"{value:.2f}" if value < 1 else f"{value:.1f}"
            parts.append(_text(_LEFT + place(value) + 4, y + _BAR - 1, label, "start", 9))
            y += _BAR
        y += _GAP
    bottom = y
    grid = [10.0**power for power in range(ceil(log10(least)), floor(log10(most)) + 1)]
    lines = [f'<path d="M{_LEFT + place(g):.1f} {_TOP - 4}V{bottom:g}" stroke="#ddd"/>' for g in grid]
    lines += [_text(_LEFT + place(g), bottom + 12, f"{g:g}", "middle", 10) for g in grid]
    legend = [
        f'<rect x="{_LEFT + 160 * n}" y="36" width="10" height="10" fill="{colour}"/>'
        + _text(_LEFT + 160 * n + 14, 45, name, "start", 10)
        for n, (name, colour) in enumerate(SERIES)
    ]
    head = _text(_LEFT, 20, f"{title}: million rows a second (logarithmic)", "start", 13)
    width, whole = _LEFT + _WIDTH + _RIGHT, bottom + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole:g}" width="{width}" role="img" '
        f'font-family="sans-serif"><title>{escape(title)}: million rows a second, by format</title>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join([head, *legend, *lines, *parts]) + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
