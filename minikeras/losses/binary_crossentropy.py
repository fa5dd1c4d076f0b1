"""Cross-entropies of yes and no: each output is the probability of one thing, apart from all others."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.activations.smooth import sigmoid_of, softplus_of
from minikeras.errors import check_number
from minikeras.losses.base import Loss, expand, mean_over
from minikeras.losses.crossentropy import clip_probability, inside_clip
from minikeras.numbers import number
from minikeras.typing import Array


class BinaryCrossentropy(Loss):
    """v = mean −(y log p + (1 − y) log(1 − p)); with p = σ(z), dL/dz = dv (p − y)/n.

    Args:
        from_logits: `y_pred` is z, and p = σ(z).
        label_smoothing: s in [0, 1]; the labels become y (1 − s) + s/2.
        axis: the axis that the mean is taken over.
    """

    pairs_with: str | None = "sigmoid"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = check_number(self, "label_smoothing", label_smoothing, 0, 1)
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y = self.smooth(y_true)
        if self.from_logits:  # −log σ(z) = softplus(−z), and log(1 − σ(z)) = log σ(z) − z
            return mean_over(softplus_of(y_pred) - y_pred * y, self.axis)
        return mean_over(self.elementwise(y, y_pred), axis=self.axis)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y = self.smooth(y_true)
        if self.from_logits:
            return self._spread(dv, y_pred) * (sigmoid_of(y_pred) - y)
        return self._spread(dv, y_pred) * self.elementwise_slope(y, y_pred)

    def paired_backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        dz = y_pred - self.smooth(y_true)
        dz *= self._spread(dv, y_pred)
        return dz

    def smooth(self, y: Array) -> Array:
        """The labels, moved towards 1/2 by `label_smoothing`."""
        s = self.label_smoothing
        return y * (1 - s) + s / 2 if s else y

    @staticmethod
    def elementwise(y: Array, p: Array) -> Array:
        """−(y log p + (1 − y) log(1 − p)) of each number."""
        p, one = clip_probability(p), number(1, p.dtype)
        v = np.subtract(one, p)
        np.log(v, out=v)
        v *= one - y
        np.log(p, out=p)
        p *= y
        v += p
        return np.negative(v, out=v)

    @staticmethod
    def elementwise_slope(y: Array, p: Array) -> Array:
        """Its derivative by p: (p − y) / (p (1 − p)), 0 where p was held."""
        c = clip_probability(p)
        return (c - y) / (c * (1 - c)) * inside_clip(p)

    def _spread(self, dv: Array, y_pred: Array) -> Array:
        return expand(dv / number(y_pred.shape[self.axis], dv.dtype), self.axis)


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """v = mean (1 − p_t)^γ · BCE, p_t = y p + (1 − y)(1 − p): easy samples count less.

    Args:
        apply_class_balancing: also multiply by α where y = 1 and by 1 − α where y = 0.
        alpha: α.
        gamma: γ.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """

    pairs_with = None

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y, p = self.smooth(y_true), sigmoid_of(y_pred) if self.from_logits else y_pred
        focus = (1 - self._p_true(y, p)) ** self.gamma
        return mean_over(self._balance(y) * focus * self.elementwise(y, p), axis=self.axis)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y, p = self.smooth(y_true), sigmoid_of(y_pred) if self.from_logits else y_pred
        miss = 1 - self._p_true(y, p)  # d miss/dp = 1 − 2y
        focus_slope = self.gamma * miss ** (self.gamma - 1) * (1 - 2 * y)
        dp = focus_slope * self.elementwise(y, p) + miss**self.gamma * self.elementwise_slope(y, p)
        if self.from_logits:
            dp = dp * p * (1 - p)
        return self._spread(dv, y_pred) * self._balance(y) * dp

    @staticmethod
    def _p_true(y: Array, p: Array) -> Array:
        return y * p + (1 - y) * (1 - p)

    def _balance(self, y: Array) -> Any:
        return y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1
