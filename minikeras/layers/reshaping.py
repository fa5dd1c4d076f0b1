"""Layers that move numbers without changing them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int
from minikeras.layers._order import reshaped
from minikeras.layers.base import Layer
from minikeras.layers.inputs import check_rank
from minikeras.typing import Array, Shape


class Flatten(Layer):
    """(batch, a, b, ...) becomes (batch, a·b·...); (batch,) becomes (batch, 1).

    Args:
        data_format: with "channels_first" the channels are moved last before flattening, so that
            the order of the features is the same as with "channels_last".
        **kwargs: those of `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(n for n in sizes if n is not None))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(shape=x.shape)
        if self.moves_channels(x.ndim):
            x = x.transpose(0, *range(2, x.ndim), 1)  # channels last
        return reshaped(x, (len(x), math.prod(x.shape[1:])), ctx, "y")

    def backward(self, dy: Array, ctx: Context) -> Array:
        shape = ctx.saved("shape")
        if self.moves_channels(len(shape)):
            last = reshaped(dy, (shape[0], *shape[2:], shape[1]), ctx, "dx")
            return last.transpose(0, last.ndim - 1, *range(1, last.ndim - 1))  # channels first again
        return reshaped(dy, shape, ctx, "dx")

    def moves_channels(self, ndim: int) -> bool:
        """Whether the channels are moved last before flattening."""
        return self.data_format == "channels_first" and ndim > 2


class Reshape(Layer):
    """(batch, ...) becomes (batch, *target_shape); the order of the numbers stays.

    Args:
        target_shape: the new sizes without the batch; one of them may be -1: whatever is left.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are no integers, or more than one -1.
    """

    def __init__(self, target_shape: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = target_shape if isinstance(target_shape, (tuple, list)) else (target_shape,)
        self.target_shape = tuple(check_int(self, "target_shape", n, -1) for n in sizes)
        if self.target_shape.count(-1) > 1:
            raise ValueError(f"Reshape: only one size may be -1. Received: target_shape={target_shape!r}")

    def check_input(self, input_shape: Shape) -> None:
        sizes = input_shape[1:]
        if None in sizes:
            return  # found out when the data come
        total, fixed = math.prod(n or 0 for n in sizes), math.prod(n for n in self.target_shape if n != -1)
        left_over = -1 in self.target_shape and fixed and total % fixed == 0
        if total != fixed and not left_over:
            fix = f"choose target_shape so that its product is {total}, or one size -1"
            raise ShapeError(
                self.where(), f"{fixed} numbers per sample, for target_shape={self.target_shape}",
                f"{tuple(input_shape)}, {total} numbers per sample", fix,
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        if -1 not in self.target_shape:
            return (input_shape[0], *self.target_shape)
        fixed = math.prod(n for n in self.target_shape if n != -1)
        rest = None if None in sizes else math.prod(n or 0 for n in sizes) // max(fixed, 1)
        return (input_shape[0], *(rest if n == -1 else n for n in self.target_shape))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(shape=x.shape)
        rest = math.prod(x.shape[1:]) // max(math.prod(n for n in self.target_shape if n != -1), 1)
        return reshaped(x, (len(x), *(rest if n == -1 else n for n in self.target_shape)), ctx, "y")

    def backward(self, dy: Array, ctx: Context) -> Array:
        return reshaped(dy, ctx.saved("shape"), ctx, "dx")


class Permute(Layer):
    """Axes in another order: y's axis i is x's axis dims[i − 1].

    Args:
        dims: the axes of the input, from 1 on (the batch is not counted), in their new order.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: when `dims` is not an order of 1, 2, ... n.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Invalid permutation argument `dims` for Permute Layer. It must hold each of 1, 2, ... once. "
                f"Received: dims={dims}"
            )

    def check_input(self, input_shape: Shape) -> None:
        check_rank(self.where(), input_shape, len(self.dims) + 1, f"as dims={self.dims}")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[i] for i in self.dims))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        return x.transpose(0, *self.dims)

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return dy.transpose(0, *(1 + self.dims.index(i) for i in range(1, dy.ndim)))


class RepeatVector(Layer):
    """(batch, features) becomes (batch, n, features): the same vector n times.

    Args:
        n: how often.
        **kwargs: those of `Layer`.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = check_int(self, "n", n)

    def check_input(self, input_shape: Shape) -> None:
        fix = "use return_sequences=False on the recurrent layer before, or Flatten"
        check_rank(self.where(), input_shape, 2, "(batch, features)", fix if len(input_shape) > 2 else None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        y = ctx.buffer("y", (len(x), self.n, x.shape[1]), self.dtype)
        np.copyto(y, x[:, None])
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return dy.sum(axis=1)  # each copy's share
