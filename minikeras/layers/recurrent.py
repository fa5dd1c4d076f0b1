"""Recurrent layers: one cell, applied to one step of a sequence after the other.

A cell turns a step's input and the states from the step before into an output and new states. The
layer `RNN` runs a cell over time, forwards and, for the gradient, backwards ("backpropagation
through time"); masks, direction, kept states and what is returned are its business. Inside,
arrays are (time, batch, features), so that each step is one contiguous block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.errors import ShapeError
from minikeras.layers.base import Layer
from minikeras.layers.dropout import dropout_mask
from minikeras.layers.inputs import check_rank
from minikeras.registry import arguments
from minikeras.typing import Array, Shape


class Cell(Layer):
    """What `RNN` asks of a cell. `begin` and `finish` see the whole sequence, the steps one time each.

    All that does not depend on the states, such as x W for every step, is done at once in `begin`,
    and the gradients of the weights, sums over all steps, at once in `finish`. `states` is one
    array (steps + 1, batch, size) for each state; the states before step t are at index t, those
    after it at t + 1.
    """

    units: int

    @property
    def state_size(self) -> tuple[int, ...]:
        """The width of each state; the first state is also what the layer outputs."""
        return (self.units,)

    def begin(self, x: Array, ctx: Context) -> None:
        """Prepare a pass over x, shape (steps, batch, inputs)."""
        raise NotImplementedError

    def step(self, t: int, states: Sequence[Array], ctx: Context) -> None:
        """Fill the states after step t from those before it."""
        raise NotImplementedError

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[Array], ctx: Context
    ) -> list[Array]:
        """dL/dstates before step t, from dL/dstates after it."""
        raise NotImplementedError

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        """Write the gradients of the weights; return dL/dx, shape (steps, batch, inputs), where needed."""
        raise NotImplementedError


class RNN(Layer):
    """Runs a cell over the steps of a sequence, shape (batch, steps, inputs).

    Args:
        cell: what to run.
        return_sequences: return the outputs of all steps, (batch, steps, units), not the last one only.
        return_state: return a list: the output, then the final states.
        go_backwards: begin with the last step; outputs are then in the order of processing.
        stateful: begin with the states that the batch before ended with; needs a fixed batch size.
        unroll: accepted for Keras' sake; nothing is compiled here, so it changes nothing.
        zero_output_for_mask: output zeros at masked steps, instead of the output before.
        **kwargs: those of `Layer`.

    A masked step leaves the states as they are.
    """

    supports_masking = True

    def __init__(
        self,
        cell: Cell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states: list[Array] | None = None  # between batches, of a stateful layer only

    def __getattr__(self, name: str) -> Any:
        # `layer.units` and the like are the cell's; reached only when the usual look-up found nothing.
        cell = self.__dict__.get("cell")
        if cell is not None and name in arguments(type(cell)):
            return getattr(cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def build(self, input_shape: Shape) -> None:
        if self.stateful and input_shape[0] is None:
            raise ShapeError(
                self.where(), "a fixed batch size, as stateful=True", tuple(input_shape),
                "begin the model with Input(batch_shape=(batch, steps, features))",
            )  # fmt: skip
        self.cell.ensure_built((input_shape[0], input_shape[2]))
        self.mark_built(input_shape)
        if self.stateful:
            self.reset_states()

    def check_input(self, input_shape: Shape) -> None:
        fix = "for one feature per step: x[..., None]; after another recurrent layer: give that return_sequences=True"
        check_rank(self.where(), input_shape, 3, "(batch, steps, features)", fix)
        width = input_shape[2]
        if width is None:
            raise ShapeError(self.where(), "a last axis of known size", tuple(input_shape))
        if self.built and self.build_shape is not None and width != self.build_shape[2]:
            expected = f"axis -1 of size {self.build_shape[2]}"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, axis -1 of size {width}")
        if self.states is not None and input_shape[0] not in (None, len(self.states[0])):
            raise ShapeError(
                self.where(), f"batches of {len(self.states[0])} samples, as stateful=True", tuple(input_shape),
                "choose batch_size so, and a number of samples that it divides",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, steps = input_shape[:2]
        output = (batch, steps, self.cell.units) if self.return_sequences else (batch, self.cell.units)
        if self.return_state:
            return [output, *((batch, size) for size in self.cell.state_size)]
        return output

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.return_sequences else None

    def reset_states(self, states: Sequence[Any] | None = None) -> None:
        """Set the states of a stateful layer to zero, or to the given arrays.

        Raises:
            ValueError: when the layer is not stateful, or not built.
        """
        if not self.stateful or self.build_shape is None or self.build_shape[0] is None:
            raise ValueError(
                f"{self.where()} has no states to reset: it needs stateful=True and to be built."
            )
        shapes = [(self.build_shape[0], size) for size in self.cell.state_size]
        if states is None:
            self.states = [np.zeros(shape, self.dtype) for shape in shapes]
            return
        arrays = [np.array(s, self.dtype) for s in states]
        if [a.shape for a in arrays] != shapes:
            raise ShapeError(self.where(), f"states of shapes {shapes}", [a.shape for a in arrays])
        self.states = arrays

    reset_state = reset_states

    def forward(self, x: Array, ctx: Context) -> Any:
        if self.stateful:
            self.check_input(x.shape)  # the last batch of an epoch may be too small
        n, steps, inputs = x.shape
        sequence = ctx.buffer("sequence", (steps, n, inputs), self.dtype)
        np.copyto(sequence, x.transpose(1, 0, 2)[:: -1 if self.go_backwards else 1])
        keep = self._keep(ctx)
        states = self._initial_states(n, steps, ctx)  # one array (steps + 1, n, size) for each state
        inner = ctx.child("cell")
        self.cell.begin(sequence, inner)
        for t in range(steps):
            self.cell.step(t, states, inner)
            if keep is not None:
                for s in states:
                    np.copyto(s[t + 1], s[t], where=~keep[t])
        if self.stateful:
            self.states = [s[-1].copy() for s in states]
        ctx.save(shape=x.shape, keep=keep, states=states)
        y = self._output(states[0], keep, ctx)
        return [y, *(s[-1] for s in states)] if self.return_state else y

    def backward(self, dy: Any, ctx: Context) -> Array | None:
        shape, keep, states = ctx.saved("shape", "keep", "states")
        steps = shape[1]
        dy, dfinal = (dy[0], dy[1:]) if self.return_state else (dy, [])
        inner = ctx.child("cell")
        inner.needs_dx = ctx.needs_dx
        dstates: list[Array] = [np.zeros(s.shape[1:], self.dtype) for s in states]
        for d, extra in zip(dstates, dfinal, strict=False):
            d += extra
        if not self.return_sequences:
            dstates[0] += dy
        for t in reversed(range(steps)):
            if self.return_sequences:
                hidden = keep is not None and self.zero_output_for_mask
                dstates[0] = dstates[0] + (dy[:, t] * keep[t] if hidden else dy[:, t])
            if keep is None:
                dstates = self.cell.step_backward(t, dstates, states, inner)
            else:  # what belongs to a masked step passes it by
                passed = [d * ~keep[t] for d in dstates]
                through = self.cell.step_backward(t, [d * keep[t] for d in dstates], states, inner)
                dstates = [a + b for a, b in zip(through, passed, strict=True)]
        dx = self.cell.finish(states, inner)
        return None if dx is None else dx[:: -1 if self.go_backwards else 1].transpose(1, 0, 2)

    def _keep(self, ctx: Context) -> Array | None:
        """The mask as (steps, batch, 1), in the order of processing."""
        if ctx.mask is None:
            return None
        mask = np.asarray(ctx.mask, bool).T[..., None]
        return mask[::-1] if self.go_backwards else mask

    def _initial_states(self, n: int, steps: int, ctx: Context) -> list[Array]:
        arrays = []
        for i, size in enumerate(self.cell.state_size):
            s = ctx.buffer(f"state{i}", (steps + 1, n, size), self.dtype)
            s[0] = 0 if self.states is None else self.states[i]
            arrays.append(s)
        return arrays

    def _output(self, h: Array, keep: Array | None, ctx: Context) -> Array:
        """The first state at the last step, or at all steps as (batch, steps, units)."""
        if not self.return_sequences:
            return h[-1]
        y = ctx.buffer("y", (h.shape[1], h.shape[0] - 1, h.shape[2]), self.dtype)
        np.copyto(y, h[1:].transpose(1, 0, 2))
        if keep is not None and self.zero_output_for_mask:
            y *= keep.transpose(1, 0, 2)
        return y


def sequence_dropout(cell: Any, name: str, shape: tuple[int, ...], ctx: Context) -> Array | None:
    """One dropout mask for all steps of a pass, from the cell's rate of this name; None outside training."""
    rate = getattr(cell, name)
    if not ctx.training or rate == 0:
        return None
    return dropout_mask(rate, shape, cell.seed_generator, ctx, cell.dtype, name)
