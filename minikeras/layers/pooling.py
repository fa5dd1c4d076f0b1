"""Pooling: one number for each window of an image, here the largest.

A window's cells are never gathered: what one cell of the window saw at all places is a strided
slice of the input, and the running maximum over these slices is the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_ints, check_option
from minikeras.layers._windows import inner, output_size, pad, pad_amounts, taps
from minikeras.layers.base import Layer
from minikeras.layers.inputs import check_spatial
from minikeras.typing import Array, Shape


class Pooling(Layer):
    """What all windowed pooling layers share: sizes, padding, where the channels are.

    Args:
        pool_size: the window's size, one number or one per spatial axis.
        strides: by how much the window moves; `pool_size` when None.
        padding: "valid" (only windows inside the input), or "same" (the output has ceil(n/strides) places;
            cells outside the input do not count).
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers, or an unknown padding.
    """

    rank = 2

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = check_ints(self, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else check_ints(self, "strides", strides, self.rank)
        self.padding = check_option(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = standardize_data_format(data_format)
        self.dilation = (1,) * self.rank

    def check_input(self, input_shape: Shape) -> None:
        check_spatial(self.where(), input_shape, self.rank, self._last)
        if any(n is not None and n < 1 for n in self._sizes(self._spatial(input_shape))):
            raise ShapeError(
                self.where(), f"an input of at least {self.pool_size}, the pool_size", tuple(input_shape),
                "use a smaller pool_size, padding='same', or fewer pooling layers before",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = self._sizes(self._spatial(input_shape))
        return (input_shape[0], *sizes, input_shape[-1]) if self._last else (*input_shape[:2], *sizes)

    @property
    def _last(self) -> bool:
        return self.data_format == "channels_last"

    def _spatial(self, shape: Shape) -> Shape:
        return shape[1:-1] if self._last else shape[2:]

    def _sizes(self, spatial: Shape) -> Shape:
        parts = zip(spatial, self.pool_size, self.strides, strict=True)
        return tuple(output_size(n, k, s, 1, self.padding) for n, k, s in parts)

    def _channels_last(self, x: Array) -> Array:
        return x if self._last else np.moveaxis(x, 1, -1)

    def _restore(self, x: Array) -> Array:
        return x if self._last else np.moveaxis(x, -1, 1)


class MaxPooling(Pooling):
    """y[n, i, c] = the largest x[n, j, c] in window i; its gradient goes to the first of the largest."""

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self._channels_last(x)
        amounts = pad_amounts(x.shape[1:-1], self.pool_size, self.strides, self.dilation, self.padding)
        padded = pad(x, amounts, -np.inf, ctx)
        out = tuple(int(n or 0) for n in self._sizes(x.shape[1:-1]))
        y = ctx.buffer("y", (len(x), *out, x.shape[-1]), self.dtype)
        for tap, where in taps(self.pool_size, self.strides, self.dilation, out):
            if any(tap):
                np.maximum(y, padded[where], out=y)
            else:  # the window's first cell
                np.copyto(y, padded[where])
        ctx.save(padded=padded, amounts=amounts, shape=x.shape, y=y)
        return self._restore(y)

    def backward(self, dy: Array, ctx: Context) -> Array:
        padded, amounts, shape, y = ctx.saved("padded", "amounts", "shape", "y")
        dy = self._channels_last(dy)
        dpadded = ctx.buffer("dpadded", padded.shape, self.dtype)
        dpadded[...] = 0
        rest = ctx.buffer("rest", y.shape, self.dtype)  # the part of dy that has not found its cell yet
        share = ctx.buffer("share", y.shape, self.dtype)
        np.copyto(rest, dy)
        for _, where in taps(self.pool_size, self.strides, self.dilation, y.shape[1:-1]):
            np.multiply(rest, padded[where] == y, out=share)
            dpadded[where] += share
            rest -= share
        return self._restore(dpadded[inner(shape, amounts)])


class MaxPooling1D(MaxPooling):
    """The largest number of each window of steps: (batch, steps, channels)."""

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number of each window of an image: (batch, height, width, channels)."""

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number of each window of a volume: (batch, depth, height, width, channels)."""

    rank = 3
