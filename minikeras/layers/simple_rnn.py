"""The simplest recurrent layer: its output is its only state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import check_int, check_number
from minikeras.layers.recurrent import RNN, Cell, sequence_dropout
from minikeras.random import SeedGenerator
from minikeras.typing import Array, Shape


class SimpleRNNCell(Cell):
    """h_t = f(x_t @ kernel + h_{t−1} @ recurrent_kernel + bias).

    For the arguments see `SimpleRNN`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        self.units = check_int(self, "units", units)
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = check_number(self, "dropout", dropout, 0, 1)
        self.recurrent_dropout = check_number(self, "recurrent_dropout", recurrent_dropout, 0, 1)

    def build(self, input_shape: Shape) -> None:
        inputs = input_shape[-1]
        assert inputs is not None  # the layer's check_input ran before
        self.kernel = self.add_weight(
            (inputs, self.units), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (self.units, self.units), self.recurrent_initializer, None, True,
            self.recurrent_regularizer, self.recurrent_constraint, "recurrent_kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                None,
                True,
                self.bias_regularizer,
                self.bias_constraint,
                "bias",
            )
        self.mark_built(input_shape)

    def begin(self, x: Array, ctx: Context) -> None:
        steps, n, inputs = x.shape
        x_mask = sequence_dropout(self, "dropout", (n, inputs), ctx)  # (batch, inputs), the same at each step
        h_mask = sequence_dropout(self, "recurrent_dropout", (n, self.units), ctx)
        if x_mask is not None:
            x = np.multiply(x, x_mask, out=ctx.buffer("x", x.shape, self.dtype))
        z = ctx.buffer("z", (steps, n, self.units), self.dtype)
        np.matmul(x.reshape(-1, inputs), self.kernel.value, out=z.reshape(-1, self.units))
        if self.use_bias:
            z += self.bias.value
        ctx.values = {"x": x, "z": z, "x_mask": x_mask, "h_mask": h_mask}

    def step(self, t: int, states: Sequence[Array], ctx: Context) -> None:
        h, h_mask, z = states[0], ctx.values["h_mask"], ctx.values["z"][t]
        before = h[t] if h_mask is None else h[t] * h_mask
        z += np.matmul(before, self.recurrent_kernel.value, out=ctx.buffer("hr", z.shape, self.dtype))
        self.activation(z, out=h[t + 1])

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[Array], ctx: Context
    ) -> list[Array]:
        f, z, h_mask = self.activation, ctx.values["z"], ctx.values["h_mask"]
        dz = ctx.buffer("dz", z.shape, self.dtype)[t]
        result = f.backward(dstates[0], z[t] if f.needs_input else states[0][t + 1], out=dz)
        if result is not dz:  # the identity hands back what it was given
            np.copyto(dz, result)
        dh = np.matmul(dz, self.recurrent_kernel.value.T)  # dL/dh_{t−1} = dz recurrent_kernelᵀ
        return [dh if h_mask is None else dh * h_mask]

    def finish(self, states: Sequence[Array], ctx: Context) -> Array | None:
        x, z, x_mask, h_mask = (ctx.values[name] for name in ("x", "z", "x_mask", "h_mask"))
        dz = ctx.buffer("dz", z.shape, self.dtype).reshape(-1, self.units)
        rows = x.reshape(-1, x.shape[-1])
        before = states[0][:-1] if h_mask is None else states[0][:-1] * h_mask
        np.matmul(rows.T, dz, out=ctx.grad(self.kernel))  # Σ_t x_tᵀ dz_t
        np.matmul(
            before.reshape(-1, self.units).T, dz, out=ctx.grad(self.recurrent_kernel)
        )  # Σ_t h_{t−1}ᵀ dz_t
        if self.use_bias:
            np.sum(dz, axis=0, out=ctx.grad(self.bias))
        if not ctx.needs_dx:
            return None
        dx = ctx.buffer("dx", x.shape, self.dtype)
        np.matmul(dz, self.kernel.value.T, out=dx.reshape(rows.shape))
        return dx if x_mask is None else np.multiply(dx, x_mask, out=dx)


class SimpleRNN(RNN):
    """h_t = f(x_t @ kernel + h_{t−1} @ recurrent_kernel + bias), h_0 = 0; the output is the last h, or all.

    Args:
        units: the width of h.
        activation: f, "tanh" by default.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        recurrent_initializer: "orthogonal" by default, which neither shrinks nor blows up h.
        bias_initializer: "zeros" by default.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: accepted, but without effect, as in Keras.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: the same for the recurrent kernel.
        bias_constraint: the same for the bias.
        dropout: the share of the inputs that is dropped in training, the same ones at all steps.
        recurrent_dropout: the share of h that is dropped on its way to the next step.
        return_sequences: see `RNN`, as for the following.
        return_state: return a list of the output and the last h.
        go_backwards: begin with the last step.
        stateful: begin with the h that the batch before ended with.
        unroll: accepted; changes nothing here.
        seed: repeats the dropout masks from run to run.
        **kwargs: `zero_output_for_mask`, and those of `Layer`.

    Source: J. Elman, "Finding Structure in Time", 1990.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            check_int(self, "units", units), activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
        )  # fmt: skip
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments; the cell is made from them."""
        config = super().get_config()
        del config["cell"], config["seed"]  # as in Keras
        return config
