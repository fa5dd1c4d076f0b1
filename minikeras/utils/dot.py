"""A model as a text in DOT, the language of Graphviz: the same blocks and arrows, which Graphviz arranges."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from minikeras.utils.blocks import Block, escape

COLORS = {None: "#28497c", True: "#22863a", False: "#b03030"}


def write_dot(model: Block, rankdir: str, dpi: float, splines: str, framed: bool = False) -> str:
    """The text of a graph, for the program `dot`.

    Args:
        model: the model's blocks.
        rankdir: where the data flow: "TB" (top to bottom), "BT", "LR", "RL".
        dpi: dots per inch of a picture made of pixels.
        splines: how Graphviz draws the lines, such as "ortho".
        framed: whether the model has a frame of its own, like models inside it.
    """
    leaves = list(model.leaves())
    names = {id(block): f"layer_{i}" for i, block in enumerate(leaves)}
    body = [model] if framed or not model.inner else model.inner
    lines = [
        f"digraph {_quote(model.title)} {{",
        f"rankdir={rankdir}; dpi={dpi:g}; splines={splines};",
        'node [shape=plain, fontname="Helvetica"];',
        *(line for block in body for line in _statements(block, names)),
        *(f"{names[id(a)]} -> {names[id(b)]};" for a, b in pairwise(leaves)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _statements(block: Block, names: dict[int, str]) -> Iterator[str]:
    if not block.inner:
        yield f"{names[id(block)]} [label=<{_table(block)}>];"
        return
    first = next(block.leaves())
    yield f"subgraph cluster_{names[id(first)]}_{len(list(block.leaves()))} {{"
    yield f"label={_quote(block.title)}; labeljust=l; style=dashed;"
    for inner in block.inner:
        yield from _statements(inner, names)
    yield "}"


def _table(block: Block) -> str:
    """The HTML-like table that Graphviz takes for a label."""
    head = f'<td colspan="{max(len(block.cells), 1)}" bgcolor="{COLORS[block.trainable]}">'
    rows = f'<tr>{head}<font color="white"><b>{escape(block.title)}</b></font></td></tr>'
    if block.cells:
        cells = (f"<td>{escape(label)}<br/><b>{escape(value)}</b></td>" for label, value in block.cells)
        rows += f"<tr>{''.join(cells)}</tr>"
    return f'<table border="0" cellborder="1" cellspacing="0" cellpadding="8">{rows}</table>'


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
