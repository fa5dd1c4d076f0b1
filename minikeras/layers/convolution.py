"""Convolution: the same small dense layer at every place of an image, a sequence or a volume.

All windows of the input are copied side by side into a matrix ("im2col"), one row per window;
then the convolution is one matrix product, and so is the gradient of the kernel. The gradient of
the input goes the other way, one cell of the kernel at a time: what a cell saw at all places is a
shifted slice of the input, and there its share is added. Batches are worked through in tiles
whose windows stay in the processor's cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_ints, check_option
from minikeras.layers._windows import inner, output_size, pad, pad_amounts, taps, tiles, windows
from minikeras.layers.activation import activate, activation_backward
from minikeras.layers.base import Layer
from minikeras.layers.inputs import check_spatial
from minikeras.typing import Array, Shape

TILE = 2**18  # elements of the window matrix of one tile: 1 MB of float32, within the L2 cache


class Conv(Layer):
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

    rank = 2
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
        channels = self._channels(input_shape)
        assert channels is not None  # check_input ran before
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,),
                self.bias_initializer,
                None,
                True,
                self.bias_regularizer,
                self.bias_constraint,
                "bias",
            )
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        check_spatial(self.where(), input_shape, self.rank, self._last)
        channels = self._channels(input_shape)
        if channels is None:
            raise ShapeError(self.where(), "a channel axis of known size", tuple(input_shape))
        if channels % self.groups:
            expected = f"channels divisible by groups={self.groups}"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, {channels} channels")
        if self.built and channels != self.kernel.shape[-2] * self.groups:
            axis = -1 if self._last else 1
            expected = f"axis {axis} (channels) of size {self.kernel.shape[-2] * self.groups}"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, {channels} channels")
        if any(n is not None and n < 1 for n in self._out_sizes(input_shape)):
            need = tuple((k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True))
            raise ShapeError(
                self.where(), f"an input of at least {need}, the size of the kernel", tuple(input_shape),
                "use a smaller kernel_size, padding='same', or fewer pooling layers before",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = self._out_sizes(input_shape)
        if self._last:
            return (input_shape[0], *sizes, self.filters)
        return (input_shape[0], self.filters, *sizes)

    @property
    def output_activation(self) -> activations.Activation:
        """The function that makes the output: a loss may be paired with it (training/pairing.py)."""
        return self.activation

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self._channels_last(x)  # (n, *spatial, c)
        amounts = pad_amounts(x.shape[1:-1], self.kernel_size, self.strides, self.dilation_rate, self.padding)
        padded = pad(x, amounts, 0, ctx)
        out = tuple(int(n or 0) for n in self._sizes(x.shape[1:-1]))
        z = ctx.buffer("z", (len(x), *out, self.filters), self.dtype)
        for tile in self._tiles(len(x), out):
            for g, patches in enumerate(self._patches(padded[tile], out, ctx)):
                rows = z[tile].reshape(-1, self.filters)[:, self._group(g)]
                np.matmul(patches, self._kernel_matrix(g), out=rows)  # (places, window) @ (window, filters)
        if self.use_bias:
            z += self.bias.value
        y, kept = activate(self.activation, self._restore(z), ctx)
        ctx.save(padded=padded, amounts=amounts, shape=x.shape, out=out, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        padded, amounts, shape, out, kept = ctx.saved("padded", "amounts", "shape", "out", "kept")
        dz = self._channels_last(activation_backward(self.activation, dy, kept, ctx))  # (n, *out, f)
        if self.use_bias:
            np.sum(dz.reshape(-1, self.filters), axis=0, out=ctx.grad(self.bias))  # dL/dbias = Σ dz
        self._kernel_gradient(dz, padded, out, ctx)
        if not ctx.needs_dx:
            return None
        dpadded = ctx.buffer("dpadded", padded.shape, self.dtype)
        dpadded[...] = 0
        for tile in self._tiles(len(dz), out):
            self._input_gradient(dz[tile], dpadded[tile], out, ctx)
        return self._restore(dpadded[inner(shape, amounts)])

    def _kernel_gradient(self, dz: Array, padded: Array, out: tuple[int, ...], ctx: Context) -> None:
        """dL/dkernel = patchesᵀ dz, summed over the tiles."""
        dkernel = ctx.grad(self.kernel)
        width = math.prod(self.kernel.shape[:-1])
        by_group = [dkernel.reshape(width, self.filters)[:, self._group(g)] for g in range(self.groups)]
        part = ctx.buffer("part", by_group[0].shape, self.dtype)
        dkernel[...] = 0
        for tile in self._tiles(len(dz), out):
            rows = dz[tile].reshape(-1, self.filters)
            for g, patches in enumerate(self._patches(padded[tile], out, ctx)):
                by_group[g] += np.matmul(patches.T, rows[:, self._group(g)], out=part)

    def _input_gradient(self, dz: Array, dpadded: Array, out: tuple[int, ...], ctx: Context) -> None:
        """dL/dx: each cell of the kernel adds dz @ kernel[cell]ᵀ to the slice that it passed over."""
        rows = dz.reshape(-1, self.filters)
        share = ctx.buffer("share", (len(rows), self.kernel.shape[-2]), self.dtype)
        for tap, where in taps(self.kernel_size, self.strides, self.dilation_rate, out):
            target = dpadded[where]
            for g in range(self.groups):
                np.matmul(rows[:, self._group(g)], self.kernel.value[tap][:, self._group(g)].T, out=share)
                size = share.shape[-1]
                target[..., g * size : (g + 1) * size] += share.reshape(*dz.shape[:-1], size)

    # Shapes, groups and channels

    @property
    def _last(self) -> bool:
        return self.data_format == "channels_last"

    def _channels(self, shape: Shape) -> int | None:
        return shape[-1] if self._last else shape[1]

    def _sizes(self, spatial: Shape) -> Shape:
        parts = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(output_size(n, k, s, d, self.padding) for n, k, s, d in parts)

    def _out_sizes(self, shape: Shape) -> Shape:
        return self._sizes(shape[1:-1] if self._last else shape[2:])

    def _channels_last(self, x: Array) -> Array:
        return x if self._last else np.moveaxis(x, 1, -1)

    def _restore(self, x: Array) -> Array:
        return x if self._last else np.moveaxis(x, -1, 1)

    def _group(self, g: int) -> slice:
        """Which filters belong to group g."""
        size = self.filters // self.groups
        return slice(g * size, (g + 1) * size)

    def _kernel_matrix(self, g: int) -> Array:
        return self.kernel.value.reshape(-1, self.filters)[:, self._group(g)]

    def _tiles(self, n: int, out: tuple[int, ...]) -> Any:
        return tiles(n, math.prod(out) * math.prod(self.kernel.shape[:-1]), TILE)

    def _patches(self, padded: Array, out: tuple[int, ...], ctx: Context) -> Any:
        """For each group of channels, the matrix of all windows: (n·places, window cells·channels)."""
        view = windows(padded, self.kernel_size, self.strides, self.dilation_rate, out)
        size = self.kernel.shape[-2]
        for g in range(self.groups):
            part = view[..., g * size : (g + 1) * size]
            rows = len(padded) * math.prod(out)
            patches = ctx.buffer("patches", (rows, math.prod(self.kernel.shape[:-1])), self.dtype)
            np.copyto(patches.reshape(part.shape), part)
            yield patches


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
