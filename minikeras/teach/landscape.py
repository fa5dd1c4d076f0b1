"""The loss around the weights: a slice through its landscape, and the path that training took.

A model has too many weights to draw the loss over all of them, so two directions are chosen: those in
which training moved most, or two random ones. A random direction is scaled filter by filter to the
size of the weights, or else a layer with large weights would look flat.
Source: Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minikeras.callbacks import Callback
from minikeras.errors import check_int
from minikeras.markup import Markup, View, heatmap, join, tag
from minikeras.teach.figures import finish, subplots
from minikeras.typing import Array


class WeightPath(Callback):
    """A callback that notes all weights before the training and after each epoch.

    Attributes:
        data: (epochs + 1, weights).
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Array] = []

    @property
    def data(self) -> Array:
        """All notes, one a row."""
        return np.array(self.steps)

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin a new path, at the first weights; a model that is not built yet has none."""
        self.steps = [_flat(self.model)] if self.model.built else []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the weights."""
        self.steps.append(_flat(self.model))


def _flat(model: Any) -> Array:
    return np.concatenate([v.value.reshape(-1).astype(float) for v in model.trainable_weights])


class Landscape(View):
    """A slice of the loss.

    Attributes:
        data: the loss at [row of v, column of u].
        u, v: the coordinates along the two directions; the model is at (0, 0).
        path: the coordinates of the training path, (epochs + 1, 2), or None.
    """

    title = "loss landscape"

    def __init__(self, data: Array, u: Array, v: Array, path: Array | None) -> None:
        self.data, self.u, self.v, self.path = data, u, v, path

    def __str__(self) -> str:
        here = self.data[len(self.v) // 2, len(self.u) // 2]
        return f"loss {here:.4g} at the centre of the slice; from {self.data.min():.4g} to {self.data.max():.4g} on it"

    def html(self) -> Markup:
        """Darker is higher; `plot()` draws it properly."""
        return join([heatmap(self.data[::-1], 9, 60), tag("p", str(self))])

    def plot(self) -> Any:
        """A matplotlib figure with lines of equal loss, and the path."""
        figure, axes = subplots(1, 1, (5.2, 4.4))
        axis = axes[0, 0]
        low, high = float(np.nanmin(self.data)), float(np.nanmax(self.data))
        levels = np.geomspace(low, high, 25) if 0 < low < high else 25
        drawn = axis.contourf(self.u, self.v, self.data, levels=levels, cmap="viridis")
        axis.contour(self.u, self.v, self.data, levels=levels, colors="white", linewidths=0.3)
        bar = figure.colorbar(drawn, label="loss")
        bar.ax.yaxis.set_major_formatter("{x:.3g}")
        if self.path is not None:
            axis.plot(*self.path.T, "o-", color="white", markersize=3, linewidth=1)
        axis.plot(0, 0, "*", color="#d9722e", markersize=12)
        axis.set(xlabel="first direction", ylabel="second direction")
        return finish(figure)

    __repr__ = __str__


def loss_landscape(
    model: Any,
    x: Any,
    y: Any,
    *,
    path: WeightPath | None = None,
    span: float = 1.0,
    resolution: int = 21,
    seed: int = 0,
) -> Landscape:
    """The loss on a plane through the model's weights.

    Args:
        model: a compiled model; it stays as it is.
        x: inputs.
        y: targets.
        path: from `fit(..., callbacks=[path])`; the plane is then that in which training moved most.
        span: how far to go on each side: 1 is as far as the weights are large. With a path, the
            plane is as large as the path needs.
        resolution: points along each side.
        seed: of random directions.

    Raises:
        ValueError: for a model that is not compiled or has no weights, or a path of another model.
    """
    if not getattr(model, "compiled", False):
        raise ValueError("loss_landscape needs a loss: model.compile(optimizer='sgd', loss='mse').")
    check_int("loss_landscape", "resolution", resolution, 3)
    twin = copy.deepcopy(model)
    twin.ensure_built(np.shape(x))
    centre, rng = _flat(twin), np.random.default_rng(seed)
    track = None
    if path is not None and len(path.steps):
        if path.data.shape[1] != len(centre):
            raise ValueError(
                f"loss_landscape: the path has {path.data.shape[1]} weights, the model {len(centre)}."
            )
        steps = path.data - centre
        directions = np.linalg.svd(steps, full_matrices=False)[2][:2]
        if len(directions) < 2 or not steps.any():
            raise ValueError("loss_landscape: the path needs at least two epochs that changed the weights.")
        track = steps @ directions.T
        reach = [1.25 * np.abs(track[:, k]).max() or 1.0 for k in range(2)]
    else:
        directions, reach = np.stack([_random(twin, rng) for _ in range(2)]), [span, span]
    u, v = (np.linspace(-r, r, resolution) for r in reach)
    losses = np.empty((resolution, resolution))
    with np.errstate(all="ignore"):
        for i, j in np.ndindex(losses.shape):
            losses[i, j] = _loss_at(twin, centre + v[i] * directions[1] + u[j] * directions[0], x, y)
    return Landscape(losses, u, v, track)


def _random(model: Any, rng: np.random.Generator) -> Array:
    """A random direction, each filter as long as its weights; biases stay."""
    parts = []
    for v in model.trainable_weights:
        d, w = rng.normal(size=v.shape), v.value.astype(float)
        axes = tuple(range(v.ndim - 1))
        size = np.sqrt((w**2).sum(axis=axes, keepdims=True)) / np.sqrt((d**2).sum(axis=axes, keepdims=True))
        parts.append((d * size if v.ndim > 1 else np.zeros(v.shape)).reshape(-1))
    return np.concatenate(parts)


def _loss_at(model: Any, weights: Array, x: Any, y: Any) -> float:
    start = 0
    for v in model.trainable_weights:
        v.value[...] = weights[start : start + v.size].reshape(v.shape)
        start += v.size
    return float(model.test_on_batch(x, y, return_dict=True)["loss"])
