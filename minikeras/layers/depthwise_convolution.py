"""Depthwise convolution: each channel of an image is convolved alone, with kernels of its own."""

from __future__ import annotations

from typing import Any

from minikeras import activations, constraints, initializers, regularizers
from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_int, check_ints, check_option
from minikeras.layers._depthwise import (
    correlate,
    correlate_input_gradient,
    correlate_kernel_gradient,
    prepare,
)
from minikeras.layers.activation import activate, activation_backward
from minikeras.layers.convolution import Windowed
from minikeras.numbers import sum_rows
from minikeras.typing import Array, Shape


class DepthwiseConv(Windowed):
    """y[n, i, c·M + m] = act(Σ over window cells j of x[n, i·s + j·d, c] kernel[j, c, m] + bias[c·M + m]).

    Kernel: (*kernel_size, channels, M); bias: (channels·M,). This is the common part of `DepthwiseConv1D`
    and `DepthwiseConv2D`.

    Args:
        kernel_size: the window's size, one number or one per spatial axis.
        strides: s, by how much the window moves.
        padding: "valid" (only windows inside the input), or "same" (zeros around it, so that the output has
            ceil(n/s) places).
        depth_multiplier: M, the number of outputs for each channel.
        data_format: "channels_last" or "channels_first"; the kernel is the same for both.
        dilation_rate: d, the distance between the cells of a window.
        activation: act, by default the identity.
        use_bias: whether to add the bias.
        depthwise_initializer: of the kernel, "glorot_uniform" by default.
        bias_initializer: "zeros" by default.
        depthwise_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        depthwise_constraint: a projection of the kernel after each update.
        bias_constraint: the same for the bias.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers, or an unknown padding.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = check_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = check_ints(self, "strides", strides, self.rank)
        self.padding = check_option(self, "padding", str(padding).lower(), ("valid", "same"))
        self.depth_multiplier = check_int(self, "depth_multiplier", depth_multiplier)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = check_ints(self, "dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self.check_channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, None, True,
            self.depthwise_regularizer, self.depthwise_constraint, "kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (channels * self.depth_multiplier,), self.bias_initializer, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        self.check_channels(input_shape, self.kernel.shape[-2] if self.built else None)
        self.check_size(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = self.check_channels(input_shape) * self.depth_multiplier
        return self.shape_of(input_shape[0], self.out_sizes(self.spatial(input_shape)), channels)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)  # (n, *spatial, c)
        sweep = self.sweep(x)
        padded = prepare(x, sweep, self.depth_multiplier, ctx)
        z = ctx.buffer("z", (len(x), *sweep.out, padded.shape[-1]), self.dtype)
        correlate(padded, self._flat(self.kernel.value), sweep, z, ctx)
        if self.use_bias:
            z += self.bias.value
        y, kept = activate(self.activation, self.restore(z), ctx)
        ctx.save(padded=padded, shape=x.shape, sweep=sweep, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        padded, shape, sweep, kept = ctx.saved("padded", "shape", "sweep", "kept")
        dz = self.channels_last(activation_backward(self.activation, dy, kept, ctx))  # (n, *out, c·M)
        if self.use_bias:
            sum_rows(dz, out=ctx.grad(self.bias))  # dL/dbias = Σ dz
        correlate_kernel_gradient(padded, dz, sweep, self._flat(ctx.grad(self.kernel)))
        if not ctx.needs_dx:
            return None
        return self.restore(correlate_input_gradient(dz, self._flat(self.kernel.value), sweep, shape, ctx))

    def _flat(self, kernel: Array) -> Array:
        """The kernel as (*kernel_size, c·M)."""
        return kernel.reshape(*self.kernel_size, kernel.shape[-2] * kernel.shape[-1])


class DepthwiseConv1D(DepthwiseConv):
    """`DepthwiseConv` over one spatial axis, such as time: (batch, steps, channels)."""

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """`DepthwiseConv` over images: (batch, height, width, channels)."""

    rank = 2
