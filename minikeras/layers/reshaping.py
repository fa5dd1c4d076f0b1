"""Layers that move numbers without changing them."""

from __future__ import annotations

import math
from typing import Any

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class Flatten(Layer):
    """(batch, a, b, ...) becomes (batch, a·b·...); (batch,) becomes (batch, 1).

    Args:
        data_format: with "channels_first" the channels are moved last before flattening, so that
            the order of the features is the same as with "channels_last".
        **kwargs: those of `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(n for n in sizes if n is not None))

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save(shape=x.shape)
        if self._moves_channels(x.ndim):
            x = x.transpose(0, *range(2, x.ndim), 1)  # channels last
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array, ctx: Context) -> Array:
        shape = ctx.saved("shape")
        if self._moves_channels(len(shape)):
            last = dy.reshape(shape[0], *shape[2:], shape[1])
            return last.transpose(0, last.ndim - 1, *range(1, last.ndim - 1))  # channels first again
        return dy.reshape(shape)

    def _moves_channels(self, ndim: int) -> bool:
        return self.data_format == "channels_first" and ndim > 2
