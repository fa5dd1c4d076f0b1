"""Arrays whose numbers lie in memory in another order than their axes have it, such as transposed ones."""

from __future__ import annotations

import numpy as np

from minikeras.context import Context
from minikeras.typing import Array


def reshaped(x: Array, shape: tuple[int, ...], ctx: Context, name: str) -> Array:
    """x in another shape; numbers that do not lie in order are first put so, in a scratch array."""
    if not x.flags.c_contiguous:
        ordered = ctx.buffer(name, x.shape, x.dtype)
        np.copyto(ordered, x)
        x = ordered
    return x.reshape(shape)
