"""y = γ x̂ + β with learned γ and β: what layer, group and batch normalization end with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minikeras import constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_number
from minikeras.layers.base import Layer
from minikeras.numbers import spread, sum_rows
from minikeras.typing import Array, Shape

Axes = tuple[int, ...]


def sum_to(axes: Axes, x: Array, out: Array) -> None:
    """The sum of x over all axes but these."""
    if axes == (x.ndim - 1,):
        sum_rows(x, out=out)
    else:
        np.add.reduce(x, axis=tuple(a for a in range(x.ndim) if a not in axes), out=out)


def counted_from_0(axis: Any, rank: int) -> Axes:
    """One axis, or a tuple or list of them, with the negative ones counted from the front, too."""
    return _counted_from_0(tuple(axis) if isinstance(axis, list) else axis, rank)


@lru_cache
def _counted_from_0(axis: int | Axes, rank: int) -> Axes:
    return tuple(a % rank for a in (axis if isinstance(axis, tuple) else (axis,)))


class Scaled(Layer):
    """What the layers with y = γ x̂ + β share: the two variables and their gradients.

    Args:
        axis: the axis, or axes, that each γ and β belongs to.
        epsilon: ε.
        center: whether there is a β.
        scale: whether there is a γ.
        beta_initializer: "zeros" by default.
        gamma_initializer: "ones" by default.
        beta_regularizer: a penalty on β.
        gamma_regularizer: a penalty on γ.
        beta_constraint: a projection of β after each update.
        gamma_constraint: the same for γ.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis: Any = axis
        for a in axis if isinstance(axis, (list, tuple)) else [axis]:
            check_int(self, "axis", a, -100)
        self.epsilon = check_number(self, "epsilon", epsilon, 0, math.inf)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def axes(self, rank: int) -> Axes:
        """The axes of γ and β, counted from 0."""
        return counted_from_0(self.axis, rank)

    def check_input(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        given = self.axis if isinstance(self.axis, (list, tuple)) else [self.axis]
        if any(not -rank <= a < rank for a in given):
            raise ShapeError(self.where(), f"an axis {self.axis}", tuple(input_shape))
        sizes = [input_shape[a] for a in self.axes(rank)]
        if None in sizes:
            raise ShapeError(self.where(), f"a known size along axis {self.axis}", tuple(input_shape))
        if self.built and self.build_shape is not None:
            before = [self.build_shape[a] for a in self.axes(len(self.build_shape))]
            if sizes != before:
                raise ShapeError(self.where(), f"axis {self.axis} of size {before}", tuple(input_shape))

    def make_weights(self, input_shape: Shape) -> None:
        """γ and β."""
        shape = [input_shape[a] or 1 for a in self.axes(len(input_shape))]
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, None, True,
                self.gamma_regularizer, self.gamma_constraint, "gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, None, True,
                self.beta_regularizer, self.beta_constraint, "beta",
            )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        self.make_weights(input_shape)
        self.mark_built(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def along(self, values: Array, x: Array) -> Array:
        """γ or another of its shape, with axes of length one so that it meets x."""
        shape = [1] * x.ndim
        for a in self.axes(x.ndim):
            shape[a] = x.shape[a]
        return values.reshape(shape)

    def scaled(self, x_hat: Array, ctx: Context) -> Array:
        """y = γ x̂ + β."""
        y = ctx.buffer("y", x_hat.shape, self.dtype)
        np.multiply(x_hat, self._wide(self.gamma.value, x_hat) if self.scale else 1, out=y)
        if self.center:
            y += self._wide(self.beta.value, x_hat)
        return y

    def scaled_backward(self, dy: Array, x_hat: Array, ctx: Context) -> Array:
        """dL/dx̂ = γ dy; on the way dL/dγ = Σ dy x̂ and dL/dβ = Σ dy."""
        axes = self.axes(x_hat.ndim)
        dx_hat = ctx.buffer("dx_hat", x_hat.shape, self.dtype)
        if self.scale:
            np.multiply(dy, x_hat, out=dx_hat)
            sum_to(axes, dx_hat, ctx.grad(self.gamma))
        if self.center:
            sum_to(axes, dy, ctx.grad(self.beta))
        return np.multiply(dy, self._wide(self.gamma.value, x_hat) if self.scale else 1, out=dx_hat)

    def _wide(self, values: Array, x: Array) -> Array:
        """`along`, and repeated to the shape of a sample, which is faster: see `spread`."""
        values = self.along(values, x)
        return values if 0 in self.axes(x.ndim) else spread(values, x)
