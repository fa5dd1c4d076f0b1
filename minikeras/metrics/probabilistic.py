"""Losses between distributions as metrics: cross-entropies, Kullback-Leibler divergence, Poisson.

Each is the mean over the samples of the loss function of the same name; less is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from minikeras.metrics.reduction import Mean, MeanMetricWrapper


class KLDivergence(MeanMetricWrapper):
    """The mean of Σ y log(y / p) over the samples.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of p − y log p.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of −(y log p + (1 − y) log(1 − p)).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        from_logits: predictions are z, and p = σ(z).
        label_smoothing: s in [0, 1]; the labels become y (1 − s) + s/2.
    """

    direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of −Σ y log p, with one-hot y.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        from_logits: predictions are z, and p = softmax(z).
        label_smoothing: s in [0, 1]; the labels become y (1 − s) + s/classes.
        axis: the axis of the classes.
    """

    direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        options: dict[str, Any] = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(categorical_crossentropy, name, dtype, **options)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of −log p of the true class, an integer.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        from_logits: predictions are z, and p = softmax(z).
        ignore_class: a label whose samples add nothing to the total. As in Keras they still count as
            samples, unless there are sample weights: then their weight is zero.
        axis: the axis of the classes.
    """

    direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options: dict[str, Any] = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, name, dtype, **options)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add a batch.

        Raises:
            ShapeError: when targets, predictions or weights do not fit each other.
        """
        if self.ignore_class is None:
            super().update_state(y_true, y_pred, sample_weight)
            return
        values = self._values(y_true, y_pred)
        counted = np.asarray(y_true).reshape(values.shape) != self.ignore_class
        if sample_weight is not None:
            weights = np.asarray(sample_weight)
            sample_weight = counted * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        Mean.update_state(self, values * counted, sample_weight)
