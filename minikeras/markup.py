"""Small pieces of HTML and SVG, written by hand, for what a notebook shows.

A `View` has a text for the terminal and a page for the notebook, which can be saved and needs no
network, no script and no font. Whatever is not `Markup` already is escaped, since the names of
layers are the user's. Colours are chosen to be legible on light and on dark pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minikeras.typing import Array

COLOURS = ("#3b76c4", "#d9722e", "#3f9a5b", "#b5498f", "#8a6fd1", "#a08a2c")
SHOWS_NUMBERS = 30  # pixels of a square of a heatmap that has room for a number
STYLE = """<style>
.mk{font:14px/1.45 system-ui,sans-serif;overflow-x:auto}
.mk table{border-collapse:collapse;margin:.4em 0;font-size:13px}
.mk th,.mk td{padding:.25em .7em;text-align:left;vertical-align:top;border-bottom:1px solid #8886}
.mk th{font-weight:600}.mk .n{text-align:right;font-variant-numeric:tabular-nums}
.mk code,.mk pre{font:12.5px/1.4 ui-monospace,Menlo,Consolas,monospace}.mk pre{white-space:pre-wrap}
.mk .good{color:#2f8f4e}.mk .bad{color:#cf3b3b;font-weight:600}.mk .soft{color:#888}
.mk h3{font-size:15px;margin:.8em 0 .2em}.mk svg{vertical-align:middle}
</style>"""


class Markup(str):
    """Text that is HTML already, and is not escaped again."""


class View:
    """Something to be looked at: `print` it, let a notebook show it, or save it as a page."""

    title = "minikeras"

    def html(self) -> Markup:
        """The inner HTML."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return fragment(self.html())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page of HTML."""
        head = f'<!doctype html><meta charset="utf-8"><title>{escape(self.title)}</title>'
        phone = '<meta name="viewport" content="width=device-width">'
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'{head}{phone}<body style="margin:1.5em">{self._repr_html_()}</body>\n')


def escape(value: object) -> Markup:
    """A value as text that is safe within HTML."""
    if isinstance(value, Markup):
        return value
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(text.replace('"', "&quot;").replace("'", "&#39;"))


def tag(name: str, content: object, **attributes: object) -> Markup:
    """An element around escaped content; `class_` stands for the attribute `class`."""
    written = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(v)}"' for k, v in attributes.items())
    return Markup(f"<{name}{written}>{escape(content)}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """Pieces one after the other, each escaped unless it is markup."""
    return Markup("".join(map(escape, parts)))


def fragment(content: object) -> str:
    """What `_repr_html_` returns: the style, and the content in a box of its own."""
    return f'{STYLE}<div class="mk">{escape(content)}</div>'


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; numbers, and the heads above them, stand at the right of their column."""
    rows = list(rows)
    numeric = [bool(rows) and _is_number(value) for value in (rows[0] if rows else heads)]
    head = join(tag("th", h, **({"class_": "n"} if n else {})) for h, n in zip(heads, numeric, strict=True))
    body = join(tag("tr", join(_cell(value) for value in row)) for row in rows)
    return tag("table", join([tag("thead", tag("tr", head)), tag("tbody", body)]))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _cell(value: object) -> Markup:
    return tag("td", number(value), class_="n") if _is_number(value) else tag("td", value)


def bar(share: float, width: int = 80) -> Markup:
    """A horizontal bar that fills a share of its width."""
    filled = max(0.0, min(1.0, share)) * width
    rect = f'<rect width="{filled:.1f}" height="9" rx="2" fill="{COLOURS[0]}"/>'
    frame = f'<rect width="{width}" height="9" rx="2" fill="#8883"/>'
    return Markup(f'<svg width="{width}" height="9" role="img">{frame}{rect}</svg>')


def heatmap(array: Array, cell: int = 7, limit: int = 28) -> Markup:
    """An array as coloured squares, blue below zero, orange above; large ones are shown in part.

    Axes beyond the last two are laid out one below the other. Squares that are large enough show their numbers.
    """
    a = np.asarray(array, float)
    rows = a.reshape(-1, a.shape[-1] if a.ndim else 1)[:limit, :limit]
    finite = np.abs(rows[np.isfinite(rows)])
    largest = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    squares = []
    for i, j in np.ndindex(*rows.shape):
        value = rows[i, j]
        fill = "#888" if not np.isfinite(value) else COLOURS[1 if value > 0 else 0]
        opacity = 1.0 if not np.isfinite(value) else abs(value) / largest
        squares.append(
            f'<rect x="{j * cell}" y="{i * cell}" width="{cell}" height="{cell}" fill="{fill}" '
            f'fill-opacity="{opacity:.2f}"><title>[{i}, {j}] {value:.4g}</title></rect>'
        )
        if cell >= SHOWS_NUMBERS:
            at = f'x="{(j + 0.5) * cell}" y="{(i + 0.5) * cell + 4}"'
            squares.append(
                f'<text {at} text-anchor="middle" font-size="11" fill="currentColor">{value + 0.0:.2g}</text>'
            )
    height, width = rows.shape[0] * cell, rows.shape[1] * cell
    frame = f'<rect width="{width}" height="{height}" fill="none" stroke="#8888"/>'
    return Markup(f'<svg width="{width}" height="{height}" role="img">{"".join(squares)}{frame}</svg>')


def heatmaps(arrays: Mapping[str, Array]) -> Markup:
    """Several arrays side by side, with names, shapes and norms; a sample of many axes is one row."""
    cells = []
    for name, a in arrays.items():
        rows = a.reshape(len(a), -1) if a.ndim > 2 and len(a) else a
        norm = np.linalg.norm(np.asarray(a, float).reshape(-1))
        size = max(6, min(20, 120 // max(rows.shape, default=1))) if rows.size else 6
        inner = join([tag("div", f"{name} {a.shape}, norm {norm:.3g}", class_="soft"), heatmap(rows, size)])
        style = "display:inline-block;margin:.2em 1.2em .4em 0;vertical-align:top"
        cells.append(tag("div", inner, style=style))
    return join(cells)


def curves(
    series: Mapping[str, Sequence[float]], width: int = 260, height: int = 90, logarithmic: bool = False
) -> Markup:
    """Lines over a common axis, the names and last values below; a logarithmic axis leaves out what is not above 0."""
    known = {k: np.asarray(v, float) for k, v in series.items() if len(v)}
    scaled = {k: np.log10(np.where(v > 0, v, np.nan)) if logarithmic else v for k, v in known.items()}
    values = np.concatenate(list(scaled.values())) if scaled else np.zeros(1)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    span, lines, legend = (high - low) or 1.0, [], []
    for i, (name, v) in enumerate(scaled.items()):
        colour = COLOURS[i % len(COLOURS)]
        step = (width - 8) / max(len(v) - 1, 1)
        at = [(4 + j * step, 4 + (height - 8) * (high - y) / span) for j, y in enumerate(v) if np.isfinite(y)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in at[-1:]]
        words = tag("span", f"{name} {known[name][-1]:.4g}", style=f"color:{colour};white-space:nowrap")
        legend += [words, Markup(" &ensp;")]  # a space, so that many of them find room in several lines
    for y, value in ((9, high), (height - 1, low)):  # what the upper and the lower edge stand for
        text = f"{10**value if logarithmic else value:.3g}"
        lines.append(f'<text x="{width + 4}" y="{y}" font-size="10" fill="#888">{text}</text>')
    frame = f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" fill="none" stroke="#8886"/>'
    picture = f'<svg width="{width + 60}" height="{height}" role="img">{frame}{"".join(lines)}</svg>'
    return tag("div", join([Markup(picture), Markup("<br>"), *legend]), style="display:inline-block")


def slider(frames: Sequence[Markup], at: int = 0) -> Markup:
    """One of many frames, chosen by a slider; the few words of script stand in the element itself."""
    show = (
        "const r=this.parentNode;r.querySelectorAll('.step').forEach((e,i)=>e.hidden=i!=this.value);"
        "r.querySelector('output').value=(+this.value+1)+' / '+(+this.max+1)"
    )
    last = max(len(frames) - 1, 0)
    style = "width:24em;max-width:75%"
    control = f'<input type="range" min="0" max="{last}" value="{at}" style="{style}" oninput="{show}">'
    steps = [
        Markup(f'<div class="step"{"" if i == at else " hidden"}>{f}</div>') for i, f in enumerate(frames)
    ]
    return tag("div", join([Markup(control), " ", tag("output", f"{at + 1} / {last + 1}"), *steps]))


def text_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same for the terminal: columns as wide as their longest entry."""
    lines = [list(heads), *[[c if isinstance(c, str) else number(c) for c in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(c.ljust(n) for c, n in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def number(value: Any) -> str:
    """A number in at most four digits; anything else as it is written."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)
