"""Transposed convolution: the way from a small image to a large one.

It is a convolution seen from its other side. What a convolution does to find the gradient of its
input, this layer does forwards: each place of x is multiplied with the kernel, and the patches
that come out are added up where they overlap. So its gradient is a convolution.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_int, check_ints, check_option
from minikeras.layers._convolve import convolve, input_gradient, kernel_gradient
from minikeras.layers._windows import Sweep, inner, pad
from minikeras.layers.activation import activate, activation_backward
from minikeras.layers.convolution import Windowed
from minikeras.numbers import sum_rows
from minikeras.typing import Array, Shape


class ConvTranspose(Windowed):
    """z[n, i·s + j·d, f] += Σ over channels c of x[n, i, c] kernel[j, f, c], and y = act(crop(z) + bias).

    Kernel: (*kernel_size, filters, channels); bias: (filters,). This is the common part of
    `Conv1DTranspose`, `Conv2DTranspose` and `Conv3DTranspose`. With k = (kernel_size − 1)·d + 1, an axis of
    n places becomes one of (n − 1)·s + max(k, s) for "valid", of n·s for "same".

    Args:
        filters: the number of outputs at each place.
        kernel_size: the patch's size, one number or one per spatial axis.
        strides: s, how far patches are apart: by how much the image grows.
        padding: "valid" (all of the patches), or "same" (a rim is cut off, so that n places become n·s).
        output_padding: makes the size (n − 1)·s + k + output_padding for "valid", and (n − 1)·s + k % 2 +
            output_padding for "same"; less than s.
        data_format: "channels_last" or "channels_first"; the kernel is the same for both.
        dilation_rate: d, the distance between the cells of a patch; with d > 1 strides must be 1.
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
            dilation, or an output_padding that is not less than the strides.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.padding = check_option(self, "padding", str(padding).lower(), ("valid", "same"))
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = check_ints(self, "output_padding", output_padding, self.rank, 0)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = check_ints(self, "dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._check_strides()

    def _check_strides(self) -> None:
        extra = self.output_padding or (0,) * self.rank
        if any(o >= s for o, s in zip(extra, self.strides, strict=True) if o):
            raise ValueError(
                f"{type(self).__name__}: `output_padding` must be less than `strides`. "
                f"Received: output_padding={self.output_padding}, strides={self.strides}"
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides` > 1 cannot go with `dilation_rate` > 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, self.check_channels(input_shape)), self.kernel_initializer,
            None, True, self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        super().check_input(input_shape)
        self.check_channels(input_shape, self.kernel.shape[-1] if self.built else None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.shape_of(input_shape[0], self.out_sizes(self.spatial(input_shape)), self.filters)

    def out_sizes(self, spatial: Shape) -> Shape:
        return tuple(self.kept(n, axis)[1] for axis, n in enumerate(spatial))

    def kept(self, n: int | None, axis: int) -> tuple[int, int | None]:
        """How many places of the sum are cut off before an axis of n places, and how many remain."""
        s, d = self.strides[axis], self.dilation_rate[axis]
        k = (self.kernel_size[axis] - 1) * d + 1
        extra = None if self.output_padding is None else self.output_padding[axis]
        if self.padding == "valid":
            before, last = 0, max(k, s) if extra is None else k + extra
        else:
            last = s if extra is None else k % 2 + extra
            kept = k + last - 2  # Keras counts the rim that is *not* cut off; its larger half goes before
            before = k - 1 - min(kept - kept // 2, k - 1)
        return before, None if n is None else max((n - 1) * s + last, 0)

    def _geometry(self, sizes: tuple[int, ...]) -> tuple[Sweep, tuple[int, ...], tuple[int, ...]]:
        """The sweep of the patches over their sum, the size of the sum, and that of what is kept of it."""
        rims, kept, total = [], [], []
        for axis, n in enumerate(sizes):
            before, size = self.kept(n, axis)
            reach = (n - 1) * self.strides[axis] + (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
            kept.append(size or 0)
            total.append(max(reach, before + kept[-1]))
            rims.append((before, total[-1] - before - kept[-1]))
        sweep = Sweep(self.kernel_size, self.strides, self.dilation_rate, tuple(rims), sizes)
        return sweep, tuple(total), tuple(kept)

    def forward(self, x: Array, ctx: Context) -> Array:
        x = self.channels_last(x)  # (n, *spatial, c)
        sweep, total, kept_size = self._geometry(x.shape[1:-1])
        patches = ctx.buffer("sum", (len(x), *total, self.filters), self.dtype)
        input_gradient(x, self.kernel.value, sweep, patches, ctx)
        z = ctx.buffer("z", (len(x), *kept_size, self.filters), self.dtype)
        bias = self.bias.value if self.use_bias else 0
        np.add(patches[inner(z.shape, sweep.amounts)], bias, out=z)
        y, kept = activate(self.activation, self.restore(z), ctx)
        ctx.save(x=x, sweep=sweep, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        x, sweep, kept = ctx.saved("x", "sweep", "kept")
        dz = self.channels_last(activation_backward(self.activation, dy, kept, ctx))  # (n, *kept_size, f)
        if self.use_bias:
            sum_rows(dz, out=ctx.grad(self.bias))  # dL/dbias = Σ dz
        dsum = pad(dz, sweep.amounts, 0, ctx)
        kernel_gradient(dsum, x, sweep, ctx.grad(self.kernel), ctx)  # dL/dkernel = patches(dsum)ᵀ x
        if not ctx.needs_dx:
            return None
        dx = ctx.buffer("dx", x.shape, self.dtype)
        convolve(dsum, self.kernel.value, sweep, dx, ctx)  # dL/dx = dsum ⋆ kernel
        return self.restore(dx)


class Conv1DTranspose(ConvTranspose):
    """`ConvTranspose` over one spatial axis, such as time: (batch, steps, channels)."""

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """`ConvTranspose` over images: (batch, height, width, channels)."""

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """`ConvTranspose` over volumes: (batch, depth, height, width, channels).

    As in Keras, `data_format` comes before `output_padding` here.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = 1,
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
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
            activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
