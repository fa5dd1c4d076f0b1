"""The arithmetic of affine maps: images at other places than those of their pixels.

A pixel is a square of side 1, and its value stands for its centre. In a rotation, a zoom or a shift,
each new pixel looks at a place in the old image, and is a mean of the pixels around that place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minikeras.typing import Array

FILL_MODES = ("reflect", "wrap", "constant", "nearest")


def affine_places(matrices: Array, height: int, width: int) -> tuple[Array, Array]:
    """Where each new pixel looks: (x', y') = (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        matrices: (batch, 2, 3), the rows (a0, a1, a2) and (b0, b1, b2).
        height: of the images.
        width: of the images.

    Returns:
        Rows y' and columns x', each (batch, height, width).
    """
    grid = np.stack(np.broadcast_arrays(np.arange(width), np.arange(height)[:, None], 1))  # x, y, 1
    places = np.tensordot(matrices, grid.reshape(3, -1), axes=(2, 0))  # (batch, 2, height·width)
    places = places.reshape(-1, 2, height, width)
    return places[:, 1], places[:, 0]


def _inside(index: Array, size: int, fill_mode: str) -> Array:
    """Indices beyond the border as those that they stand for; only for "constant" as they are."""
    if fill_mode == "nearest":
        return np.clip(index, 0, size - 1)
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        index = index % (2 * size)
        return np.minimum(index, 2 * size - 1 - index)
    return index


class Sampling:
    """y[n, i, j] = Σ weight · x[n, row, column] over the pixels around each of the given places.

    Args:
        rows: (batch, height, width): where each new pixel looks.
        columns: the same.
        size: height and width of the old images.
        interpolation: "nearest" or "bilinear".
        fill_mode: what lies beyond the border, one of `FILL_MODES`.
        fill_value: the pixel beyond the border in mode "constant".
        dtype: of the weights.
    """

    def __init__(
        self,
        rows: Array,
        columns: Array,
        size: tuple[int, int],
        interpolation: str,
        fill_mode: str,
        fill_value: float,
        dtype: np.dtype,
    ) -> None:
        self.size = size
        self.fill_value = fill_value
        first = (np.arange(len(rows)) * (size[0] * size[1]))[
            :, None, None
        ]  # the number of an image's first pixel
        self.parts: list[
            tuple[Array, Array, Array]
        ] = []  # of each corner: pixel numbers, weights, what is outside
        for row, row_weight in _corners(rows, interpolation):
            for column, column_weight in _corners(columns, interpolation):
                r, c = _inside(row, size[0], fill_mode), _inside(column, size[1], fill_mode)
                outside = (r < 0) | (r >= size[0]) | (c < 0) | (c >= size[1])
                numbers = np.where(outside, 0, r * size[1] + c) + first
                self.parts.append((numbers, (row_weight * column_weight).astype(dtype), outside))

    def apply(self, images: Array) -> Array:
        """The new images, (batch, height, width, channels)."""
        channels = images.shape[-1]
        flat = images.reshape(-1, channels)
        y = np.zeros((*self.parts[0][0].shape, channels), images.dtype)
        for numbers, weights, outside in self.parts:
            pixels = np.take(flat, numbers, axis=0)
            pixels[outside] = self.fill_value
            pixels *= weights[..., None]
            y += pixels
        return y

    def adjoint(self, dy: Array) -> Array:
        """dL/dimages: each new pixel's dy goes back, weighted, to where it came from."""
        n, channels = dy.shape[0], dy.shape[-1]
        dx = np.zeros((n * self.size[0] * self.size[1], channels), dy.dtype)
        for numbers, weights, outside in self.parts:
            share = np.where(outside, 0, weights)
            for c in range(channels):
                dx[:, c] += np.bincount(numbers.reshape(-1), (share * dy[..., c]).reshape(-1), len(dx))
        return dx.reshape(n, *self.size, channels)


def _corners(places: Array, interpolation: str) -> Iterator[tuple[Array, Array]]:
    """The pixels next to a place on one axis, and their weights."""
    if interpolation == "nearest":
        yield np.rint(places).astype("int64"), np.ones_like(places)
        return
    lower = np.floor(places)
    share = places - lower
    yield lower.astype("int64"), 1 - share
    yield lower.astype("int64") + 1, share


def rotation_matrices(angle: Array, height: int, width: int) -> Array:
    """Rotation by angles in radians around the middle of the image: (batch, 2, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    matrices = np.array([[cos, -sin, x - x * cos + y * sin], [sin, cos, y - x * sin - y * cos]])
    return np.moveaxis(matrices, -1, 0)
