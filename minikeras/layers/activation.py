"""An activation function as a layer of its own."""

from __future__ import annotations

from typing import Any

from minikeras import activations
from minikeras.context import Context
from minikeras.layers.base import Layer, activation_backward
from minikeras.typing import Array, Shape


class Activation(Layer):
    """y = f(x).

    Args:
        activation: f, as a name such as "relu", a function or an `Activation` object.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        f = self.activation
        if isinstance(f, activations.Glu):  # the one activation that changes the shape
            shape = list(input_shape)
            shape[f.axis] = f.output_size(shape[f.axis])
            return tuple(shape)
        return tuple(input_shape)

    @property
    def output_activation(self) -> activations.Activation:
        """The function that makes the output: a loss may be paired with it (training/pairing.py)."""
        return self.activation

    def forward(self, x: Array, ctx: Context) -> Array:
        y = self.activation(x, out=ctx.buffer("y", x.shape, x.dtype))
        ctx.save(kept=x if self.activation.needs_input else y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        return activation_backward(self.activation, dy, ctx.saved("kept"), ctx)
