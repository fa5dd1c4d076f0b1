"""Activations with kinks: ReLU and its relatives, the hard versions of smooth functions, shrinkage.

At a kink the derivative is that of the left or the right piece; which one is written beside each.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from minikeras import registry
from minikeras.activations.base import Activation, activation
from minikeras.numbers import clip, number
from minikeras.typing import Array, DType


@activation("linear")
class Linear(Activation):
    """f(z) = z."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        if out is None or out is z:
            return z
        out[...] = z
        return out

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        if out is None:
            return dy
        out[...] = dy
        return out


@lru_cache
def _from_zero(dtype: DType) -> tuple[Array, Array]:
    """0 and infinity, for `clip`: one look-up for both."""
    return number(0.0, dtype), number(np.inf, dtype)


@activation("relu")
class Relu(Activation):
    """f(z) = z above the threshold, slope·(z − threshold) below it, and never above max_value.

    Args:
        negative_slope: the slope below the threshold.
        max_value: an upper bound, or None.
        threshold: where the kink is; at or below it the function is in its lower piece.
    """

    def __init__(
        self, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
    ) -> None:
        self.negative_slope = negative_slope
        self.max_value = max_value
        self.threshold = threshold

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        if self.threshold:
            lower = np.minimum(z - self.threshold, 0) * self.negative_slope
            y = _put(np.where(z > self.threshold, z, lower), out)
        elif self.negative_slope:
            line = np.multiply(z, number(self.negative_slope, z.dtype), out=None if out is z else out)
            higher = self.negative_slope <= 1  # whether y is the higher of the lines z and slope·z at each z
            y = (np.maximum if higher else np.minimum)(z, line, out=out)
        else:
            y = clip(z, *_from_zero(z.dtype), out=out)
        return y if self.max_value is None else np.minimum(y, self.max_value, out=y)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        y = saved  # y > 0 exactly where z > threshold
        dz = np.empty_like(y) if out is None else out
        np.greater(
            y, number(0, y.dtype), out=dz, casting="unsafe"
        )  # f' as numbers: twice as fast as multiplying by booleans
        if self.negative_slope:
            slope = number(self.negative_slope, dz.dtype)
            dz *= 1 - slope
            dz += slope
        if self.max_value is not None:
            dz *= y < self.max_value
        dz *= dy
        return dz


@activation("relu6")
class Relu6(Relu):
    """f(z) = min(max(z, 0), 6)."""

    def __init__(self) -> None:
        super().__init__(max_value=6.0)


@activation("leaky_relu")
class LeakyRelu(Relu):
    """f(z) = z for z > 0, else slope·z; f'(0) = slope."""

    def __init__(self, negative_slope: float = 0.2) -> None:
        super().__init__(negative_slope)


@activation("threshold")
class Threshold(Activation):
    """f(z) = z for z > threshold, else default_value."""

    needs_input = True

    def __init__(self, threshold: float, default_value: float) -> None:
        self.threshold = threshold
        self.default_value = default_value

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return _put(np.where(z > self.threshold, z, np.asarray(self.default_value, z.dtype)), out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, saved > self.threshold, out=out)


@activation("hard_sigmoid")
class HardSigmoid(Activation):
    """f(z) = clip(z/6 + 1/2, 0, 1)."""

    width = 6

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = np.divide(z, self.width, out=out)
        y += 0.5
        return np.clip(y, 0, 1, out=y)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        dz = np.multiply(dy, (saved > 0) & (saved < 1), out=out)
        dz /= self.width
        return dz


@registry.register_keras_serializable("minikeras")
class OldHardSigmoid(HardSigmoid):
    """f(z) = clip(z/5 + 1/2, 0, 1): what "hard_sigmoid" meant in Keras 1 and 2, for models from there."""

    width = 5


@activation("hard_silu", "hard_swish")
class HardSilu(Activation):
    """f(z) = z · clip(z/6 + 1/2, 0, 1)."""

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.multiply(z, np.clip(z / 6 + 0.5, 0, 1), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z = saved
        slope = np.where(np.abs(z) < 3, z / 3 + 0.5, (z >= 3).astype(z.dtype))
        return np.multiply(dy, slope, out=out)


@activation("hard_tanh")
class HardTanh(Activation):
    """f(z) = clip(z, −1, 1)."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.clip(z, -1, 1, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, np.abs(saved) < 1, out=out)


@activation("hard_shrink")
class HardShrink(Activation):
    """f(z) = z where abs(z) > threshold, else 0."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.multiply(z, np.abs(z) > self.threshold, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, saved != 0, out=out)


@activation("soft_shrink")
class SoftShrink(Activation):
    """f(z) = z − threshold above it, z + threshold below −threshold, else 0."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.subtract(z, np.clip(z, -self.threshold, self.threshold), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, saved != 0, out=out)


@activation("sparse_plus")
class SparsePlus(Activation):
    """f(z) = 0 for z ≤ −1, (z + 1)²/4 for −1 < z < 1, and z for z ≥ 1."""

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        c = np.clip(z, -1, 1)
        return np.add((c + 1) ** 2 / 4, np.maximum(z, 1) - 1, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, (np.clip(saved, -1, 1) + 1) / 2, out=out)


@activation("sparse_sigmoid")
class SparseSigmoid(Activation):
    """f(z) = clip((z + 1)/2, 0, 1)."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = np.add(z, 1, out=out)
        y /= 2
        return np.clip(y, 0, 1, out=y)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        dz = np.multiply(dy, (saved > 0) & (saved < 1), out=out)
        dz /= 2
        return dz


def _put(y: Array, out: Array | None) -> Array:
    """y, in `out` where given."""
    if out is None:
        return y
    out[...] = y
    return out
