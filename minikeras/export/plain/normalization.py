"""Normalization as plain functions: numbers brought to mean 0 and variance 1, or to length one."""

from __future__ import annotations

import numpy as np

from minikeras.typing import Array


def along(values: Array, axes: tuple[int, ...], rank: int) -> Array:
    """An array that belongs to these axes, with axes of length one for the others."""
    sizes = dict(zip(axes, values.shape, strict=True))
    return values.reshape([sizes.get(axis, 1) for axis in range(rank)])


def scaled(x: Array, gamma: Array | None, beta: Array | None, axes: tuple[int, ...]) -> Array:
    """gamma x + beta."""
    x = x if gamma is None else x * along(gamma, axes, x.ndim)
    return x if beta is None else x + along(beta, axes, x.ndim)


def standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """x with mean 0 and variance 1 over the axes."""
    d = x - x.mean(axis=axes, keepdims=True)
    return d / np.sqrt((d * d).mean(axis=axes, keepdims=True) + epsilon)


def batch_normalization(
    x: Array,
    moving_mean: Array,
    moving_variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axes: tuple[int, ...] = (),
    epsilon: float = 0.001,
) -> Array:
    """gamma (x - mean)/√(variance + epsilon) + beta, for each channel."""
    x = (x - along(moving_mean, axes, x.ndim)) / np.sqrt(along(moving_variance, axes, x.ndim) + epsilon)
    return scaled(x, gamma, beta, axes)


def layer_normalization(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axes: tuple[int, ...] = (),
    epsilon: float = 0.001,
) -> Array:
    """Each sample's numbers along the axes with mean 0 and variance 1, then gamma x + beta."""
    return scaled(standardized(x, axes, epsilon), gamma, beta, axes)


def group_normalization(
    x: Array,
    groups: int,
    gamma: Array | None = None,
    beta: Array | None = None,
    axes: tuple[int, ...] = (),
    epsilon: float = 0.001,
) -> Array:
    """Each sample's channels, in groups, with mean 0 and variance 1, then gamma x + beta."""
    first = np.moveaxis(x, axes[0], 1)  # (batch, channels, ...)
    split = first.reshape(len(x), groups, first.shape[1] // groups, *first.shape[2:])
    split = standardized(split, tuple(range(2, split.ndim)), epsilon)
    return scaled(np.moveaxis(split.reshape(first.shape), 1, axes[0]), gamma, beta, axes)


def rms_normalization(x: Array, scale: Array, axes: tuple[int, ...] = (), epsilon: float = 1e-6) -> Array:
    """scale · x / √(mean x² + epsilon) along the axes."""
    return x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + epsilon) * along(scale, axes, x.ndim)


def unit_normalization(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Rows of length one."""
    return x / np.maximum(np.sqrt((x * x).sum(axis=axis, keepdims=True)), 1e-12)
