"""A bar chart as SVG, small enough to be read as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

SERIES = (("end to end over HTTP", "#1b6ca8"), ("alone, without HTTP", "#9cc3de"), ("astropy's writer", "#d1495b"))
_LEFT, _WIDTH, _RIGHT, _BAR, _GAP, _TOP = 230, 460, 70, 9, 9, 64


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart: a name and a value for each series, 0 for none."""

    name: str
    values: tuple[float, ...]


def plot(title: str, bars: Sequence[Bar]) -> str:
    """Draw values as M rows/s."""
    most = max(max(bar.values) for bar in bars)
    step = next(step for step in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if most / step <= 8)
    scale = _WIDTH / most
    parts, y = [], float(_TOP)
    for bar in bars:
        drawn = [(value, colour) for value, (_, colour) in zip(bar.values, SERIES, strict=True) if value]
        height = len(drawn) * _BAR
        parts.append(_text(_LEFT - 8, y + height / 2 + 4, bar.name, "end"))
        for value, colour in drawn:
            parts.append(
                f'<rect x="{_LEFT}" y="{y:g}" width="{value * scale:.1f}" height="{_BAR - 1}" fill="{colour}"/>'
            )
            label = f"{value:.2f}" if value < 1 else f"{value:.1f}"
            parts.append(_text(_LEFT + value * scale + 4, y + _BAR - 1, label, "start", 9))
            y += _BAR
        y += _GAP
    bottom = y
    grid = [number * step for number in range(int(most / step) + 1)]
    lines = [f'<path d="M{_LEFT + g * scale:.1f} {_TOP - 4}V{bottom:g}" stroke="#ddd"/>' for g in grid]
    lines += [_text(_LEFT + g * scale, bottom + 12, f"{g:g}", "middle", 10) for g in grid]
    legend = [
        f'<rect x="{_LEFT + 160 * n}" y="36" width="10" height="10" fill="{colour}"/>'
        + _text(_LEFT + 160 * n + 14, 45, name, "start", 10)
        for n, (name, colour) in enumerate(SERIES)
    ]
    head = _text(_LEFT, 20, f"{title}: million rows a second", "start", 13)
    width, whole = _LEFT + _WIDTH + _RIGHT, bottom + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole:g}" width="{width}" role="img" '
        f'font-family="sans-serif"><title>{escape(title)}: million rows a second, by format</title>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join([head, *legend, *lines, *parts]) + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
