"""Layers over sequences, images and volumes: where their channels are.

Arrays are (batch, *spatial, channels), or (batch, channels, *spatial) with
data_format="channels_first". Inside, the channels always come last; the other order is a view.
"""

from __future__ import annotations

import numpy as np

from minikeras.errors import ShapeError
from minikeras.layers.base import Layer
from minikeras.layers.inputs import check_spatial
from minikeras.typing import Array, Shape


class Spatial(Layer):
    """The base of layers with `rank` spatial axes."""

    rank = 2
    data_format = "channels_last"

    def check_input(self, input_shape: Shape) -> None:
        check_spatial(self.where(), input_shape, self.rank, self.channels_are_last)

    def check_channels(self, input_shape: Shape, built_for: int | None = None) -> int:
        """The number of channels.

        Raises:
            ShapeError: when it is unknown, or not what the kernel was built for.
        """
        channels = self.channels(input_shape)
        if channels is None:
            raise ShapeError(self.where(), "a channel axis of known size", tuple(input_shape))
        if built_for is not None and channels != built_for:
            expected = f"axis {-1 if self.channels_are_last else 1} (channels) of size {built_for}"
            fix = f"give images with {built_for} channels, as when the layer was built"
            raise ShapeError(self.where(), expected, f"{tuple(input_shape)}, {channels} channels", fix)
        return channels

    @property
    def channels_are_last(self) -> bool:
        """Whether inputs and outputs have their channels on the last axis."""
        return self.data_format == "channels_last"

    def channels(self, shape: Shape) -> int | None:
        """The number of channels in a shape."""
        return shape[-1] if self.channels_are_last else shape[1]

    def spatial(self, shape: Shape) -> Shape:
        """The spatial part of a shape."""
        return shape[1:-1] if self.channels_are_last else shape[2:]

    def shape_of(self, batch: int | None, spatial: Shape, channels: int | None) -> Shape:
        """A shape of these parts."""
        return (batch, *spatial, channels) if self.channels_are_last else (batch, channels, *spatial)

    def channels_last(self, x: Array) -> Array:
        """A view of x with the channels last."""
        return x if self.channels_are_last else np.moveaxis(x, 1, -1)

    def restore(self, x: Array) -> Array:
        """The view back, with the channels where the user wants them."""
        return x if self.channels_are_last else np.moveaxis(x, -1, 1)
