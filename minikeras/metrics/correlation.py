"""Correlations between targets and predictions along an axis, averaged over the samples.

Pearson's r asks whether both rise and fall together on some straight line; the concordance
coefficient asks whether that line is y = x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError
from minikeras.losses.base import as_float, squeeze_or_expand_to_same_rank
from minikeras.metrics.reduction import MeanMetricWrapper
from minikeras.typing import Array


def _align(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    p = as_float(y_pred, None)
    y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true, p.dtype), p)
    if y.shape != p.shape:
        raise ShapeError("a correlation", f"y_true of the shape of y_pred, {p.shape}", f"y_true {y.shape}")
    return y, p


def pearson_correlation(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] = -1) -> Array:
    """r = cov(y, p) / (σ_y σ_p) along the axis; NaN where either is constant, as in Keras.

    Raises:
        ShapeError: when the shapes differ.
    """
    y, p = _align(y_true, y_pred)
    y = y - y.mean(axis=axis, keepdims=True)
    p = p - p.mean(axis=axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, p = y / y.std(axis=axis, keepdims=True), p / p.std(axis=axis, keepdims=True)
        return np.asarray(np.mean(y * p, axis=axis))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] = -1) -> Array:
    """2 cov(y, p) / (σ_y² + σ_p² + (mean y − mean p)²) along the axis (Lin, 1989).

    Raises:
        ShapeError: when the shapes differ.
    """
    y, p = _align(y_true, y_pred)
    y_mean, p_mean = y.mean(axis=axis), p.mean(axis=axis)
    covariance = np.mean(
        (y - y.mean(axis=axis, keepdims=True)) * (p - p.mean(axis=axis, keepdims=True)), axis=axis
    )
    spread = y.var(axis=axis) + p.var(axis=axis) + (y_mean - p_mean) ** 2
    return np.asarray(2 * covariance / (spread + config.epsilon()))


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of r = cov(y, p) / (σ_y σ_p), taken along an axis.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        axis: the axis, or axes, along which targets and predictions are compared.
    """

    direction = "up"

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int | tuple[int, ...] = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)
        self.axis = axis


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of 2 cov(y, p) / (σ_y² + σ_p² + (mean y − mean p)²), taken along an axis.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        axis: the axis, or axes, along which targets and predictions are compared.
    """

    direction = "up"

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: Any = None,
        axis: int | tuple[int, ...] = -1,
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
        self.axis = axis
