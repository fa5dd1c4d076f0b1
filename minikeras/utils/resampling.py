"""Images of another size: each new pixel is a weighted mean of the old pixels around its place.

A pixel is a square of side 1 whose value stands for its centre. Rows and columns are treated alike
and one after the other, so that resizing is a multiplication by a matrix along each of the two axes;
an interpolation method is nothing but the weight that it gives to a pixel at distance d.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError, check_ints, check_option
from minikeras.typing import Array

INTERPOLATIONS = (
    "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic",
)  # fmt: skip


def smart_resize(
    x: Any, size: int | tuple[int, int], interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Array:
    """Cut out the largest centred part that has the new aspect ratio, and resize that: nothing is distorted.

    Args:
        x: an image (height, width, channels) or a batch of them.
        size: the new (height, width).
        interpolation: see `INTERPOLATIONS`.
        data_format: "channels_last" or "channels_first".

    Returns:
        float32 images of the new size.

    Raises:
        ShapeError: when x is neither an image nor a batch of images.
        ValueError: for an unknown interpolation, or a size that is not two positive integers.
    """
    images = np.asarray(x)
    if images.ndim not in (3, 4) or not images.size:
        expected = "an image (height, width, channels) or a batch of images"
        raise ShapeError("smart_resize got no image.", expected, images.shape)
    height, width = check_ints("smart_resize", "size", size, 2)
    rows_axis = -2 if config.standardize_data_format(data_format) == "channels_first" else -3
    images = np.moveaxis(images, (rows_axis, rows_axis + 1), (-2, -1))
    rows, columns = centred_part(images.shape[-2:], (height, width))
    resized = resize(images[..., rows, columns], (height, width), interpolation)
    return np.moveaxis(resized, (-2, -1), (rows_axis, rows_axis + 1))


def centred_part(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the largest centred part with the new aspect ratio."""
    (height, width), (new_height, new_width) = old, new
    kept_height = max(min(height, width * new_height // new_width), 1)
    kept_width = max(min(width, height * new_width // new_height), 1)
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return slice(top, top + kept_height), slice(left, left + kept_width)


def resize_with_pad(x: Array, size: tuple[int, int], interpolation: str) -> Array:
    """Resize until the image just fits into the new size, and fill up with zeros on both sides.

    Args:
        x: (..., height, width).
        size: the new (height, width).
        interpolation: see `INTERPOLATIONS`.
    """
    height, width = x.shape[-2:]
    ratio = max(height / size[0], width / size[1])
    fitted = max(int(height / ratio), 1), max(int(width / ratio), 1)
    top, left = (size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2
    padded = np.zeros((*x.shape[:-2], *size), "float32")
    padded[..., top : top + fitted[0], left : left + fitted[1]] = resize(x, fitted, interpolation)
    return padded


def resize(x: Array, size: tuple[int, int], interpolation: str) -> Array:
    """y = R x Cᵀ for the resampling matrices R of the rows and C of the columns, in float32.

    Args:
        x: (..., height, width).
        size: the new (height, width).
        interpolation: see `INTERPOLATIONS`.
    """
    check_option("resize", "interpolation", interpolation, INTERPOLATIONS)
    images = np.asarray(x, "float32")
    if images.shape[-2:] == tuple(size):
        return images
    r = resampling_matrix(images.shape[-2], size[0], interpolation).astype("float32")
    c = resampling_matrix(images.shape[-1], size[1], interpolation).astype("float32")
    y: Array = r @ images @ c.T
    return y


@lru_cache(maxsize=32)
def resampling_matrix(old: int, new: int, interpolation: str, antialias: bool = False) -> Array:
    """The matrix (new, old) that makes `new` pixels out of `old` ones; each of its rows adds up to 1.

    With `antialias`, a smaller image's pixels are means over so many more of the old ones.
    """
    scale = old / new
    pixels = np.arange(old)
    edges = np.arange(new)[:, None] * scale  # where the new pixels begin, among the old ones
    if interpolation == "nearest":
        inside = (
            (2 * np.arange(new)[:, None] + 1) * old // (2 * new)
        )  # in whole numbers: centres fall on edges
        weights = 1.0 * (pixels == inside)
    elif interpolation == "area":  # how much of the new pixel each old one covers
        overlap = np.minimum(pixels + 1, edges + scale) - np.maximum(pixels, edges)
        weights = np.maximum(overlap, 0.0)
    else:
        distances = np.abs(edges + scale / 2 - (pixels + 0.5))
        weights = _weight(interpolation, distances / max(scale, 1.0) if antialias else distances)
    matrix: Array = weights / weights.sum(axis=1, keepdims=True)
    matrix.flags.writeable = False  # all who ask for it share it
    return matrix


def _weight(interpolation: str, d: Array) -> Array:
    """The weight of a pixel at distance d."""
    if interpolation == "bilinear":
        return np.maximum(1.0 - d, 0.0)
    if interpolation == "gaussian":  # exp(-d²/2σ²) with σ = 1/2, cut off at 3σ
        return np.exp(-2.0 * d * d) * (d < 1.5)
    if interpolation.startswith("lanczos"):  # a sinc, windowed by a wider sinc
        radius = float(interpolation[-1])
        return np.sinc(d) * np.sinc(d / radius) * (d <= radius)
    # two cubics, for d below 1 and below 2: those of Keys (b, c = 0, 1/2), of Mitchell and Netravali (1/3, 1/3)
    b, c = (0.0, 0.5) if interpolation == "bicubic" else (1 / 3, 1 / 3)
    near = ((12 - 9 * b - 6 * c) * d**3 + (-18 + 12 * b + 6 * c) * d**2 + (6 - 2 * b)) / 6
    far = ((-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + (8 * b + 24 * c)) / 6
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))
