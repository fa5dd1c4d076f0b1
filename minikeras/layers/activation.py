"""Activation functions within layers, and as a layer of their own."""

from __future__ import annotations

from typing import Any

from minikeras import activations
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


def activate(f: activations.Activation, z: Array, ctx: Context) -> tuple[Array, Array]:
    """y = f(z), and what the derivative needs: z itself, or y, which then takes z's place in memory."""
    if f.needs_input:
        return f(z, out=ctx.buffer("y", z.shape, z.dtype)), z
    y = f(z, out=z)
    return y, y


def activation_backward(f: activations.Activation, dy: Array, saved: Array, ctx: Context) -> Array:
    """dz = f'(z) dy; or dy itself where the loss already gave dL/dz (see training/pairing.py)."""
    if ctx.dy_is_dz or isinstance(f, activations.Linear):  # nothing to compute, nothing to copy
        return dy
    return f.backward(dy, saved, out=ctx.buffer("dz", saved.shape, saved.dtype))


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
