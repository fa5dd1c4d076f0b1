"""A matrix applied along each spatial axis: means over windows, interpolation between places.

Such a map is Y = A X Bᵀ for images, and so on for more axes; its gradient goes back through the
transposed matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minikeras.context import Context
from minikeras.typing import Array


def apply_along_axes(x: Array, matrices: Sequence[Array], ctx: Context, name: str) -> Array:
    """x, (batch, *spatial, channels), with matrices[i], shape (new size, size), applied along spatial axis i."""
    for axis, matrix in enumerate(matrices, start=1):
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        y = ctx.buffer(f"{name}{axis}", (*before, len(matrix), *after), x.dtype)
        rows = x.reshape(math.prod(before), x.shape[axis], math.prod(after))
        np.matmul(matrix, rows, out=y.reshape(len(rows), len(matrix), rows.shape[2]))
        x = y
    return x
