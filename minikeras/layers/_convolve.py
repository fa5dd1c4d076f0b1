"""The arithmetic of convolution: its product, and its two gradients.

All windows of the input are copied side by side into a matrix ("im2col"), one row per window;
then the convolution is one matrix product, and so is the gradient of the kernel. The gradient of
the input goes the other way, one cell of the kernel at a time: what a cell saw at all places is a
shifted slice of the input, and there its share is added. Batches are worked through in tiles
whose windows and outputs stay in the processor's cache.

Arrays are (batch, *spatial, channels), x is padded already; kernels are (*window, channels/groups,
filters), and each group of filters sees its own channels only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minikeras.context import Context
from minikeras.layers._windows import Sweep, tiles, windows
from minikeras.typing import Array

# Elements of the windows and outputs of one tile: smaller ones cost more in calls, larger ones leave the cache
TILE = 2**20


def convolve(x: Array, kernel: Array, sweep: Sweep, z: Array, ctx: Context, groups: int = 1) -> None:
    """z = x ⋆ kernel, shape (batch, *out, filters)."""
    filters = kernel.shape[-1]
    matrix = kernel.reshape(-1, filters)  # (window cells · channels, filters)
    for tile in batch_tiles(len(x), kernel, sweep):
        for g, patches in enumerate(_patches(x[tile], kernel, sweep, ctx, groups)):
            part = _group(g, groups, filters)
            np.matmul(patches, matrix[:, part], out=z[tile].reshape(-1, filters)[:, part])


def kernel_gradient(
    x: Array, dz: Array, sweep: Sweep, dkernel: Array, ctx: Context, groups: int = 1, add: bool = False
) -> None:
    """dL/dkernel = patchesᵀ dz, summed over the tiles; with `add` that is added to what is there."""
    filters = dkernel.shape[-1]
    matrix = dkernel.reshape(-1, filters)
    if not add:
        matrix[...] = 0
    share = ctx.buffer("dkernel", (len(matrix), filters // groups), dkernel.dtype)
    for tile in batch_tiles(len(x), dkernel, sweep):
        rows = dz[tile].reshape(-1, filters)
        for g, patches in enumerate(_patches(x[tile], dkernel, sweep, ctx, groups)):
            part = _group(g, groups, filters)
            matrix[:, part] += np.matmul(patches.T, rows[:, part], out=share)


def input_gradient(dz: Array, kernel: Array, sweep: Sweep, dx: Array, ctx: Context, groups: int = 1) -> None:
    """dL/dx: each cell of the kernel adds dz @ kernel[cell]ᵀ to the slice that it passed over."""
    channels, filters = kernel.shape[-2:]
    dx[...] = 0
    for tile in batch_tiles(len(dz), kernel, sweep):
        rows = dz[tile].reshape(-1, filters)
        share = ctx.buffer("share", (len(rows), channels), dx.dtype)
        for tap, where in sweep.taps():
            target = dx[tile][where]
            for g in range(groups):
                part = _group(g, groups, filters)
                np.matmul(rows[:, part], kernel[tap][:, part].T, out=share)
                target[..., _group(g, groups, groups * channels)] += share.reshape(
                    *target.shape[:-1], channels
                )


def _group(g: int, groups: int, total: int) -> slice:
    """Which of all filters, or channels, belong to group g."""
    size = total // groups
    return slice(g * size, (g + 1) * size)


def batch_tiles(n: int, kernel: Array, sweep: Sweep) -> Iterator[slice]:
    """The tiles of a batch of n samples, as slices."""
    cells, filters = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    return tiles(n, math.prod(sweep.out) * (cells + filters), TILE)


def _patches(x: Array, kernel: Array, sweep: Sweep, ctx: Context, groups: int) -> Iterator[Array]:
    """For each group of channels, the matrix of all windows: (n·places, window cells · channels).

    A row of a window is contiguous in x, `run` numbers long. Where that is less than a row of places, it
    is faster to copy each cell at all places, and the matrix is the transpose of a contiguous one.
    """
    *window, channels, _ = kernel.shape
    run = window[-1] * channels
    for g in range(groups):
        mine = x[..., _group(g, groups, x.shape[-1])]
        view = windows(mine, sweep.kernel, sweep.strides, sweep.dilation, sweep.out)
        rows, width = len(x) * math.prod(sweep.out), math.prod(window) * channels
        if view.flags.c_contiguous:  # windows of one cell: x is their matrix
            yield view.reshape(rows, width)
        elif 2 * run <= sweep.out[-1]:
            places = len(sweep.out) + 1
            view = view.transpose(*range(places, view.ndim), *range(places))
            patches = ctx.buffer("patches", (width, rows), x.dtype)
            np.copyto(patches.reshape(view.shape), view)
            yield patches.T
        else:
            patches = ctx.buffer("patches", (rows, width), x.dtype)
            np.copyto(patches.reshape(view.shape), view)
            yield patches
