"""What the built-in recurrent cells share: two matrix products, and dropout.

They work on a whole sequence: all that does not depend on the states, such as x W of every step,
is one matrix product before the loop over time, and the gradients of the weights are one product
after it. Only h R is left in the loop. The gates lie side by side in the columns of a kernel, so
one product serves them all; with a dropout mask of its own for each gate, each has its own part of
the columns and its own masked input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import check_int, check_number
from minikeras.layers.cells import Cell
from minikeras.layers.dropout import dropout_mask
from minikeras.numbers import sum_columns
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape


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
        # the same masks at each step; one for all gates, but as in Keras one for each with recurrent dropout
        masks = self.gates if self.recurrent_dropout > 0 else 1
        x_mask = self._mask("dropout", (masks, inputs, 1, n), ctx)
        h_mask = self._mask("recurrent_dropout", (masks, self.units, n), ctx)
        x = _masked(x, x_mask, ctx, "x")  # (masks, inputs, steps, batch)
        xk = ctx.buffer("xk", (width, steps, n), self.dtype)
        product(self.kernel.value, x.reshape(len(x), inputs, -1), xk.reshape(width, -1))
        # f(z) takes the place of z, unless a derivative needs z itself
        z = gates = ctx.buffer("gates", (steps, width, n), self.dtype)
        if any(f.needs_input for f in self.activations()):
            z = ctx.buffer("z", gates.shape, self.dtype)
        ctx.values = {"x": x, "xk": xk, "z": z, "gates": gates, "x_mask": x_mask, "h_mask": h_mask}

    def activations(self) -> list[activations.Activation]:
        """The functions that the gates go through."""
        return [self.activation]

    def _mask(self, name: str, shape: tuple[int, ...], ctx: Context) -> Array | None:
        """A dropout mask for all steps of a pass; None outside training."""
        rate = getattr(self, name)
        if not ctx.training or rate == 0:
            return None
        return dropout_mask(rate, shape, self.seed_generator, ctx, self.dtype, name)

    def before(self, t: int, states: Sequence[Array], ctx: Context) -> Array:
        """h_{t−1} as the recurrent product sees it, (masks, units, batch)."""
        return _masked(states[0][t], ctx.values["h_mask"], ctx, "h")

    def preactivation(self, t: int, states: Sequence[Array], ctx: Context) -> Array:
        """z_t = kernelᵀ x_t + recurrent_kernelᵀ h_{t−1} + bias, shape (gates·units, batch)."""
        z: Array = ctx.values["z"][t]
        product(self.recurrent_kernel.value, self.before(t, states, ctx), z)
        z += ctx.values["xk"][:, t]
        if self.use_bias:
            z += self.bias.value[:, None]  # here, where z is in the cache, and not for all steps at once
        return z

    def backpropagate(self, t: int, dz: Array, ctx: Context) -> Array:
        """Keep dL/dz_t for `finish`; dL/dh_{t−1} = recurrent_kernel dz_t."""
        self.keep("dz", t, dz, ctx)
        dh = ctx.buffer("dh", (self.units, dz.shape[1]), self.dtype)
        return input_gradient(self.recurrent_kernel.value, dz, ctx.values["h_mask"], dh, ctx)

    def keep(self, name: str, t: int, dz: Array, ctx: Context) -> None:
        """Put a step's gradient among those of all steps, (gates·units, steps, batch)."""
        ctx.buffer(name, ctx.values["xk"].shape, self.dtype)[:, t] = dz

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        x, xk, x_mask, h_mask = (ctx.values[name] for name in ("x", "xk", "x_mask", "h_mask"))
        inputs, steps, n = x.shape[1:]
        dz = ctx.buffer("dz", xk.shape, self.dtype)
        flat = dz.reshape(len(dz), -1)
        kernel_gradient(x.reshape(len(x), inputs, -1), flat, ctx.grad(self.kernel))  # Σ_t x_t dz_tᵀ
        before = ctx.buffer("before", (self.units, steps, n), self.dtype)
        np.copyto(before, states[0][:-1].transpose(1, 0, 2))
        before = _masked(before, None if h_mask is None else h_mask[:, :, None], ctx, "all_h")
        self.recurrent_gradients(before.reshape(len(before), self.units, -1), flat, ctx)
        if not ctx.needs_dx:
            return None
        dx = ctx.buffer("dx", (inputs, steps, n), self.dtype)
        return input_gradient(self.kernel.value, dz, x_mask, dx, ctx)

    def recurrent_gradients(self, before: Array, dz: Array, ctx: Context) -> None:
        """dL/drecurrent_kernel = Σ_t h_{t−1} dz_tᵀ, and dL/dbias = Σ_t dz_t."""
        kernel_gradient(before, dz, ctx.grad(self.recurrent_kernel))
        if self.use_bias:
            sum_columns(dz, out=ctx.grad(self.bias))

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


def _masked(x: Array, mask: Array | None, ctx: Context, name: str) -> Array:
    """x under each of the masks, which come along the first axis."""
    if mask is None:
        return x[None]
    return np.multiply(x, mask, out=ctx.buffer(name, (len(mask), *x.shape), x.dtype))


def _parts(width: int, count: int) -> list[slice]:
    """The columns of a kernel in `count` equal parts."""
    size = width // count
    return [slice(i * size, (i + 1) * size) for i in range(count)]


def multiply(a: Array, b: Array, out: Array) -> None:
    """a @ b. `dot` is the quicker call for small matrices, but copies some columns of a larger one first."""
    if a.flags.forc:  # whole, in rows or in columns
        a.dot(b, out=out)
    else:
        np.matmul(a, b, out=out)


def product(kernel: Array, x: Array, z: Array) -> None:
    """z = kernelᵀ x; with several x each part of the kernel's columns is multiplied by its own."""
    for part, mine in zip(_parts(len(z), len(x)), x, strict=True):
        multiply(kernel[:, part].T, mine, z[part])


def kernel_gradient(x: Array, dz: Array, dkernel: Array) -> None:
    """dL/dkernel = x dzᵀ; with several x each part of the columns by its own."""
    for part, mine in zip(_parts(len(dz), len(x)), x, strict=True):
        np.matmul(mine, dz[part].T, out=dkernel[:, part])


def input_gradient(kernel: Array, dz: Array, mask: Array | None, dx: Array, ctx: Context) -> Array:
    """dL/dx = kernel dz; with masks Σ mask (kernel dz), each with its own part of the columns."""
    rows = dz.reshape(len(dz), -1)
    if mask is None:
        multiply(kernel, rows, dx.reshape(len(dx), -1))
        return dx
    dx[...] = 0
    share = ctx.buffer("share", dx.shape, dx.dtype)
    for part, mine in zip(_parts(len(dz), len(mask)), mask, strict=True):
        multiply(kernel[:, part], rows[part], share.reshape(len(dx), -1))
        share *= mine
        dx += share
    return dx
