"""A rim of zeros around images, sequences and volumes, and the way back: cutting a rim off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_ints
from minikeras.layers._windows import Pads, inner, pad
from minikeras.layers.spatial import Spatial
from minikeras.typing import Array, Shape


def standardize_rim(owner: Any, name: str, value: Any, rank: int) -> Pads:
    """How many cells (before, after) each axis: from one number, one per axis, or a pair per axis.

    Raises:
        ValueError: for anything else, and for negative numbers.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == rank:
            pairs = [check_ints(owner, name, v, 2, 0) for v in value]
            return tuple((before, after) for before, after in pairs)
        raise ValueError(
            f"{type(owner).__name__}: `{name}` must be an integer, {rank} integers, or {rank} pairs "
            f"(before, after). Received: {name}={value!r}"
        )
    return ((check_int(owner, name, value, 0),) * 2,) * rank


class Rim(Spatial):
    """What padding and cropping share: `rim` is how many cells lie (before, after) each spatial axis."""

    sign = 1  # whether the rim is put on or cut off

    @property
    def rim(self) -> Pads:
        """The cells (before, after) each spatial axis."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = zip(self.spatial(input_shape), self.rim, strict=True)
        grown = tuple(None if n is None else n + self.sign * (b + a) for n, (b, a) in sizes)
        return self.shape_of(input_shape[0], grown, self.channels(input_shape))


class ZeroPadding(Rim):
    """y = x with zeros around it.

    Args:
        padding: how many zeros: one number, one per spatial axis, or a pair (before, after) per axis.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for numbers that are no integers, or negative.
    """

    padding: Any

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = standardize_rim(self, "padding", padding, self.rank)
        self.data_format = standardize_data_format(data_format)

    @property
    def rim(self) -> Pads:
        """The cells (before, after) each spatial axis."""
        rim: Pads = self.padding
        return rim

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(shape=self.channels_last(x).shape)
        return self.restore(pad(self.channels_last(x), self.rim, 0, ctx))

    def backward(self, dy: Array, ctx: Context) -> Array:
        return self.restore(self.channels_last(dy)[inner(ctx.saved("shape"), self.rim)])


class Cropping(Rim):
    """y = x without its rim; dx is dy with zeros around it.

    Args:
        cropping: how many cells are cut off: one number, one per spatial axis, or a pair (before, after) per axis.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for numbers that are no integers, or negative.
    """

    sign = -1
    cropping: Any

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = standardize_rim(self, "cropping", cropping, self.rank)
        self.data_format = standardize_data_format(data_format)

    @property
    def rim(self) -> Pads:
        """The cells (before, after) each spatial axis."""
        rim: Pads = self.cropping
        return rim

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        if any(n is not None and n < 1 for n in self.spatial(self.compute_output_shape(input_shape))):
            raise ShapeError(
                self.where(), f"an input that is larger than cropping={self.cropping}", tuple(input_shape),
                "crop less",
            )  # fmt: skip

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)
        ctx.save()
        sizes = (n - before - after for n, (before, after) in zip(x.shape[1:-1], self.rim, strict=True))
        return self.restore(x[inner((len(x), *sizes), self.rim)])

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return self.restore(pad(self.channels_last(dy), self.rim, 0, ctx))


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence: (batch, steps, channels).

    Args:
        padding: how many, one number or (before, after).
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__((0,), data_format, **kwargs)
        self.padding = check_ints(self, "padding", padding, 2, 0)

    @property
    def rim(self) -> Pads:
        """The cells (before, after) the steps."""
        return (self.padding,)


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image: (batch, height, width, channels)."""

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume: (batch, depth, height, width, channels)."""

    rank = 3


class Cropping1D(Cropping):
    """A sequence without its first and last steps: (batch, steps, channels).

    Args:
        cropping: how many are cut off, one number or (before, after).
        **kwargs: those of `Layer`.
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__((0,), "channels_last", **kwargs)
        self.cropping = check_ints(self, "cropping", cropping, 2, 0)

    @property
    def rim(self) -> Pads:
        """The cells (before, after) the steps."""
        return (self.cropping,)

    def get_config(self) -> dict[str, Any]:
        """Keras' keys."""
        config = super().get_config()
        del config["data_format"]  # always channels last
        return config


class Cropping2D(Cropping):
    """An image without its rim: (batch, height, width, channels); by default nothing is cut off."""

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """A volume without its rim: (batch, depth, height, width, channels)."""

    rank = 3
