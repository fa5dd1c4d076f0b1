"""What the built-in recurrent cells share: one matrix product for each step, and dropout.

z_t = h_{t−1} R + b + x_t W is one product of [h_{t−1}, 1, x_t] with R, b and W on top of each
other, so nothing is left to be added up in arrays as large as all gates. The gradients of all
weights are one product too, for several steps at a time. The gates lie side by side in the columns;
with a dropout mask of its own for each gate, each has its own [h, 1, x].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import check_int, check_number
from minikeras.layers._gates import input_gradient, kernel_gradient, mask_into
from minikeras.layers.cells import Cell
from minikeras.layers.dropout import dropout_mask
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape
from minikeras.variable import Variable

CHUNK = 2**17  # numbers in the dz of so many steps as are worked on while they are in the cache


class KernelCell(Cell):
    """What the built-in cells share: z_t = h_{t−1} @ recurrent_kernel + bias + x_t @ kernel, and dropout.

    The kernel is (inputs, gates·units), the recurrent kernel (units, gates·units), the bias
    (gates·units,). For the arguments see `SimpleRNN`.
    """

    outputs_state = True
    gates = 1
    # which block of z's rows belongs to each gate: in x_t @ kernel, and in h_{t−1} @ recurrent_kernel
    kernel_blocks: tuple[int, ...] = (0,)
    recurrent_blocks: tuple[int, ...] = (0,)
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
        (steps, inputs, n), u, first = x.shape, self.units, self.first_input
        # the same masks at each step; one for all gates, but as in Keras one for each with recurrent dropout
        masks = self.gates if ctx.training and self.recurrent_dropout > 0 else 1
        x_mask = self._mask("dropout", (masks, inputs, n), ctx)
        h_mask = self._mask("recurrent_dropout", (masks, u, n), ctx)
        seen = ctx.buffer("seen", (steps + 1, masks, first + inputs, n), self.dtype)  # [h_{t−1}, 1, x_t]
        seen[:, :, u:first] = 1
        mask_into(seen[:steps, :, first:], x[:, None], x_mask)
        weights = ctx.buffer("weights", (first + inputs, self.blocks * u), self.dtype)
        weights.fill(0)
        for part, place in self._places(weights, attrgetter("value")):
            place += part
        # Each gate has its own contiguous part: as one matrix, a product with few samples is up to 1.5 times as slow
        kernels = ctx.buffer("kernels", (self.blocks, first + inputs, u), self.dtype)
        np.copyto(kernels, weights.reshape(first + inputs, self.blocks, u).swapaxes(0, 1))
        # f(z) takes the place of z, unless a derivative needs z itself
        z = gates = ctx.buffer("gates", (steps, self.blocks * u, n), self.dtype)
        if any(f.needs_input for f in self.activations()):
            z = ctx.buffer("z", gates.shape, self.dtype)
        # Views of each step are made here, all at once: a thread that holds Python's lock for every one of them
        # in between the operations keeps the other threads waiting.
        ctx.values = {
            "all_seen": seen, "seen": list(zip(seen, seen[:, :, :u], strict=True)),
            "weights": weights, "kernels": kernels.swapaxes(1, 2),
            "all_z": z, "z": list(z.reshape(steps, self.blocks, u, n)), "gates": gates,
            "x_mask": x_mask, "h_mask": h_mask,
        }  # fmt: skip

    def state_room(self, ctx: Context) -> Array | None:
        """Without a mask on its way to the next step, h_t is written where that step looks for it."""
        return None if ctx.values["h_mask"] is not None else ctx.values["all_seen"][:, 0, : self.units]

    def begin_backward(self, ctx: Context) -> None:
        weights, seen = ctx.values["weights"], ctx.values["all_seen"]
        steps, width, n = ctx.values["gates"].shape
        length = chunk_length(steps, width * n, weights.size)
        chunks = [slice(start, min(start + length, steps)) for start in range(0, steps, length)]
        dzs = [ctx.buffer("dzs", (width, chunk.stop - chunk.start, n), self.dtype) for chunk in chunks]
        dweights, share = ctx.buffer("dweights", (2, *weights.shape), self.dtype)
        dweights.fill(0)
        share.fill(0)  # also in the corners that hold no weight of the cell
        ctx.values |= {
            "dz": ctx.buffer("dz", (width, n), self.dtype),
            "dh": ctx.buffer("dh", (self.units, n), self.dtype),
            "kept": [dz for chunk in dzs for dz in chunk.swapaxes(0, 1)],
            "chunks": {chunk.start: (chunk, dz) for chunk, dz in zip(chunks, dzs, strict=True)},
            "dweights": dweights, "share": share,
            "dx": ctx.buffer("dx", (seen.shape[2] - self.first_input, steps, n), self.dtype) if ctx.needs_dx else None,
        }  # fmt: skip

    @property
    def first_input(self) -> int:
        """The row of [h, 1, x] at which x begins."""
        return self.units + int(self.use_bias)

    @property
    def blocks(self) -> int:
        """How many blocks of `units` rows z has."""
        return 1 + max(self.kernel_blocks + self.recurrent_blocks)

    def _places(self, weights: Array, of: Callable[[Variable], Array]) -> Iterator[tuple[Array, Array]]:
        """Each gate's part of `of` each weight, with its place in R, b and W on top of each other."""
        u, first = self.units, self.first_input
        places = weights.reshape(len(weights), -1, u)
        for gate, (at, its) in enumerate(zip(self.recurrent_blocks, self.kernel_blocks, strict=True)):
            columns = slice(gate * u, (gate + 1) * u)
            yield of(self.recurrent_kernel)[:, columns], places[:u, at]
            yield of(self.kernel)[:, columns], places[first:, its]
            if self.use_bias:  # in one row, or in one beside the kernel and one beside the recurrent kernel
                for row, place in zip(of(self.bias).reshape(-1, self.gates * u), (its, at), strict=False):
                    yield row[columns], places[u, place]

    def activations(self) -> list[activations.Activation]:
        """The functions that the gates go through."""
        return [self.activation]

    def _mask(self, name: str, shape: tuple[int, ...], ctx: Context) -> Array | None:
        """Dropout masks for all steps of a pass; None outside training."""
        rate = getattr(self, name)
        if not ctx.training or rate == 0:
            return None
        return dropout_mask(rate, shape, self.seed_generator, ctx, self.dtype, name)

    def see(self, t: int, states: Sequence[list[Array]], ctx: Context) -> Array:
        """[h_{t−1}, 1, x_t] under each mask, (masks, units + 1 + inputs, batch)."""
        (seen, h), mask = ctx.values["seen"][t], ctx.values["h_mask"]
        if mask is not None:  # else it is there already
            np.multiply(states[0][t], mask, out=h)
        return seen

    def preactivate(self, t: int, states: Sequence[list[Array]], ctx: Context) -> None:
        """z_t = recurrent_kernelᵀ h_{t−1} + bias + kernelᵀ x_t, shape (gates·units, batch)."""
        np.matmul(ctx.values["kernels"], self.see(t, states, ctx), out=ctx.values["z"][t])

    def backpropagate(self, t: int, ctx: Context) -> Array:
        """Keep dL/dz_t for the gradients of the weights; dL/dh_{t−1} = recurrent_kernel dz_t."""
        dz, weights = ctx.values["dz"], ctx.values["weights"][: self.units]
        self.keep(t, ctx)
        return input_gradient(weights, dz, ctx.values["h_mask"], ctx.values["dh"], ctx)

    def keep(self, t: int, ctx: Context) -> None:
        """Put a step's dL/dz among those of its chunk; when that is complete, go on from it."""
        np.copyto(ctx.values["kept"][t], ctx.values["dz"])
        if t in ctx.values["chunks"]:
            steps, dz = ctx.values["chunks"][t]
            self._absorb(steps, dz, ctx)

    def _absorb(self, steps: slice, dz: Array, ctx: Context) -> None:
        """What a chunk of steps adds to the gradients of the weights, and dL/dx at these steps."""
        names = ("all_seen", "weights", "dweights", "share", "dx")
        seen, weights, dweights, share, dx = (ctx.values[name] for name in names)
        _, masks, rows, n = seen.shape
        turned = ctx.buffer("turned", (masks, rows, dz.shape[1], n), self.dtype)
        np.copyto(turned, seen[steps].transpose(1, 2, 0, 3))
        self.weight_gradients(turned.reshape(masks, rows, -1), dz.reshape(len(dz), -1), share, steps, ctx)
        dweights += share
        if dx is not None:
            width = self.gates * self.units
            kernel = weights[self.first_input :, :width]
            input_gradient(kernel, dz[:width], ctx.values["x_mask"], dx[:, steps], ctx)

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        dweights, dx = ctx.values["dweights"], ctx.values["dx"]
        for part, place in self._places(dweights, ctx.grad):
            np.copyto(part, place)
        return None if dx is None else dx.transpose(1, 0, 2)

    def weight_gradients(self, seen: Array, dz: Array, dweights: Array, steps: slice, ctx: Context) -> None:
        """Σ_t [h_{t−1}, 1, x_t] dz_tᵀ, over steps and samples, which lie along the last axis."""
        kernel_gradient(seen, dz, dweights)

    # One step alone, for `StackedRNNCells` and for cells that hold others

    def forward(self, x: Array, states: Sequence[Array], ctx: Context) -> tuple[Array, Sequence[Array]]:  # type: ignore[override]
        self.begin(x.T[None], ctx)
        pairs = [list(ctx.buffer(f"pair{i}", (2, *s.T.shape), self.dtype)) for i, s in enumerate(states)]
        room = self.state_room(ctx)
        if room is not None:
            pairs[0] = list(room)
        for pair, s in zip(pairs, states, strict=True):
            np.copyto(pair[0], s.T)
        self.step(0, pairs, ctx)
        ctx.values["pairs"] = pairs
        return pairs[0][1].T, [pair[1].T for pair in pairs]

    def backward(self, dy: Array, dstates: Sequence[Array], ctx: Context) -> tuple[Any, Sequence[Array]]:  # type: ignore[override]
        pairs = ctx.values["pairs"]
        self.begin_backward(ctx)
        after = [np.ascontiguousarray(d.T) for d in dstates]
        after[0] = after[0] + dy.T
        before = self.step_backward(0, after, pairs, ctx)
        dx = self.finish(pairs, ctx)
        return (None if dx is None else dx[0].T), [d.T for d in before]


def chunk_length(steps: int, dz: int, weights: int) -> int:
    """How many steps' share of the gradients is computed at a time.

    Args:
        steps: how many there are.
        dz: the numbers in the dL/dz of one step. A chunk of them is to fit into the cache.
        weights: how many there are. Adding up the gradients of many chunks does not pay where they are many.
    """
    return max(1, CHUNK // max(1, dz) if weights <= 2 * CHUNK else steps)
