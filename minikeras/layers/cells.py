"""What a recurrent cell is, for `RNN` to run.

Your own cell needs the width of its states and one step of each pass:

    class Decay(Cell):
        state_size = 3

        def forward(self, x, states, ctx):        # x (batch, inputs), each state (batch, size)
            y = 0.9 * states[0] + x
            return y, [y]

        def backward(self, dy, dstates, ctx):     # dL/doutput, dL/dnew states
            d = dy + dstates[0]
            return d, [0.9 * d]                   # dL/dx, dL/dstates

As in any layer, `backward` sets the gradients of its variables; their sum over the steps is taken
for it. The built-in cells work on a whole sequence instead (`kernel_cell.py`). In there arrays are
(features, batch), the transpose of what a cell of your own sees: so each gate is one contiguous
block of rows, and working on one block is two to four times as fast as on a block of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class Cell(Layer):
    """One step of a recurrent layer; see the module's description.

    `begin`, `state_room`, `step`, `begin_backward`, `step_backward` and `finish` are what `RNN` calls. `states` holds
    steps + 1 arrays (size, batch) for each state: the states before step t are at index t, those after it at t + 1.
    Unless the output is the first state (`outputs_state`), the last of them is that of the outputs.
    """

    outputs_state = False  # whether the output is the first state
    state_size: Any  # a width, or one for each state

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The width of each state."""
        sizes = self.state_size
        return tuple(sizes) if isinstance(sizes, (list, tuple)) else (sizes,)

    @property
    def output_size(self) -> int:
        """The width of the output: that of the first state, unless a subclass says otherwise."""
        return self.state_sizes[0]

    def meetings(self, input_shape: Shape, training: bool) -> float:
        """Of one step; measured for the cells with gates, which do two dozen operations."""
        return super().meetings(input_shape, training) or 1 / 3

    def forward(self, x: Array, states: Sequence[Array], ctx: Context) -> tuple[Array, Sequence[Array]]:  # type: ignore[override]
        """The output and the new states of one step."""
        raise NotImplementedError(
            f"Cell {self.name!r} ({type(self).__name__}) has no `forward(self, x, states, ctx)`."
        )

    def backward(self, dy: Array, dstates: Sequence[Array], ctx: Context) -> tuple[Any, Sequence[Array]]:  # type: ignore[override]
        """dL/dx and dL/dstates of one step, from dL/doutput and dL/dnew states."""
        raise NotImplementedError(
            f"Cell {self.name!r} ({type(self).__name__}) has no `backward(self, dy, dstates, ctx)`."
        )

    def begin(self, x: Array, ctx: Context) -> None:
        """Prepare a pass over x, shape (steps, inputs, batch)."""
        ctx.values = {"x": x, "dx": None, "sums": None}

    def state_room(self, ctx: Context) -> Array | None:
        """Where the first state lies in this pass, (steps + 1, size, batch), if the cell has a place for it."""
        return None

    def step(self, t: int, states: Sequence[list[Array]], ctx: Context) -> None:
        """Fill the states and the output after step t from the states before it."""
        *before, output = [s[t].T for s in states]
        output, new = self.forward(ctx.values["x"][t].T, before, ctx.child(t))
        for s, value in zip(states, [*new, output], strict=True):
            np.copyto(s[t + 1], value.T)

    def begin_backward(self, ctx: Context) -> None:
        """Prepare the backward pass."""

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[list[Array]], ctx: Context
    ) -> list[Array]:
        """dL/dstates before step t, from dL/dstates after it."""
        values = ctx.values
        if values["dx"] is None:
            values["dx"] = ctx.buffer("dx", values["x"].shape, self.dtype)
            values["sums"] = {v: np.zeros_like(v.value) for v in self.trainable_weights}
        child = ctx.child(t)
        child.needs_dx = ctx.needs_dx
        *after, dy = [d.T for d in dstates]
        dx, before = self.backward(dy, after, child)
        if ctx.needs_dx:
            values["dx"][t] = dx.T
        for v, total in values["sums"].items():
            total += ctx.grad(v)
        return [*(d.T for d in before), np.zeros_like(dstates[-1])]  # no step depends on the output before

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        """Write the gradients of the weights; return dL/dx, shape (steps, inputs, batch), where needed."""
        for v, total in (ctx.values["sums"] or {}).items():
            np.copyto(ctx.grad(v), total)
        dx = ctx.values["dx"]
        return np.zeros_like(ctx.values["x"]) if dx is None else dx  # without steps there is nothing


class StackedRNNCells(Cell):
    """Cells one on top of the other, as one cell: the output of one is the input of the next.

    Args:
        cells: the cells, the lowest first.
        **kwargs: those of `Layer`.
    """

    def __init__(self, cells: list[Cell], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not isinstance(cell, Cell):
                raise ValueError(f"StackedRNNCells: all entries must be cells. Received: {cell!r}")
        self.cells = list(cells)

    @property
    def state_size(self) -> tuple[int, ...]:
        """The widths of all cells' states, one after the other."""
        return tuple(size for cell in self.cells for size in cell.state_sizes)

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return self.cells[-1].output_size

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            cell.ensure_built(input_shape)
            input_shape = (input_shape[0], cell.output_size)

    def forward(self, x: Array, states: Sequence[Array], ctx: Context) -> tuple[Array, Sequence[Array]]:  # type: ignore[override]
        new: list[Array] = []
        for i, cell in enumerate(self.cells):
            mine = states[len(new) : len(new) + len(cell.state_sizes)]
            x, after = cell.forward(x, mine, ctx.child(i))
            new += after
        return x, new

    def backward(self, dy: Array, dstates: Sequence[Array], ctx: Context) -> tuple[Any, Sequence[Array]]:  # type: ignore[override]
        before: list[Array] = []
        end = len(dstates)
        for i in reversed(range(len(self.cells))):
            start = end - len(self.cells[i].state_sizes)
            child = ctx.child(i)
            child.needs_dx = ctx.needs_dx or i > 0
            dy, mine = self.cells[i].backward(dy, dstates[start:end], child)
            before, end = [*mine, *before], start
        return dy, before
