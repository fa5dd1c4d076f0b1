"""A cross-entropy for labels of which some are wrong: between the cross-entropy and the absolute error."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.losses.crossentropy import SparseCategoricalCrossentropy
from minikeras.typing import Array


class CategoricalGeneralizedCrossEntropy(SparseCategoricalCrossentropy):
    """v = (1 − p^q) / q, with p = y_pred[label]; dv/dp = −p^(q − 1), its size held at that of p = 1e-7.

    Labels are whole numbers of shape (batch,) or (batch, 1).

    Args:
        q: in (0, 1): near 0 it is the cross-entropy, near 1 the absolute error.

    Source: Zhang, Sabuncu, "Generalized cross entropy loss", 2018.
    """

    pairs_with = None

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if isinstance(q, bool) or not isinstance(q, (int, float)) or not 0 < q < 1:
            raise ValueError(f"{type(self).__name__}: `q` must be in the interval (0, 1). Received: q={q!r}")
        self.q = q

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return (1 - y_pred[self._places(y_true)] ** self.q) / self.q

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        places = self._places(y_true)
        dp = np.zeros_like(y_pred)
        dp[places] = -dv * np.maximum(y_pred[places], config.epsilon()) ** (self.q - 1)
        return dp
