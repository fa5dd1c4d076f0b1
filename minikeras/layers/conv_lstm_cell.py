"""One step of a convolutional LSTM: where an LSTM multiplies with a matrix, this one convolves.

All steps' inputs are convolved at once, as one large batch, before the loop over time; only the
states' convolution is left in it. Arrays are (steps, batch, *spatial, channels) here, and each gate
is one contiguous block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_int, check_ints, check_number, check_option
from minikeras.layers._convolve import convolve, input_gradient, kernel_gradient
from minikeras.layers._windows import Sweep, inner, output_size, pad
from minikeras.layers.cells import Cell
from minikeras.layers.dropout import dropout_mask
from minikeras.layers.lstm import forget_bias
from minikeras.numbers import sum_rows
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape


class ConvLSTMCell(Cell):
    """One step of a `ConvLSTM`; for the arguments see there."""

    outputs_state = True

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)
        self.rank = rank
        self.filters = check_int(self, "filters", filters)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = check_number(self, "dropout", dropout, 0, 1)
        self.recurrent_dropout = check_number(self, "recurrent_dropout", recurrent_dropout, 0, 1)

    def _set_window(
        self, kernel_size: Any, strides: Any, padding: str, data_format: str | None, dilation_rate: Any
    ) -> None:
        self.kernel_size = check_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = check_ints(self, "strides", strides, self.rank)
        self.padding = check_option(self, "padding", str(padding).lower(), ("valid", "same"))
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = check_ints(self, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "ConvLSTM: `strides` > 1 cannot go with `dilation_rate` > 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    @property
    def state_size(self) -> Any:
        """The numbers of channels of h and c."""
        return (self.filters, self.filters)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        assert channels is not None  # the layer's check_input ran before
        width = 4 * self.filters
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, width), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (*self.kernel_size, self.filters, width), self.recurrent_initializer, None, True,
            self.recurrent_regularizer, self.recurrent_constraint, "recurrent_kernel",
        )  # fmt: skip
        if self.use_bias:
            initial = self.bias_initializer
            self.bias = self.add_weight(
                (width,), forget_bias(initial, self.filters) if self.unit_forget_bias else initial, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def out_sizes(self, spatial: Shape) -> Shape:
        """The spatial sizes of h and c."""
        parts = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(output_size(n, k, s, d, self.padding) for n, k, s, d in parts)

    def begin(self, x: Array, ctx: Context) -> None:
        steps, n, *sizes, _ = x.shape
        sweep = Sweep.over(sizes, self.kernel_size, self.strides, self.dilation_rate, self.padding)
        ones = (1,) * self.rank
        inside = Sweep.over(sweep.out, self.kernel_size, ones, ones, "same")  # over h
        state = (n, *sweep.out, self.filters)
        x_mask = self._mask("dropout", x.shape[1:], ctx)  # the same at each step
        h_mask = self._mask("recurrent_dropout", state, ctx)
        sequence = ctx.buffer("sequence", x.shape, self.dtype)  # as one large batch
        np.copyto(sequence, x)
        sequence = _masked(sequence, x_mask)
        images = sequence.reshape(steps * n, *sequence.shape[2:])
        padded = pad(images, sweep.amounts, 0, ctx)
        xk = ctx.buffer("xk", (steps * n, *sweep.out, 4 * self.filters), self.dtype)
        convolve(padded, self.kernel.value, sweep, xk, ctx, _groups(x_mask))
        if self.use_bias:
            xk += self.bias.value
        # f(z) takes the place of z, unless a derivative needs z itself
        z = gates = ctx.buffer("gates", (steps, 4, *state), self.dtype)
        if self.activation.needs_input or self.recurrent_activation.needs_input:
            z = ctx.buffer("z", gates.shape, self.dtype)
        ctx.values = {
            "padded": padded, "sweep": sweep, "inside": inside, "x_mask": x_mask,
            "h_mask": h_mask, "xk": xk.reshape(steps, n, *xk.shape[1:]), "z": z, "gates": gates,
            "squashed": ctx.buffer("squashed", (steps, *state), self.dtype),
        }  # fmt: skip

    def _mask(self, name: str, shape: tuple[int, ...], ctx: Context) -> Array | None:
        """The dropout masks of the four gates, for all steps of a pass; None outside training."""
        rate = getattr(self, name)
        if not ctx.training or rate == 0:
            return None
        shape = (*shape[:-1], 4, shape[-1])
        return dropout_mask(rate, shape, self.seed_generator, ctx, self.dtype, name)

    def step(self, t: int, states: Any, ctx: Context) -> None:
        h, c = states
        values, act, sigma = ctx.values, self.activation, self.recurrent_activation
        before = _masked(h[t], values["h_mask"])
        scratch = ctx.child("h")
        total = ctx.buffer("total", values["xk"].shape[1:], self.dtype)  # (n, *out, 4 filters)
        before = pad(before, values["inside"].amounts, 0, scratch)
        groups = _groups(values["h_mask"])
        convolve(before, self.recurrent_kernel.value, values["inside"], total, scratch, groups)
        total += values["xk"][t]
        z, gates, squashed = values["z"][t], values["gates"][t], values["squashed"][t]
        np.copyto(z, self._by_gate(total))
        sigma(z[:2], out=gates[:2])
        act(z[2], out=gates[2])
        sigma(z[3], out=gates[3])
        i, f, candidate, o = gates
        np.multiply(f, c[t], out=c[t + 1])
        np.multiply(i, candidate, out=squashed)
        c[t + 1] += squashed  # c_t = f c_{t−1} + i c̃
        act(c[t + 1], out=squashed)
        np.multiply(o, squashed, out=h[t + 1])  # h_t = o act(c_t)

    def _by_gate(self, z: Array) -> Array:
        """A view of (n, *out, 4 filters) as (4, n, *out, filters)."""
        return np.moveaxis(z.reshape(*z.shape[:-1], 4, self.filters), -2, 0)

    def step_backward(self, t: int, dstates: Any, states: Any, ctx: Context) -> list[Array]:
        (dh, dc_after), c, values = dstates, states[1], ctx.values
        act, sigma = self.activation, self.recurrent_activation
        z, gates, squashed = values["z"][t], values["gates"][t], values["squashed"][t]
        i, f, candidate, o = gates
        dc = ctx.buffer(f"dc{t % 2}", dh.shape, self.dtype)  # the other one holds dc_after
        dgates = ctx.buffer("dgates", gates.shape, self.dtype)
        np.multiply(dh, o, out=dgates[3])
        act.backward(dgates[3], c[t + 1] if act.needs_input else squashed, out=dc)
        dc += dc_after  # dL/dc_t = dh o act'(c_t) + what comes from the step after
        np.multiply(dc, candidate, out=dgates[0])  # di = dc c̃
        np.multiply(dc, c[t], out=dgates[1])  # df = dc c_{t−1}
        np.multiply(dc, i, out=dgates[2])  # dc̃ = dc i
        np.multiply(dh, squashed, out=dgates[3])  # do = dh act(c_t)
        dz = ctx.buffer("dz_t", gates.shape, self.dtype)
        for g, part in ((sigma, slice(0, 2)), (act, slice(2, 3)), (sigma, slice(3, 4))):
            g.backward(dgates[part], (z if g.needs_input else gates)[part], out=dz[part])
        total = ctx.buffer("dz", values["xk"].shape, self.dtype)[t]  # kept for `finish`
        np.copyto(self._by_gate(total), dz)
        dc *= f  # dL/dc_{t−1} = dc f
        return [self._state_gradient(total, dh.shape, ctx), dc]

    def _state_gradient(self, dz: Array, shape: tuple[int, ...], ctx: Context) -> Array:
        """dL/dh_{t−1}, through its convolution."""
        sweep, mask = ctx.values["inside"], ctx.values["h_mask"]
        sizes = (n + b + a for n, (b, a) in zip(shape[1:-1], sweep.amounts, strict=True))
        dpadded = ctx.buffer("dh", (shape[0], *sizes, shape[-1] * _groups(mask)), self.dtype)
        input_gradient(dz, self.recurrent_kernel.value, sweep, dpadded, ctx, _groups(mask))
        return _unmasked(dpadded[inner(shape, sweep.amounts)], mask)

    def finish(self, states: Any, ctx: Context) -> Array | None:
        values = ctx.values
        padded, sweep, inside, x_mask, h_mask = (
            values[name] for name in ("padded", "sweep", "inside", "x_mask", "h_mask")
        )
        dz = ctx.buffer("dz", values["xk"].shape, self.dtype)
        steps, n = dz.shape[:2]
        dz = dz.reshape(-1, *dz.shape[2:])  # (steps·n, *out, 4 filters)
        kernel_gradient(padded, dz, sweep, ctx.grad(self.kernel), ctx, _groups(x_mask))
        before = _masked(states[0][:-1], h_mask)
        before = pad(before.reshape(-1, *before.shape[2:]), inside.amounts, 0, ctx.child("h"))
        kernel_gradient(before, dz, inside, ctx.grad(self.recurrent_kernel), ctx, _groups(h_mask))
        if self.use_bias:
            sum_rows(dz, out=ctx.grad(self.bias))  # Σ dz
        if not ctx.needs_dx:
            return None
        dpadded = ctx.buffer("dpadded", padded.shape, self.dtype)
        input_gradient(dz, self.kernel.value, sweep, dpadded, ctx, _groups(x_mask))
        sizes = (size - b - a for size, (b, a) in zip(padded.shape[1:-1], sweep.amounts, strict=True))
        dx = dpadded[inner((len(dz), *sizes), sweep.amounts)]
        return _unmasked(dx.reshape(steps, n, *dx.shape[1:]), x_mask)


# With dropout each gate sees x under a mask of its own, as in Keras. The four masked x lie side by side in the
# channels, and each gate's filters convolve with its own quarter: a convolution in four groups.


def _groups(mask: Array | None) -> int:
    return 1 if mask is None else 4


def _masked(x: Array, mask: Array | None) -> Array:
    """x (…, channels) under each of the masks (…, 4, channels), side by side: (…, 4 channels)."""
    return x if mask is None else (x[..., None, :] * mask).reshape(*x.shape[:-1], 4 * x.shape[-1])


def _unmasked(dx: Array, mask: Array | None) -> Array:
    """dL/dx from the gradient of `_masked`: the sum over the masks."""
    if mask is None:
        return dx
    return (dx.reshape(*dx.shape[:-1], *mask.shape[-2:]) * mask).sum(axis=-2)
