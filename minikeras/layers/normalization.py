"""Normalization of each sample by its own numbers: layer, group, RMS and unit normalization.

x̂ = (x − mean) / √(variance + ε) over some axes, then y = γ x̂ + β with learned γ and β. The mean
and the variance depend on x too, so with dx̂ = γ dy and n numbers in each mean

    dx = (dx̂ − Σ dx̂ / n − x̂ Σ (dx̂ x̂) / n) / √(variance + ε).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_number
from minikeras.layers.affine import Axes, Scaled, counted_from_0, sum_to
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


def mean(axes: Axes, *factors: Array) -> Array:
    """The mean of x, or of x·y, over the axes, which stay with length one; no array of the products is made."""
    shape = factors[0].shape
    every = list(range(len(shape)))
    total = np.einsum(*(part for x in factors for part in (x, every)), [a for a in every if a not in axes])
    total = np.asarray(total / max(math.prod(shape[a] for a in axes), 1))
    return total.reshape([1 if a in axes else shape[a] for a in every])


def standardize(x: Array, axes: Axes, epsilon: float, ctx: Context) -> tuple[Array, Array]:
    """x̂ and 1/√(variance + ε), in two passes: differences first, then their squares."""
    x_hat = np.subtract(x, mean(axes, x), out=ctx.buffer("x_hat", x.shape, x.dtype))
    inverse = 1 / np.sqrt(mean(axes, x_hat, x_hat) + epsilon)
    x_hat *= inverse
    return x_hat, inverse


def standardize_backward(dx_hat: Array, x_hat: Array, inverse: Array, axes: Axes, ctx: Context) -> Array:
    """dL/dx, written over dx_hat; see the module's description."""
    through_mean, through_variance = mean(axes, dx_hat), mean(axes, dx_hat, x_hat)
    dx_hat -= through_mean
    dx_hat -= np.multiply(x_hat, through_variance, out=ctx.buffer("part", x_hat.shape, x_hat.dtype))
    dx_hat *= inverse
    return dx_hat


class LayerNormalization(Scaled):
    """Each sample's numbers along `axis` are brought to mean 0 and variance 1, then y = γ x̂ + β.

    For the arguments see `Scaled`.

    Source: Ba et al., "Layer Normalization", 2016.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("rms_scaling", False):
            raise ValueError("LayerNormalization: `rms_scaling` is not supported; use RMSNormalization.")
        super().__init__(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Keras' keys."""
        config = super().get_config()
        keys = list(config)
        at = keys.index("beta_initializer")
        return {
            **{k: config[k] for k in keys[:at]},
            "rms_scaling": False,
            **{k: config[k] for k in keys[at:]},
        }

    def axes(self, rank: int) -> Axes:
        return tuple(sorted(super().axes(rank)))

    def forward(self, x: Array, ctx: Context) -> Array:
        x_hat, inverse = standardize(x, self.axes(x.ndim), self.epsilon, ctx)
        ctx.save(x_hat=x_hat, inverse=inverse)
        return self.scaled(x_hat, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        x_hat, inverse = ctx.saved("x_hat", "inverse")
        dx_hat = self.scaled_backward(dy, x_hat, ctx)
        return standardize_backward(dx_hat, x_hat, inverse, self.axes(x_hat.ndim), ctx)


class GroupNormalization(Scaled):
    """Each sample's channels, in groups, are brought to mean 0 and variance 1, then y = γ x̂ + β.

    Args:
        groups: how many; −1: each channel is a group of its own ("instance normalization").
        axis: the axis of the channels.
        **kwargs: see `Scaled`.

    Raises:
        ValueError: when the groups do not divide the channels.

    Source: Wu and He, "Group Normalization", 2018.
    """

    def __init__(self, groups: int = 32, axis: int = -1, *args: Any, **kwargs: Any) -> None:
        super().__init__(axis, *args, **kwargs)
        self.groups = check_int(self, "groups", groups, -1)
        check_int(self, "axis", axis, -100)

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        channels = input_shape[self.axis]
        groups = channels if self.groups == -1 else self.groups
        if not groups or channels is None or channels % groups:
            raise ShapeError(
                self.where(), f"channels that groups={self.groups} divides", f"{tuple(input_shape)}",
                "choose a divisor of the number of channels, or -1",
            )  # fmt: skip

    def forward(self, x: Array, ctx: Context) -> Array:
        split = self._split(x)
        x_hat, inverse = standardize(split, tuple(range(2, split.ndim)), self.epsilon, ctx)
        x_hat = self._join(x_hat, x)
        ctx.save(x_hat=x_hat, inverse=inverse)
        return self.scaled(x_hat, ctx)

    def backward(self, dy: Array, ctx: Context) -> Array:
        x_hat, inverse = ctx.saved("x_hat", "inverse")
        dx_hat = self._split(self.scaled_backward(dy, x_hat, ctx))
        dx = standardize_backward(dx_hat, self._split(x_hat), inverse, tuple(range(2, dx_hat.ndim)), ctx)
        return self._join(dx, x_hat)

    def _split(self, x: Array) -> Array:
        """(batch, groups, channels of a group, ...)."""
        first = np.moveaxis(x, self.axis, 1)
        groups = first.shape[1] if self.groups == -1 else self.groups
        return first.reshape(len(x), groups, first.shape[1] // groups, *first.shape[2:])

    def _join(self, split: Array, x: Array) -> Array:
        """The axes of x again."""
        first = np.moveaxis(x, self.axis, 1)
        return np.moveaxis(split.reshape(first.shape), 1, self.axis)


class RMSNormalization(Layer):
    """y = γ x / √(mean x² + ε) along the axis.

    Args:
        axis: the axis, or axes, of the mean.
        epsilon: ε.
        **kwargs: those of `Layer`.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis: Any = axis
        self.epsilon = check_number(self, "epsilon", epsilon, 0, math.inf)

    def axes(self, rank: int) -> Axes:
        """The axes of the mean, counted from 0."""
        return tuple(sorted(counted_from_0(self.axis, rank)))

    def check_input(self, input_shape: Shape) -> None:
        sizes = [input_shape[a] for a in self.axes(len(input_shape))]
        if None in sizes:
            raise ShapeError(self.where(), f"a known size along axis {self.axis}", tuple(input_shape))
        if self.built and tuple(sizes) != self.scale.shape:
            raise ShapeError(self.where(), f"axis {self.axis} of size {self.scale.shape}", tuple(input_shape))

    def build(self, input_shape: Shape) -> None:
        shape = [input_shape[a] or 1 for a in self.axes(len(input_shape))]
        self.scale = self.add_weight(shape, "ones", name="scale")
        self.mark_built(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        axes = self.axes(x.ndim)
        inverse = 1 / np.sqrt(mean(axes, x, x) + self.epsilon)
        x_hat = np.multiply(x, inverse, out=ctx.buffer("x_hat", x.shape, self.dtype))
        ctx.save(x_hat=x_hat, inverse=inverse)
        return np.multiply(x_hat, self._along(x_hat), out=ctx.buffer("y", x.shape, self.dtype))

    def _along(self, x: Array) -> Array:
        axes = self.axes(x.ndim)
        return self.scale.value.reshape([x.shape[a] if a in axes else 1 for a in range(x.ndim)])

    def backward(self, dy: Array, ctx: Context) -> Array:
        x_hat, inverse = ctx.saved("x_hat", "inverse")
        axes = self.axes(x_hat.ndim)
        dx = np.multiply(dy, x_hat, out=ctx.buffer("dx", x_hat.shape, self.dtype))
        sum_to(axes, dx, ctx.grad(self.scale))  # dL/dγ = Σ dy x̂
        np.multiply(dy, self._along(x_hat), out=dx)
        part = ctx.buffer("part", x_hat.shape, self.dtype)
        dx -= np.multiply(x_hat, mean(axes, dx, x_hat), out=part)  # dx̂ − x̂ mean(dx̂ x̂)
        dx *= inverse
        return dx


class UnitNormalization(Layer):
    """y = x / √(Σ x²) along the axis: rows of length one.

    Args:
        axis: the axis, or axes, of the sum.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis: Any = axis

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def _axes(self) -> Any:
        return tuple(self.axis) if isinstance(self.axis, (list, tuple)) else self.axis

    def forward(self, x: Array, ctx: Context) -> Array:
        y = np.multiply(x, x, out=ctx.buffer("y", x.shape, self.dtype))
        inverse = 1 / np.maximum(np.sqrt(np.add.reduce(y, axis=self._axes(), keepdims=True)), 1e-12)
        np.multiply(x, inverse, out=y)
        ctx.save(y=y, inverse=inverse)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        y, inverse = ctx.saved("y", "inverse")
        dx = np.multiply(dy, y, out=ctx.buffer("dx", y.shape, self.dtype))
        inner = np.add.reduce(dx, axis=self._axes(), keepdims=True)  # Σ dy y
        np.multiply(y, inner, out=dx)
        np.subtract(dy, dx, out=dx)
        dx *= inverse
        return dx
