"""One batch, shared out among threads, in one of two ways.

Where most of the work is in products that layers ask of `ctx.dot`, as in an MLP, or in jobs that
they give to `ctx.run_all`, the batch stays whole and a crew shares these. The gradients of weights
are nobody's input, so the crew makes them while the pass goes on.

Elsewhere each thread takes some of the rows through the whole model. Every part of the batch has a
context of its own, so nothing in a layer has to know of threads. The loss sees the whole batch
again; the parts' gradients are added up in the order of the parts. A layer that needs a sum over
the batch asks `ctx.total` for it. What needs the whole batch in other ways (`rowwise` is False) is
not split, nor is work too small to pay.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array
from minikeras.variable import Arena
from minikeras.workers import ROWS, Crew, Team, split, thread_count

WORK = 2**23  # multiplications of a forward pass that pay for handing a part to a thread, about 0.2 ms
LOCKED = getattr(sys, "_is_gil_enabled", lambda: True)()  # not so in free-threaded Python
# Multiplications that take as long as a meeting of the parts, `ctx.total`, and what goes with it: a thread that
# finds Python's lock taken falls asleep
MEETING = (3 if LOCKED else 1) * 2**20
CALLS = 3 * 2**18  # the same for what Python and NumPy do in a layer beside the numbers
CREW = 2**24  # multiplications of a forward pass that pay for calling a crew
ADDING = 16  # multiplications that cost as much as adding one more gradient of a weight


def part_count(model: Any, shape: tuple[int, ...], arena: Arena) -> int:
    """Into how many parts a batch of this shape is split; the same on every run.

    One where most work can be shared by a crew.
    """
    threads = thread_count()
    if threads == 1 or not model.can_be_split():
        return 1
    work = _work(model, shape, training=True)
    pays = int(shape[0] * work.rest / (WORK + ADDING * arena.values.size + MEETING * work.meetings))
    return max(1, min(threads, shape[0] // ROWS, pays))


def crew_for(model: Any, shape: tuple[int, ...]) -> Crew | None:
    """Threads that help with a whole batch of this shape, if there is so much to do."""
    threads = thread_count()
    if threads == 1 or shape[0] * _work(model, shape, training=True).shared < CREW:
        return None
    return Crew(threads)


def threads_for(model: Any, shape: tuple[int, ...], batch_size: int) -> int:
    """How many threads share the batches of inputs of this shape, without training.

    One where a batch is so little work that the threads would mostly wait for Python's lock.
    """
    threads = thread_count()
    if threads == 1 or _is_stateful(model):
        return 1
    batch_size = min(batch_size, shape[0])
    work = _work(model, (batch_size, *shape[1:]), training=False)
    if batch_size * work.total < CALLS * _leaves(model) + MEETING * work.meetings:
        return 1
    return max(1, min(threads, shape[0] * work.total // WORK))


def _is_stateful(layer: Any) -> bool:
    """Whether this layer, or one inside it, keeps something from batch to batch."""
    return bool(getattr(layer, "stateful", False)) or any(map(_is_stateful, layer.sublayers()))


def _leaves(layer: Any) -> int:
    """How many layers there are, those that hold others not counted."""
    return sum(map(_leaves, layer.sublayers())) or 1


class _Work(NamedTuple):
    """About how much there is to do for one sample, and how often the parts of a batch wait for each other."""

    shared: int = 0  # multiplications that a crew can share
    rest: int = 0  # all others
    meetings: float = 0.0  # in calls of `ctx.total`

    @property
    def total(self) -> int:
        """All multiplications."""
        return self.shared + self.rest


def _work(model: Any, shape: tuple[int, ...], training: bool) -> _Work:
    """Of a batch of this shape. Each weight is used at each place of the input."""
    shared, rest, meetings = 0, 0, 0.0
    for layer in model.layers:
        weights = sum(v.size for v in layer.trainable_weights) if layer.casts_input else 0  # else looked up
        if layer.shares_work(shape):
            shared += weights * math.prod(shape[1:-1])
        else:
            rest += weights * math.prod(shape[1:-1])
        meetings += layer.meetings(shape, training)
        shape = layer.compute_output_shape(shape)
        if not isinstance(shape, tuple):
            return _Work()  # several outputs
        shape = tuple(1 if n is None else n for n in shape)
        rest += math.prod(shape[1:])
    return _Work(shared, rest, meetings)


class Parts:
    """The contexts and gradients of the parts of a batch.

    Args:
        ctx: the context of the first part; the others become its children.
        arena: the model's weights.
        count: the greatest number of parts.
    """

    def __init__(self, ctx: Context, arena: Arena, count: int) -> None:
        self.contexts = [ctx, *(ctx.beside(i) for i in range(1, count))]
        self.gradients = [arena.bind_gradients(each) for each in self.contexts]
        self.output_mask: Array | None = None
        self._slices: list[slice] = []  # of the present batch; none where it is not split
        self._teams = {n: Team(n) for n in range(2, count + 1)}

    def forward(self, model: Layer, x: Array) -> Any:
        """The model's output for the batch."""
        count = min(len(self.contexts), len(x) // ROWS)
        ctx = self.contexts[0]
        if count <= 1:
            self._slices = []
            ctx.join(None)
            y = model.run_forward(x, ctx)
            self.output_mask = ctx.output_mask
            return y
        self._slices = split(len(x), count)
        for each in self.contexts[:count]:
            each.join(self._teams[count])
        outputs = self._teams[count].run(
            [
                partial(model.run_forward, x[rows], each)
                for rows, each in zip(self._slices, self.contexts, strict=False)
            ]
        )
        masks = [each.output_mask for each in self.contexts[:count]]
        self.output_mask = None if masks[0] is None else np.concatenate(masks)  # type: ignore[arg-type]
        shape = (len(x), *outputs[0].shape[1:])
        return np.concatenate(outputs, out=ctx.buffer("joined", shape, outputs[0].dtype))

    def backward(self, model: Layer, dy: Array) -> None:
        """Leave the gradients of all weights in `gradients[0]`."""
        count = len(self._slices)
        if not count:
            try:
                model.run_backward(dy, self.contexts[0])
            finally:
                self.contexts[0].settle()
            return
        shares = split(self.gradients[0].size, count)  # which of the sums each thread makes
        self._teams[count].run([partial(self._run_backward, i, model, dy, shares[i]) for i in range(count)])

    def _run_backward(self, number: int, model: Layer, dy: Array, share: slice) -> None:
        """Of one part; and when all have come so far, the sum over the parts for some of the weights."""
        count = len(self._slices)
        model.run_backward(dy[self._slices[number]], self.contexts[number])
        self._teams[count].wait()
        self._add(share, count)

    def _add(self, where: slice, count: int) -> None:
        total = self.gradients[0][where]
        for gradient in self.gradients[1:count]:
            total += gradient[where]
