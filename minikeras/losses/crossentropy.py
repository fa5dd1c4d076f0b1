"""Cross-entropies: minus the log of the probability that was given to what came true.

As in Keras, probabilities of several classes are first divided by their sum, then held inside
[ε, 1 − ε], ε = 1e-7, and only then the logarithm is taken; the gradient is that of just this, so
it is zero where a probability was held. In training a model that ends in softmax or sigmoid uses
`paired_backward` instead: there the exponential of the one and the logarithm of the other cancel,
and dL/dz = p − y has no such dead corners.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.activations.rows import LogSoftmax, Softmax
from minikeras.errors import ShapeError, check_number
from minikeras.losses.base import Loss, as_float, expand
from minikeras.numbers import clip, number
from minikeras.typing import Array


def clip_probability(p: Array) -> Array:
    """p held inside [ε, 1 − ε]."""
    eps = config.epsilon()
    return np.asarray(clip(p, number(eps, p.dtype), number(1 - eps, p.dtype)))


def inside_clip(p: Array) -> Array:
    """Where `clip_probability` changes nothing, so that the gradient passes."""
    eps = p.dtype.type(config.epsilon())
    return (p >= eps) & (p <= 1 - eps)


class CategoricalCrossentropy(Loss):
    """v = −Σ y log p over the classes; with p = softmax(z), dL/dz = dv (p Σy − y).

    Args:
        from_logits: `y_pred` is z, and p = softmax(z).
        label_smoothing: s in [0, 1]; the labels become y (1 − s) + s/classes.
        axis: the axis of the classes.
    """

    pairs_with: str | None = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = check_number(self, "label_smoothing", label_smoothing, 0, 1)
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y = self.smooth(y_true)
        if self.from_logits:
            return -(y * LogSoftmax(self.axis)(y_pred)).sum(axis=self.axis)
        v = clip_probability(y_pred / y_pred.sum(axis=self.axis, keepdims=True))
        np.log(v, out=v)
        v *= y
        return -v.sum(axis=self.axis)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.paired_backward(dv, y_true, Softmax(self.axis)(y_pred))
        total = y_pred.sum(axis=self.axis, keepdims=True)
        q = y_pred / total
        dq = -expand(dv, self.axis) * self.smooth(y_true) / clip_probability(q) * inside_clip(q)
        return normalize_backward(dq, q, total, self.axis)

    def paired_backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y = self.smooth(y_true)
        dz = y_pred * y.sum(axis=self.axis, keepdims=True)
        dz -= y
        dz *= expand(dv, self.axis)
        return dz

    def smooth(self, y: Array) -> Array:
        """The labels, moved towards the uniform distribution by `label_smoothing`."""
        s = self.label_smoothing
        return y * (1 - s) + s / y.shape[self.axis] if s else y


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """v = −Σ α (1 − p)^γ y log p: classes that are already likely count less.

    Args:
        alpha: α.
        gamma: γ.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """

    pairs_with = None

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.alpha = alpha
        self.gamma = gamma

    def call(self, y_true: Array, y_pred: Array) -> Array:
        c = clip_probability(self._probabilities(y_pred)[0])
        return -np.sum(self.alpha * (1 - c) ** self.gamma * self.smooth(y_true) * np.log(c), axis=self.axis)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        q, total = self._probabilities(y_pred)
        c, y = clip_probability(q), self.smooth(y_true)
        slope = self.gamma * (1 - c) ** (self.gamma - 1) * np.log(c) - (1 - c) ** self.gamma / c
        dq = expand(dv, self.axis) * self.alpha * y * slope * inside_clip(q)
        if self.from_logits:
            return Softmax(self.axis).backward(dq, q)
        return normalize_backward(dq, q, total, self.axis)

    def _probabilities(self, y_pred: Array) -> tuple[Array, Array]:
        if self.from_logits:
            return Softmax(self.axis)(y_pred), np.ones((), y_pred.dtype)
        total = y_pred.sum(axis=self.axis, keepdims=True)
        return y_pred / total, total


class SparseCategoricalCrossentropy(Loss):
    """v = −log p[label]; with p = softmax(z), dL/dz = dv (p − onehot(label)).

    Args:
        from_logits: `y_pred` is z, and p = softmax(z).
        ignore_class: samples with this label count neither in the loss nor in the mean.
        axis: the axis of the classes.
    """

    pairs_with: str | None = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Labels as integers of the shape of y_pred without its class axis.

        Raises:
            ShapeError: for labels of another shape, one-hot ones for example.
            ValueError: for a label that is not one of the classes.
        """
        p = as_float(y_pred, self.dtype)
        y = np.asarray(y_true)
        axis = self.axis % p.ndim if p.ndim else 0
        expected = p.shape[:axis] + p.shape[axis + 1 :]
        if y.ndim == p.ndim and y.ndim and y.shape[-1] == 1:
            y = y[..., 0]
        if y.shape != expected:
            fix = "give one integer label per sample"
            if y.shape == p.shape:
                fix = "these look one-hot: use loss='categorical_crossentropy', or y.argmax(-1) as labels"
            elif y.ndim < len(expected):
                fix = "for one label per sample put a Flatten or a global pooling before the last layer"
            raise ShapeError(f"loss {self.name!r}", f"labels of shape {expected}", y.shape, fix)
        return self._check_labels(y, p.shape[self.axis]), p

    def _check_labels(self, y: Array, classes: int) -> Array:
        labels = y
        if y.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):  # whatever NaN becomes, it is unequal to it
                labels = y.astype("int64")
            if (labels != y).any():
                raise ValueError(
                    f"Loss {self.name!r}: label {y[labels != y].flat[0]} is no whole number. Likely fix: give the "
                    "number of the class, from 0, or use another loss for targets that are no classes."
                )
        if not labels.size or (labels.min() >= 0 and labels.max() < classes):
            return labels
        bad = (labels < 0) | (labels >= classes)
        if self.ignore_class is not None:
            bad &= labels != self.ignore_class
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"Loss {self.name!r}: label {labels[where]} at index {where} is not one of the {classes} classes "
                f"0 to {classes - 1} that the model predicts. Likely fix: number the classes from 0, or make "
                "the last layer wider."
            )
        return labels

    def label_mask(self, y_true: Array) -> Array | None:
        return None if self.ignore_class is None else y_true != self.ignore_class

    def call(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return -LogSoftmax(self.axis)(y_pred)[self._places(y_true)]
        q = y_pred[self._places(y_true)] / np.add.reduce(y_pred, axis=self.axis)
        return -np.log(clip_probability(q))

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.paired_backward(dv, y_true, Softmax(self.axis)(y_pred))
        total = y_pred.sum(axis=self.axis, keepdims=True)
        q = y_pred / total
        places = self._places(y_true)
        picked = q[places]
        dq = np.zeros_like(q)
        dq[places] = -dv / clip_probability(picked) * inside_clip(picked)
        return normalize_backward(dq, q, total, self.axis)

    def paired_backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        dz = y_pred * expand(dv, self.axis)
        dz[self._places(y_true)] -= dv
        return dz

    def _places(self, labels: Array) -> tuple[Array, ...]:
        """Where each sample's label stands among the predictions, as an index."""
        if self.ignore_class is not None:
            labels = np.where(labels == self.ignore_class, 0, labels)  # any class: its weight is 0
        rank = labels.ndim
        places = [np.arange(n).reshape(-1, *(1,) * (rank - 1 - i)) for i, n in enumerate(labels.shape)]
        places.insert(self.axis % (rank + 1), labels)
        return tuple(places)


class KLDivergence(Loss):
    """v = Σ y log(y/p), with both held inside [ε, 1]; dv/dp = −y/p."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        y, p = self._hold(y_true), self._hold(y_pred)
        return np.sum(y * np.log(y / p), axis=-1)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        y, p = self._hold(y_true), self._hold(y_pred)
        return -np.asarray(dv)[..., None] * y / p * (p == y_pred)

    @staticmethod
    def _hold(p: Array) -> Array:
        return np.clip(p, config.epsilon(), 1)


def normalize_backward(dq: Array, q: Array, total: Array, axis: int) -> Array:
    """dp for q = p / Σp: dp = (dq − Σ dq q) / Σp."""
    return (dq - (dq * q).sum(axis=axis, keepdims=True)) / total
