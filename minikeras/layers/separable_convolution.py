"""Separable convolution: first each channel alone over its neighbourhood, then the channels of each place.

It does with far fewer weights, and products, what a full convolution does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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


class SeparableConv(Windowed):
    """y = act(u @ pointwise_kernel + bias), where u = the depthwise convolution of x.

    u[n, i, c·M + m] = Σ over window cells j of x[n, i·s + j·d, c] depthwise_kernel[j, c, m]. Depthwise kernel:
    (*kernel_size, channels, M); pointwise kernel: (1, ..., channels·M, filters); bias: (filters,). This is
    the common part of `SeparableConv1D` and `SeparableConv2D`.

    Args:
        filters: the number of outputs at each place.
        kernel_size: the window's size, one number or one per spatial axis.
        strides: s, by how much the window moves.
        padding: "valid" (only windows inside the input), or "same" (zeros around it, so that the output has
            ceil(n/s) places).
        data_format: "channels_last" or "channels_first"; the kernels are the same for both.
        dilation_rate: d, the distance between the cells of a window.
        depth_multiplier: M, the number of intermediate outputs for each channel.
        activation: act, by default the identity.
        use_bias: whether to add the bias.
        depthwise_initializer: "glorot_uniform" by default.
        pointwise_initializer: "glorot_uniform" by default.
        bias_initializer: "zeros" by default.
        depthwise_regularizer: a penalty on the depthwise kernel.
        pointwise_regularizer: a penalty on the pointwise kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        depthwise_constraint: a projection of the depthwise kernel after each update.
        pointwise_constraint: the same for the pointwise kernel.
        bias_constraint: the same for the bias.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for sizes that are not positive integers, or an unknown padding.

    Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check_int(self, "filters", filters)
        self.kernel_size = check_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = check_ints(self, "strides", strides, self.rank)
        self.padding = check_option(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = check_ints(self, "dilation_rate", dilation_rate, self.rank)
        self.depth_multiplier = check_int(self, "depth_multiplier", depth_multiplier)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self.check_channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, None, True,
            self.depthwise_regularizer, self.depthwise_constraint, "depthwise_kernel",
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters), self.pointwise_initializer,
            None, True, self.pointwise_regularizer, self.pointwise_constraint, "pointwise_kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        self.check_channels(input_shape, self.depthwise_kernel.shape[-2] if self.built else None)
        self.check_size(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.shape_of(input_shape[0], self.out_sizes(self.spatial(input_shape)), self.filters)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)  # (n, *spatial, c)
        sweep = self.sweep(x)
        padded = prepare(x, sweep, self.depth_multiplier, ctx)
        u = ctx.buffer("u", (len(x), *sweep.out, padded.shape[-1]), self.dtype)
        correlate(padded, self._depthwise(self.depthwise_kernel.value), sweep, u, ctx)
        z = ctx.buffer("z", (*u.shape[:-1], self.filters), self.dtype)
        np.matmul(_rows(u), self._pointwise(self.pointwise_kernel.value), out=_rows(z))
        if self.use_bias:
            z += self.bias.value
        y, kept = activate(self.activation, self.restore(z), ctx)
        ctx.save(padded=padded, shape=x.shape, sweep=sweep, u=u, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        padded, shape, sweep, u, kept = ctx.saved("padded", "shape", "sweep", "u", "kept")
        dz = _rows(self.channels_last(activation_backward(self.activation, dy, kept, ctx)))  # (places, f)
        if self.use_bias:
            sum_rows(dz, out=ctx.grad(self.bias))  # dL/dbias = Σ dz
        np.matmul(_rows(u).T, dz, out=self._pointwise(ctx.grad(self.pointwise_kernel)))  # uᵀ dz
        du = ctx.buffer("du", u.shape, self.dtype)
        np.matmul(dz, self._pointwise(self.pointwise_kernel.value).T, out=_rows(du))  # dz pointwiseᵀ
        correlate_kernel_gradient(padded, du, sweep, self._depthwise(ctx.grad(self.depthwise_kernel)))
        if not ctx.needs_dx:
            return None
        kernel = self._depthwise(self.depthwise_kernel.value)
        return self.restore(correlate_input_gradient(du, kernel, sweep, shape, ctx))

    def _depthwise(self, kernel: Array) -> Array:
        """The depthwise kernel as (*kernel_size, c·M)."""
        return kernel.reshape(*self.kernel_size, kernel.shape[-2] * kernel.shape[-1])

    def _pointwise(self, kernel: Array) -> Array:
        """The pointwise kernel as (c·M, filters)."""
        return kernel.reshape(kernel.shape[-2:])


def _rows(x: Array) -> Array:
    """One row for each place of each image."""
    return x.reshape(-1, x.shape[-1])


class SeparableConv1D(SeparableConv):
    """`SeparableConv` over one spatial axis, such as time: (batch, steps, channels)."""

    rank = 1


class SeparableConv2D(SeparableConv):
    """`SeparableConv` over images: (batch, height, width, channels)."""

    rank = 2
