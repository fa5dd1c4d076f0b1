"""Panels of lines on logarithmic axes, written as SVG by hand."""

from __future__ import annotations

import math
from typing import Any

WIDTH, HEIGHT, LEFT, TOP = 196, 150, 46, 36  # of the inside of a panel, and the room before it
COLOURS = ("#1f6feb", "#d1495b", "#2e933c")
Point = tuple[float, float]


def draw_chart(panels: dict[str, Any]) -> str:
    """Above the time of a step, below its time over its work, all on one scale; a column for each panel."""
    parts = []
    rates = [1e12 * t / w for series in panels.values() for points in series.values() for _, t, w in points]
    for column, (title, series) in enumerate(panels.items()):
        x = LEFT + column * (WIDTH + LEFT)
        times = {name: [(s, 1e3 * t) for s, t, _ in points] for name, points in series.items()}
        shares = {name: [(s, 1e12 * t / w) for s, t, w in points] for name, points in series.items()}
        works = {name: _as_work(points) for name, points in series.items()}
        above = [t for line in times.values() for _, t in line]
        parts += _panel(x, TOP, times, above, works)
        parts += _panel(x, 2 * TOP + HEIGHT, shares, rates)
        parts.append(_text(x + WIDTH / 2, TOP - 10, title, "middle", 12))
    parts += [_text(8, TOP - 10, "ms per step"), _text(8, 2 * TOP + HEIGHT - 10, "ps per operation")]
    width, height = len(panels) * (WIDTH + LEFT) + 16, 2 * (TOP + HEIGHT) + 24
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    rectangle = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return f'{head} font-size="10" fill="#222">\n{rectangle}\n' + "\n".join(parts) + "\n</svg>\n"


def _as_work(points: list[list[float]]) -> list[Point]:
    """The line that the time would follow if it were in proportion to the work from the largest size down."""
    _, last, whole = points[-1]
    return [(size, 1e3 * last * work / whole) for size, _, work in points]


def _panel(
    x: float,
    y: float,
    series: dict[str, list[Point]],
    heights: list[float],
    dashed: dict[str, list[Point]] | None = None,
) -> list[str]:
    """The lines of a panel whose axis goes as far up and down as the heights; with names where dashed."""
    sizes = sorted({size for line in series.values() for size, _ in line})
    across, up = _scale(sizes, x, x + WIDTH, 2), _scale(heights, y + HEIGHT, y, 10)
    parts = [f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#aaa"/>']
    for size in sizes[:: 1 + len(sizes) // 10]:
        parts.append(_text(across(size), y + HEIGHT + 13, f"{size:g}", "middle", 8))
    for tick in _ticks(min(heights), max(heights)):
        parts.append(f'<path d="M{x} {up(tick):.1f}h{WIDTH}" stroke="#eee"/>')
        parts.append(_text(x - 4, up(tick) + 3, f"{tick:g}", "end", 9))
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i]
        if dashed:
            visible = [(across(s), up(t)) for s, t in dashed[name] if t >= min(heights)]
            parts.append(_path(visible, colour, ' stroke-dasharray="3 3"'))
            parts.append(_text(x + 6, y + 13 + 12 * i, name, "start", 9, colour))
        places = [(across(s), up(t)) for s, t in line]
        parts.append(_path(places, colour, ' stroke-width="1.6"'))
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2" fill="{colour}"/>' for a, b in places]
    return parts


def _scale(values: list[float], start: float, end: float, base: float) -> Any:
    """A function from numbers to places, logarithmic, with some room at both ends."""
    low, high = math.log(min(values), base), math.log(max(values), base)
    room = 0.06 * (high - low or 1)
    low, high = low - room, high + room
    return lambda value: start + (end - start) * (math.log(value, base) - low) / (high - low)


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers; with 2 and 5 between them where there are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if high / low > 300 else (1, 2, 5)
    return [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 10, colour: str = "") -> str:
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{fill}>{text}</text>'


def _path(places: list[Point], colour: str, more: str) -> str:
    d = " ".join(f"{'L' if i else 'M'}{a:.1f} {b:.1f}" for i, (a, b) in enumerate(places))
    return f'<path d="{d}" fill="none" stroke="{colour}"{more}/>'
