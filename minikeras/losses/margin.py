"""Losses of margins and overlaps: the hinges, Dice and Tversky."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.losses.base import Loss, mean_over
from minikeras.losses.regression import spread
from minikeras.typing import Array


def to_signs(y: Array) -> Array:
    """Labels 0 and 1 as −1 and 1; anything else in the batch means that they are signs already."""
    return 2 * y - 1 if ((y == 0) | (y == 1)).all() else y


class Hinge(Loss):
    """v = mean max(1 − y p, 0), y = ±1; the slope is −y inside the margin, −y/2 on its edge."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return mean_over(np.maximum(1 - to_signs(y_true) * y_pred, 0), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y = to_signs(y_true)
        inside = np.heaviside(1 - y * y_pred, y_pred.dtype.type(0.5))
        return -y * inside * spread(dv, y_pred)


class SquaredHinge(Loss):
    """v = mean max(1 − y p, 0)², y = ±1."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return mean_over(np.maximum(1 - to_signs(y_true) * y_pred, 0) ** 2, axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y = to_signs(y_true)
        return -2 * y * np.maximum(1 - y * y_pred, 0) * spread(dv, y_pred)


class CategoricalHinge(Loss):
    """v = max(max over the wrong classes of p − p of the right class + 1, 0)."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.maximum(self._margin(y_true, y_pred), 0)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        wrong = (1 - y_true) * y_pred
        top = wrong == wrong.max(axis=-1, keepdims=True)
        share = top / top.sum(axis=-1, keepdims=True)  # a tie's gradient is split equally
        inside = np.heaviside(self._margin(y_true, y_pred), y_pred.dtype.type(0.5))
        d = ((1 - y_true) * share - y_true) * np.asarray(dv * inside)[..., None]
        return d.astype(y_pred.dtype)

    @staticmethod
    def _margin(y_true: Array, y_pred: Array) -> Array:
        right = np.sum(y_true * y_pred, axis=-1)
        return np.max((1 - y_true) * y_pred, axis=-1) - right + 1


class Dice(Loss):
    """v = 1 − 2 Σ y p / (Σ y + Σ p + ε), one minus the overlap of two sets.

    Args:
        axis: what is summed over; None sums over everything, the batch included.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        overlap, total = self._sums(y_true, y_pred, keepdims=False)
        return np.asarray(1 - 2 * overlap / total)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        overlap, total = self._sums(y_true, y_pred, keepdims=True)
        return dv.reshape(overlap.shape) * 2 * (overlap / total - y_true) / total

    def _sums(self, y: Array, p: Array, keepdims: bool) -> tuple[Array, Array]:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        total = np.sum(y, axis, keepdims=keepdims) + np.sum(p, axis, keepdims=keepdims) + config.epsilon()
        return np.sum(y * p, axis, keepdims=keepdims), total


class Tversky(Loss):
    """v = 1 − I / (I + α Σ (1 − p) y + β Σ p (1 − y) + ε), with I = Σ y p.

    Args:
        alpha: the price of a missed positive.
        beta: the price of a false positive.
        axis: what is summed over; None sums over everything.

    Source: Salehi et al., "Tversky loss function for image segmentation", 2017.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        overlap, total = self._sums(y_true, y_pred, keepdims=False)
        return np.asarray(1 - overlap / total)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        overlap, total = self._sums(y_true, y_pred, keepdims=True)
        y = y_true
        total_slope = y - self.alpha * y + self.beta * (1 - y)  # d total/dp; d overlap/dp = y
        return dv.reshape(overlap.shape) * (overlap / total * total_slope - y) / total

    def _sums(self, y: Array, p: Array, keepdims: bool) -> tuple[Array, Array]:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        overlap = np.sum(y * p, axis, keepdims=keepdims)
        missed = np.sum((1 - p) * y, axis, keepdims=keepdims)
        false = np.sum(p * (1 - y), axis, keepdims=keepdims)
        return overlap, overlap + self.alpha * missed + self.beta * false + config.epsilon()
