"""A model as a picture in SVG, a text format that every browser shows: boxes on one line, arrows between them.

First each block gets its size, from the inside out; then its place, from the outside in. The arrows
lead from each box without an inside to the next one, through the frames of models around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from minikeras.utils.blocks import Block, escape

GAP = 36  # between boxes: the length of an arrow
PAD_X, PAD_Y = 18, 34  # between the frame of a model and the boxes inside; its name needs the height
MARGIN = 12  # around the picture
HEADER, CELL = 32, 46  # heights
BLUE, LINE, GREY, GREEN, RED = "#28497c", "#9aa8bf", "#5f6b7d", "#22863a", "#b03030"
TITLE, VALUE, LABEL = 15, 13, 11  # sizes of letters

Box = tuple[float, float, float, float]  # x, y, width, height

# Every rule says whose it is: inside a notebook it would else hold for the whole page.
STYLE = f"""<style>
.minikeras text {{ font: {VALUE}px Helvetica, Arial, sans-serif; text-anchor: middle; fill: #1d2736 }}
.minikeras .title {{ font-size: {TITLE}px; font-weight: bold; fill: white }}
.minikeras .label {{ font-size: {LABEL}px; fill: {GREY} }}
.minikeras .name {{ font-weight: bold; fill: {GREY}; text-anchor: start }}
.minikeras .frame {{ fill: none; stroke: {GREY}; stroke-dasharray: 6 4 }}
.minikeras .arrow {{ stroke: {GREY}; stroke-width: 2; marker-end: url(#minikeras-head) }}
</style>
<defs><marker id="minikeras-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">
<path d="M0 0 L10 5 L0 10 z" fill="{GREY}"/></marker></defs>"""


class Picture:
    """An SVG picture; a notebook shows it when it is the last value of a cell.

    Args:
        svg: the text of the picture.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def __str__(self) -> str:
        return self.svg

    def _repr_svg_(self) -> str:
        return self.svg


def draw(model: Block, rankdir: str) -> Picture:
    """The picture of a model's blocks; `rankdir` is where the data flow: "TB" (top to bottom), "BT", "LR", "RL"."""
    layout = _Layout(rankdir)
    inner = model.inner or [model]
    width, height = layout.size_of_row(inner)
    layout.place(inner, MARGIN + width / 2, MARGIN + height / 2)
    width, height = width + 2 * MARGIN, height + 2 * MARGIN
    leaves = list(model.leaves())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="minikeras" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">',
        f"<title>{escape(model.title)}</title>",
        STYLE,
        '<rect width="100%" height="100%" fill="white"/>',
        *(_frame(box) for _, box in layout.frames),
        *(layout.arrow(a, b) for a, b in pairwise(leaves)),
        *(_name(block, box) for block, box in layout.frames),
        *(line for block in leaves for line in _box(block, layout.boxes[id(block)])),
        "</svg>",
    ]
    return Picture("\n".join(lines) + "\n")


class _Layout:
    """Sizes and places of blocks, all on one straight line."""

    def __init__(self, rankdir: str) -> None:
        self.vertical = rankdir in ("TB", "BT")
        self.backwards = rankdir in ("BT", "RL")
        self.boxes: dict[int, Box] = {}
        self.frames: list[tuple[Block, Box]] = []

    def size(self, block: Block) -> tuple[float, float]:
        """Width and height of a block."""
        if block.inner:
            width, height = self.size_of_row(block.inner)
            return max(width, _width(block.title, VALUE)) + 2 * PAD_X, height + 2 * PAD_Y
        cells = sum(_cell_widths(block))
        return max(_width(block.title, TITLE) + 28, cells), HEADER + CELL * bool(block.cells)

    def size_of_row(self, blocks: list[Block]) -> tuple[float, float]:
        """Width and height of blocks one after the other."""
        widths, heights = zip(*map(self.size, blocks), strict=True)
        gaps = GAP * (len(blocks) - 1)
        return (max(widths), sum(heights) + gaps) if self.vertical else (sum(widths) + gaps, max(heights))

    def place(self, blocks: list[Block], x: float, y: float) -> None:
        """Put blocks one after the other, with (x, y) in the middle of them all."""
        width, height = self.size_of_row(blocks)
        at = y - height / 2 if self.vertical else x - width / 2
        for block in reversed(blocks) if self.backwards else blocks:
            w, h = self.size(block)
            length = h if self.vertical else w
            if self.vertical:
                y = at + length / 2
            else:
                x = at + length / 2
            box = x - w / 2, y - h / 2, w, h
            if block.inner:
                self.frames.append((block, box))
                self.place(block.inner, x, y)
            else:
                self.boxes[id(block)] = box
            at += length + GAP

    def arrow(self, source: Block, target: Block) -> str:
        """From the side of one box to the side of the next that faces it."""
        (x1, y1, w1, h1), (x2, y2, w2, h2) = self.boxes[id(source)], self.boxes[id(target)]
        out, into = (0, 1) if self.backwards else (1, 0)
        if self.vertical:
            ends = x1 + w1 / 2, y1 + h1 * out, x2 + w2 / 2, y2 + h2 * into
        else:
            ends = x1 + w1 * out, y1 + h1 / 2, x2 + w2 * into, y2 + h2 / 2
        return '<line class="arrow" x1="{:g}" y1="{:g}" x2="{:g}" y2="{:g}"/>'.format(*ends)


def _width(text: str, size: float) -> float:
    """About how wide a text is: a letter of a font without serifs takes 0.6 of its size, or a little less."""
    return 0.6 * size * len(text)


def _cell_widths(block: Block) -> list[float]:
    return [max(_width(label, LABEL), _width(value, VALUE)) + 22 for label, value in block.cells]


def _frame(box: Box) -> str:
    x, y, w, h = box
    return f'<rect class="frame" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="8"/>'


def _name(block: Block, box: Box) -> str:
    """A model's name inside its frame, on a white ground, where an arrow may pass."""
    x, y = box[0] + PAD_X, box[1] + 21
    ground = (
        f'<rect x="{x:g}" y="{y - 14:g}" width="{_width(block.title, VALUE):g}" height="19" fill="white"/>'
    )
    return f'{ground}<text class="name" x="{x:g}" y="{y:g}">{escape(block.title)}</text>'


def _box(block: Block, box: Box) -> Iterator[str]:
    """A heading with the title, and below it a row of cells."""
    x, y, w, h = box
    yield f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="6" fill="white"/>'
    color = {None: BLUE, True: GREEN, False: RED}[block.trainable]
    if block.cells:  # a heading with corners that are round at the top only
        down, bottom = HEADER - 6, f"h{-w:g}"
    else:
        down, bottom = HEADER - 12, f"a6 6 0 0 1 -6 6 h{12 - w:g} a6 6 0 0 1 -6 -6"
    top = f"M{x:g} {y + 6:g} a6 6 0 0 1 6 -6 h{w - 12:g} a6 6 0 0 1 6 6 v{down:g}"
    yield f'<path d="{top} {bottom} z" fill="{color}"/>'
    yield f'<text class="title" x="{x + w / 2:g}" y="{y + 21:g}">{escape(block.title)}</text>'
    widths = _cell_widths(block)
    spare = (w - sum(widths)) / max(len(widths), 1)
    left = x
    for (label, value), width in zip(block.cells, widths, strict=True):
        middle = left + (width + spare) / 2
        yield f'<text class="label" x="{middle:g}" y="{y + HEADER + 18:g}">{escape(label)}</text>'
        yield f'<text x="{middle:g}" y="{y + HEADER + 36:g}">{escape(value)}</text>'
        left += width + spare
        if left < x + w - 1:
            yield f'<line x1="{left:g}" y1="{y + HEADER:g}" x2="{left:g}" y2="{y + h:g}" stroke="{LINE}"/>'
    yield f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="6" fill="none" stroke="{color}"/>'
