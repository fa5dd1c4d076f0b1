"""Small array helpers that go before training: one-hot labels and rows of unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.typing import Array


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Class numbers as one-hot rows: y[i, k] = 1 if x[i] = k, else 0.

    Args:
        x: whole numbers from 0 to num_classes - 1, in any shape; a last axis of length 1 is dropped.
        num_classes: the length of a row; None means the largest number plus one.

    Returns:
        float64, the shape of x and one more axis.

    Raises:
        ValueError: when a number is negative, or too large for `num_classes`.
    """
    labels = np.array(x, dtype="int64")
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    labels = labels.reshape(-1)
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, -1)
    classes = int(num_classes) if num_classes else high + 1
    if low < 0 or high >= classes:
        raise ValueError(
            f"to_categorical: the classes must be whole numbers from 0 to {classes - 1} "
            f"(num_classes={classes}). Received: numbers from {low} to {high}."
        )
    one_hot = np.zeros((labels.size, classes))
    one_hot[np.arange(labels.size), labels] = 1.0
    return one_hot.reshape((*shape, classes))


def normalize(x: Any, axis: int = -1, order: float = 2) -> Array:
    """Divide by the norm along an axis: y = x / ||x||; where the norm is zero, x stays as it is.

    Args:
        x: an array; a vector becomes an array with one row.
        axis: the axis whose entries make up one vector.
        order: of the norm: 1, 2 or np.inf.
    """
    array = np.asarray(x)
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    norm[norm == 0] = 1
    normalized: Array = array / norm
    return normalized if normalized.ndim > 1 else normalized[np.newaxis]
