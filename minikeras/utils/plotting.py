"""Pictures of models: `plot_model` draws one with the standard library alone, or has Graphviz draw it.

A file that ends in .svg is written here. For other formats (.png, .pdf ...) the library pydot, an
extra (`pip install "minikeras[graphviz]"`), hands the graph to the program Graphviz.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from minikeras.errors import check_number, check_option
from minikeras.utils.blocks import DIRECTIONS, Shown, blocks_of
from minikeras.utils.dot import write_dot
from minikeras.utils.svg import Picture, draw

SPLINES = ("ortho", "polyline", "curved", "line", "spline", "none")


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Picture | None:
    """Draw a model's layers as boxes, with arrows between them, into a file.

    Args:
        model: a model that is built, or a layer.
        to_file: the file to write. Its ending is the format: .svg needs no library, nor does .dot, the text for
            Graphviz; all others need Graphviz and pydot. Without an ending it is SVG.
        show_shapes: add the shapes of input and output and the number of parameters.
        show_dtype: add the type of the output.
        show_layer_names: add the layers' names to their classes.
        rankdir: where the data flow: "TB" (top to bottom), "BT", "LR" or "RL".
        expand_nested: draw the layers of models inside, in frames.
        dpi: dots per inch of a picture made of pixels.
        show_layer_activations: add the activation functions.
        show_trainable: add which layers are trained (green) and which are frozen (red).
        splines: how Graphviz draws the lines.

    Returns:
        The picture, which a notebook shows, when it is SVG; None for other formats.

    Raises:
        ImportError: for other formats than SVG, without pydot or without Graphviz.
        TypeError: when `model` is no model.
        ValueError: for a model that is not built, an unknown option, or a format that Graphviz does not know.
    """
    check_option("plot_model", "rankdir", rankdir, DIRECTIONS)
    shown = Shown(
        show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable
    )
    block = blocks_of(model, shown)
    path = os.fspath(to_file)
    ending = os.path.splitext(path)[1][1:].lower() or "svg"
    if ending == "svg":
        picture = draw(block, rankdir)
        _write(path, str(picture).encode())
        return picture
    text = write_dot(block, rankdir, *_looks("plot_model", dpi, splines))
    _write(path, text.encode() if ending == "dot" else _run_graphviz(text, ending))
    return None


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """A model as a graph of pydot, to be changed, or drawn with its methods `write_png` and the like.

    Args:
        model: a model that is built, or a layer.
        show_shapes: add the shapes of input and output and the number of parameters.
        show_dtype: add the type of the output.
        show_layer_names: add the layers' names to their classes.
        rankdir: where the data flow: "TB" (top to bottom), "BT", "LR" or "RL".
        expand_nested: show the layers of models inside, in frames.
        dpi: dots per inch of a picture made of pixels.
        subgraph: return a framed part for another graph, instead of a graph.
        show_layer_activations: add the activation functions.
        show_trainable: add which layers are trained (green) and which are frozen (red).
        splines: how Graphviz draws the lines.

    Raises:
        ImportError: without pydot.
        TypeError: when `model` is no model.
        ValueError: for a model that is not built, or an unknown option.
    """
    check_option("model_to_dot", "rankdir", rankdir, DIRECTIONS)
    shown = Shown(
        show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable
    )
    looks = _looks("model_to_dot", dpi, splines)
    graph = _parse(write_dot(blocks_of(model, shown), rankdir, *looks, framed=subgraph))
    parts = graph.get_subgraphs() if subgraph else []
    return parts[0] if parts else graph


def _looks(owner: str, dpi: float, splines: str) -> tuple[float, str]:
    return check_number(owner, "dpi", dpi, 1, 10_000), check_option(owner, "splines", splines, SPLINES)


def _parse(text: str) -> Any:
    """The graph that a text describes, as an object of pydot."""
    try:
        pydot = importlib.import_module("pydot")
    except ImportError as error:
        raise ImportError(
            'Graphs need pydot: pip install "minikeras[graphviz]" '
            '(plot_model(model, "model.svg") needs no library)'
        ) from error
    return pydot.graph_from_dot_data(text)[0]


def _run_graphviz(text: str, ending: str) -> bytes:
    """The picture that Graphviz makes of a text."""
    graph = _parse(text)
    try:
        data: bytes = graph.create(format=ending)
    except OSError as error:
        raise ImportError(
            f"A picture in the format {ending!r} needs the program Graphviz, with its command `dot`. "
            'Likely fix: install it, or write to_file="model.svg", which needs nothing.'
        ) from error
    except AssertionError as error:  # pydot's word for a command that failed
        raise ValueError(
            f"Graphviz cannot write the format {ending!r}. Likely fix: .svg, .png or .pdf"
        ) from error
    return data


def _write(path: Any, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
