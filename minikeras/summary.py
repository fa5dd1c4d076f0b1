"""The text of `model.summary()`, a table of layers in Keras' layout, and its picture for notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minikeras.layers.base import Layer
from minikeras.markup import COLOURS, Markup, bar, escape, join, table, tag


def summarize(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """The table of a model's layers, and the totals below it."""
    width = line_length or min(88, _terminal_width() - 4)
    heads, align = ["Layer (type)", "Output Shape", "Param #"], [str.ljust, str.ljust, str.rjust]
    ends = list(positions or [0.45, 0.80, 1.0])
    if ends[-1] <= 1:
        ends = [width * p for p in ends]
    spans = [int(b) - int(a) for a, b in zip([0.0, *ends], ends, strict=False)]
    outer = (0, len(spans) - 1)  # the first and the last column have one border of their own, not two
    cells = [max(span - (3 if i in outer else 4), 3) for i, span in enumerate(spans)]
    if show_trainable:
        heads, align, cells = [*heads, "Trainable"], [*align, str.center], [*cells, len("Trainable")]
    shape: Any = model.input_shape if model.built else None
    layers = _within(model.layers, layer_range)
    for layer in model.layers[: model.layers.index(layers[0])] if layers and shape is not None else ():
        shape = layer.compute_output_shape(shape)
    rows = list(_rows(layers, shape, expand_nested, show_trainable))
    table = _draw(heads, rows, cells, align)
    return "\n".join([f'Model: "{model.name}"', *table, *_totals(model)])


def _terminal_width() -> int:
    """The columns of the terminal; 80 where there is none."""
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (OSError, ValueError):
        return 80


def _rows(
    layers: list[Layer], shape: Any, expand: bool, trainable: bool, depth: int = 0
) -> Iterator[list[str]]:
    for layer in layers:
        shape = layer.compute_output_shape(shape) if shape is not None else None
        prefix = "   " * depth + "└ " if depth else ""
        count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        row = [
            f"{prefix}{layer.name} ({type(layer).__name__})",
            "?" if shape is None else _shape_text(shape),
            count,
        ]
        if trainable:
            row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
        yield row
        inner = getattr(layer, "layers", None)
        if expand and inner:
            start = layer.input_shape if layer.built else None  # type: ignore[attr-defined]
            yield from _rows(inner, start, expand, trainable, depth + 1)


def _shape_text(shape: Any) -> str:
    if isinstance(shape, list):
        return "[" + ", ".join(_shape_text(s) for s in shape) + "]"
    return str(tuple(shape))


def _within(layers: list[Layer], names: Sequence[str] | None) -> list[Layer]:
    """The layers from the first name to the last."""
    if names is None:
        return layers
    found = [i for i, layer in enumerate(layers) if layer.name in tuple(names)]
    if len(names) != 2 or not found:
        raise ValueError(f"`layer_range` must be the names of two layers. Received: {names}")
    return layers[found[0] : found[-1] + 1]


def _draw(
    heads: list[str], rows: list[list[str]], widths: list[int], align: Sequence[Callable[[str, int], str]]
) -> list[str]:
    """Box-drawing characters around cells; a text that is too long goes on in the next line."""

    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * (n + 2) for n in widths) + right

    def lines(cells: list[str], bar: str) -> Iterator[str]:
        wrapped = [_wrap(text, n) for text, n in zip(cells, widths, strict=True)]
        for i in range(max(map(len, wrapped))):
            parts = [w[i] if i < len(w) else "" for w in wrapped]
            yield bar + bar.join(f" {f(p, n)} " for f, p, n in zip(align, parts, widths, strict=True)) + bar

    out = [rule("┏", "━", "┳", "┓"), *lines(heads, "┃"), rule("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        out += [*([rule("├", "─", "┼", "┤")] if i else []), *lines(row, "│")]
    return [*out, rule("└", "─", "┴", "┘")]


def _wrap(text: str, width: int) -> list[str]:
    """Break at spaces where possible."""
    parts = []
    while len(text) > width:
        at = text.rfind(" ", 1, width + 1)
        at = at if at > 0 and text[:at].strip() else width
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*parts, text]


def _totals(model: Any) -> Iterator[str]:
    trained, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = []
    if model.compiled and getattr(model.optimizer, "built", False):
        optimizer = model.optimizer.variables
    yield _total(" Total params", [*trained, *frozen, *optimizer])
    yield _total(" Trainable params", trained)
    yield _total(" Non-trainable params", frozen)
    if optimizer:
        yield _total(" Optimizer params", optimizer)


def _total(label: str, variables: list[Any]) -> str:
    count = sum(int(np.prod(v.shape)) for v in variables)
    size = sum(int(np.prod(v.shape)) * np.dtype(v.dtype).itemsize for v in variables)
    return f"{label}: {count:,} ({readable_size(size)})"


def readable_size(size: float) -> str:
    """Bytes as Keras writes them: 53.16 KB."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def summarize_html(model: Any) -> Markup:
    """A diagram of the layers, and their table with each one's share of the parameters."""
    shape: Any = model.input_shape if model.built else None
    total = max(sum(v.size for v in model.weights), 1)
    rows, shapes = [], [shape]
    for layer in model.layers:
        shape = layer.compute_output_shape(shape) if shape is not None else None
        shapes.append(shape)
        size = sum(v.size for v in layer.weights)
        count: Any = size if layer.built else "not built yet"
        text = "?" if shape is None else _shape_text(shape)
        rows.append([layer.name, type(layer).__name__, text, count, bar(size / total) if size else ""])
    head = tag(
        "h3", f'{type(model).__name__} "{model.name}", {sum(v.size for v in model.weights):,} parameters'
    )
    heads = ["layer", "type", "output shape", "parameters", "share"]
    return join([head, _diagram(model.layers, shapes), table(heads, rows)])


def _diagram(layers: list[Layer], shapes: list[Any]) -> Markup:
    """The layers as boxes, the higher the more numbers they put out for a sample."""
    sizes = [int(np.prod([n or 1 for n in s[1:]])) if isinstance(s, tuple) else 1 for s in shapes]
    largest, parts, width = max(1.0, float(np.log1p(max(sizes)))), [], 96
    names = ["input", *(type(layer).__name__ for layer in layers)]
    for i, (name, shape, size) in enumerate(zip(names, shapes, sizes, strict=True)):
        height = 10 + 50 * float(np.log1p(size)) / largest
        x, middle, fill = i * width + 6, 40, "#8886" if i == 0 else COLOURS[0]
        parts.append(f'<rect x="{x + 22}" y="{middle - height / 2:.1f}" width="36" height="{height:.1f}" rx="4" '
                     f'fill="{fill}" fill-opacity=".75"/>')  # fmt: skip
        if i:
            parts.append(f'<path d="M{x - 36} {middle}h50m-6 -4l6 4l-6 4" fill="none" stroke="#888"/>')
        label = (
            "?"
            if shape is None
            else "×".join(str(n) for n in shape[1:]) or "1"
            if isinstance(shape, tuple)
            else "…"
        )
        for y, text in ((86, name), (100, label)):
            short = text if len(text) < 16 else text[:14] + "…"
            parts.append(f'<text x="{x + 40}" y="{y}" text-anchor="middle" font-size="11" fill="currentColor">'
                         f"{escape(short)}</text>")  # fmt: skip
    return Markup(f'<svg width="{len(names) * width}" height="106" role="img">{"".join(parts)}</svg>')
