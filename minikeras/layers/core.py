"""Layers for a function of one's own, for nothing at all, and for a penalty alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import registry, regularizers
from minikeras.context import Context
from minikeras.errors import check_number
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class Identity(Layer):
    """y = x.

    Args:
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        return x

    def backward(self, dy: Array, ctx: Context) -> Array:
        ctx.saved()
        return dy


class ActivityRegularization(Identity):
    """y = x, with a penalty of l1 Σ abs(x) + l2 Σ x², divided by the batch size, on the loss.

    Args:
        l1: the factor of the sum of absolute values.
        l2: the factor of the sum of squares.
        **kwargs: those of `Layer`.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.l1 = check_number(self, "l1", l1, 0, float("inf"))
        self.l2 = check_number(self, "l2", l2, 0, float("inf"))
        self.activity_regularizer = regularizers.L1L2(self.l1, self.l2)

    def get_config(self) -> dict[str, Any]:
        """The two factors; the regularizer is made from them."""
        return {**self.base_config(), "l1": self.l1, "l2": self.l2}


class Lambda(Layer):
    """y = function(x).

    A function has no derivative that could be known. So give it as `gradient`, or let the layer
    stand where no gradient is needed: first in a model, or above only frozen layers.

    Args:
        function: takes an array and returns one, the batch first. It is saved by its registered
            name only (`register_keras_serializable`), never as code.
        output_shape: of y without the batch, or a function of the input's shape; found by a trial run
            when None.
        mask: the mask of y, or a function of (x, mask); None: there is none.
        arguments: further arguments of `function`, by name.
        gradient: a function (dy, x, y) -> dx.
        **kwargs: those of `Layer`.

    Raises:
        TypeError: when `function` or `gradient` cannot be called.
    """

    rowwise = False  # who knows what the function does
    supports_masking = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        gradient: Callable[[Array, Array, Array], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("function", function), ("gradient", gradient)):
            if not callable(value) and not (name == "gradient" and value is None):
                raise TypeError(f"Lambda: `{name}` must be a function. Received: {value!r}")
        self.function = function
        self.output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.gradient = gradient

    def compute_output_shape(self, input_shape: Shape) -> Any:
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self.output_shape):
            return tuple(self.output_shape(input_shape))
        return (input_shape[0], *self.output_shape)

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        return self.mask(x, mask) if callable(self.mask) else self.mask

    def forward(self, x: Array, ctx: Context) -> Array:
        y = np.asarray(self.function(x, **self.arguments))
        y = y.astype(self.dtype) if y.dtype.kind == "f" and y.dtype != self.dtype else y
        ctx.save(x=x, y=y)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        x, y = ctx.saved("x", "y")
        if self.gradient is not None:
            return np.asarray(self.gradient(dy, x, y), x.dtype)
        if not ctx.needs_dx:
            return None
        raise TypeError(
            f"{self.where()} stands above layers that are trained, but the derivative of its function is unknown. "
            "Give gradient=lambda dy, x, y: dx, or write a Layer with forward and backward."
        )

    def get_config(self) -> dict[str, Any]:
        """The function by its registered name; a nameless lambda cannot be written down."""
        config = super().get_config()
        for name in ("function", "gradient"):
            value = getattr(self, name)
            if value is not None and registry.get_registered_name(value) == "<lambda>":
                raise ValueError(
                    f"{self.where()}: a nameless lambda cannot be saved. Write a function with "
                    "@register_keras_serializable() and pass that."
                )
        if self.gradient is None:
            del config["gradient"]  # Keras does not know it
        return config
