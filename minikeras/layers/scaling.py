"""Numbers brought to a handy range: by a factor that is given, or by mean and variance of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.config import epsilon, image_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError
from minikeras.layers._batches import each_batch
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class Rescaling(Layer):
    """y = scale x + offset: such as scale=1/255 for pixels.

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "fiu":
                raise ValueError(
                    f"Rescaling: `{name}` must be a number, or numbers. Received: {name}={value!r}"
                )
        self.scale = scale
        self.offset = offset

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def factors(self) -> Array:
        """`scale` in a shape that broadcasts against x."""
        scale = np.asarray(self.scale, self.dtype)
        if scale.ndim and image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return scale

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        y = np.multiply(x, self.factors(), out=ctx.buffer("y", x.shape, self.dtype))
        y += np.asarray(self.offset, self.dtype)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return np.multiply(dy, self.factors(), out=ctx.buffer("dx", dy.shape, self.dtype))  # dx = scale dy


class Normalization(Layer):
    """y = (x − mean)/max(√variance, 1e-7): features of mean 0 and variance 1.

    Args:
        axis: the axis, or axes, whose entries each have a mean and a variance of their own, such as the
            features; None: one for all.
        mean: of the data; found by `adapt` when None.
        variance: of the data, with `mean` and in its shape.
        invert: whether to undo it instead: y = mean + x max(√variance, 1e-7).
        **kwargs: those of `Layer`.

    Raises:
        ValueError: when only one of `mean` and `variance` is given, or their shapes do not fit.
    """

    supports_masking = True

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if axis is None:
            axis = ()
        self.axis = (int(axis),) if isinstance(axis, (int, np.integer)) else tuple(axis)
        self.mean = mean
        self.variance = variance
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        if mean is not None and np.shape(mean) != np.shape(variance):
            raise ValueError(
                "When setting values directly, `mean` and `variance` must have the same shape. Received: "
                f"mean of shape {np.shape(mean)} and variance of shape {np.shape(variance)}"
            )
        if mean is not None and np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"`mean` may have at most {len(self.axis)} axes, as axis={self.axis}. "
                f"Received: mean of shape {np.shape(mean)}"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def _kept(self, rank: int) -> tuple[int, ...]:
        return tuple(sorted(a % rank for a in self.axis))

    def check_input(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ShapeError(self.where(), f"axes that axis={self.axis} fits", tuple(input_shape))
        sizes = [input_shape[a] for a in self._kept(rank)]
        if any(n is None for n in sizes):
            raise ShapeError(self.where(), f"a known size on axis={self.axis}", tuple(input_shape))
        if self.built and self.build_shape is not None:
            expected = [self.build_shape[a] for a in self._kept(len(self.build_shape))]
            if rank != len(self.build_shape) or sizes != expected:
                raise ShapeError(
                    self.where(), f"{tuple(self.build_shape)}, as when it was built", tuple(input_shape)
                )

    def build(self, input_shape: Shape) -> None:
        if self.mean is None:
            shape = [n for n in (input_shape[a] for a in self._kept(len(input_shape))) if n is not None]
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight(
                (), "zeros", dtype="int32", trainable=False, name="count"
            )  # Keras' files
        self.mark_built(input_shape)

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data; those of an earlier call are forgotten.

        Args:
            data: an array, or an iterable of batches; the variance is Σ(x − mean)²/n.

        Raises:
            ValueError: when `mean` and `variance` were given, or there is no data.
        """
        if self.mean is not None:
            raise ValueError(
                f"{self.where()} was given its mean and variance, so it cannot be adapted: leave them out."
            )
        total, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in each_batch(data):
            x = np.asarray(self.cast_input(batch), "float64")
            self.ensure_built(x.shape)
            others = tuple(a for a in range(x.ndim) if a not in self._kept(x.ndim))
            n = x.size // max(1, self.adapt_mean.size)
            if n == 0:
                continue
            # two parts with n and N members: the variance within each, and that of their means
            share = n / (total + n)
            step = x.mean(axis=others) - mean
            variance = (1 - share) * variance + share * x.var(axis=others) + share * (1 - share) * step**2
            mean = mean + share * step
            total += n
        if total == 0:
            raise ValueError("`adapt` received no data: at least one batch with one sample is needed.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def moments(self, rank: int) -> tuple[Array, Array]:
        """The mean and max(√variance, 1e-7), in shapes that broadcast against an array of so many axes."""
        given = self.mean is not None
        mean, variance = (
            np.asarray(v, self.dtype)
            for v in ((self.mean, self.variance) if given else (self.adapt_mean, self.adapt_variance))
        )
        shape = [1] * rank
        for a, n in zip(self._kept(rank)[::-1], mean.shape[::-1], strict=False):
            shape[a] = n
        deviation = np.maximum(np.sqrt(variance), np.asarray(epsilon(), self.dtype))
        return mean.reshape(shape), deviation.reshape(shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        mean, deviation = self.moments(x.ndim)
        ctx.save(deviation=deviation)
        y = ctx.buffer("y", x.shape, self.dtype)
        if self.invert:
            np.multiply(x, deviation, out=y)
            y += mean
        else:
            np.subtract(x, mean, out=y)
            y /= deviation
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        deviation = ctx.saved("deviation")
        scale = np.multiply if self.invert else np.divide
        return scale(
            dy, deviation, out=ctx.buffer("dx", dy.shape, self.dtype)
        )  # dx = dy/√variance, or dy √variance

    def get_config(self) -> dict[str, Any]:
        """Keras' keys; `mean` and `variance` as lists. What `adapt` found is in the weights."""
        config = super().get_config()
        for name in ("mean", "variance"):
            value = getattr(self, name)
            config[name] = None if value is None else np.asarray(value).tolist()
        return config
