"""Initializers that draw: from normal and uniform distributions, and orthogonal matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import random
from minikeras.config import standardize_dtype
from minikeras.errors import check_option
from minikeras.initializers.base import Initializer
from minikeras.random import SeedGenerator, default_generator
from minikeras.typing import Array, DTypeLike

# The standard deviation of N(0, 1) cut off at two standard deviations: truncated draws are
# divided by it, so that what is left has the spread that was asked for.
TRUNCATED_STDDEV = 0.87962566103423978

Seed = int | SeedGenerator | None


class RandomInitializer(Initializer):
    """The common part of the random ones.

    Args:
        seed: an integer; a `SeedGenerator`, with which successive calls differ; or None, which
            draws an integer from the default generator here and now.

    Raises:
        ValueError: when the seed is anything else.
    """

    def __init__(self, seed: Seed = None) -> None:
        if isinstance(seed, bool) or not (seed is None or isinstance(seed, (int, np.integer, SeedGenerator))):
            raise ValueError(
                f"{type(self).__name__}: `seed` must be an integer, a SeedGenerator or None. "
                f"Received: seed={seed!r}"
            )
        self.seed = seed
        self._seed = default_generator.draw_seed() if seed is None else seed

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the seed first as in Keras' files."""
        return {"seed": None, **super().get_config()}


class RandomNormal(RandomInitializer):
    """Draws from N(mean, stddev²).

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: see `RandomInitializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return random.normal(tuple(shape), self.mean, self.stddev, standardize_dtype(dtype), self._seed)


class TruncatedNormal(RandomInitializer):
    """Draws from N(mean, stddev²), where draws beyond two standard deviations are thrown again.

    Args:
        mean: the mean.
        stddev: the standard deviation before the cut.
        seed: see `RandomInitializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return random.truncated_normal(
            tuple(shape), self.mean, self.stddev, standardize_dtype(dtype), self._seed
        )


class RandomUniform(RandomInitializer):
    """Draws from the uniform distribution on [minval, maxval).

    Args:
        minval: the lower bound.
        maxval: the upper bound.
        seed: see `RandomInitializer`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return random.uniform(tuple(shape), self.minval, self.maxval, standardize_dtype(dtype), self._seed)


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight shape.

    A matrix is (inputs, outputs). A convolution kernel is (..., inputs, outputs), and every cell of
    its window counts. With both axes arguments given, the fans are the products of those axes.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class VarianceScaling(RandomInitializer):
    """Zero-mean draws of variance scale / n, where n is a fan of the weight.

    Args:
        scale: a positive factor.
        mode: what n is: "fan_in", "fan_out", or "fan_avg", their mean.
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: see `RandomInitializer`.
        input_axes: the axes that make up the fan-in, where the usual rule does not fit.
        output_axes: the axes that make up the fan-out.

    Raises:
        ValueError: for a scale that is not positive, an unknown mode or distribution.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if not scale > 0:
            raise ValueError(f"{type(self).__name__}: `scale` must be positive. Received: scale={scale!r}")
        distribution = str(distribution).lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        self.scale = scale
        self.mode = check_option(self, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        self.distribution = check_option(
            self, "distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform")
        )
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        shape, dtype = tuple(shape), standardize_dtype(dtype)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)  # U(-a, a) has the variance a² / 3
            return random.uniform(shape, -limit, limit, dtype, self._seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self._seed)
        return random.truncated_normal(shape, 0.0, stddev / TRUNCATED_STDDEV, dtype, self._seed)


class _FixedScaling(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution are given by its name."""

    rule: tuple[float, str, str]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.rule, seed=seed, input_axes=input_axes, output_axes=output_axes)


class GlorotUniform(_FixedScaling):
    """U(-a, a) with a = sqrt(6 / (fan_in + fan_out)): the default of most layers (Glorot & Bengio, 2010)."""

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot & Bengio, 2010)."""

    rule = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_FixedScaling):
    """U(-a, a) with a = sqrt(6 / fan_in): for layers before a ReLU (He et al., 2015)."""

    rule = (2.0, "fan_in", "uniform")


class HeNormal(_FixedScaling):
    """Truncated normal of variance 2 / fan_in: for layers before a ReLU (He et al., 2015)."""

    rule = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedScaling):
    """U(-a, a) with a = sqrt(3 / fan_in) (LeCun et al., 1998)."""

    rule = (1.0, "fan_in", "uniform")


class LecunNormal(_FixedScaling):
    """Truncated normal of variance 1 / fan_in: for layers before a SELU (Klambauer et al., 2017)."""

    rule = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """gain · Q, where Q has orthonormal columns, or rows where there are fewer of them.

    Q is the orthogonal factor of a matrix of normal draws (Saxe et al., 2014). More than two axes
    are taken as the matrix (all but the last, the last).

    Args:
        gain: a factor.
        seed: see `RandomInitializer`.

    Raises:
        ValueError: when called for a shape of fewer than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two axes. Received: shape={tuple(shape)}")
        dtype = standardize_dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        work_dtype = np.promote_types(dtype, np.float32)  # LAPACK has no half precision
        q, r = np.linalg.qr(random.normal(tall, dtype=work_dtype, seed=self._seed))
        q *= np.sign(np.diagonal(r))  # makes the factorisation unique, hence Q uniformly distributed
        q = q.T if rows < columns else q
        return np.ascontiguousarray(self.gain * q, dtype).reshape(shape)
