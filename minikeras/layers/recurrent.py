"""Recurrent layers: one cell, applied to one step of a sequence after the other.

A cell turns a step's input and the states from the step before into an output and new states. The
layer `RNN` runs a cell over time, forwards and, for the gradient, backwards ("backpropagation
through time"); masks, direction, kept states and what is returned are its business. Inside,
arrays are (steps, batch, features), so that each step is one contiguous block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.errors import ShapeError
from minikeras.layers.base import Layer
from minikeras.layers.cells import Cell, StackedRNNCells
from minikeras.layers.inputs import check_rank
from minikeras.registry import arguments
from minikeras.typing import Array, Shape


class RNN(Layer):
    """Runs a cell over the steps of a sequence, shape (batch, steps, inputs).

    Args:
        cell: what to run; a list of cells is run one on top of the other.
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
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(list(cell), dtype=kwargs.get("dtype"))
        if not isinstance(cell, Cell):
            raise ValueError(
                f"{type(self).__name__}: `cell` must be a Cell or a list of them. Received: {cell!r}"
            )
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
        fix = "for one feature per step: x[..., None]; after a recurrent layer: give that one return_sequences=True"
        check_rank(self.where(), input_shape, 3, "(batch, steps, features)", fix)
        width = input_shape[2]
        if width is None:
            raise ShapeError(self.where(), "a last axis of known size", tuple(input_shape))
        if self.built and self.build_shape is not None and width != self.build_shape[2]:
            expected = f"axis -1 of size {self.build_shape[2]}"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, axis -1 of size {width}")
        if self.states is not None and input_shape[0] not in (None, len(self.states[0])):
            raise ShapeError(
                self.where(),
                f"batches of {len(self.states[0])} samples, as stateful=True",
                tuple(input_shape),
                "choose batch_size so, and a number of samples that it divides",
            )

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, steps = input_shape[:2]
        size = self.cell.output_size
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        if self.return_state:
            return [output, *((batch, size) for size in self.cell.state_sizes)]
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
        shapes = [(self.build_shape[0], size) for size in self.cell.state_sizes]
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
        outputs = self._outputs(states, n, steps, ctx)
        kept = states if outputs is states[0] else [*states, outputs]
        for t in range(steps):
            self.cell.step(t, states, outputs, inner)
            if keep is not None:  # at a masked step all stays as it was
                for s in kept:
                    np.copyto(s[t + 1], s[t], where=~keep[t])
        if self.stateful:
            self.states = [s[-1].copy() for s in states]
        ctx.save(shape=x.shape, keep=keep, states=states)
        y = self._result(outputs, keep, ctx)
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
        dout = np.zeros((shape[0], self.cell.output_size), self.dtype)  # dL/doutput of the step in hand
        if not self.return_sequences:
            dout += dy
        for t in reversed(range(steps)):
            if self.return_sequences:
                hidden = keep is not None and self.zero_output_for_mask
                dout = dout + (dy[:, t] * keep[t] if hidden else dy[:, t])
            if keep is None:
                dstates = self.cell.step_backward(t, dout, dstates, states, inner)
                dout = np.zeros_like(dout)
                continue
            passed, passed_out = (
                [d * ~keep[t] for d in dstates],
                dout * ~keep[t],
            )  # a masked step is passed by
            through = [d * keep[t] for d in dstates]
            through = self.cell.step_backward(t, dout * keep[t], through, states, inner)
            dstates, dout = [a + b for a, b in zip(through, passed, strict=True)], passed_out
            if self.cell.outputs_state:
                dstates[0] += dout  # the output before is the state before
                dout = np.zeros_like(dout)
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
        for i, size in enumerate(self.cell.state_sizes):
            s = ctx.buffer(f"state{i}", (steps + 1, n, size), self.dtype)
            s[0] = 0 if self.states is None else self.states[i]
            arrays.append(s)
        return arrays

    def _outputs(self, states: list[Array], n: int, steps: int, ctx: Context) -> Array:
        """Where the outputs go: they are the first state, unless the cell says otherwise."""
        if self.cell.outputs_state:
            return states[0]
        outputs = ctx.buffer("outputs", (steps + 1, n, self.cell.output_size), self.dtype)
        outputs[0] = 0
        return outputs

    def _result(self, outputs: Array, keep: Array | None, ctx: Context) -> Array:
        """The output of the last step, or of all steps as (batch, steps, units)."""
        if not self.return_sequences:
            return outputs[-1]
        y = ctx.buffer("y", (outputs.shape[1], outputs.shape[0] - 1, outputs.shape[2]), self.dtype)
        np.copyto(y, outputs[1:].transpose(1, 0, 2))
        if keep is not None and self.zero_output_for_mask:
            y *= keep.transpose(1, 0, 2)
        return y
