"""Adaptive pooling: a given number of windows, as large as it takes to cover the input.

Of n places, o windows are made: window i begins at ⌊i·n/o⌋ and ends before ⌈(i+1)·n/o⌉. One axis is
pooled after the other; a mean is then a product with a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_ints
from minikeras.layers._axes import apply_along_axes
from minikeras.layers.spatial import Spatial
from minikeras.typing import Array, Shape


class AdaptivePooling(Spatial):
    """What all adaptive pooling layers share.

    Args:
        output_size: how many places the output has, one number or one per spatial axis.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers.
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = check_ints(self, "output_size", output_size, self.rank)
        self.data_format = standardize_data_format(data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.shape_of(input_shape[0], self.output_size, self.channels(input_shape))


def adaptive_windows(n: int, o: int) -> Iterator[slice]:
    """The o windows over n places."""
    for i in range(o):
        yield slice(i * n // o, -(-(i + 1) * n // o))


class AdaptiveAveragePooling(AdaptivePooling):
    """y[n, i, c] = the mean of x[n, j, c] over the places j of window i."""

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        matrices = [self._means(n, o) for n, o in zip(x.shape[1:-1], self.output_size, strict=True)]
        ctx.save(matrices=matrices)
        return self.restore(apply_along_axes(x, matrices, ctx, "y"))

    def backward(self, dy: Array, ctx: Context) -> Array:
        matrices = ctx.saved("matrices")
        dy = self.channels_last(dy)
        return self.restore(apply_along_axes(dy, [m.T for m in matrices], ctx, "dx"))

    def _means(self, n: int, o: int) -> Array:
        """The matrix, (o, n), whose rows take the mean over a window."""
        matrix = np.zeros((o, n), self.dtype)
        for row, window in zip(matrix, adaptive_windows(n, o), strict=True):
            row[window] = 1 / (window.stop - window.start)
        return matrix


class AdaptiveMaxPooling(AdaptivePooling):
    """y[n, i, c] = the largest x[n, j, c] in window i; its gradient goes to the first of the largest.

    The largest of each window of rows is found first, then that of each window of columns.
    """

    def forward(self, x: Array, ctx: Context) -> Array:
        stages = [self.channels_last(x)]
        for axis, o in enumerate(self.output_size, start=1):
            before = stages[-1]
            y = ctx.buffer(f"y{axis}", (*before.shape[:axis], o, *before.shape[axis + 1 :]), self.dtype)
            for i, window in enumerate(adaptive_windows(before.shape[axis], o)):
                np.max(_at(before, axis, window), axis=axis, out=_at(y, axis, i))
            stages.append(y)
        ctx.save(stages=stages)
        return self.restore(stages[-1])

    def backward(self, dy: Array, ctx: Context) -> Array:
        stages = ctx.saved("stages")
        dy = self.channels_last(dy)
        for axis in reversed(range(1, self.rank + 1)):
            x, y = stages[axis - 1], stages[axis]
            dx = ctx.buffer(f"dx{axis}", x.shape, self.dtype)
            dx[...] = 0
            for i, window in enumerate(adaptive_windows(x.shape[axis], y.shape[axis])):
                largest, rest = _at(y, axis, i), _at(dy, axis, i).copy()
                for j in range(window.start, window.stop):
                    share = rest * (_at(x, axis, j) == largest)
                    _at(dx, axis, j)[...] += share
                    rest -= share
            dy = dx
        return self.restore(dy)


def _at(x: Array, axis: int, index: int | slice) -> Array:
    """A view of x at an index of one axis."""
    view: Array = x[(slice(None),) * axis + (index,)]
    return view


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """The mean of each of a given number of windows of steps: (batch, steps, channels)."""

    rank = 1


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """The mean of each of a given number of windows of an image: (batch, height, width, channels)."""

    rank = 2


class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """The mean of each of a given number of windows of a volume: (batch, depth, height, width, channels)."""

    rank = 3


class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """The largest number of each of a given number of windows of steps: (batch, steps, channels)."""

    rank = 1


class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """The largest number of each of a given number of windows of an image: (batch, height, width, channels)."""

    rank = 2


class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """The largest number of each of a given number of windows of a volume: (batch, depth, height, width, channels)."""

    rank = 3
