"""Activations that look at whole rows: softmax and its relatives, gated linear units."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.activations.base import Activation, activation
from minikeras.activations.smooth import sigmoid_of
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

    def __call__(self, z: Array, out: Array | None = None) -> Array:  # noqa: D102
        axis = axes_of(self.axis)
        if z.size == 0:
            return z if out is None else out
        y = np.subtract(z, z.max(axis=axis, keepdims=True), out=out)
        np.exp(y, out=y)
        y /= y.sum(axis=axis, keepdims=True)
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:  # noqa: D102
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

    def __call__(self, z: Array, out: Array | None = None) -> Array:  # noqa: D102
        if z.size == 0:
            return z if out is None else out
        y = np.subtract(z, z.max(axis=self.axis, keepdims=True), out=out)
        y -= np.log(np.exp(y).sum(axis=self.axis, keepdims=True))
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:  # noqa: D102
        total = dy.sum(axis=self.axis, keepdims=True)
        return np.subtract(dy, np.exp(saved) * total, out=out)


@activation("sparsemax")
class Sparsemax(Activation):
    """y = max(z − τ, 0), with τ such that Σ y = 1: the nearest point to z of the probability simplex.

    On the support S of y: dz = dy − mean of dy over S; elsewhere 0.

    Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:  # noqa: D102
        rows = np.moveaxis(z, self.axis, -1)
        ordered = -np.sort(-rows, axis=-1)
        sums = np.cumsum(ordered, axis=-1)
        k = np.arange(1, rows.shape[-1] + 1, dtype=z.dtype)
        support = (1 + k * ordered > sums).sum(axis=-1, keepdims=True)  # how many entries stay positive
        tau = (np.take_along_axis(sums, support - 1, axis=-1) - 1) / support.astype(z.dtype)
        y = np.moveaxis(np.maximum(rows - tau, 0), -1, self.axis)
        if out is None:
            return y
        out[...] = y
        return out

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:  # noqa: D102
        support = (saved > 0).astype(saved.dtype)
        count = support.sum(axis=self.axis, keepdims=True)
        mean = (dy * support).sum(axis=self.axis, keepdims=True) / np.maximum(count, 1)
        dz = np.subtract(dy, mean, out=out)
        dz *= support
        return dz


@activation("glu")
class Glu(Activation):
    """y = a·σ(b), where a and b are the first and second half of z along `axis`.

    The output is half as long as the input along that axis.
    """

    needs_input = True

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def __call__(self, z: Array, out: Array | None = None) -> Array:  # noqa: D102
        if z.shape[self.axis] % 2:
            raise ValueError(f"glu needs an even number of entries along axis {self.axis}, got shape {z.shape}.")
        a, b = np.split(z, 2, axis=self.axis)
        return np.multiply(a, sigmoid_of(b), out=out if out is not None and out.shape == a.shape else None)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:  # noqa: D102
        a, b = np.split(saved, 2, axis=self.axis)
        s = sigmoid_of(b)
        return np.concatenate([dy * s, dy * a * s * (1 - s)], axis=self.axis)

    @staticmethod
    def output_size(size: int | None) -> int | None:
        """How long the output is along the axis."""
        return None if size is None else size // 2
