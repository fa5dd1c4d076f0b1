"""Two layers from the same weights, trained side by side: do they part, and where, and when?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minikeras import optimizers
from minikeras.layers.base import Layer
from minikeras.layers.inputs import as_numeric
from minikeras.markup import Markup, View, curves, join, table, tag, text_table
from minikeras.teach.problem import in_float64
from minikeras.teach.trace import Trace, run_trace
from minikeras.training.trainer import Trainer
from minikeras.typing import Array

TOLERANCE = 1e-6  # relative; both are trained in double precision


class Comparison(View):
    """What `compare` saw.

    Attributes:
        data: {"y": one relative difference for each step, "dL/dkernel": ..., "dL/dx": ...}, in the order of a step.
        losses: the losses of mine and of the reference, one for each step.
        parted: (step, quantity) where the two first differ, steps counted from 1; None when they never do.
    """

    title = "comparison"

    def __init__(self, names: tuple[str, str], data: dict[str, Array], losses: dict[str, Array]) -> None:
        self.names, self.data, self.losses = names, data, losses
        apart = [
            (int(np.argmax(d > TOLERANCE)) + 1, name) for name, d in data.items() if (d > TOLERANCE).any()
        ]
        self.parted = min(apart, key=lambda pair: pair[0]) if apart else None  # the first of the first step

    @property
    def same(self) -> bool:
        """Whether they never parted."""
        return self.parted is None

    def _summary(self) -> str:
        steps, (mine, reference) = len(self.losses["mine"]), self.names
        if self.parted is None:
            return f"{mine} and {reference} are the same in all {steps} steps."
        step, name = self.parted
        others = [n for n, d in self.data.items() if d[step - 1] <= TOLERANCE]
        still = (
            f" {', '.join(others)} {'is' if len(others) == 1 else 'are'} still the same then."
            if others
            else ""
        )
        return f"{mine} and {reference} part in step {step} at {name}, by {self.data[name][step - 1]:.1%}.{still}"

    def _rows(self) -> list[list[Any]]:
        last = len(self.losses["mine"]) - 1
        shown = sorted({0, 1, last // 2, last} & set(range(last + 1)))
        losses = {f"loss, {k}": v for k, v in self.losses.items()}
        values = losses | {f"{name} differs by": d for name, d in self.data.items()}
        return [[name, *(f"{v[i]:.3g}" for i in shown)] for name, v in values.items()]

    def _heads(self) -> list[str]:
        last = len(self.losses["mine"]) - 1
        return [
            "",
            *(f"step {i + 1}" for i in sorted({0, 1, last // 2, last}) if i <= last),
        ]

    def __str__(self) -> str:
        return f"{self._summary()}\n{text_table(self._heads(), self._rows())}"

    def html(self) -> Markup:
        """The same, with the curves of both losses."""
        head = tag("p", self._summary(), class_="good" if self.same else "bad")
        return join(
            [head, curves({k: list(v) for k, v in self.losses.items()}), table(self._heads(), self._rows())]
        )

    __repr__ = __str__


def compare(
    mine: Layer,
    reference: Layer,
    x: Any,
    y: Any = None,
    *,
    steps: int = 20,
    loss: Any = "mse",
    optimizer: Any = "sgd",
) -> Comparison:
    """Train copies of two layers (or models) from the reference's weights on one batch.

    Args:
        mine: your layer.
        reference: one that is right; its variables have the same shapes in the same order.
        x: a batch of inputs.
        y: targets of the shape of the output; random ones when None.
        steps: how many.
        loss: as in `compile`.
        optimizer: as in `compile`.

    Raises:
        ValueError: when the variables of the two cannot be paired.
    """
    for layer in (mine, reference):
        if not isinstance(layer, Layer):
            raise TypeError(
                f"compare needs two layers, such as compare(MyDense(4), Dense(4), x). Received: {layer!r}"
            )
    array = as_numeric(x, "compare")
    pair = [in_float64(mine), in_float64(reference)]
    for layer in pair:
        layer.ensure_built(array.shape)
    shapes = [[v.shape for v in layer.weights] for layer in pair]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"compare: the variables differ: mine have shapes {shapes[0]}, the reference's {shapes[1]}."
        )
    pair[0].set_weights(pair[1].get_weights())
    array = array.astype("float64") if array.dtype.kind == "f" else array
    shape = np.shape(pair[1](array, training=False))
    targets = np.random.default_rng(0).normal(size=shape) if y is None else np.asarray(y)
    models = [_Alone(layer, loss, copy.deepcopy(optimizers.get(optimizer))) for layer in pair]
    traces = [[model.step(array, targets) for model in models] for _ in range(steps)]
    names = [f"dL/d{v.name}" for v in pair[0].trainable_weights]
    data = {
        "y": [_difference(a.y_pred, b.y_pred) for a, b in traces],
        **{
            n: [_difference(_gradients(a)[k], _gradients(b)[k]) for a, b in traces]
            for k, n in enumerate(names)
        },
        "dL/dx": [_difference(a[0].dx, b[0].dx) for a, b in traces],
    }
    losses = {
        "mine": np.array([a.loss for a, _ in traces]),
        "reference": np.array([b.loss for _, b in traces]),
    }
    return Comparison((mine.where(), reference.where()), {k: np.array(v) for k, v in data.items()}, losses)


class _Alone(Trainer):
    """A layer as a model of its own, trained by hand so that everything can be seen."""

    def __init__(self, layer: Layer, loss: Any, optimizer: Any) -> None:
        super().__init__(dtype="float64", autocast=False)
        self.layers = [layer]
        self.forget_passes()
        self.compile(optimizer, loss)

    def step(self, x: Array, y: Array) -> Trace:
        """One step of training, and what happened in it."""
        seen = run_trace(self, x, y, True)
        if self.trainable_weights:
            self.optimizer.apply([g.copy() for g in _gradients(seen)], self.trainable_weights)
        return seen


def _gradients(trace: Trace) -> list[Array]:
    return [g for one in trace.layers for g in one.gradients.values()]


def _difference(a: Array | None, b: Array | None) -> float:
    """|a − b| relative to the larger; infinite where the shapes differ."""
    if a is None or b is None or a.shape != b.shape:
        return float("inf")
    size = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    return float(np.abs(a - b).max(initial=0.0)) / size if size > 0 else 0.0
