"""What a loss is: a value per sample, its mean over the batch, and the gradient of exactly that.

A subclass writes two methods. `call(y_true, y_pred)` gives one value v per sample; `backward(dv,
y_true, y_pred)` gives dL/dy_pred from dL/dv. Weights, masks and the mean over the batch are the
same for all losses and stand here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError, check_option
from minikeras.naming import to_snake_case
from minikeras.numbers import number, sum_columns
from minikeras.registry import Configurable, Table, arguments
from minikeras.typing import Array

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)
COMMON_ARGUMENTS = ("reduction", "name", "dtype")

table: Table[Loss] = Table("loss", "keras.losses")


class Loss(Configurable):
    """L = Σᵢ wᵢ vᵢ / N, with vᵢ the loss of sample i, wᵢ its weight, N the number of values.

    Note that N counts the values and is not the sum of the weights (as in Keras).

    Args:
        reduction: "sum_over_batch_size" (or "mean"): as above; "sum": no division;
            "mean_with_sample_weight": divided by Σ wᵢ; None: the vᵢ themselves.
        name: by default the snake-case name of the class.
        dtype: the float type of the computation; that of `y_pred` when None.
    """

    pairs_with: str | None = None  # the output activation it may be merged with: see training/pairing.py

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        self.reduction = check_option(self, "reduction", reduction, REDUCTIONS)
        self.name = name or to_snake_case(type(self).__name__)
        self.dtype = dtype

    # What a subclass writes

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """The loss of each sample, shape y_pred.shape[:-1]."""
        raise NotImplementedError

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        """dL/dy_pred, shape y_pred.shape, from dL/dv, which has the shape of `call`'s result."""
        raise NotImplementedError(
            f"The loss {self.name!r} has no gradient: write `backward(self, dv, y_true, y_pred)`, which returns "
            "dL/dy_pred, beside `call`."
        )

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Both as float arrays of one shape.

        Raises:
            ShapeError: when their shapes differ by more than a last axis of length one.
        """
        p = as_float(y_pred, self.dtype)
        y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true), p)
        if y.shape != p.shape:
            raise self.mismatch(y, p)
        return (y if y.dtype == p.dtype else y.astype(p.dtype)), p

    def mismatch(self, y: Array, p: Array) -> ShapeError:
        """The error for targets that do not fit the predictions."""
        fix = "make the last layer as wide as the targets, or the targets as wide as the last layer"
        if p.ndim > max(y.ndim, 2):
            fix = (
                "the model's output has too many axes: is a Flatten layer missing, or return_sequences=False?"
            )
        if y.ndim == p.ndim - 1 and y.shape == p.shape[:-1]:
            fix = (
                "integer labels go with loss='sparse_categorical_crossentropy'; or one-hot encode them "
                f"with to_categorical(y, {p.shape[-1]})"
            )
        return ShapeError(
            f"loss {self.name!r}", f"y_true of the shape of y_pred, {p.shape}", f"y_true {y.shape}", fix
        )

    def label_mask(self, y_true: Array) -> Array | None:
        """Which samples count, told from the labels alone (`ignore_class`), or None for all."""
        return None

    # What follows from it

    def values(self, y_true: Any, y_pred: Any) -> Array:
        """The loss of each sample; 0 for those of an ignored class."""
        y, p = self.align(y_true, y_pred)
        v, mask = self.call(y, p), self.label_mask(y)
        return v if mask is None else v * mask

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Array | None = None) -> Any:
        """The loss L, a number; with reduction=None the weighted loss of each sample, an array."""
        y, p = self.align(y_true, y_pred)
        v = self.call(y, p)
        weights, divisor = self._weights(v, y, sample_weight, mask)
        if weights is not None:
            v = v * weights
        if self.reduction in ("none", None):
            return v
        return v.sum() / divisor if divisor else v.dtype.type(0)

    def gradient(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Array | None = None
    ) -> Array:
        """dL/dy_pred, an array of y_pred's shape."""
        return self.value_and_gradient(y_true, y_pred, sample_weight, mask)[1]

    def value_and_gradient(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        mask: Array | None = None,
        paired: bool = False,
    ) -> tuple[float, Array]:
        """L and dL/dy_pred; with `paired`, dL/dz of the activation that made y_pred instead."""
        y_pred = np.asarray(y_pred)
        y, p = self.align(y_true, y_pred)
        v = self.call(y, p)
        weights, divisor = self._weights(v, y, sample_weight, mask)
        scale = 1 / divisor if divisor else 0.0
        if weights is None:
            dv = np.empty(v.shape, v.dtype)
            dv.fill(scale)
        else:
            dv, v = weights * scale, v * weights
        loss = np.add.reduce(v, axis=None) / divisor if divisor else 0.0
        d = self.paired_backward(dv, y, p) if paired else self.backward(dv, y, p)
        return float(loss), d if d.ndim == y_pred.ndim else d.reshape(y_pred.shape)

    def paired_backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        """dL/dz where y_pred = softmax(z) or sigmoid(z); only for losses with `pairs_with`."""
        raise NotImplementedError

    def _weights(
        self, v: Array, y: Array, sample_weight: Any, mask: Array | None
    ) -> tuple[Array | None, float]:
        """The weight of each value (None: all 1) and what their weighted sum is divided by."""
        own_mask = self.label_mask(y)
        if own_mask is not None:
            mask = own_mask if mask is None else mask & own_mask
        weights: Array | None = None
        if mask is not None:
            weights = np.asarray(mask).astype(v.dtype)
            if self.reduction in ("sum_over_batch_size", "mean"):  # the mean is over the valid values only
                weights *= weights.size / (weights.sum() + config.epsilon())
        if sample_weight is not None:
            given = np.asarray(sample_weight).astype(v.dtype)
            if weights is not None:
                given, weights = squeeze_or_expand_to_same_rank(given, weights)
                given = given * weights
            weights = given
        if weights is not None:
            weights = self._fit_weights(weights, v)
        if self.reduction in ("sum", "none", None):
            return weights, 1.0
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return weights, float(weights.sum())
        return weights, float(v.size)

    def _fit_weights(self, weights: Array, v: Array) -> Array:
        """The weights in the shape of the values."""
        _, weights = squeeze_or_expand_to_same_rank(v, weights, expand_rank_1=False)
        if weights.ndim != v.ndim:
            raise ShapeError(
                f"loss {self.name!r}",
                f"one weight for each value: sample_weight of shape {v.shape}",
                f"sample_weight {weights.shape}",
                "give one weight for each sample"
                if weights.ndim > v.ndim
                else "give a weight for every step, or repeat the sample's weight over its steps",
            )
        try:
            return np.broadcast_to(weights, v.shape)
        except ValueError:
            raise ShapeError(
                f"loss {self.name!r}", f"sample_weight of shape {v.shape}", f"sample_weight {weights.shape}"
            ) from None


class FunctionLoss(Loss):
    """A user's plain function of (y_true, y_pred): it has values but no gradient, for `evaluate` only."""

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None) -> None:
        super().__init__(name=name or getattr(function, "__name__", "loss"))
        self.function = function

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        p = as_float(y_pred, None)
        return np.asarray(y_true).astype(p.dtype), p

    def call(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self.function(y_true, y_pred), y_pred.dtype)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        raise TypeError(
            f"The loss function {self.name!r} is a plain function, so its gradient is unknown. Subclass "
            "minikeras.losses.Loss with call(y_true, y_pred) and backward(dv, y_true, y_pred) instead."
        )


def as_float(x: Any, dtype: Any) -> Array:
    """A float array: float32 unless x is one already or a type is given."""
    array = np.asarray(x)
    if dtype is not None:
        return array.astype(dtype, copy=False)
    return array if array.dtype.kind == "f" else array.astype(config.floatx())


def mean_over(values: Array, axis: int = -1) -> Array:
    """The mean along an axis, as by `np.mean`, whose overhead is that of four sums of a small batch."""
    total = sum_columns(values) if axis == -1 else np.add.reduce(values, axis=axis)
    return np.asarray(total / number(values.shape[axis], values.dtype))


def expand(values: Array, axis: int = -1) -> Array:
    """The array with an axis of length one put in: `np.expand_dims`, in a tenth of its time for the last axis."""
    return values[..., None] if axis == -1 else np.expand_dims(values, axis)


def squeeze_or_expand_to_same_rank(x: Array, y: Array, expand_rank_1: bool = True) -> tuple[Array, Array]:
    """Drop or add a last axis of length one, so that (N,) meets (N, 1) without making (N, N)."""
    more = x.ndim - y.ndim
    if more == 1 and x.shape[-1] == 1:
        return (x, y[:, None]) if y.ndim == 1 and expand_rank_1 else (x[..., 0], y)
    if more == -1 and y.shape[-1] == 1:
        return (x[:, None], y) if x.ndim == 1 and expand_rank_1 else (x, y[..., 0])
    return x, y


def functional(cls: type[Loss]) -> Callable[..., Array]:
    """The plain function of a loss class: mean_squared_error(y_true, y_pred), a value per sample."""

    def function(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Array:
        return cls(*args, **kwargs).values(y_true, y_pred)

    own = [p for name, p in arguments(cls).items() if name not in COMMON_ARGUMENTS]
    names = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in ("y_true", "y_pred")]
    function.__signature__ = inspect.Signature([*names, *own])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = to_snake_case(cls.__name__)
    function.__module__ = "minikeras.losses"  # where pickle finds it
    function.__doc__ = cls.__doc__
    function.loss = cls  # type: ignore[attr-defined]  # so that `get` finds the gradient again
    return function


def get(identifier: Any) -> Any:
    """A loss from a name, a function of this package, a `Loss`, a config, or any function.

    Raises:
        ValueError: for an unknown name, with the closest known ones.
    """
    if identifier is None:
        return None
    found = table.create(identifier)
    if inspect.isfunction(found):
        found = found.loss() if hasattr(found, "loss") else FunctionLoss(found)
    if isinstance(found, type):
        found = found()
    if isinstance(found, Loss) or (callable(found) and hasattr(found, "gradient")):
        return found
    if callable(found):
        return FunctionLoss(found)
    raise table.unknown(identifier)
