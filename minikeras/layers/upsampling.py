"""Larger images from small ones: each cell repeated, or values between the cells interpolated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_int, check_ints, check_option
from minikeras.layers._axes import apply_along_axes
from minikeras.layers._windows import taps
from minikeras.layers.spatial import Spatial
from minikeras.typing import Array, Shape


class UpSampling(Spatial):
    """y[n, i, c] = x[n, ⌊i/size⌋, c]: each cell is repeated along each spatial axis.

    Args:
        size: how often, one number or one per spatial axis.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers.
    """

    size: Any

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = check_ints(self, "size", size, self.rank)
        self.data_format = standardize_data_format(data_format)

    @property
    def factors(self) -> tuple[int, ...]:
        """By how much each spatial axis grows."""
        factors: tuple[int, ...] = self.size
        return factors

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = zip(self.spatial(input_shape), self.factors, strict=True)
        grown = tuple(None if n is None else n * factor for n, factor in sizes)
        return self.shape_of(input_shape[0], grown, self.channels(input_shape))

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        sizes = tuple(n * factor for n, factor in zip(x.shape[1:-1], self.factors, strict=True))
        y = ctx.buffer("y", (len(x), *sizes, x.shape[-1]), self.dtype)
        for _, where in taps(self.factors, self.factors, (1,) * self.rank, x.shape[1:-1]):
            y[where] = x
        ctx.save(shape=x.shape)
        return self.restore(y)

    def backward(self, dy: Array, ctx: Context) -> Array:
        shape = ctx.saved("shape")
        dy = self.channels_last(dy)
        dx = ctx.buffer("dx", shape, self.dtype)
        dx[...] = 0
        for _, where in taps(self.factors, self.factors, (1,) * self.rank, shape[1:-1]):
            dx += dy[where]  # what became of a cell sums up
        return self.restore(dx)


class UpSampling1D(UpSampling):
    """Each step of a sequence `size` times: (batch, steps, channels).

    Args:
        size: how often.
        **kwargs: those of `Layer`.
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(size, "channels_last", **kwargs)
        self.size = check_int(self, "size", size)

    @property
    def factors(self) -> tuple[int, ...]:
        """By how much the steps grow in number."""
        return (self.size,)

    def get_config(self) -> dict[str, Any]:
        """Keras' keys."""
        config = super().get_config()
        del config["data_format"]  # always channels last
        return config


class UpSampling2D(UpSampling):
    """An image made `size` times as large: (batch, height, width, channels).

    Args:
        size: the factor, one number or (for the height, for the width).
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest" (cells are repeated), "bilinear", "bicubic", "lanczos3" or "lanczos5": weighted
            means of the cells around. A cell's value is taken to be that at its middle.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers, or an unknown interpolation.
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        options = ("nearest", *KERNELS)
        self.interpolation = check_option(self, "interpolation", str(interpolation).lower(), options)

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.interpolation == "nearest":
            return super().forward(x, ctx)
        x = self.channels_last(x)
        matrices = [self._matrix(n, factor) for n, factor in zip(x.shape[1:-1], self.factors, strict=True)]
        ctx.save(matrices=matrices)
        return self.restore(apply_along_axes(x, matrices, ctx, "y"))  # y = A x Bᵀ

    def backward(self, dy: Array, ctx: Context) -> Array:
        if self.interpolation == "nearest":
            return super().backward(dy, ctx)
        matrices = ctx.saved("matrices")
        dy = self.channels_last(dy)
        return self.restore(apply_along_axes(dy, [m.T for m in matrices], ctx, "dx"))  # dx = Aᵀ dy B

    def _matrix(self, n: int, factor: int) -> Array:
        """The weights of n cells in the n·factor new ones, shape (n·factor, n)."""
        middles = (np.arange(n * factor) + 0.5) / factor - 0.5  # of the new cells, in units of the old
        weights = KERNELS[self.interpolation](np.abs(middles[:, None] - np.arange(n)))
        weights /= weights.sum(axis=1, keepdims=True)  # at the rim, what lies outside is left out
        return weights.astype(self.dtype)


class UpSampling3D(UpSampling):
    """Each cell of a volume `size` times along each axis: (batch, depth, height, width, channels)."""

    rank = 3


def _triangle(d: Array) -> Array:
    return np.maximum(1 - d, 0)


def _cubic(d: Array) -> Array:
    """Keys' kernel with a = −1/2: exact for parabolas."""
    near, far = (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0))


def _lanczos(radius: int) -> Callable[[Array], Array]:
    def kernel(d: Array) -> Array:
        return np.where(d < radius, np.sinc(d) * np.sinc(d / radius), 0)

    return kernel


# the weight of a cell at a distance
KERNELS: dict[str, Callable[[Array], Array]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
