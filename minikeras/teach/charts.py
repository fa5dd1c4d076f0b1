"""Curves of training, gradients from layer to layer, and races between optimizers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from minikeras import optimizers
from minikeras.markup import Markup, View, curves, join, table, text_table
from minikeras.teach.figures import finish, subplots
from minikeras.teach.trace import NO_TARGETS, Trace


def plot_history(history: Any) -> Any:
    """A matplotlib figure of what `fit` returned: one chart for each number, with that of the validation.

    Args:
        history: a `History`, or its dict {name: one number for each epoch}.

    Raises:
        ValueError: when there is no epoch in it.
    """
    numbers: dict[str, Any] = getattr(history, "history", history)
    names = [n for n in numbers if not n.startswith("val_")]
    if not names or not len(numbers[names[0]]):
        raise ValueError("plot_history: the history is empty; it needs at least one epoch of fit.")
    names.sort(key=lambda n: n != "loss")
    figure, axes = subplots(1, len(names), (4.5 * len(names), 3.2))
    for axis, name in zip(axes.flat, names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in numbers:
                axis.plot(
                    range(1, len(numbers[key]) + 1), numbers[key], marker="o", markersize=3, label=label
                )
        axis.set(title=name, xlabel="epoch")
        axis.locator_params(axis="x", integer=True)
        axis.legend(fontsize=8)
    return finish(figure)


def gradient_flow(trace: Trace) -> Any:
    """A matplotlib figure: how large dL/dy and the weights' gradients are in each layer of a trace.

    Raises:
        ValueError: for a trace without targets.
    """
    if trace.loss is None:
        raise ValueError(NO_TARGETS)
    figure, axes = subplots(1, 1, (max(5.0, 0.9 * len(trace.layers)) + 1.6, 3.5))
    axis, places = axes[0, 0], np.arange(len(trace.layers))
    flow = [
        np.nan if (d := one.dz if one.dy is None else one.dy) is None else _rms(d) for one in trace.layers
    ]
    axis.plot(places, flow, "o-", label="dL/dy, or dL/dz where paired")
    for place, one in zip(places, trace.layers, strict=True):
        for k, (name, gradient) in enumerate(one.gradients.items()):
            axis.bar(place + 0.15 * k, _rms(gradient), 0.14, color=f"C{k + 1}", label=f"dL/d{name}")
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))  # each label once
    axis.legend(handles.values(), handles.keys(), fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    axis.set_xticks(places, [one.name for one in trace.layers], rotation=30, ha="right")
    axis.set(yscale="log", ylabel="root mean square", title="gradients, from the first layer to the last")
    return finish(figure)


def _rms(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(array, float))))) if np.size(array) else 0.0


class Race(View):
    """Optimizers on one problem: `data` is {name: the loss of each epoch}."""

    title = "race"

    def __init__(self, data: dict[str, list[float]]) -> None:
        self.data = data

    @property
    def winner(self) -> str:
        """The name of the lowest last loss."""
        return min(self.data, key=lambda name: (not np.isfinite(self.data[name][-1]), self.data[name][-1]))

    def _rows(self) -> list[list[Any]]:
        return [[n, float(v[0]), float(np.min(v)), float(v[-1])] for n, v in self.data.items()]

    def __str__(self) -> str:
        return text_table(["optimizer", "first loss", "best", "last"], self._rows())

    def html(self) -> Markup:
        """Curves and a table."""
        return join(
            [
                curves(self.data, 420, 160, logarithmic=True),
                table(["optimizer", "first loss", "best", "last"], self._rows()),
            ]
        )

    def plot(self) -> Any:
        """A matplotlib figure of the losses."""
        figure, axes = subplots(1, 1, (6, 3.8))
        for name, losses in self.data.items():
            axes[0, 0].plot(range(1, len(losses) + 1), losses, label=name)
        axes[0, 0].set(xlabel="epoch", ylabel="loss", yscale="log")
        axes[0, 0].locator_params(axis="x", integer=True)
        axes[0, 0].legend(fontsize=8)
        return finish(figure)

    __repr__ = __str__


def learning_rates(
    model: Any,
    x: Any,
    y: Any,
    racers: Mapping[str, Any] | None = None,
    *,
    epochs: int = 10,
    batch_size: int = 32,
) -> Race:
    """Train copies of a compiled model from the same weights, each with another optimizer.

    Args:
        model: a compiled model; it stays as it is.
        x: inputs.
        y: targets.
        racers: {label: an optimizer or its name}; by default SGD at five learning rates.
        epochs: how long.
        batch_size: samples per step.

    Raises:
        ValueError: for a model that is not compiled.
    """
    if not getattr(model, "compiled", False):
        raise ValueError("learning_rates needs a loss: model.compile(optimizer='sgd', loss='mse').")
    if racers is None:
        racers = {f"SGD {rate:g}": optimizers.SGD(rate) for rate in (0.001, 0.01, 0.1, 1.0, 10.0)}
    start = copy.deepcopy(model)
    start.ensure_built(np.shape(x))
    data: dict[str, list[float]] = {}
    for label, racer in racers.items():
        twin = copy.deepcopy(start)
        twin.compile(copy.deepcopy(optimizers.get(racer)), model.loss)
        with np.errstate(all="ignore"):  # one that diverges has lost; that is no error here
            history = twin.fit(x, y, epochs=epochs, batch_size=batch_size, shuffle=False, verbose=0)
        data[label] = history.history["loss"]
    return Race(data)
