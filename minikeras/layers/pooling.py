"""Pooling: one number for each window of an image, the largest or the mean.

A window's cells are never gathered: what one cell of the window saw at all places is a strided
slice of the input, and the running maximum, or sum, over these slices is the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_ints, check_option
from minikeras.layers._windows import Sweep, inner, output_size, pad, tiles
from minikeras.layers.spatial import Spatial
from minikeras.typing import Array, Shape

TILE = 2**17  # outputs of one tile: its windows stay in the cache; smaller tiles cost more in calls


class Pooling(Spatial):
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

    def __init__(
        self,
        pool_size: Any,
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

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        if any(n is not None and n < 1 for n in self._sizes(self.spatial(input_shape))):
            raise ShapeError(
                self.where(), f"an input of at least {self.pool_size}, the pool_size", tuple(input_shape),
                "use a smaller pool_size, padding='same', or fewer pooling layers before",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.shape_of(
            input_shape[0], self._sizes(self.spatial(input_shape)), self.channels(input_shape)
        )

    def _sizes(self, spatial: Shape) -> Shape:
        parts = zip(spatial, self.pool_size, self.strides, strict=True)
        return tuple(output_size(n, k, s, 1, self.padding) for n, k, s in parts)

    def _sweep(self, x: Array) -> Sweep:
        return Sweep.over(x.shape[1:-1], self.pool_size, self.strides, (1,) * self.rank, self.padding)


class MaxPooling(Pooling):
    """y[n, i, c] = the largest x[n, j, c] in window i; its gradient goes to the first of the largest."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        sweep = self._sweep(x)
        padded = pad(x, sweep.amounts, -np.inf, ctx)
        y = ctx.buffer("y", (len(x), *sweep.out, x.shape[-1]), self.dtype)
        winner = ctx.buffer("winner", y.shape, _index_type(sweep)) if ctx.recording else None
        for tile in _tiles(y):
            best, seen = y[tile], padded[tile]
            for number, (_, where) in enumerate(sweep.taps()):
                cell = seen[where]
                if winner is not None:
                    _note_winner(number, cell, best, winner[tile], ctx)
                if number:
                    np.maximum(best, cell, out=best)
                else:
                    np.copyto(best, cell)
        ctx.save(winner=winner, padded_shape=padded.shape, shape=x.shape, sweep=sweep)
        return self.restore(y)

    def backward(self, dy: Array, ctx: Context) -> Array:
        winner, padded_shape, shape, sweep = ctx.saved("winner", "padded_shape", "shape", "sweep")
        dy = self.channels_last(dy)
        dpadded = ctx.buffer("dpadded", padded_shape, self.dtype)
        apart = all(k <= s for k, s in zip(sweep.kernel, sweep.strides, strict=True))  # windows share no cell
        for tile in _tiles(dy):
            part, won, dseen = dy[tile], winner[tile], dpadded[tile]
            share = ctx.buffer("share", part.shape, self.dtype)
            if not sweep.covers(padded_shape[1:-1]):
                dseen[...] = 0
            for number, (_, where) in enumerate(sweep.taps()):
                np.equal(won, won.dtype.type(number), out=share, casting="unsafe")  # 1 where this cell won
                if apart:
                    np.multiply(share, part, out=dseen[where])
                else:
                    share *= part
                    dseen[where] += share
        return self.restore(dpadded[inner(shape, sweep.amounts)])


def _index_type(sweep: Sweep) -> np.dtype:
    """The smallest integers that number a window's cells: passes over them cost next to nothing."""
    return np.min_scalar_type(math.prod(sweep.kernel) - 1)


def _note_winner(number: int, cell: Array, best: Array, winner: Array, ctx: Context) -> None:
    """winner = number where this cell of the window is larger than all before it, which had smaller numbers."""
    if not number:
        winner[...] = 0
        return
    larger = np.greater(cell, best, out=ctx.buffer("larger", best.shape, np.bool_)).view(np.uint8)
    mine = ctx.buffer("mine", best.shape, winner.dtype)
    np.maximum(winner, np.multiply(larger, winner.dtype.type(number), out=mine), out=winner)


def _tiles(y: Array) -> Iterator[slice]:
    """Slices of the batch whose windows stay in the cache."""
    return tiles(len(y), math.prod(y.shape[1:]), TILE)


class AveragePooling(Pooling):
    """y[n, i, c] = the mean of x[n, j, c] over the cells j of window i that lie inside the input."""

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        sweep = self._sweep(x)
        padded = pad(x, sweep.amounts, 0, ctx)
        y = ctx.buffer("y", (len(x), *sweep.out, x.shape[-1]), self.dtype)
        weights = self._weights(x.shape[1:-1], sweep)
        for tile in _tiles(y):
            total, seen = y[tile], padded[tile]
            for tap, where in sweep.taps():
                if any(tap):
                    total += seen[where]
                else:  # the window's first cell
                    np.copyto(total, seen[where])
            total *= weights
        ctx.save(padded_shape=padded.shape, shape=x.shape, sweep=sweep, weights=weights)
        return self.restore(y)

    def backward(self, dy: Array, ctx: Context) -> Array:
        padded_shape, shape, sweep, weights = ctx.saved("padded_shape", "shape", "sweep", "weights")
        dy = self.channels_last(dy)
        dpadded = ctx.buffer("dpadded", padded_shape, self.dtype)
        for tile in _tiles(dy):
            dseen, part = dpadded[tile], dy[tile]
            share = np.multiply(part, weights, out=ctx.buffer("share", part.shape, self.dtype))
            dseen[...] = 0
            for _, where in sweep.taps():  # each cell of a window has the same share
                dseen[where] += share
        return self.restore(dpadded[inner(shape, sweep.amounts)])

    def _weights(self, sizes: tuple[int, ...], sweep: Sweep) -> Array:
        """1 / the number of cells inside the input, for each place: shape (*out, 1)."""
        counts = []
        for n, (before, _), k, s, o in zip(
            sizes, sweep.amounts, sweep.kernel, sweep.strides, sweep.out, strict=True
        ):
            start = np.arange(o) * s - before
            counts.append(np.minimum(start + k, n) - np.maximum(start, 0))
        total = functools.reduce(np.multiply.outer, counts)
        return (1 / total[..., None]).astype(self.dtype)


class MaxPooling1D(MaxPooling):
    """The largest number of each window of steps: (batch, steps, channels)."""

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number of each window of an image: (batch, height, width, channels)."""

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number of each window of a volume: (batch, depth, height, width, channels)."""

    rank = 3


class AveragePooling1D(AveragePooling):
    """The mean of each window of steps: (batch, steps, channels)."""

    rank = 1


class AveragePooling2D(AveragePooling):
    """The mean of each window of an image: (batch, height, width, channels)."""

    rank = 2


class AveragePooling3D(AveragePooling):
    """The mean of each window of a volume: (batch, depth, height, width, channels)."""

    rank = 3
