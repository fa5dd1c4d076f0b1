"""Finding the metric that is meant: by name, config or function, or by the shapes of the data."""

from __future__ import annotations

from typing import Any

from minikeras.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minikeras.metrics.base import Metric, table
from minikeras.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from minikeras.metrics.reduction import MeanMetricWrapper
from minikeras.naming import to_snake_case
from minikeras.typing import Shape


def get(identifier: Any) -> Metric | None:
    """A metric from a name, a config, a `Metric` class or object, or a function of (y_true, y_pred).

    A function becomes a `MeanMetricWrapper` of its own name. "accuracy" is elementwise equality here;
    `compile` asks `accuracy_for` instead. None stays None.

    Raises:
        ValueError: for an unknown name, with the closest known ones, or something that is no metric.
    """
    if identifier is None:
        return None
    found = table.create(identifier)
    if isinstance(found, Metric):
        return found
    if callable(found):
        name = getattr(found, "name", None) or getattr(found, "__name__", type(found).__name__)
        return MeanMetricWrapper(found, to_snake_case(str(name)))  # a lambda is called "lambda"
    raise table.unknown(identifier)


def _kind(y_shape: Shape, p_shape: Shape) -> int:
    """0: binary, 1: integer labels, 2: one-hot rows, as told by the shapes alone."""
    if not p_shape or p_shape[-1] == 1:
        return 0
    return 1 if len(y_shape) < len(p_shape) or y_shape[-1] == 1 else 2


def accuracy_for(y_shape: Shape, p_shape: Shape) -> type[Metric]:
    """The metric that "accuracy" means for targets and predictions of these shapes.

    Predictions whose last axis is 1: binary; targets with fewer axes, or a last axis of 1: integer
    labels; else one-hot rows.
    """
    classes: tuple[type[Metric], ...] = (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy)
    return classes[_kind(y_shape, p_shape)]


def crossentropy_for(y_shape: Shape, p_shape: Shape) -> type[Metric]:
    """The metric that "crossentropy" means for these shapes, by the rule of `accuracy_for`."""
    classes: tuple[type[Metric], ...]
    classes = (BinaryCrossentropy, SparseCategoricalCrossentropy, CategoricalCrossentropy)
    return classes[_kind(y_shape, p_shape)]
