"""Recurrent layers: one cell, applied to one step of a sequence after the other.

A cell turns a step's input and the states from the step before into an output and new states. The
layer `RNN` runs a cell over time, forwards and, for the gradient, backwards ("backpropagation
through time"); masks, direction, kept states and what is returned are its business. Inside,
arrays are (steps, features, batch), so that each step, and each gate within it, is one contiguous
block.
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
    # The order of axes in here: of one step's (batch, features), and of a whole sequence
    step_axes: tuple[int, ...] = (1, 0)
    sequence_axes: tuple[int, ...] = (1, 2, 0)

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

    @property
    def rowwise(self) -> bool:
        """Not where it keeps the states of all samples from batch to batch."""
        return not self.stateful

    def meetings(self, input_shape: Shape, training: bool) -> float:
        """Those of each step: its many small operations need Python's lock in turn."""
        return (input_shape[1] or 1) * self.cell.meetings(input_shape, training)

    def build(self, input_shape: Shape) -> None:
        if self.stateful and input_shape[0] is None:
            raise ShapeError(
                self.where(), "a fixed batch size, as stateful=True", tuple(input_shape),
                "begin the model with Input(batch_shape=(batch, steps, features))",
            )  # fmt: skip
        self.cell.ensure_built((input_shape[0], *input_shape[2:]))
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
        self.check_batch(input_shape)

    def check_batch(self, input_shape: Shape) -> None:
        """Raise a `ShapeError` when a stateful layer is given another number of samples than before."""
        if self.states is not None and input_shape[0] not in (None, len(self.states[0])):
            raise ShapeError(
                self.where(),
                f"batches of {len(self.states[0])} samples, as stateful=True",
                tuple(input_shape),
                "choose batch_size so, and a number of samples that it divides",
            )

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, steps = input_shape[:2]
        shapes = self.state_shapes(input_shape)
        shape = shapes[0 if self.cell.outputs_state else -1]
        output = (batch, steps, *shape) if self.return_sequences else (batch, *shape)
        if self.return_state:
            return [output, *((batch, *shape) for shape in shapes[: len(self.cell.state_sizes)])]
        return output

    def state_shapes(self, input_shape: Shape) -> list[Shape]:
        """The shape of each state of one sample, and of the output where it is not the first state."""
        sizes = self.cell.state_sizes + (() if self.cell.outputs_state else (self.cell.output_size,))
        return [(size,) for size in sizes]

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
        inner = self.state_shapes(self.build_shape)[: len(self.cell.state_sizes)]
        shapes = [(self.build_shape[0], *(n or 0 for n in shape)) for shape in inner]
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
        sequence = x[:, :: -1 if self.go_backwards else 1].transpose(self.sequence_axes)
        keep = self._keep(ctx)
        inner = ctx.child("cell")
        self.cell.begin(sequence, inner)
        states = self._initial_states(x.shape, ctx, self.cell.state_room(inner))
        by_step = [list(s) for s in states]
        for t in range(x.shape[1]):
            self.cell.step(t, by_step, inner)
            if keep is not None:
                for s in states:  # at a masked step all stays as it was
                    s[t + 1] *= keep[t]
                    before = ctx.buffer("before", s[t].shape, self.dtype)
                    s[t + 1] += np.multiply(s[t], 1 - keep[t], out=before)
        final = [s[-1].transpose(_back(self.step_axes)) for s in states[: len(self.cell.state_sizes)]]
        if self.stateful:
            self.states = [s.copy() for s in final]
        ctx.save(shape=x.shape, keep=keep, states=states)
        y = self._result(states[0 if self.cell.outputs_state else -1], keep, ctx)
        return [y, *final] if self.return_state else y

    def backward(self, dy: Any, ctx: Context) -> Array | None:
        shape, keep, states = ctx.saved("shape", "keep", "states")
        dy, dfinal = (dy[0], dy[1:]) if self.return_state else (dy, [])
        inner = ctx.child("cell")
        inner.needs_dx = ctx.needs_dx
        dstates = [ctx.buffer(f"dstate{i}", s.shape[1:], self.dtype) for i, s in enumerate(states)]
        for d in dstates:
            d.fill(0)
        for d, extra in zip(dstates, dfinal, strict=False):
            d += extra.transpose(self.step_axes)
        dout = self._output_gradients(dy, keep, ctx)  # (steps, units, batch), or that of the last step
        output = 0 if self.cell.outputs_state else -1
        self.cell.begin_backward(inner)
        by_step = [list(s) for s in states]
        for t in reversed(range(shape[1])):
            if self.return_sequences:
                dstates[output] += dout[t]
            elif t == shape[1] - 1:
                dstates[output] += dout
            if keep is None:
                dstates = self.cell.step_backward(t, dstates, by_step, inner)
                continue
            kept = [
                np.multiply(d, keep[t], out=ctx.buffer(f"kept{i}", d.shape, self.dtype))
                for i, d in enumerate(dstates)
            ]
            through = self.cell.step_backward(t, kept, by_step, inner)
            for d, mine in zip(dstates, through, strict=True):
                d *= 1 - keep[t]  # a masked step is passed by
                d += mine
        dx = self.cell.finish(states, inner)
        if dx is None:
            return None
        return dx.transpose(_back(self.sequence_axes))[:, :: -1 if self.go_backwards else 1]

    def _output_gradients(self, dy: Array, keep: Array | None, ctx: Context) -> Array:
        """dL/doutputs in the order of the axes used here."""
        if not self.return_sequences:
            return dy.transpose(self.step_axes)
        ordered = dy.transpose(self.sequence_axes)
        dout = ctx.buffer("dout", ordered.shape, self.dtype)
        np.copyto(dout, ordered)
        if keep is not None and self.zero_output_for_mask:
            dout *= keep
        return dout

    def _keep(self, ctx: Context) -> Array | None:
        """The mask as numbers 0 and 1, (steps, 1, batch), in the order of processing."""
        if ctx.mask is None:
            return None
        mask = np.asarray(ctx.mask, bool).astype(self.dtype)[:, :: -1 if self.go_backwards else 1]
        ones = (1,) * (len(self.sequence_axes) - 2)
        return mask.reshape(*mask.shape, *ones).transpose(self.sequence_axes)

    def _initial_states(self, shape: tuple[int, ...], ctx: Context, room: Array | None) -> list[Array]:
        """The arrays that the cell will fill: one for each state, and for outputs that are no state."""
        arrays = []
        for i, inner in enumerate(self.state_shapes(shape)):
            step = (shape[0], *(n or 0 for n in inner))
            all_steps = (shape[1] + 1, *(step[axis] for axis in self.step_axes))
            s = ctx.buffer(f"state{i}", all_steps, self.dtype) if i or room is None else room
            s[0] = 0
            if self.states is not None and i < len(self.states):
                s[0] = self.states[i].transpose(self.step_axes)
            arrays.append(s)
        return arrays

    def _result(self, outputs: Array, keep: Array | None, ctx: Context) -> Array:
        """The output of the last step, or of all steps as (batch, steps, units)."""
        if not self.return_sequences:
            return outputs[-1].transpose(_back(self.step_axes))
        back = _back(self.sequence_axes)
        ordered = outputs[1:].transpose(back)
        y = ctx.buffer("y", ordered.shape, self.dtype)
        np.copyto(y, ordered)
        if keep is not None and self.zero_output_for_mask:
            y *= keep.transpose(back)
        return y


def _back(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order of axes that undoes a transposition."""
    return tuple(axes.index(i) for i in range(len(axes)))
