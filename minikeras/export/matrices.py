"""Layers that are linear along each spatial axis, as matrices: y = R x Cᵀ + b for each channel.

Interpolation, resizing, cropping to the middle and means over adaptive windows are such maps. Their
matrices are found by what the layers make of unit vectors, so nothing here can differ from the
layers themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.export.errors import RefusedError
from minikeras.export.walk import known_sizes
from minikeras.layers.image import ImageLayer
from minikeras.typing import Array, Shape


def spatial_map(layer: Any, shape: Shape) -> tuple[list[Array], Array | None]:
    """A matrix (new size, size) for each spatial axis of an input of this shape, and b where it is not zero.

    A unit vector along one axis, repeated along the others, gives a column of that axis' matrix, times
    what the others make of ones. The latter, seen in the middle of the image, is divided out.

    Raises:
        RefusedError: when a spatial size is not known, or there is no batch axis.
    """
    last = layer.data_format == "channels_last"
    if isinstance(layer, ImageLayer) and len(shape) != 4:
        raise RefusedError("it is given single images", "give it batches: Input((height, width, channels))")
    sizes = known_sizes(layer, shape)

    def apply(image: Array) -> Array:
        x = image[None, ..., None] if last else image[None, None]
        y = layer.forward(x.astype(layer.dtype), Context(recording=False))
        return np.array(y[0, ..., 0] if last else y[0, 0])

    offset, matrices = apply(np.zeros(sizes)), []
    middle = [n // 2 for n in offset.shape]
    ones = apply(np.ones(sizes)) - offset
    for axis, n in enumerate(sizes):
        along = [n if a == axis else 1 for a in range(len(sizes))]
        line = (*middle[:axis], slice(None), *middle[axis + 1 :])
        columns = [(apply(np.zeros(sizes) + unit.reshape(along)) - offset)[line] for unit in np.eye(n)]
        matrix = np.stack(columns, axis=1)
        matrices.append(matrix / ones[tuple(middle)] if axis else matrix)
    shaped = offset[..., None] if last else offset
    return matrices, shaped if offset.any() else None
