"""Losses between numbers: squared, absolute, relative and logarithmic errors, and cosine similarity.

With e = y_pred − y_true and n numbers in a row, most are a mean over the row of some f(e), so
dL/dy_pred is dv·f'(e)/n.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras import config
from minikeras.activations.smooth import softplus_of
from minikeras.losses.base import Loss, mean_over
from minikeras.typing import Array


def spread(dv: Array, y_pred: Array) -> Array:
    """dv/n for every number of a row: the gradient of a mean over the last axis."""
    return np.asarray(dv / y_pred.shape[-1])[..., None]


class MeanSquaredError(Loss):
    """v = mean (y_pred − y_true)² over the row; dv/dy_pred = 2 (y_pred − y_true)/n."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = y_pred - y_true
        e *= e
        return mean_over(e, axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        dy = y_pred - y_true
        dy *= 2 * spread(dv, y_pred)
        return dy


class MeanAbsoluteError(Loss):
    """v = mean abs(y_pred − y_true); dv/dy_pred = sign(y_pred − y_true)/n, 0 where they are equal."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = y_pred - y_true
        return mean_over(np.abs(e, out=e), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        dy = y_pred - y_true
        np.sign(dy, out=dy)
        dy *= spread(dv, y_pred)
        return dy


class MeanAbsolutePercentageError(Loss):
    """v = 100 · mean abs(y_true − y_pred) / max(abs(y_true), ε)."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return 100 * mean_over(np.abs(y_true - y_pred) / self._size(y_true), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        return 100 * np.sign(y_pred - y_true) / self._size(y_true) * spread(dv, y_pred)

    @staticmethod
    def _size(y_true: Array) -> Array:
        return np.maximum(np.abs(y_true), config.epsilon())


class MeanSquaredLogarithmicError(Loss):
    """v = mean (log(1 + y_pred) − log(1 + y_true))², with both held at or above ε."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = self._log(y_pred) - self._log(y_true)
        return mean_over(e * e, axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        e = self._log(y_pred) - self._log(y_true)
        inside = y_pred > config.epsilon()
        slope = np.where(inside, 2 * e / (1 + np.where(inside, y_pred, 0)), 0)
        return (slope * spread(dv, y_pred)).astype(y_pred.dtype)

    @staticmethod
    def _log(y: Array) -> Array:
        return np.log(np.maximum(y, config.epsilon()) + 1)


class Huber(Loss):
    """v = mean of e²/2 where abs(e) ≤ δ, else δ·abs(e) − δ²/2; the slope is e, held in [−δ, δ].

    Args:
        delta: where the parabola goes over into a line.

    Source: P. Huber, "Robust Estimation of a Location Parameter", 1964.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = delta

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = np.abs(y_pred - y_true)
        return mean_over(np.where(e <= self.delta, e * e / 2, self.delta * e - self.delta**2 / 2), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        return np.clip(y_pred - y_true, -self.delta, self.delta) * spread(dv, y_pred)


class LogCosh(Loss):
    """v = mean log cosh e = mean (e + log(1 + e^−2e) − log 2); the slope is tanh e."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        e = y_pred - y_true
        return mean_over(e + softplus_of(-2 * e) - math.log(2), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        return np.tanh(y_pred - y_true) * spread(dv, y_pred)


class Poisson(Loss):
    """v = mean (y_pred − y_true log(y_pred + ε)), the likelihood of counts y_true with mean y_pred."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return mean_over(y_pred - y_true * np.log(y_pred + config.epsilon()), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        return (1 - y_true / (y_pred + config.epsilon())) * spread(dv, y_pred)


class CosineSimilarity(Loss):
    """v = −Σ ŷ_true ŷ_pred with ŷ = y/‖y‖: −1 for the same direction, 1 for opposite ones.

    dv/dy_pred = −(ŷ_true − ŷ_pred (ŷ_true·ŷ_pred)) / ‖y_pred‖.

    Args:
        axis: the axis that the vectors lie along.
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return -np.sum(self._unit(y_true)[0] * self._unit(y_pred)[0], axis=self.axis)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        (y, _), (p, norm) = self._unit(y_true), self._unit(y_pred)
        cosine = np.sum(y * p, axis=self.axis, keepdims=True)
        cosine = np.where(norm > config.epsilon(), cosine, 0).astype(p.dtype)  # a held norm has no slope
        return -np.expand_dims(dv, self.axis) * (y - p * cosine) / norm

    def _unit(self, x: Array) -> tuple[Array, Array]:
        """x/‖x‖ and ‖x‖, which is held at or above ε."""
        norm = np.maximum(np.sqrt(np.sum(x * x, axis=self.axis, keepdims=True)), config.epsilon())
        return x / norm, norm
