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
for it. The built-in cells work on a whole sequence instead, which is faster: all that does not
depend on the states, such as x W of every step, is one matrix product before the loop, and the
gradients of the weights are one product after it. In there arrays are (features, batch), the
transpose of what a cell of your own sees: so each gate is one contiguous block of rows, and
working on one block is two to four times as fast as on a block of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import check_int, check_number
from minikeras.layers.base import Layer
from minikeras.layers.dropout import dropout_mask
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape


class Cell(Layer):
    """One step of a recurrent layer; see the module's description.

    `begin`, `step`, `step_backward` and `finish` are what `RNN` calls. `states` is one array (steps + 1,
    size, batch) for each state: the states before step t are at index t, those after it at t + 1.
    Unless the output is the first state (`outputs_state`), a last such array is that of the outputs.
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
        """Prepare a pass over x, shape (inputs, steps, batch)."""
        ctx.values = {"x": x, "dx": None, "sums": None}

    def step(self, t: int, states: Sequence[Array], ctx: Context) -> None:
        """Fill the states and the output after step t from the states before it."""
        *before, output = [s[t].T for s in states]
        output, new = self.forward(ctx.values["x"][:, t].T, before, ctx.child(t))
        for s, value in zip(states, [*new, output], strict=True):
            s[t + 1] = value.T

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[Array], ctx: Context
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
            values["dx"][:, t] = dx.T
        for v, total in values["sums"].items():
            total += ctx.grad(v)
        return [*(d.T for d in before), np.zeros_like(dstates[-1])]  # no step depends on the output before

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        """Write the gradients of the weights; return dL/dx, shape (inputs, steps, batch), where needed."""
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


class KernelCell(Cell):
    """What the built-in cells share: z_t = x_t @ kernel + bias for all steps at once, and dropout.

    The kernel is (inputs, gates·units), the recurrent kernel (units, gates·units), the bias
    (gates·units,). For the arguments see `SimpleRNN`.
    """

    outputs_state = True
    gates = 1
    seeds_last = True  # in which order Keras draws the seeds of this cell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_int(self, "units", units)
        self.seed = seed
        if not self.seeds_last:
            self._make_seeds()
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = check_number(self, "dropout", dropout, 0, 1)
        self.recurrent_dropout = check_number(self, "recurrent_dropout", recurrent_dropout, 0, 1)
        if self.seeds_last:
            self._make_seeds()

    def _make_seeds(self) -> None:
        self.seed_generator = self.seed if isinstance(self.seed, SeedGenerator) else SeedGenerator(self.seed)

    @property
    def state_size(self) -> Any:
        """The width of h."""
        return self.units

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.gates * self.units,)

    def initial_bias(self) -> Any:
        """What the bias is made by."""
        return self.bias_initializer

    def build(self, input_shape: Shape) -> None:
        inputs, width = input_shape[-1], self.gates * self.units
        assert inputs is not None  # the layer's check_input ran before
        self.kernel = self.add_weight(
            (inputs, width), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, None, True,
            self.recurrent_regularizer, self.recurrent_constraint, "recurrent_kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                self.bias_shape(),
                self.initial_bias(),
                None,
                True,
                self.bias_regularizer,
                self.bias_constraint,
                "bias",
            )
        self.mark_built(input_shape)

    def begin(self, x: Array, ctx: Context) -> None:
        inputs, steps, n = x.shape
        width = self.gates * self.units
        x_mask = self._mask("dropout", (inputs, n), ctx)  # the same at each step
        h_mask = self._mask("recurrent_dropout", (self.units, n), ctx)
        if x_mask is not None:
            x = np.multiply(x, x_mask[:, None], out=ctx.buffer("x", x.shape, self.dtype))
        xk = ctx.buffer("xk", (width, steps, n), self.dtype)
        self.kernel.value.T.dot(x.reshape(inputs, -1), out=xk.reshape(width, -1))
        # f(z) takes the place of z, unless a derivative needs z itself
        z = gates = ctx.buffer("gates", (steps, width, n), self.dtype)
        if any(f.needs_input for f in self.activations()):
            z = ctx.buffer("z", gates.shape, self.dtype)
        ctx.values = {"x": x, "xk": xk, "z": z, "gates": gates, "x_mask": x_mask, "h_mask": h_mask}

    def activations(self) -> list[activations.Activation]:
        """The functions that the gates go through."""
        return [self.activation]

    def _mask(self, name: str, shape: tuple[int, ...], ctx: Context) -> Array | None:
        """One dropout mask for all steps of a pass; None outside training."""
        rate = getattr(self, name)
        if not ctx.training or rate == 0:
            return None
        return dropout_mask(rate, shape, self.seed_generator, ctx, self.dtype, name)

    def before(self, t: int, states: Sequence[Array], ctx: Context) -> Array:
        """h_{t−1}, as the recurrent product sees it."""
        h_mask = ctx.values["h_mask"]
        return states[0][t] if h_mask is None else states[0][t] * h_mask

    def preactivation(self, t: int, states: Sequence[Array], ctx: Context) -> Array:
        """z_t = kernelᵀ x_t + recurrent_kernelᵀ h_{t−1} + bias, shape (gates·units, batch)."""
        z: Array = ctx.values["z"][t]
        self.recurrent_kernel.value.T.dot(self.before(t, states, ctx), out=z)
        z += ctx.values["xk"][:, t]
        if self.use_bias:
            z += self.bias.value[:, None]  # here, where z is in the cache, and not for all steps at once
        return z

    def backpropagate(self, t: int, dz: Array, ctx: Context) -> Array:
        """Keep dL/dz_t for `finish`; dL/dh_{t−1} = recurrent_kernel dz_t."""
        self.keep("dz", t, dz, ctx)
        dh = ctx.buffer("dh", (self.units, dz.shape[1]), self.dtype)
        self.recurrent_kernel.value.dot(dz, out=dh)
        h_mask = ctx.values["h_mask"]
        return dh if h_mask is None else np.multiply(dh, h_mask, out=dh)

    def keep(self, name: str, t: int, dz: Array, ctx: Context) -> None:
        """Put a step's gradient among those of all steps, (gates·units, steps, batch)."""
        ctx.buffer(name, ctx.values["xk"].shape, self.dtype)[:, t] = dz

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        x, xk, x_mask = (ctx.values[name] for name in ("x", "xk", "x_mask"))
        dz = ctx.buffer("dz", xk.shape, self.dtype).reshape(len(xk), -1)
        before = ctx.buffer("before", (self.units, *x.shape[1:]), self.dtype)
        np.copyto(before, states[0][:-1].transpose(1, 0, 2))
        if ctx.values["h_mask"] is not None:
            before *= ctx.values["h_mask"][:, None]
        x.reshape(len(x), -1).dot(dz.T, out=ctx.grad(self.kernel))  # Σ_t x_t dz_tᵀ
        self.recurrent_gradients(before.reshape(self.units, -1), dz, ctx)
        if not ctx.needs_dx:
            return None
        dx = ctx.buffer("dx", x.shape, self.dtype)
        self.kernel.value.dot(dz, out=dx.reshape(len(x), -1))
        return dx if x_mask is None else np.multiply(dx, x_mask[:, None], out=dx)

    def recurrent_gradients(self, before: Array, dz: Array, ctx: Context) -> None:
        """dL/drecurrent_kernel = Σ_t h_{t−1} dz_tᵀ, and dL/dbias = Σ_t dz_t."""
        before.dot(dz.T, out=ctx.grad(self.recurrent_kernel))
        if self.use_bias:
            np.add.reduce(dz, axis=1, out=ctx.grad(self.bias))

    # One step alone, for `StackedRNNCells` and for cells that hold others

    def forward(self, x: Array, states: Sequence[Array], ctx: Context) -> tuple[Array, Sequence[Array]]:  # type: ignore[override]
        sequence = ctx.buffer("sequence", (x.shape[1], 1, len(x)), self.dtype)
        np.copyto(sequence[:, 0], x.T)
        self.begin(sequence, ctx)
        pairs = [ctx.buffer(f"pair{i}", (2, *s.T.shape), self.dtype) for i, s in enumerate(states)]
        for pair, s in zip(pairs, states, strict=True):
            pair[0] = s.T
        self.step(0, pairs, ctx)
        ctx.values["pairs"] = pairs
        return pairs[0][1].T, [pair[1].T for pair in pairs]

    def backward(self, dy: Array, dstates: Sequence[Array], ctx: Context) -> tuple[Any, Sequence[Array]]:  # type: ignore[override]
        pairs = ctx.values["pairs"]
        after = [np.ascontiguousarray(d.T) for d in dstates]
        after[0] = after[0] + dy.T
        before = self.step_backward(0, after, pairs, ctx)
        dx = self.finish(pairs, ctx)
        return (None if dx is None else dx[:, 0].T), [d.T for d in before]
