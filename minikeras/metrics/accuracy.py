"""Accuracies: how often the prediction is right.

They differ in what counts as a prediction: the value itself, a probability above a threshold, the
most probable class, or one of the k most probable. Labels come as numbers or one-hot rows. Each is
a function with a 1 or 0 per sample, and a metric with its mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError
from minikeras.losses.base import squeeze_or_expand_to_same_rank
from minikeras.metrics.reduction import MeanMetricWrapper
from minikeras.typing import Array


def _equal(metric: str, a: Array, b: Array, fix: str | None = None) -> Array:
    """1 where a and b agree, 0 elsewhere.

    Raises:
        ShapeError: when their shapes differ.
    """
    if a.shape != b.shape:
        raise ShapeError(
            f'metric "{metric}"', "as many labels as predictions", f"{a.shape} and {b.shape}", fix
        )
    return np.asarray(a == b, config.floatx())


def accuracy(y_true: Any, y_pred: Any) -> Array:
    """1 where y_true = y_pred, element by element."""
    p = np.asarray(y_pred)
    y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true).astype(p.dtype, copy=False), p)
    return _equal("accuracy", y, p)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Array:
    """1 where y_true = (y_pred > threshold), element by element."""
    y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true), np.asarray(y_pred))
    return _equal(
        "binary_accuracy", y, p > threshold, "one-hot labels or probabilities go with categorical_accuracy"
    )


def categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """1 where the greatest of a one-hot row y_true and of y_pred stand at the same place."""
    y, p = np.asarray(y_true), np.asarray(y_pred)
    fix = "integer labels go with sparse_categorical_accuracy"
    return _equal("categorical_accuracy", y.argmax(axis=-1), p.argmax(axis=-1), fix)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """1 where the class y_true, an integer, is where the row y_pred is greatest."""
    y, p = np.asarray(y_true), np.asarray(y_pred)
    if y.ndim == p.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    fix = "one-hot labels go with categorical_accuracy"
    matches = _equal("sparse_categorical_accuracy", y, p.argmax(axis=-1), fix)
    return matches[..., 0] if matches.ndim > 1 and matches.shape[-1] == 1 else matches


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Array:
    """1 where fewer than k classes have a greater y_pred than the one that the row y_true marks."""
    return sparse_top_k_categorical_accuracy(np.asarray(y_true).argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """1 where fewer than k classes have a greater y_pred than the class y_true, an integer.

    Args:
        y_true: the classes, shape (...).
        y_pred: a number for each class, shape (..., classes).
        k: how many guesses count.
        from_sorted_ids: y_pred holds the classes themselves, the best first.
    """
    p, y = np.asarray(y_pred), np.asarray(y_true)
    rows, labels = p.reshape(-1, p.shape[-1]), y.ravel()  # (n, classes), (n,)
    if len(rows) != len(labels):
        fix = "one-hot labels go with top_k_categorical_accuracy"
        raise ShapeError(
            "a top-k accuracy", "a row of predictions for each label", f"{y.shape} and {p.shape}", fix
        )
    if from_sorted_ids:
        matches = (rows[:, :k] == labels[:, None]).any(axis=1)
    else:
        places = labels.astype(np.intp)
        known = (places >= 0) & (places < rows.shape[1])
        own = rows[np.arange(len(rows)), np.where(known, places, 0)]
        own = np.where(known & ~np.isnan(own), own, -np.inf)
        matches = (rows > own[:, None]).sum(axis=1) < k
    return np.asarray(matches, config.floatx()).reshape(y.shape)


class Accuracy(MeanMetricWrapper):
    """The share of elements where y_true = y_pred. (In `compile`, "accuracy" picks one of the others.)

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of elements where y_true = (y_pred > threshold).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        threshold: predictions above it mean 1.
    """

    direction = "up"

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose greatest prediction is where the one-hot label is.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose greatest prediction is at the integer label.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose one-hot label is among the k greatest predictions.

    Args:
        k: how many guesses count.
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "up"

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of rows whose integer label is among the k greatest predictions.

    Args:
        k: how many guesses count.
        name: what the logs call it.
        dtype: has no influence on a single number.
        from_sorted_ids: predictions are the classes themselves, the best first.
    """

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self.k = k
        self.from_sorted_ids = from_sorted_ids
