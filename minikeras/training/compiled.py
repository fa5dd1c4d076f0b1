"""The loss and the metrics that `compile` was given, found and named as Keras does.

Names such as "accuracy" mean different metrics for different shapes, so they are resolved when
the first batch is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import losses, metrics
from minikeras.losses import Loss
from minikeras.metrics import Metric
from minikeras.typing import Array

ACCURACY = ("accuracy", "acc")
CROSSENTROPY = ("crossentropy", "ce")
LOSS_OF = {
    "BinaryCrossentropy": losses.BinaryCrossentropy,
    "SparseCategoricalCrossentropy": losses.SparseCategoricalCrossentropy,
    "CategoricalCrossentropy": losses.CategoricalCrossentropy,
}


def find_loss(identifier: Any, y: Array, y_pred: Array) -> Any:
    """The loss object for `compile(loss=...)`.

    Raises:
        ValueError: for an unknown name, or a loss that gives no single number.
    """
    if isinstance(identifier, (list, tuple)) and len(identifier) == 1:
        identifier = identifier[0]
    if isinstance(identifier, str) and identifier.lower() in CROSSENTROPY:
        return LOSS_OF[metrics.crossentropy_for(y.shape, y_pred.shape).__name__]()
    loss = losses.get(identifier)
    if isinstance(loss, Loss) and loss.reduction in (None, "none"):
        raise ValueError(
            f"Loss {loss.name!r} has reduction={loss.reduction!r}, so it gives one number per sample; training and "
            "evaluation need one number: use reduction='sum_over_batch_size'."
        )
    return loss


def check_metrics_argument(name: str, value: Any) -> list[Any]:
    """`metrics=` or `weighted_metrics=` as a flat list.

    Raises:
        ValueError: when it is not a list, tuple or dict.
    """
    if value is None:
        return []
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"Expected `{name}` to be a list, such as {name}=['accuracy']. Received: {value!r}")
    flat: list[Any] = []
    for item in value:
        flat += item if isinstance(item, (list, tuple)) else [item]
    return flat


class CompiledMetrics:
    """All metrics of a compiled model, under their names in the logs.

    Args:
        plain: the entries of `metrics=`: they ignore sample weights.
        weighted: the entries of `weighted_metrics=`.
    """

    def __init__(self, plain: Sequence[Any], weighted: Sequence[Any]) -> None:
        self.identifiers = [(m, False) for m in plain] + [(m, True) for m in weighted]
        self.entries: list[tuple[str, Metric, bool]] | None = None if self.identifiers else []

    @property
    def metrics(self) -> list[Metric]:
        """The metric objects; none before the first batch."""
        return [metric for _, metric, _ in self.entries or []]

    def update(self, y: Array, y_pred: Array, weights: Array | None, mask: Array | None) -> None:
        """Add a batch."""
        if self.entries is None:
            self.entries = self._resolve(y, y_pred)
        for _, metric, weighted in self.entries:
            w = weights if weighted else None
            if mask is not None and metric.uses_mask:
                w = mask.astype(y_pred.dtype) if w is None else _times_mask(w, mask)
            if w is None:
                metric.update_state(y, y_pred)
            else:
                metric.update_state(y, y_pred, sample_weight=w)

    def get_state(self) -> list[list[Any]]:
        """The arrays of each metric."""
        return [[v.numpy() for v in metric.variables] for metric in self.metrics]

    def set_state(self, state: list[list[Any]], y: Array, y_pred: Array) -> None:
        """Go on from what `get_state` returned; y and y_pred are a batch such as there will be."""
        self.entries = self._resolve(y, y_pred)
        for metric, arrays in zip(self.metrics, state, strict=True):
            metric.update_state(y, y_pred)  # some make their variables only then
            for v, array in zip(metric.variables, arrays, strict=True):
                v.assign(array)

    def results(self) -> dict[str, Any]:
        """Each metric's value so far, in the order of `compile`."""
        return {name: metric.result() for name, metric, _ in self.entries or []}

    def reset(self) -> None:
        """Start all anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _resolve(self, y: Array, y_pred: Array) -> list[tuple[str, Metric, bool]]:
        entries: list[tuple[str, Metric, bool]] = []
        plain_names: set[str] = set()
        for identifier, weighted in self.identifiers:
            if identifier is None:
                continue
            name, metric = find_metric(identifier, y, y_pred)
            if weighted and name in plain_names:
                name = f"weighted_{name}"
            taken = {n for n, _, _ in entries}
            unique, i = name, 0
            while unique in taken:
                i += 1
                unique = f"{name}_{i}"
            if not weighted:
                plain_names.add(unique)
            entries.append((unique, metric, weighted))
        return entries


def find_metric(identifier: Any, y: Array, y_pred: Array) -> tuple[str, Metric]:
    """The name in the logs and the metric object of one entry of `metrics=`.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(identifier, str):
        metric = metrics.get(identifier)
        assert metric is not None
        return metric.name, metric
    if identifier.lower() in ACCURACY:
        metric = metrics.accuracy_for(y.shape, y_pred.shape)()
    elif identifier.lower() in CROSSENTROPY:
        metric = metrics.crossentropy_for(y.shape, y_pred.shape)()
    else:
        metric = metrics.get(identifier)
        assert metric is not None
    metric.name = identifier  # as it was typed: "acc" stays "acc"
    return identifier, metric


def _times_mask(weights: Array, mask: Array) -> Array:
    if weights.ndim < mask.ndim:
        weights = weights.reshape(*weights.shape, *(1,) * (mask.ndim - weights.ndim))
    return weights * mask


class Tally:
    """A mean of batch losses, weighted by the batches' sizes."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.total, self.count = 0.0, 0

    def add(self, loss: float, samples: int) -> None:
        """Add a batch."""
        self.total += loss * samples
        self.count += samples

    def result(self) -> float:
        """The mean so far."""
        return self.total / self.count if self.count else 0.0


def to_logs(loss: float, results: dict[str, Any]) -> dict[str, Any]:
    """Loss and metrics as Python numbers, sorted by name, as callbacks see them."""
    logs = {"loss": loss, **results}
    return {name: to_python(logs[name]) for name in sorted(logs)}


def to_python(value: Any) -> Any:
    """A float where it is one number; an array stays an array."""
    return float(value) if np.ndim(value) == 0 else value
