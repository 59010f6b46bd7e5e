"""Small multiples as SVG, and sparklines as text: shares by year, one panel a thing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kg.analysis.render import shown

WIDTH, HEIGHT = 190, 104
"""Size of a panel in pixels."""
_LEFT, _TOP, _BOTTOM, _GAP = 12, 30, 20, 14
_COLUMNS = 4
_LABEL = 26
_BARS = "▂▃▄▅▆▇█"
INK, PALE, GRID = "#1b2128", "#55606b", "#dde1e6"


@dataclass(frozen=True, slots=True)
class Panel:
    """A series with its name. ``values`` are shares (0 to 1) by period; ``note`` stands at the right of the name."""

    name: str
    values: tuple[float, ...]
    color: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def sparkline(values: Sequence[float]) -> str:
    """Return values as bars of text, scaled to their maximum; the lowest bar means nothing.

    >>> sparkline([0, 1, 2, 4])
    '▁▃▅█'
    """
    top = max(values, default=0.0)
    return "".join("▁" if v <= 0 else _BARS[max(0, min(6, math.ceil(v / top * 7) - 1))] for v in values)


def small_multiples(title: str, about: str, periods: Sequence[tuple[int, int]], groups: Sequence[Group]) -> str:
    """Return an ``<svg>`` element with one panel for each series, each on a scale of its own that is written at it.

    Text is text, so that it can be searched and read out; ``title`` and ``about`` describe the whole.
    """
    groups = [group for group in groups if group.panels]
    width = _COLUMNS * (WIDTH + _GAP) + _GAP
    parts: list[str] = []
    y = 48.0
    for group in groups:
        parts.append(_text(_GAP, y + 14, group.title, size=14, weight="600"))
        y += 28
        for number, panel in enumerate(group.panels):
            column = number % _COLUMNS
            if number and not column:
                y += HEIGHT + _GAP
            parts.append(_panel(_GAP + column * (WIDTH + _GAP), y, panel, periods))
        y += HEIGHT + _GAP
    height = round(y + 4)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="chart-title chart-about" font-family="system-ui, Segoe UI, Roboto, Noto Sans, '
        'Arial, sans-serif" font-size="11">'
    )
    return "\n".join(
        [
            head,
            f'<title id="chart-title">{_clean(title)}</title>',
            f'<desc id="chart-about">{_clean(about)}</desc>',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            _text(_GAP, 26, title, size=16, weight="600"),
            *parts,
            "</svg>",
            "",
        ]
    )


def _panel(x: float, y: float, panel: Panel, periods: Sequence[tuple[int, int]]) -> str:
    floor, ceiling = y + HEIGHT - _BOTTOM, y + _TOP
    top = max(panel.values, default=0.0)
    slot = (WIDTH - 2 * _LEFT) / max(len(panel.values), 1)
    bars = []
    for number, value in enumerate(panel.values):
        if value > 0 and top > 0:
            high = (floor - ceiling) * value / top
            left = x + _LEFT + number * slot
            tip = f"{_period(periods[number])}: {percent(value)}"
            bars.append(
                f'<rect x="{left:.1f}" y="{floor - high:.1f}" width="{max(slot - 1, 0.8):.1f}" height="{high:.1f}">'
                f"<title>{tip}</title></rect>"
            )
    name = panel.name if len(panel.name) <= _LABEL else panel.name[: _LABEL - 1].rstrip() + "…"
    lines = [
        f"<g><title>{_clean(panel.name)}</title>",
        _text(x + _LEFT, y + 12, name, weight="600"),
        _text(x + _LEFT, y + 25, f"up to {percent(top)}", fill=PALE),
        _text(x + WIDTH - _LEFT, y + 25, panel.note, fill=PALE, anchor="end"),
        f'<line x1="{x + _LEFT}" x2="{x + WIDTH - _LEFT}" y1="{floor}" y2="{floor}" stroke="{GRID}"/>',
        f'<g fill="{panel.color}">{"".join(bars)}</g>',
        _text(x + _LEFT, floor + 14, str(periods[0][0]), fill=PALE),
        _text(x + WIDTH - _LEFT, floor + 14, str(periods[-1][1]), fill=PALE, anchor="end"),
        "</g>",
    ]
    return "\n".join(line for line in lines if line)


def _text(x: float, y: float, text: str, *, size: int = 11, weight: str = "", fill: str = INK, anchor: str = "") -> str:
    if not text:
        return ""
    extra = (f' font-weight="{weight}"' if weight else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{extra}>{_clean(text)}</text>'


def _clean(text: str) -> str:
    return escape(shown(text), quote=False)


def _period(period: tuple[int, int]) -> str:
    return str(period[0]) if period[0] == period[1] else f"{period[0]}–{period[1]}"


def percent(share: float) -> str:
    """Return a share as a percentage with two significant digits.

    >>> percent(0.01234), percent(0.2), percent(0.0), percent(0.00004)
    ('1.2%', '20%', '0%', '<0.01%')
    """
    if share <= 0:
        return "0%"
    value = share * 100
    if value < 0.01:
        return "<0.01%"
    return f"{value:.0f}%" if value >= 9.95 else f"{value:.1f}%" if value >= 0.95 else f"{value:.2f}%"
