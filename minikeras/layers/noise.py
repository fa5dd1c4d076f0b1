"""Layers that put random noise of other kinds than dropout on their input while training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.errors import check_number
from minikeras.layers.base import Layer
from minikeras.layers.dropout import Dropout, draw_type, kept_mask
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape

SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772  # α': what SELU tends to for x -> -∞


class GaussianNoise(Layer):
    """In training y = x + e, with e normally distributed around 0; else y = x.

    Args:
        stddev: the standard deviation of e, in [0, 1].
        seed: repeats the noise from run to run.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = check_number(self, "stddev", stddev, 0, 1)
        self.seed = seed
        if self.stddev > 0:
            self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        if not ctx.training or self.stddev == 0:
            return x
        noise = normal(x.shape, self.seed_generator, ctx, self.dtype)
        y = np.multiply(noise, self.stddev, out=ctx.buffer("y", x.shape, self.dtype))
        y += x
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return dy


class GaussianDropout(Layer):
    """In training y = x·m, with m normal around 1 and variance rate/(1 − rate); else y = x.

    That is the mean and the variance that dropout's m has.

    Args:
        rate: the rate of the dropout that it stands for, in [0, 1).
        seed: repeats the noise from run to run.
        **kwargs: those of `Layer`.

    Source: Srivastava et al., "Dropout", 2014, section 10.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = check_number(self, "rate", rate, 0, 1)
        self.seed = seed
        if self.rate > 0:
            self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        if not ctx.training or self.rate == 0:
            ctx.save(m=None)
            return x
        m = ctx.buffer("m", x.shape, self.dtype)
        spread = math.sqrt(self.rate / (1 - self.rate)) if self.rate < 1 else math.inf
        np.multiply(normal(x.shape, self.seed_generator, ctx, self.dtype), spread, out=m)
        m += 1
        ctx.save(m=m)
        return np.multiply(x, m, out=ctx.buffer("y", x.shape, self.dtype))

    def backward(self, dy: Array, ctx: Context) -> Array:
        m = ctx.saved("m")
        return dy if m is None else np.multiply(dy, m, out=ctx.buffer("dx", dy.shape, self.dtype))


class AlphaDropout(Dropout):
    """Dropout that keeps the mean and variance of SELU's outputs: y = a·x' + b.

    x' is x, or α' = −1.758 with probability `rate`; a = ((1 − rate)(1 + rate α'²))^−½, b = −a α' rate.

    Args:
        rate: the share of inputs that is dropped, in [0, 1].
        noise_shape: see `Dropout`.
        seed: repeats the masks from run to run.
        **kwargs: those of `Layer`.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)

    def forward(self, x: Array, ctx: Context) -> Array:
        if not ctx.training or self.rate == 0:
            ctx.save(mask=None)
            return x
        r = self.rate
        shape = self.mask_shape(x.shape)
        kept = kept_mask(r, shape, self.seed_generator, ctx, self.dtype, "kept")
        a = ((1 - r) * (1 + r * SELU_FLOOR**2)) ** -0.5 if r < 1 else 0.0
        slope = np.multiply(kept, a, out=ctx.buffer("slope", shape, self.dtype))  # dy/dx
        ctx.save(mask=slope)
        np.subtract(1, kept, out=kept)
        kept *= a * SELU_FLOOR
        kept -= a * SELU_FLOOR * r
        y = np.multiply(x, slope, out=ctx.buffer("y", x.shape, self.dtype))
        y += kept
        return y


def normal(shape: tuple[int, ...], seeds: SeedGenerator, ctx: Context, dtype: Any) -> Array:
    """Numbers around 0 with variance 1."""
    drawn = ctx.buffer("drawn", shape, draw_type(dtype))
    return ctx.rng_of(seeds).standard_normal(dtype=drawn.dtype, out=drawn)
