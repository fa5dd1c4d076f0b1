"""Matrix products of the built-in recurrent cells, with the dropout masks of each gate.

Arrays are (features, batch), kernels (inputs, gates·units). With several masks each gate, one part of
the kernel's columns, has its own.
"""

from __future__ import annotations

import numpy as np

from minikeras.context import Context
from minikeras.typing import Array


def mask_into(out: Array, x: Array, mask: Array | None) -> None:
    """x under each of the masks, which come along an axis before that of the features."""
    if mask is None:
        out[...] = x
    else:
        np.multiply(x, mask, out=out)


def _parts(width: int, count: int) -> list[slice]:
    """The columns of a kernel in `count` equal parts."""
    size = width // count
    return [slice(i * size, (i + 1) * size) for i in range(count)]


def multiply(a: Array, b: Array, out: Array) -> None:
    """a @ b. `dot` is the quicker call for small matrices, but copies some columns of a larger one first."""
    if a.flags.forc and out.flags.c_contiguous:
        a.dot(b, out=out)
    else:
        np.matmul(a, b, out=out)


def kernel_gradient(x: Array | list[Array], dz: Array, dkernel: Array) -> None:
    """dL/dkernel = x dzᵀ; with several x each part of the columns by its own."""
    for part, mine in zip(_parts(len(dz), len(x)), x, strict=True):
        np.matmul(mine, dz[part].T, out=dkernel[:, part])


def input_gradient(
    kernel: Array, dz: Array, masks: Array | list[Array] | None, dx: Array, ctx: Context
) -> Array:
    """dL/dx = kernel dz; with masks Σ mask (kernel dz), each with its own part of the columns."""
    rows = dz.reshape(len(dz), -1)
    if masks is None:
        multiply(kernel, rows, dx.reshape(len(dx), -1))
        return dx
    dx[...] = 0
    share = ctx.buffer("share", dx.shape, dx.dtype)
    for part, mine in zip(_parts(len(dz), len(masks)), masks, strict=True):
        multiply(kernel[:, part], rows[part], share.reshape(len(dx), -1))
        share *= mine if share.ndim == mine.ndim else mine[:, None]  # the same at all steps
        dx += share
    return dx
