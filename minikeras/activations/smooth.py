"""Smooth activations: sigmoid, tanh and what is built from exponentials.

No exponential overflows to anything but the infinity whose inverse is then the right answer.
"""

from __future__ import annotations

import math

import numpy as np

from minikeras.activations._erf import erf
from minikeras.activations.base import Activation, activation
from minikeras.numbers import clip, number
from minikeras.typing import Array

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@np.errstate(over="ignore")  # e^−z may overflow to infinity, and 1 / ∞ = 0 is right
def sigmoid_of(z: Array, out: Array | None = None) -> Array:
    """1 / (1 + e^−z), to full relative precision also where it is nearly 0."""
    one = number(1, z.dtype)
    y = np.empty_like(z) if out is None else out
    other = (
        y if z.size > 1 else np.empty_like(z)
    )  # in place NumPy takes three times as long for a single number
    np.negative(z, out=other)
    np.exp(other, out=y)
    np.add(y, one, out=other)
    return np.divide(one, other, out=y)


def softplus_of(z: Array, out: Array | None = None) -> Array:
    """log(1 + e^z) = max(z, 0) + log(1 + e^−abs(z))."""
    return np.add(np.log1p(np.exp(-np.abs(z))), np.maximum(z, 0), out=out)


@activation("sigmoid")
class Sigmoid(Activation):
    """f(z) = 1 / (1 + e^−z); f' = y (1 − y)."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return sigmoid_of(z, out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        y = saved
        dz = np.multiply(y, y, out=out)
        np.subtract(y, dz, out=dz)
        dz *= dy
        return dz


@activation("tanh")
class Tanh(Activation):
    """f(z) = tanh z; f' = 1 − y²."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.tanh(z, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        dz = np.multiply(saved, saved, out=out)
        np.subtract(number(1, dz.dtype), dz, out=dz)
        dz *= dy
        return dz


@activation("tanh_shrink")
class TanhShrink(Activation):
    """f(z) = z − tanh z; f' = tanh² z."""

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.subtract(z, np.tanh(z), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, np.tanh(saved) ** 2, out=out)


@activation("elu")
class Elu(Activation):
    """f(z) = z for z > 0, else α (e^z − 1); f' = 1 or y + α."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    scale = 1.0

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        zero = number(0, z.dtype)
        lower = clip(z, number(-np.inf, z.dtype), zero, out=np.empty_like(z))
        np.expm1(lower, out=lower)
        lower *= self.alpha  # α (e^z − 1) where z < 0, else 0
        y: Array = clip(z, zero, number(np.inf, z.dtype), out=out)
        y += lower
        if self.scale != 1:
            y *= self.scale
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        y = saved
        dz: Array = clip(y, number(-np.inf, y.dtype), number(0, y.dtype), out=out)
        dz += self.scale * self.alpha  # s·α·e^z = y + s·α where z ≤ 0
        if self.alpha != 1:  # at a kink: from s·α to s
            dz += (y > 0) * number(self.scale * (1 - self.alpha), y.dtype)
        dz *= dy
        return dz


@activation("selu")
class Selu(Elu):
    """f(z) = 1.0507 · elu(z, 1.6733), whose fixed point is mean 0 and variance 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    def __init__(self) -> None:
        super().__init__(SELU_ALPHA)

    scale = SELU_SCALE


@activation("celu")
class Celu(Activation):
    """f(z) = max(z, 0) + α (e^(min(z, 0)/α) − 1); f' = 1 or 1 + y/α."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        lower = self.alpha * np.expm1(np.minimum(z, 0) / self.alpha)
        return np.add(np.maximum(z, 0), lower, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, np.minimum(saved, 0) / self.alpha + 1, out=out)


@activation("softplus")
class Softplus(Activation):
    """f(z) = log(1 + e^z); f' = sigmoid(z) = 1 − e^−y."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return softplus_of(z, out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, -np.expm1(-saved), out=out)


@activation("log_sigmoid")
class LogSigmoid(Activation):
    """f(z) = log sigmoid(z) = −softplus(−z); f' = 1 − e^y."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = softplus_of(-z, out)
        return np.negative(y, out=y)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, -np.expm1(saved), out=out)


@activation("softsign")
class Softsign(Activation):
    """f(z) = z / (1 + abs(z)); f' = (1 − abs(y))²."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.divide(z, 1 + np.abs(z), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, (1 - np.abs(saved)) ** 2, out=out)


@activation("exponential")
class Exponential(Activation):
    """f(z) = e^z; f' = y."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.exp(z, out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return np.multiply(dy, saved, out=out)


@activation("silu", "swish")
class Silu(Activation):
    """f(z) = z·σ(z); f' = σ (1 + z (1 − σ))."""

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = sigmoid_of(z, out)
        y *= z
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z, s, one = saved, sigmoid_of(saved), number(1, saved.dtype)
        dz = np.subtract(one, s, out=out)
        dz *= z
        dz += one
        dz *= s  # σ (1 + z (1 − σ))
        dz *= dy
        return dz


@activation("mish")
class Mish(Activation):
    """f(z) = z·tanh(softplus z)."""

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.multiply(z, np.tanh(softplus_of(z)), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z, t = saved, np.tanh(softplus_of(saved))
        return np.multiply(dy, t + z * (1 - t * t) * sigmoid_of(z), out=out)


@activation("squareplus")
class Squareplus(Activation):
    """f(z) = (z + √(z² + b)) / 2; f' = (1 + z/√(z² + b)) / 2."""

    needs_input = True

    def __init__(self, b: float = 4) -> None:
        self.b = b

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = np.add(z, np.sqrt(z * z + self.b), out=out)
        y /= 2
        return y

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z = saved
        return np.multiply(dy, (1 + z / np.sqrt(z * z + self.b)) / 2, out=out)


@activation("gelu")
class Gelu(Activation):
    """f(z) = z·Φ(z), Φ the normal distribution function; f' = Φ(z) + z·φ(z).

    Args:
        approximate: use Φ(z) ≈ (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """

    needs_input = True

    def __init__(self, approximate: bool = False) -> None:
        self.approximate = approximate

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        if self.approximate:
            return np.multiply(z, (1 + np.tanh(self._inner(z))) / 2, out=out)
        return np.multiply(z, normal_distribution(z), out=out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        z = saved
        if self.approximate:
            t = np.tanh(self._inner(z))
            inner_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)
            slope = (1 + t) / 2 + z * (1 - t * t) * inner_slope / 2
            return np.multiply(dy, slope, out=out)
        dz = np.multiply(z, z, out=out)
        dz *= -0.5
        np.exp(dz, out=dz)
        dz *= 1 / math.sqrt(2 * math.pi)  # φ(z)
        dz *= z
        dz += normal_distribution(z)
        dz *= dy
        return dz

    @staticmethod
    def _inner(z: Array) -> Array:
        return math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)


def normal_distribution(z: Array) -> Array:
    """Φ(z) = (1 + erf(z/√2)) / 2."""
    y = erf(z * math.sqrt(0.5))
    y += 1
    y *= 0.5
    return y
