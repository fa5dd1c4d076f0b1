"""Layers that put noise on their input while training, and do nothing otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_number
from minikeras.layers.base import Layer
from minikeras.layers.inputs import check_spatial
from minikeras.numbers import number
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape


class Dropout(Layer):
    """In training y = x·m/(1 − rate), where each m is 0 with probability `rate`, else 1; else y = x.

    Dividing by 1 − rate keeps the expected output the same with and without dropping.

    Args:
        rate: the share of inputs that is dropped, in [0, 1].
        noise_shape: the shape of m, None standing for the input's size; axes of size 1 share their m.
        seed: repeats the masks from run to run.
        **kwargs: those of `Layer`.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    """

    supports_masking = True

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = check_number(self, "rate", rate, 0, 1)
        self.noise_shape = noise_shape
        if noise_shape is not None:
            self.noise_shape = tuple(
                None if n is None else check_int(self, "noise_shape", n) for n in noise_shape
            )
        self.seed = seed
        if self.rate > 0:
            self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)

    @property
    def rowwise(self) -> bool:
        """Not where all samples share a mask."""
        return self.noise_shape is None or self.noise_shape[0] is None

    def check_input(self, input_shape: Shape) -> None:
        if self.noise_shape is not None and len(self.noise_shape) != len(input_shape):
            fix = f"one entry for each of the {len(input_shape)} axes, None or 1, the batch included"
            raise ShapeError(
                self.where(), f"as many axes as noise_shape={self.noise_shape}", tuple(input_shape), fix
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        if not ctx.training or self.rate == 0:
            ctx.save(mask=None)
            return x
        mask = dropout_mask(self.rate, self.mask_shape(x.shape), self.seed_generator, ctx, self.dtype)
        ctx.save(mask=mask)
        return np.multiply(x, mask, out=ctx.buffer("y", x.shape, self.dtype))

    def backward(self, dy: Array, ctx: Context) -> Array:
        mask = ctx.saved("mask")
        if mask is None:
            return dy
        return np.multiply(dy, mask, out=ctx.buffer("dx", dy.shape, self.dtype))  # dL/dx = dy m/(1 − rate)

    def mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of m for an input of this shape."""
        if self.noise_shape is None:
            return shape
        return tuple(n if m is None else m for n, m in zip(shape, self.noise_shape, strict=True))


class _SpatialDropout(Dropout):
    """Drops whole channels: neighbouring places of one channel say nearly the same.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = standardize_data_format(data_format)

    def check_input(self, input_shape: Shape) -> None:
        check_spatial(self.where(), input_shape, self.rank, self.data_format == "channels_last")

    def mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        ones = (1,) * self.rank
        if self.data_format == "channels_last":
            return (shape[0], *ones, shape[-1])
        return (*shape[:2], *ones)

    def get_config(self) -> dict[str, Any]:
        """Keras' keys."""
        own = {"rate": self.rate, "seed": self.seed, "name": self.name}
        return {**own, "dtype": self.base_config()["dtype"], "data_format": self.data_format}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of a sequence, (batch, steps, features).

    Args:
        rate: the share of features that is dropped.
        seed: repeats the masks from run to run.
        name: of the layer.
        dtype: see `Layer`.
    """

    rank = 1

    def __init__(self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(rate, None, seed, name, dtype)
        self.data_format = "channels_last"

    def get_config(self) -> dict[str, Any]:
        """Keras' keys."""
        config = super().get_config()
        del config["data_format"]
        return config


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of an image, (batch, height, width, channels).

    Args:
        rate: the share of channels that is dropped.
        data_format: "channels_last" or "channels_first".
        seed: repeats the masks from run to run.
        name: of the layer.
        dtype: see `Layer`.
    """


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of a volume, (batch, depth, height, width, channels).

    Args:
        rate: the share of channels that is dropped.
        data_format: "channels_last" or "channels_first".
        seed: repeats the masks from run to run.
        name: of the layer.
        dtype: see `Layer`.
    """

    rank = 3


def dropout_mask(
    rate: float, shape: tuple[int, ...], seeds: SeedGenerator, ctx: Context, dtype: Any, name: str = "mask"
) -> Array:
    """m/(1 − rate): zeros with probability `rate`, else the factor that keeps the mean."""
    mask = kept_mask(rate, shape, seeds, ctx, dtype, name)
    if rate < 1:
        mask *= number(1 / (1 - rate), mask.dtype)
    return mask


def kept_mask(
    rate: float, shape: tuple[int, ...], seeds: SeedGenerator, ctx: Context, dtype: Any, name: str
) -> Array:
    """m: zeros with probability `rate`, else ones.

    Each m compares a number of 24 random bits (53 in float64) with the rate. Drawing 16 bits takes half the time,
    but cannot be done into an array that is there already, only in small pieces, and two threads that work
    on many small pieces wait for each other.
    """
    mask = ctx.buffer(name, shape, dtype)
    drawn = mask if draw_type(dtype) == dtype else ctx.buffer(f"drawn {name}", shape, draw_type(dtype))
    ctx.rng_of(seeds).random(dtype=drawn.dtype, out=drawn)
    return np.greater_equal(drawn, number(rate, drawn.dtype), out=mask, casting="unsafe")


def draw_type(dtype: Any) -> Any:
    """The type that the generators can draw: they know no half precision."""
    return np.float64 if dtype == np.float64 else np.float32
