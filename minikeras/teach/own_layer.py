"""A fully connected layer in twenty lines, as you would write it after one lesson.

It is the base for layers of your own: copy it, or inherit from it and write only the method that
you want to practise. `compare(MyDense(4), Dense(4), x, y)` then trains both side by side.

    class MyDense(OwnDense):
        def backward(self, dy, ctx):
            x, z, y = ctx.saved("x", "z", "y")  # what forward kept
            ...  # write dL/dkernel into ctx.grad(self.kernel), dL/dbias into ctx.grad(self.bias)
            return ...  # dL/dx
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class OwnDense(Layer):
    """y = f(z), z = x @ kernel + bias, for x of shape (batch, inputs).

    Args:
        units: the number of outputs.
        activation: f, by default the identity.
        **kwargs: those of `Layer`.
    """

    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight((input_shape[-1] or 0, self.units), name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def forward(self, x: Array, ctx: Context) -> Array:
        z = x @ self.kernel.value + self.bias.value  # (batch, units)
        y = self.activation(z)
        ctx.save(x=x, z=z, y=y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        x, z, y = ctx.saved("x", "z", "y")
        dz = self.activation.backward(dy, z if self.activation.needs_input else y)  # dz = f'(z) dy
        np.matmul(x.T, dz, out=ctx.grad(self.kernel))  # dL/dkernel = xᵀ dz
        np.sum(dz, axis=0, out=ctx.grad(self.bias))  # dL/dbias = Σ dz over the batch
        return dz @ self.kernel.value.T  # dL/dx = dz kernelᵀ
