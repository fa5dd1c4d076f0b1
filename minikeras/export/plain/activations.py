"""Activation functions as plain functions; see `minikeras.activations` for the same with derivatives."""

from __future__ import annotations

import numpy as np

from minikeras.typing import Array


def relu(z: Array) -> Array:
    """z where it is positive, else 0."""
    return np.maximum(z, 0)


def bent_relu(
    z: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    """z above the threshold, slope·(z − threshold) below it, and never above max_value."""
    y = np.where(z > threshold, z, np.minimum(z - threshold, 0) * negative_slope)
    return y if max_value is None else np.minimum(y, max_value)


def cut_below(z: Array, threshold: float, default_value: float) -> Array:
    """z above the threshold, else default_value."""
    return np.where(z > threshold, z, z.dtype.type(default_value))


def hard_sigmoid(z: Array) -> Array:
    """z/6 + 1/2, between 0 and 1."""
    return np.clip(z / 6 + 0.5, 0, 1)


def hard_silu(z: Array) -> Array:
    """z · hard_sigmoid(z)."""
    return z * hard_sigmoid(z)


def hard_tanh(z: Array) -> Array:
    """z between -1 and 1."""
    return np.clip(z, -1, 1)


def hard_shrink(z: Array, threshold: float = 0.5) -> Array:
    """z where abs(z) > threshold, else 0."""
    return z * (np.abs(z) > threshold)


def soft_shrink(z: Array, threshold: float = 0.5) -> Array:
    """z, by `threshold` nearer to 0."""
    return z - np.clip(z, -threshold, threshold)


def sparse_plus(z: Array) -> Array:
    """0 up to -1, (z + 1)²/4 up to 1, then z."""
    return (np.clip(z, -1, 1) + 1) ** 2 / 4 + np.maximum(z, 1) - 1


def sparse_sigmoid(z: Array) -> Array:
    """(z + 1)/2, between 0 and 1."""
    return np.clip((z + 1) / 2, 0, 1)


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), where the power cannot overflow."""
    lowest = -709 if z.dtype == np.float64 else -88
    return 1 / (1 + np.exp(-np.maximum(z, lowest)))


def tanh_shrink(z: Array) -> Array:
    """z - tanh z."""
    return z - np.tanh(z)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """z where it is positive, else alpha (e^z - 1)."""
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))


def selu(z: Array) -> Array:
    """An elu whose fixed point is mean 0 and variance 1."""
    return 1.0507009873554805 * elu(z, 1.6732632423543772)


def celu(z: Array, alpha: float = 1.0) -> Array:
    """z where it is positive, else alpha (e^(z/alpha) - 1)."""
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0) / alpha)


def softplus(z: Array) -> Array:
    """log(1 + e^z)."""
    return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)


def log_sigmoid(z: Array) -> Array:
    """log sigmoid(z)."""
    return -softplus(-z)


def softsign(z: Array) -> Array:
    """z / (1 + abs(z))."""
    return z / (1 + np.abs(z))


def silu(z: Array) -> Array:
    """z · sigmoid(z)."""
    return z * sigmoid(z)


def mish(z: Array) -> Array:
    """z · tanh(softplus(z))."""
    return z * np.tanh(softplus(z))


def squareplus(z: Array, b: float = 4) -> Array:
    """(z + √(z² + b)) / 2."""
    return (z + np.sqrt(z * z + b)) / 2


def gelu(z: Array, approximate: bool = False) -> Array:
    """z times the share of a normal distribution that lies below z."""
    if approximate:
        return z * (1 + np.tanh((2 / np.pi) ** 0.5 * (z + 0.044715 * z * z * z))) / 2
    return z * (1 + erf(z / 2**0.5)) / 2


def erf(x: Array) -> Array:
    """The error function, by W. J. Cody's quotients of polynomials (1969); NumPy has none."""
    near = [
        0.185777706184603153,
        3.1611237438705656,
        113.864154151050156,
        377.485237685302021,
        3209.37758913846947,
    ]
    below_near = [1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062]
    far = [
        2.15311535474403846e-8,
        0.564188496988670089,
        8.88314979438837594,
        66.1191906371416295,
        298.635138197374001,
    ]
    far += [881.95222124176909, 1712.04761263407058, 2051.07837782607147, 1230.33935479799725]
    below_far = [1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019]
    below_far += [3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942]
    a = np.minimum(np.abs(x), 6)
    square = np.minimum(a, 0.5) ** 2
    small = x * (polynomial(near, square) / polynomial(below_near, square))
    large = 1 - np.exp(-a * a) * (polynomial(far, a) / polynomial(below_far, a))
    return np.where(a <= 0.5, small, np.copysign(large, x))


def polynomial(coefficients: list[float], x: Array) -> Array:
    """The highest power comes first."""
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y = y * x + c
    return y


def softmax(z: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Powers e^z that add up to 1."""
    powers = np.exp(z - z.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def log_softmax(z: Array, axis: int = -1) -> Array:
    """log softmax(z)."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def sparsemax(z: Array, axis: int = -1) -> Array:
    """max(z - t, 0), with t from the sums of the largest entries, as Keras has it."""
    rows = np.moveaxis(z, axis, -1)
    largest = -np.sort(-rows)
    sums = np.cumsum(largest, axis=-1)
    inside = 1 + np.arange(1, rows.shape[-1] + 1, dtype=z.dtype) * largest > sums
    count = inside.sum(axis=-1, keepdims=True).astype(z.dtype)
    t = ((sums * inside).sum(axis=-1, keepdims=True) - 1) / count
    return np.moveaxis(np.maximum(rows - t, 0), -1, axis)


def glu(z: Array, axis: int = -1) -> Array:
    """The first half of z, times the sigmoid of the second."""
    a, b = np.split(z, 2, axis=axis)
    return a * sigmoid(b)
