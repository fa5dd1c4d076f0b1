"""The fully connected layer.

Products are asked of `ndarray.dot` itself: it does what `np.matmul` does at a third of the overhead,
which is what small models consist of.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int
from minikeras.layers.activation import activate, activation_backward
from minikeras.layers.base import Layer
from minikeras.numbers import sum_rows
from minikeras.typing import Array, Shape


class Dense(Layer):
    """y = f(x @ kernel + bias).

    The kernel has shape (inputs, units), the bias (units,). An input with more than two axes,
    (batch, ..., inputs), is worked on along its last axis.

    Args:
        units: the number of outputs.
        activation: f, by default the identity.
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
        ValueError: when `units` is not a positive integer.
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
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
        self.units = check_int(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        inputs = input_shape[-1]
        assert inputs is not None  # check_input ran before
        self.kernel = self.add_weight(
            (inputs, self.units), self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
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

    def check_input(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            fix = "give a whole batch: x[None] for one sample, x[:, None] for one feature"
            raise ShapeError(self.where(), "min_ndim=2, (batch, ..., inputs)", tuple(input_shape), fix)
        inputs = input_shape[-1]
        if inputs is None:
            raise ShapeError(self.where(), "a last axis of known size", tuple(input_shape))
        if self.built and inputs != self.kernel.shape[0]:
            expected = f"axis -1 of size {self.kernel.shape[0]}"
            fix = f"give {self.kernel.shape[0]} features per sample, as when the layer was built"
            size = int(np.prod([n or 0 for n in input_shape[1:]]))
            if size == self.kernel.shape[0]:
                fix = f"flatten the samples: x.reshape(-1, {size}), or a Flatten layer before this one"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, axis -1 of size {inputs}", fix)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def shares_work(self, input_shape: Shape) -> bool:
        """Its products."""
        return True

    @property
    def output_activation(self) -> activations.Activation:
        """The function that makes the output: a loss may be paired with it (training/pairing.py)."""
        return self.activation

    def forward(self, x: Array, ctx: Context) -> Array:
        rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])  # (batch·..., inputs)
        z = ctx.dot(rows, self.kernel.value, out=ctx.buffer("z", (len(rows), self.units), self.dtype))
        if self.use_bias:
            np.add(z, self.bias.value[None], out=z)  # a row: for one sample of the same shape, twice as fast
        y, kept = activate(self.activation, z if x.ndim == 2 else z.reshape(*x.shape[:-1], self.units), ctx)
        ctx.save(x=x, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        x, kept = ctx.saved("x", "kept")
        dz = activation_backward(self.activation, dy, kept, ctx)
        rows = x
        if x.ndim != 2:
            rows, dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, self.units)
        ctx.dot_to_grad(rows.T, dz, self.kernel)  # dL/dkernel = xᵀ dz
        if self.use_bias:
            sum_rows(dz, out=ctx.grad(self.bias))  # dL/dbias = Σ dz over the batch
        if not ctx.needs_dx:
            return None
        dx = ctx.buffer("dx", rows.shape, self.dtype)
        ctx.dot(dz, self.kernel.value.T, out=dx)  # dL/dx = dz kernelᵀ
        return dx if x.ndim == 2 else dx.reshape(x.shape)
