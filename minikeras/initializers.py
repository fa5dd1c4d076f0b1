"""Where weights start from.

An initializer is called with a shape and gives an array. Random weights break the symmetry between
units; their spread is chosen so that signals neither fade nor blow up from layer to layer, which
is why most of them look at the fans: how many inputs feed a unit and how many units an input
feeds. An initializer object is deterministic: it gives the same values at every call. Without a
seed it draws one from the library's default generator when it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minikeras import config, random, registry
from minikeras.errors import check_option
from minikeras.random import SeedGenerator, default_generator
from minikeras.registry import Configurable, Table
from minikeras.typing import Array, DType, DTypeLike

# The standard deviation of N(0, 1) cut off at two standard deviations: truncated draws are
# divided by it, so that what is left has the spread that was asked for.
TRUNCATED_STDDEV = 0.87962566103423978

Seed = int | SeedGenerator | None


class Initializer(Configurable):
    """Gives initial values. A subclass defines `__call__`."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """An array of this shape; dtype None means `floatx()`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, shape, dtype=None)`.")

    def clone(self) -> Initializer:
        """A new initializer from this one's config; an unseeded one then draws another seed."""
        return type(self).from_config(self.get_config())


def _dtype(dtype: DTypeLike | None) -> DType:
    return config.standardize_dtype(dtype)


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return np.zeros(shape, _dtype(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return np.ones(shape, _dtype(dtype))


class Constant(Initializer):
    """One value everywhere, or a given array.

    Args:
        value: a number, or an array of exactly the shape that will be asked for.

    Raises:
        ValueError: when called for a shape that the array does not have.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        values = np.asarray(self.value)
        if values.ndim and values.shape != tuple(shape):
            raise ValueError(
                f"An array given as an initializer must have the shape of the variable: expected "
                f"{tuple(shape)}, received an array of shape {values.shape}."
            )
        return np.full(shape, values, _dtype(dtype))


class Identity(Initializer):
    """gain · I, for matrices only.

    Args:
        gain: the value on the diagonal.

    Raises:
        ValueError: when called for a shape that is no matrix's.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        if len(shape) != 2:
            raise ValueError(f"Identity can only be used for 2D matrices. Received: shape={tuple(shape)}")
        eye: Array = self.gain * np.eye(shape[0], shape[1], dtype=_dtype(dtype))
        return eye


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
        return random.normal(tuple(shape), self.mean, self.stddev, _dtype(dtype), self._seed)


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
        return random.truncated_normal(tuple(shape), self.mean, self.stddev, _dtype(dtype), self._seed)


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
        return random.uniform(tuple(shape), self.minval, self.maxval, _dtype(dtype), self._seed)


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
        shape, dtype = tuple(shape), _dtype(dtype)
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
        dtype = _dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        work_dtype = np.promote_types(dtype, np.float32)  # LAPACK has no half precision
        q, r = np.linalg.qr(random.normal(tall, dtype=work_dtype, seed=self._seed))
        q *= np.sign(np.diagonal(r))  # makes the factorisation unique, hence Q uniformly distributed
        q = q.T if rows < columns else q
        return np.ascontiguousarray(self.gain * q, dtype).reshape(shape)


# scipy's names for the windows that NumPy has, too
_WINDOWS: dict[str, Callable[[int], Array]] = {
    "hann": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    "boxcar": np.ones,
}


class STFT(Initializer):
    """cos or sin(-2π t f / F) · window: a kernel whose convolution is a short-time Fourier transform.

    It is called for the shape (window length, 1, F/2 + 1), where F is the length of the transform.

    Args:
        side: "real" for the cosines, "imag" for the sines.
        window: "hann", "hamming", "blackman", "bartlett", "boxcar", an array, or None.
        scaling: "density" divides by sqrt(Σ window²), "spectrum" by Σ|window|, None by nothing.
        periodic: whether the window continues periodically beyond its last sample.

    Raises:
        ValueError: for an unknown option, or a window array of the wrong length.
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        self.side = check_option(self, "side", side, ("real", "imag"))
        self.window = (
            check_option(self, "window", window, tuple(_WINDOWS)) if isinstance(window, str) else window
        )
        self.scaling = check_option(self, "scaling", scaling, ("density", "spectrum", None))
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        length, _, bins = shape
        t = np.arange(length).reshape(length, 1, 1)
        f = np.arange(bins) / (2 * (bins - 1))  # cycles per sample
        kernel = (np.cos if self.side == "real" else np.sin)(-2.0 * np.pi * t * f)  # (length, 1, bins)
        if self.window is not None:
            window = self._window_values(length)
            if self.scaling == "density":
                kernel /= np.sqrt(np.sum(window**2))
            elif self.scaling == "spectrum":
                kernel /= np.sum(np.abs(window))
            kernel *= window.reshape(length, 1, 1)
        return kernel.astype(_dtype(dtype))

    def _window_values(self, length: int) -> Array:
        if isinstance(self.window, str):
            longer = length + 1 if self.periodic else length
            return np.asarray(_WINDOWS[self.window](longer))[:length]
        values = np.asarray(self.window, float)
        if values.shape != (length,):
            raise ValueError(f"The window must have {length} samples. Received shape: {values.shape}")
        return values


_table: Table[Initializer] = Table("initializer", "keras.initializers")
_table.add(Zeros, "zero")
_table.add(Ones, "one")
_table.add(Identity, "IdentityInitializer")
_table.add(RandomNormal, "normal")
_table.add(RandomUniform, "uniform")
_table.add(Orthogonal, "OrthogonalInitializer")
_table.add(STFT, "STFTInitializer")
_table.add_all(Constant, TruncatedNormal, VarianceScaling)
_table.add_all(GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal)
for _alias, _cls in (("IdentityInitializer", Identity), ("OrthogonalInitializer", Orthogonal)):
    _table.classes[_alias] = _cls  # as older Keras files call them

zeros, ones, constant, identity, stft, orthogonal = Zeros, Ones, Constant, Identity, STFT, Orthogonal
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT


def get(identifier: Any) -> Any:
    """An initializer from a name, a config, a class, an object, an array or a function; None stays None.

    A function is called as function(shape, dtype).

    Raises:
        ValueError: for anything else.
    """
    if identifier is None:
        return None
    if isinstance(identifier, (np.ndarray, np.generic)):
        return Constant(identifier)
    found = _table.create(identifier)
    if callable(found):
        return found
    raise _table.unknown(identifier)


def serialize(initializer: Any) -> Any:
    """The JSON form of an initializer."""
    return registry.serialize(initializer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described."""
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)
