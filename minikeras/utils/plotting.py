"""A picture of a model: a box for each layer and an arrow from one to the next.

The picture is written as SVG, which is text, so no library is needed, and every browser shows it. Other
formats, and the object that Graphviz draws from, need the libraries of that name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from minikeras.errors import check_option

LINE, LETTER, GAP, MARGIN = 20, 7.5, 28, 16  # heights and widths in pixels
DIRECTIONS = ("TB", "LR", "BT", "RL")


class Svg(str):
    """The text of a picture; a notebook shows the picture."""

    def _repr_svg_(self) -> str:
        return str(self)


class Box(NamedTuple):
    """What is written about a layer, and the nested models that it stands in, outermost first."""

    lines: list[str]
    models: tuple[str, ...]


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Svg:
    """Draw a model; returns the picture, which a notebook shows.

    Args:
        model: built, or its shapes are unknown.
        to_file: where to write it; with another ending than .svg, Graphviz does it. None for no file.
        show_shapes: write the shapes of inputs and outputs into the boxes.
        show_dtype: write the layers' float types.
        show_layer_names: write the layers' names.
        rankdir: "TB" from top to bottom, "LR" from left to right, "BT" and "RL" the other way.
        expand_nested: draw the layers inside of nested models.
        dpi: dots per inch, for Graphviz.
        show_layer_activations: write the names of activations.
        show_trainable: write whether a layer is trained.
        splines: how Graphviz draws lines.

    Raises:
        ImportError: for another ending than .svg, without pydot.
        OSError: the same, without Graphviz' program `dot`.
    """
    show = (show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    check_option("plot_model", "rankdir", rankdir, DIRECTIONS)
    picture = Svg(_draw(list(_boxes(model, show, expand_nested)), rankdir))
    if to_file is None:
        return picture
    path = os.fspath(to_file)
    ending = os.path.splitext(path)[1][1:].lower() or "png"
    if ending == "svg":
        with open(path, "w", encoding="utf-8") as file:
            file.write(picture)
        return picture
    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False,
        show_layer_activations, show_trainable, splines,
    )  # fmt: skip
    try:
        dot.write(path, format=ending)
    except FileNotFoundError as error:
        raise OSError(
            f"{path}: Graphviz' program `dot` is not installed. plot_model(model, 'model.svg') does without it."
        ) from error
    return picture


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """The picture as a graph of the library pydot.

    Args:
        subgraph: whether to make a cluster, to be put into another graph.
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
            show_layer_activations, show_trainable, splines: as in `plot_model`.

    Raises:
        ImportError: without pydot.
    """
    check_option("model_to_dot", "rankdir", rankdir, DIRECTIONS)
    try:
        import pydot  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError('model_to_dot needs pydot: pip install "minikeras[graphviz]"') from None
    graph = pydot.Cluster(graph_name=model.name) if subgraph else pydot.Dot()
    for name, value in {"rankdir": rankdir, "dpi": dpi, "splines": splines}.items():
        graph.set(name, value)
    graph.set_node_defaults(shape="record")
    show = (show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    clusters: dict[tuple[str, ...], Any] = {(): graph}
    boxes = list(_boxes(model, show, expand_nested))
    for i, box in enumerate(boxes):
        for depth in range(1, len(box.models) + 1):
            key = box.models[:depth]
            if key not in clusters:
                clusters[key] = pydot.Cluster("_".join(key), label=key[-1])
                clusters[key[:-1]].add_subgraph(clusters[key])
        label = "\\n".join(line.replace("<", "\\<").replace(">", "\\>") for line in box.lines)
        clusters[box.models].add_node(pydot.Node(f"layer{i}", label=f'"{label}"'))
    for i in range(1, len(boxes)):
        graph.add_edge(pydot.Edge(f"layer{i - 1}", f"layer{i}"))
    return graph


def _boxes(model: Any, show: tuple[bool, ...], expand: bool, models: tuple[str, ...] = ()) -> Iterator[Box]:
    """The layers in their order."""
    shapes, dtype, names, activations, trainable = show
    shape = model.input_shape if model.built else None
    for layer in model.layers:
        before, shape = shape, None if shape is None else layer.compute_output_shape(shape)
        if expand and hasattr(layer, "layers"):
            yield from _boxes(layer, show, expand, (*models, layer.name))
            continue
        kind = type(layer).__name__
        lines = [f"{layer.name} ({kind})" if names else kind]
        activation = getattr(layer, "activation", None)
        if activations and activation is not None:
            lines.append(
                f"Activation: {getattr(activation, 'name', None) or type(activation).__name__.lower()}"
            )
        if shapes:
            lines.append(f"Input: {'?' if before is None else before}")
            lines.append(f"Output: {'?' if shape is None else shape}")
        if dtype:
            lines.append(f"Dtype: {layer.dtype}")
        if trainable:
            lines.append(f"Trainable: {'yes' if layer.trainable else 'no'}")
        yield Box(lines, models)


def _draw(boxes: list[Box], rankdir: str) -> str:
    """The text of the SVG file."""
    flipped = rankdir in ("BT", "RL")
    order = boxes[::-1] if flipped else boxes
    down = rankdir in ("TB", "BT")
    depth = max((len(b.models) for b in boxes), default=0)
    edge = MARGIN + depth * MARGIN  # room for the frames of nested models
    widths = [24 + LETTER * max(map(len, box.lines)) for box in order]
    heights = [12.0 + LINE * len(box.lines) for box in order]
    gap = GAP + depth * MARGIN * 2
    across = max(widths if down else heights, default=0)
    places, at = [], float(edge)
    for w, h in zip(widths, heights, strict=True):
        offset = edge + (across - (w if down else h)) / 2
        places.append((offset, at, w, h) if down else (at, offset, w, h))
        at += (h if down else w) + gap
    along = max(at - gap, edge) + edge
    width, height = (across + 2 * edge, along) if down else (along, across + 2 * edge)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="13" text-anchor="middle">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
        *_frames(order, places),
    ]
    for box, (x, y, w, h) in zip(order, places, strict=True):
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="5" fill="#eef3fa" stroke="#345"/>'
        )
        for i, line in enumerate(box.lines):
            bold = "" if i else ' font-weight="bold"'
            parts.append(f'<text x="{x + w / 2:g}" y="{y + 20 + LINE * i:g}"{bold}>{escape(line)}</text>')
    for (x, y, w, h), (x2, y2, w2, h2) in pairwise(places):
        ends = [(x + w / 2, y + h), (x2 + w2 / 2, y2)] if down else [(x + w, y + h / 2), (x2, y2 + h2 / 2)]
        (xa, ya), (xb, yb) = ends[::-1] if flipped else ends
        parts.append(f'<path d="M{xa:g} {ya:g}L{xb:g} {yb:g}" stroke="#000" marker-end="url(#tip)"/>')
    return "\n".join([*parts, "</svg>", ""])


def _frames(boxes: list[Box], places: list[tuple[float, float, float, float]]) -> Iterator[str]:
    """A dashed frame with its name around the layers of each nested model."""
    deepest = max((len(b.models) for b in boxes), default=0)
    for models in dict.fromkeys(b.models[:n] for b in boxes for n in range(1, len(b.models) + 1)):
        inner = [p for b, p in zip(boxes, places, strict=True) if b.models[: len(models)] == models]
        pad = MARGIN * (deepest - len(models) + 1)
        left, top = min(p[0] for p in inner) - pad, min(p[1] for p in inner) - pad
        right, bottom = max(p[0] + p[2] for p in inner) + pad, max(p[1] + p[3] for p in inner) + pad
        yield (
            f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="5" '
            'fill="none" stroke="#888" stroke-dasharray="4"/>'
        )
        yield f'<text x="{left + 6:g}" y="{top + 12:g}" text-anchor="start" font-size="11">{escape(models[-1])}</text>'
