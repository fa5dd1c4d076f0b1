"""Activations with parameters as layers: `ReLU`, `LeakyReLU`, `PReLU`, `ELU`, `Softmax`.

The functions and their derivatives are those of `minikeras.activations`. Such a layer can also be given as
another layer's `activation`, as in `Dense(8, activation=LeakyReLU(0.1))`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, registry, regularizers
from minikeras.context import Context
from minikeras.errors import ShapeError, check_ints, check_number
from minikeras.layers.activation import activation_backward
from minikeras.layers.base import Layer
from minikeras.numbers import clip, number
from minikeras.typing import Array, Shape


class LayerActivation(activations.Activation):
    """The function of an activation layer, where another layer wants an activation.

    Args:
        layer: one of the layers of this module that have no weights.
    """

    def __init__(self, layer: ActivationLayer) -> None:
        self.layer = layer
        self.function = layer.function
        self.needs_input = layer.function.needs_input

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return self.function(z, out)

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        return self.function.backward(dy, saved, out)

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    def serialized(self) -> Any:
        return registry.envelope(self.layer)


class ActivationLayer(Layer):
    """y = f(x): the base of the layers that are a function without weights; see `function`."""

    supports_masking = True
    function: activations.Activation  # f, made in the constructor

    def as_activation(self) -> activations.Activation:
        """This layer as the `activation` of another one; `activations.get` asks for it."""
        return LayerActivation(self)

    @property
    def output_activation(self) -> activations.Activation:
        """f."""
        return self.function

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        y = self.function(x, out=ctx.buffer("y", x.shape, x.dtype))
        ctx.save(kept=x if self.function.needs_input else y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        return activation_backward(self.function, dy, ctx.saved("kept"), ctx)


class ReLU(ActivationLayer):
    """y = x above the threshold, slope·(x − threshold) below it, and never above max_value.

    Args:
        max_value: an upper bound of at least 0, or None.
        negative_slope: the slope below the threshold.
        threshold: where the kink is.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for a negative number.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = (
            None if max_value is None else check_number(self, "max_value", max_value, 0, float("inf"))
        )
        self.negative_slope = check_number(self, "negative_slope", negative_slope, 0, float("inf"))
        self.threshold = check_number(self, "threshold", threshold, 0, float("inf"))
        self.function = activations.Relu(self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(ActivationLayer):
    """y = x for x > 0, else slope·x.

    Args:
        negative_slope: the slope below zero.
        **kwargs: those of `Layer`; `alpha`, the argument's older name, is accepted with a warning.

    Source: Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("LeakyReLU: `alpha` is deprecated; use `negative_slope` instead.", stacklevel=2)
        super().__init__(**kwargs)
        self.negative_slope = check_number(self, "negative_slope", negative_slope, 0, float("inf"))
        self.function = activations.LeakyRelu(self.negative_slope)


class ELU(ActivationLayer):
    """y = x for x > 0, else α (e^x − 1).

    Args:
        alpha: α.
        **kwargs: those of `Layer`.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2016.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = check_number(self, "alpha", alpha, float("-inf"), float("inf"))
        self.function = activations.Elu(self.alpha)


class Softmax(ActivationLayer):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along the axis, over the unmasked places only.

    Args:
        axis: an axis, or a list of axes that are worked on together.
        **kwargs: those of `Layer`.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis: Any = axis
        self.function = activations.Softmax(axis if isinstance(axis, int) else list(axis))

    def forward(self, x: Array, ctx: Context) -> Array:
        y = ctx.buffer("y", x.shape, x.dtype)
        keep = None if ctx.mask is None else self._fit(np.asarray(ctx.mask, bool), x)
        if keep is None:
            self.function(x, out=y)
        else:
            self.function(np.where(keep, x, np.asarray(-1e9, x.dtype)), out=y)
            y *= keep
        ctx.save(y=y)
        return y

    def _fit(self, mask: Array, x: Array) -> Array:
        """A mask of fewer axes counts for whole rows of x."""
        return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))

    def backward(self, dy: Array, ctx: Context) -> Array:
        return activation_backward(self.function, dy, ctx.saved("y"), ctx)  # 0 where y was set to 0


class PReLU(Layer):
    """y = max(x, 0) + α min(x, 0), with an α for each feature that is learned.

    Args:
        alpha_initializer: "zeros" by default.
        alpha_regularizer: a penalty on α.
        alpha_constraint: a projection of α after each update.
        shared_axes: axes (from 1) along which all features have the same α.
        **kwargs: those of `Layer`.

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if isinstance(shared_axes, Sequence):
            self.shared_axes: Any = list(check_ints(self, "shared_axes", shared_axes, len(shared_axes)))
        else:
            self.shared_axes = (
                None if shared_axes is None else list(check_ints(self, "shared_axes", shared_axes, 1))
            )

    def as_activation(self) -> activations.Activation:
        """Not possible: it has weights.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "PReLU has weights, so it cannot be an activation: add it as a layer of its own instead."
        )

    def build(self, input_shape: Shape) -> None:
        shape = [n or 0 for n in input_shape[1:]]
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            shape, self.alpha_initializer, None, True, self.alpha_regularizer, self.alpha_constraint, "alpha"
        )  # fmt: skip

    def check_input(self, input_shape: Shape) -> None:
        shared = self.shared_axes or ()
        if any(axis >= len(input_shape) for axis in shared):
            raise ShapeError(self.where(), f"more axes than shared_axes={shared}", tuple(input_shape))
        if any(n is None for i, n in enumerate(input_shape) if i > 0 and i not in shared):
            fix = "share α along the axes of unknown size with shared_axes=[...]"
            raise ShapeError(
                self.where(), "known sizes, as each feature has its own α", tuple(input_shape), fix
            )
        if self.built and any(
            a != 1 and a != n for a, n in zip(self.alpha.shape, input_shape[1:], strict=True)
        ):
            raise ShapeError(self.where(), f"(batch, {self.alpha.shape})", tuple(input_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(x=x)
        y = clip(x, number(-np.inf, x.dtype), number(0, x.dtype), out=ctx.buffer("y", x.shape, self.dtype))
        y *= self.alpha.value
        y += clip(x, number(0, x.dtype), number(np.inf, x.dtype), out=ctx.buffer("part", x.shape, self.dtype))
        return y

    def backward(self, dy: Array, ctx: Context) -> Array:
        x = ctx.saved("x")
        part = clip(
            x, number(-np.inf, x.dtype), number(0, x.dtype), out=ctx.buffer("part", x.shape, self.dtype)
        )
        part *= dy
        axes = (0, *(self.shared_axes or ()))  # dL/dα = Σ dy min(x, 0) over the batch and the shared axes
        np.add.reduce(part, axis=axes, keepdims=True, out=ctx.grad(self.alpha)[None])
        dx = np.greater(x, 0, out=ctx.buffer("dx", x.shape, self.dtype), casting="unsafe")
        np.subtract(1, dx, out=part)
        part *= self.alpha.value
        dx += part  # f' = 1 or α
        dx *= dy
        return dx
