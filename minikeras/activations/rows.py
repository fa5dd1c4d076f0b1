"""Activations that look at whole rows: softmax and its relatives, gated linear units."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.activations.base import Activation, activation
from minikeras.activations.smooth import sigmoid_of
from minikeras.numbers import sum_columns
from minikeras.typing import Array


def axes_of(axis: Any) -> int | tuple[int, ...]:
    """An axis argument, lists (from JSON) as tuples."""
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


@activation("softmax")
class Softmax(Activation):
    """yᵢ = e^zᵢ / Σⱼ e^zⱼ along `axis`; dzᵢ = yᵢ (dyᵢ − Σⱼ yⱼ dyⱼ).

    The row's maximum is subtracted first, which changes nothing but the size of the exponentials.
    """

    def __init__(self, axis: int | tuple[int, ...] | list[int] = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        axis = axes_of(self.axis)
        if z.size == 0:
            return z if out is None else out
        y = np.subtract(z, np.maximum.reduce(z, axis=axis, keepdims=True), out=out)
        np.exp(y, out=y)
        y /= sum_columns(y)[..., None] if axis == -1 else np.add.reduce(y, axis=axis, keepdims=True)
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        y = saved
        inner = (y * dy).sum(axis=axes_of(self.axis), keepdims=True)  # Σ yⱼ dyⱼ
        dz = np.subtract(dy, inner, out=out)
        dz *= y
        return dz


@activation("log_softmax")
class LogSoftmax(Activation):
    """yᵢ = zᵢ − log Σⱼ e^zⱼ along `axis`; dzᵢ = dyᵢ − e^yᵢ Σⱼ dyⱼ."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        if z.size == 0:
            return z if out is None else out
        y = np.subtract(z, z.max(axis=self.axis, keepdims=True), out=out)
        y -= np.log(np.exp(y).sum(axis=self.axis, keepdims=True))
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        total = dy.sum(axis=self.axis, keepdims=True)
        return np.subtract(dy, np.exp(saved) * total, out=out)


@activation("sparsemax")
class Sparsemax(Activation):
    """y = max(z − τ, 0) along `axis`, with τ = (S₁ + ... + S_k − 1)/k.

    Sⱼ is the sum of the j largest entries, and k counts the j with 1 + j·z₍ⱼ₎ > Sⱼ. This is what Keras
    computes; the projection on the simplex of Martins and Astudillo, "From Softmax to Sparsemax",
    2016, has τ = (S_k − 1)/k instead. Both are the same for k = 1.

    The r-th largest entry stands in k − r + 1 of the sums, so dτ/dz₍ᵣ₎ = (k − r + 1)/k for r ≤ k.
    """

    needs_input = True

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.maximum(z - self._threshold(z)[0], 0, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z = saved
        tau, k = self._threshold(z)
        dz = np.multiply(dy, z > tau, out=out)
        rank = np.argsort(np.argsort(-z, axis=self.axis, kind="stable"), axis=self.axis).astype(z.dtype)
        dz -= dz.sum(axis=self.axis, keepdims=True) * np.maximum(k - rank, 0) / k
        return dz

    def _threshold(self, z: Array) -> tuple[Array, Array]:
        """τ and k of each row."""
        ordered = -np.sort(-z, axis=self.axis)
        sums = np.cumsum(ordered, axis=self.axis)
        shape = [1] * z.ndim
        shape[self.axis] = -1
        j = np.arange(1, z.shape[self.axis] + 1, dtype=z.dtype).reshape(shape)
        support = 1 + j * ordered > sums
        k = support.sum(axis=self.axis, keepdims=True).astype(z.dtype)
        return (np.sum(sums * support, axis=self.axis, keepdims=True) - 1) / k, k


@activation("glu")
class Glu(Activation):
    """y = a·σ(b), where a and b are the first and second half of z along `axis`.

    The output is half as long as the input along that axis.
    """

    needs_input = True

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        if z.shape[self.axis] % 2:
            raise ValueError(
                f"glu needs an even number of entries along axis {self.axis}, got shape {z.shape}."
            )
        a, b = np.split(z, 2, axis=self.axis)
        return np.multiply(a, sigmoid_of(b), out=out if out is not None and out.shape == a.shape else None)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        a, b = np.split(saved, 2, axis=self.axis)
        s = sigmoid_of(b)
        return np.concatenate([dy * s, dy * a * s * (1 - s)], axis=self.axis)

    @staticmethod
    def output_size(size: int | None) -> int | None:
        """How long the output is along the axis."""
        return None if size is None else size // 2
