"""Global pooling: one number for each channel of a whole image, the largest or the mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_option
from minikeras.layers.spatial import Spatial
from minikeras.typing import Array, Shape


class GlobalPooling(Spatial):
    """What all global pooling layers share: (batch, *spatial, channels) becomes (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes, with size 1.
        **kwargs: those of `Layer`.
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = check_option(self, "keepdims", keepdims, (False, True))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.keepdims:
            return self.shape_of(input_shape[0], (1,) * self.rank, self.channels(input_shape))
        return (input_shape[0], self.channels(input_shape))

    def _rows(self, x: Array) -> Array:
        """x as (batch, places, channels)."""
        x = self.channels_last(x)
        return x.reshape(len(x), math.prod(x.shape[1:-1]), x.shape[-1])

    def _output(self, y: Array) -> Array:
        """The result, (batch, channels), in its final shape."""
        shape = self.shape_of(len(y), (1,) * self.rank, y.shape[-1])
        return y.reshape(tuple(n or 0 for n in shape)) if self.keepdims else y

    def _input(self, dx: Array, spatial: tuple[int, ...]) -> Array:
        """dL/dx from (batch, places, channels)."""
        return self.restore(dx.reshape(len(dx), *spatial, dx.shape[-1]))


class GlobalAveragePooling(GlobalPooling):
    """y[n, c] = the mean of x[n, i, c] over all places i."""

    def forward(self, x: Array, ctx: Context) -> Array:
        rows = self._rows(x)
        weights = self._weights(rows, ctx)
        y = ctx.buffer("y", (len(rows), 1, rows.shape[-1]), self.dtype)
        np.matmul(weights, rows, out=y)  # (n, 1, places) @ (n, places, c)
        ctx.save(shape=rows.shape, spatial=self.channels_last(x).shape[1:-1], weights=weights)
        return self._output(y[:, 0])

    def backward(self, dy: Array, ctx: Context) -> Array:
        shape, spatial, weights = ctx.saved("shape", "spatial", "weights")
        dx = ctx.buffer("dx", shape, self.dtype)
        dy = dy.reshape(len(dy), 1, shape[-1])
        if ctx.mask is None:  # each place has the same share: copies, three to six times as fast as products
            share = np.multiply(dy, 1 / max(shape[1], 1), out=ctx.buffer("share", dy.shape, self.dtype))
            zeros = ctx.buffer("zeros", shape[1:2], np.intp)
            zeros.fill(0)
            np.take(share, zeros, axis=1, out=dx, mode="clip")
        else:
            np.multiply(weights.swapaxes(1, 2), dy, out=dx)  # dL/dx_i = weight_i dy
        return self._input(dx, spatial)

    def _weights(self, rows: Array, ctx: Context) -> Array:
        """What each place counts in the mean: shape (1 or batch, 1, places)."""
        weights = ctx.buffer("weights", (1, 1, rows.shape[1]), self.dtype)
        weights[...] = 1 / max(rows.shape[1], 1)
        return weights


class GlobalMaxPooling(GlobalPooling):
    """y[n, c] = the largest x[n, i, c] of all places i; equal ones share the gradient equally."""

    def forward(self, x: Array, ctx: Context) -> Array:
        rows = self._rows(x)
        y = ctx.buffer("y", (len(rows), rows.shape[-1]), self.dtype)
        np.max(rows, axis=1, out=y)
        ctx.save(rows=rows, spatial=self.channels_last(x).shape[1:-1], y=y)
        return self._output(y)

    def backward(self, dy: Array, ctx: Context) -> Array:
        rows, spatial, y = ctx.saved("rows", "spatial", "y")
        dx = ctx.buffer("dx", rows.shape, self.dtype)
        np.equal(rows, y[:, None], out=dx)  # 1 where the largest are
        share = dx.sum(axis=1, out=ctx.buffer("share", y.shape, self.dtype))
        np.divide(dy.reshape(y.shape), share, out=share)
        dx *= share[:, None]  # dL/dx_i = dy / (how many are the largest)
        return self._input(dx, spatial)


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean over all steps: (batch, steps, channels). Masked steps do not count.

    Where all steps of a sample are masked the result is not a number, as in Keras.
    """

    rank = 1
    supports_masking = True

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return None

    def _weights(self, rows: Array, ctx: Context) -> Array:
        if ctx.mask is None:
            return super()._weights(rows, ctx)
        weights = ctx.buffer("weights", (len(rows), 1, rows.shape[1]), self.dtype)
        np.copyto(weights, np.asarray(ctx.mask, bool)[:, None])
        with np.errstate(invalid="ignore"):
            weights /= weights.sum(axis=2, keepdims=True)
        return weights


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean over an image: (batch, height, width, channels)."""

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean over a volume: (batch, depth, height, width, channels)."""

    rank = 3


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest number of all steps: (batch, steps, channels)."""

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest number of an image: (batch, height, width, channels)."""

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest number of a volume: (batch, depth, height, width, channels)."""

    rank = 3
