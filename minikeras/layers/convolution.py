"""Convolution: the same small dense layer at every place of an image, a sequence or a volume."""

from __future__ import annotations

from typing import Any

from minikeras import activations, constraints, initializers, regularizers
from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_ints, check_option
from minikeras.layers._convolve import batch_tiles, convolve, input_gradient, kernel_gradient
from minikeras.layers._windows import Sweep, inner, output_size, pad
from minikeras.layers.activation import activation_backward
from minikeras.layers.spatial import Spatial
from minikeras.numbers import spread, sum_rows
from minikeras.typing import Array, Shape


class Windowed(Spatial):
    """What all convolutions share: a window, and how many places it takes."""

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    padding: str
    activation: activations.Activation

    def check_size(self, input_shape: Shape) -> None:
        """Raise a `ShapeError` when the window does not fit into the input."""
        if any(n is not None and n < 1 for n in self.out_sizes(self.spatial(input_shape))):
            need = tuple((k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True))
            raise ShapeError(
                self.where(), f"an input of at least {need}, the size of the kernel", tuple(input_shape),
                "use a smaller kernel_size, padding='same', or fewer pooling layers before",
            )  # fmt: skip

    def out_sizes(self, spatial: Shape) -> Shape:
        """The spatial sizes of the output."""
        parts = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(output_size(n, k, s, d, self.padding) for n, k, s, d in parts)

    def sweep(self, x: Array) -> Sweep:
        """The window's way over x, whose channels come last."""
        return Sweep.over(x.shape[1:-1], self.kernel_size, self.strides, self.dilation_rate, self.padding)

    @property
    def output_activation(self) -> activations.Activation:
        """The function that makes the output: a loss may be paired with it (training/pairing.py)."""
        return self.activation

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with Keras' key for a penalty that there is not."""
        return {"activity_regularizer": None, **super().get_config()}


class Conv(Windowed):
    """y[n, i, f] = act(Σ over window cells j and channels c of x[n, i·s + j·d, c] kernel[j, c, f] + bias[f]).

    There is no flipping of the kernel (it is a cross-correlation). Kernel: (*kernel_size,
    channels/groups, filters); bias: (filters,). This is the common part of `Conv1D`, `Conv2D` and
    `Conv3D`, which say on how many spatial axes.

    Args:
        filters: the number of outputs at each place.
        kernel_size: the window's size, one number or one per spatial axis.
        strides: s, by how much the window moves.
        padding: "valid" (only windows inside the input), or "same" (zeros around it, so that the output has
            ceil(n/s) places).
        data_format: "channels_last" or "channels_first"; the kernel is the same for both.
        dilation_rate: d, the distance between the cells of a window; with d > 1 strides must be 1.
        groups: inputs and filters are split into so many groups, each group of filters sees its inputs only.
        activation: act, by default the identity.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        bias_initializer: "zeros" by default.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: the same for the bias.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers, an unknown padding, strides together with
            dilation, or groups that do not divide the filters.
    """

    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check_int(self, "filters", filters)
        self.kernel_size = check_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = check_ints(self, "strides", strides, self.rank)
        self.padding = check_option(self, "padding", str(padding).lower(), self.paddings)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = check_ints(self, "dilation_rate", dilation_rate, self.rank)
        self.groups = check_int(self, "groups", groups)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides` > 1 cannot go with `dilation_rate` > 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}: `filters` must be divisible by `groups`. "
                f"Received: filters={self.filters}, groups={self.groups}"
            )

    def build(self, input_shape: Shape) -> None:
        channels = self.check_channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        built_for = self.kernel.shape[-2] * self.groups if self.built else None
        channels = self.check_channels(input_shape, built_for)
        if channels % self.groups:
            expected = f"channels divisible by groups={self.groups}"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, {channels} channels")
        self.check_size(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.shape_of(input_shape[0], self.out_sizes(self.spatial(input_shape)), self.filters)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)  # (n, *spatial, c)
        sweep, f = self.sweep(x), self.activation
        padded = pad(x, sweep.amounts, 0, ctx)
        z = ctx.buffer("z", (len(x), *sweep.out, self.filters), self.dtype)
        kept = self.restore(z)  # what the derivative needs: z, or y, which then takes its place in memory
        y = self.restore(ctx.buffer("y", z.shape, self.dtype)) if f.needs_input else kept
        bias = spread(self.bias.value, z) if self.use_bias else None
        for tile in batch_tiles(len(x), self.kernel.value, sweep):  # while a tile is in the cache
            convolve(padded[tile], self.kernel.value, sweep, z[tile], ctx, self.groups)
            if bias is not None:
                z[tile] += bias
            f(kept[tile], out=y[tile])
        ctx.save(padded=padded, shape=x.shape, sweep=sweep, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        padded, shape, sweep, kept = ctx.saved("padded", "shape", "sweep", "kept")
        kernel, dkernel, dbias = self.kernel.value, ctx.grad(self.kernel), None
        dkernel[...] = 0
        if self.use_bias:
            dbias = ctx.grad(self.bias)
            dbias[...] = 0
        dpadded = ctx.buffer("dpadded", padded.shape, self.dtype) if ctx.needs_dx else None
        for tile in batch_tiles(len(padded), kernel, sweep):
            dz = self.channels_last(activation_backward(self.activation, dy[tile], kept[tile], ctx))
            if dbias is not None:
                dbias += sum_rows(dz)  # dL/dbias = Σ dz
            kernel_gradient(padded[tile], dz, sweep, dkernel, ctx, self.groups, add=True)
            if dpadded is not None:
                input_gradient(dz, kernel, sweep, dpadded[tile], ctx, self.groups)
        return None if dpadded is None else self.restore(dpadded[inner(shape, sweep.amounts)])


class Conv1D(Conv):
    """`Conv` over one spatial axis, such as time: (batch, steps, channels).

    With padding="causal" zeros go before the input, so that an output depends on no later step.
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """`Conv` over images: (batch, height, width, channels)."""

    rank = 2


class Conv3D(Conv):
    """`Conv` over volumes: (batch, depth, height, width, channels)."""

    rank = 3
