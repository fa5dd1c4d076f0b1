"""The arithmetic of images at other places than those of their pixels: resizing, and affine maps.

A pixel is a square of side 1, and its value stands for its centre. In resizing, each axis is a
matrix multiplication. In an affine map (rotation, zoom, shift), each new pixel looks at a place in
the old image, and is a mean of the pixels around that place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from minikeras.typing import Array

KERNELS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
FILL_MODES = ("reflect", "wrap", "constant", "nearest")


def _kernel(method: str, d: Array) -> Array:
    """The weight of a pixel at distance d ≥ 0."""
    if method == "bilinear":
        return np.maximum(0.0, 1.0 - d)
    if method == "bicubic":  # Keys' cubic with a = -1/2
        near = (1.5 * d - 2.5) * d * d + 1.0
        far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
        return np.where(d < 1, near, np.where(d < 2, far, 0.0))
    radius = float(method[-1])  # a windowed sinc
    return np.where(d <= radius, np.sinc(d) * np.sinc(d / radius), 0.0)


@lru_cache(maxsize=32)
def resampling_matrix(old: int, new: int, method: str, antialias: bool) -> Array:
    """The matrix (new, old) that makes `new` pixels of `old` ones; its rows add up to 1."""
    centres = (np.arange(new) + 0.5) * (old / new) - 0.5  # the new pixels' places among the old
    if method == "nearest":
        return np.eye(old)[np.floor((np.arange(new) + 0.5) * (old / new)).astype(int)]
    widening = max(old / new, 1.0) if antialias else 1.0
    weights = _kernel(method, np.abs(centres[:, None] - np.arange(old)) / widening)
    matrix: Array = weights / weights.sum(axis=1, keepdims=True)
    return matrix


def aspect_crop(size: tuple[int, int], target: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the largest centred part with the target's aspect ratio."""
    (height, width), (new_height, new_width) = size, target
    h = max(1, min(height, int(width * new_height / new_width)))
    w = max(1, min(width, int(height * new_width / new_height)))
    top, left = (height - h) // 2, (width - w) // 2
    return slice(top, top + h), slice(left, left + w)


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
        self.parts: list[tuple[Array, Array]] = []  # of each corner: pixel numbers (−1: outside), weights
        for row, row_weight in _corners(rows, interpolation):
            for column, column_weight in _corners(columns, interpolation):
                r, c = _inside(row, size[0], fill_mode), _inside(column, size[1], fill_mode)
                outside = (r < 0) | (r >= size[0]) | (c < 0) | (c >= size[1])
                numbers = np.where(outside, -1, r * size[1] + c)
                self.parts.append((numbers, (row_weight * column_weight).astype(dtype)))

    def apply(self, images: Array) -> Array:
        """The new images, (batch, height, width, channels)."""
        n, height, width, channels = images.shape
        flat = images.reshape(n, height * width, channels)
        batch = np.arange(n)[:, None, None]
        y = np.zeros((*self.parts[0][0].shape, channels), images.dtype)
        for numbers, weights in self.parts:
            pixels = flat[batch, numbers]
            pixels[numbers < 0] = self.fill_value
            y += weights[..., None] * pixels
        return y

    def adjoint(self, dy: Array) -> Array:
        """dL/dimages: each new pixel's dy goes back, weighted, to where it came from."""
        n, channels = dy.shape[0], dy.shape[-1]
        dx = np.zeros((n, self.size[0] * self.size[1], channels), dy.dtype)
        for numbers, weights in self.parts:
            known = numbers >= 0
            batch = np.broadcast_to(np.arange(n)[:, None, None], numbers.shape)
            np.add.at(dx, (batch[known], numbers[known]), (weights[..., None] * dy)[known])
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
