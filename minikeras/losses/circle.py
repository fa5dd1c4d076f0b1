"""Circle loss: a loss of whole batches, which draws embeddings of one class together and others apart.

It compares every sample of the batch with every other. Pairs that are still far from where they should
be weigh more than those that are nearly there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras.activations.smooth import sigmoid_of, softplus_of
from minikeras.errors import ShapeError, check_number
from minikeras.losses.base import Loss, as_float
from minikeras.typing import Array


class Circle(Loss):
    """v = softplus(log Σ exp aⁿ + log Σ exp aᵖ), over the pairs of a sample with others and with its own class.

    With d = max(1 − x·x', 0) of each pair, aᵖ = γ (m + d)(d − m) for pairs of one class and
    aⁿ = γ max(1 + m − d, 0) (1 − m − d) for all others. A sample without a partner of either kind has no loss.
    As in Keras, only samples with v > 0 count in the mean when the loss is called.

    `y_true` has shape (batch,) or (batch, 1), whole numbers; `y_pred` (batch, features), rows of length one.

    Args:
        gamma: γ, the sharpness.
        margin: m.
        remove_diagonal: whether a sample is no partner of itself.

    Source: Sun et al., "Circle loss", 2020.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma = check_number(self, "gamma", gamma, 0, math.inf)
        self.margin = check_number(self, "margin", margin, 0, 1)
        self.remove_diagonal = remove_diagonal

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Labels of shape (batch,), embeddings of shape (batch, features).

        Raises:
            ShapeError: for other shapes.
        """
        y, x = np.asarray(y_true), as_float(y_pred, self.dtype)
        where = f"loss {self.name!r}"
        if x.ndim != 2:
            raise ShapeError(where, "y_pred of shape (batch, features)", f"y_pred {x.shape}")
        if y.shape not in ((len(x),), (len(x), 1)):
            raise ShapeError(where, f"labels of shape ({len(x)},)", f"y_true {y.shape}")
        return y.reshape(-1), x

    def call(self, y_true: Array, y_pred: Array) -> Array:
        p, n = self._exponents(y_true, self._distances(y_pred))
        return softplus_of(_log_sum(p)[:, 0] + _log_sum(n)[:, 0])

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        d = self._distances(y_pred)
        p, n = self._exponents(y_true, d)
        log_p, log_n = _log_sum(p), _log_sum(n)
        outer = np.asarray(dv)[:, None] * sigmoid_of(log_p + log_n)  # dL/d(log Σ ..), 0 without partners
        m, g = self.margin, self.gamma
        slope_p = g * 2 * d  # d/dd of γ (d² − m²)
        slope_n = -g * np.where(d < 1 + m, 2 - 2 * d, 0)  # d/dd of γ (1 + m − d)(1 − m − d)
        dd = outer * (_share(p, log_p) * slope_p + _share(n, log_n) * slope_n)
        ds = -dd * (1 - y_pred @ y_pred.T > 0)  # d = max(1 − s, 0), s = x xᵀ
        return (ds + ds.T) @ y_pred

    def _weights(
        self, v: Array, y: Array, sample_weight: Any, mask: Array | None
    ) -> tuple[Array | None, float]:
        counts = v > 0
        return super()._weights(v, y, sample_weight, counts if mask is None else mask & counts)

    @staticmethod
    def _distances(x: Array) -> Array:
        return np.maximum(1 - x @ x.T, 0)

    def _exponents(self, labels: Array, d: Array) -> tuple[Array, Array]:
        """aᵖ and aⁿ of every pair, −∞ where the pair is not of the kind."""
        same = labels[:, None] == labels
        partners = same & ~np.eye(len(labels), dtype=bool) if self.remove_diagonal else same
        m, g, none = self.margin, self.gamma, d.dtype.type(-np.inf)
        return (
            np.where(partners, g * (m + d) * (d - m), none),
            np.where(same, none, g * np.maximum(1 + m - d, 0) * (1 - m - d)),
        )


def _log_sum(a: Array) -> Array:
    """log Σ exp a along each row, shape (batch, 1); −∞ for a row that has nothing to sum."""
    top = a.max(axis=1, keepdims=True, initial=-np.inf)
    finite = np.where(np.isfinite(top), top, 0)
    total = np.exp(a - finite).sum(axis=1, keepdims=True)
    return np.where(total > 0, np.log(np.maximum(total, np.finfo(a.dtype).tiny)) + finite, top).astype(
        a.dtype
    )


def _share(a: Array, log_sum: Array) -> Array:
    """softmax along each row: the derivative of log Σ exp a; zero where there is nothing to sum."""
    return np.exp(a - np.where(np.isfinite(log_sum), log_sum, 0))
