"""The arithmetic of depthwise convolution: each channel has a small kernel of its own.

Without sums over channels there is no matrix product to speak of, so `einsum` runs through the
windows, which are only a view. Where the window moves by single steps, a row of an image is one
vector of width·channels numbers, and the kernel, repeated along it, is another: long vectors are
what it is fast on. The gradient of the input is the same sum with the kernel turned around.

Arrays are (batch, *spatial, channels), kernels (*window, channels).
"""

from __future__ import annotations

import numpy as np

from minikeras.context import Context
from minikeras.layers._windows import Sweep, pad, windows
from minikeras.typing import Array


def prepare(x: Array, sweep: Sweep, multiplier: int, ctx: Context) -> Array:
    """x padded, in one block of memory, each channel `multiplier` times: one for each of the output."""
    if multiplier > 1:
        copies = ctx.buffer("copies", (*x.shape, multiplier), x.dtype)
        np.copyto(copies, x[..., None])
        x = copies.reshape(*x.shape[:-1], x.shape[-1] * multiplier)
    return np.ascontiguousarray(pad(x, sweep.amounts, 0, ctx))


def correlate(x: Array, kernel: Array, sweep: Sweep, z: Array, ctx: Context) -> None:
    """z[n, i, c] = Σ over window cells j of x[n, i·s + j·d, c] kernel[j, c]."""
    rank, (width, channels) = len(sweep.out), z.shape[-2:]
    view = windows(x, sweep.kernel, sweep.strides, sweep.dilation, sweep.out)
    view = np.moveaxis(view, rank, -2)  # (n, *out but the width, *window, width, channels)
    if sweep.strides[-1] == 1:
        row = ctx.buffer("row", (*sweep.kernel, width, channels), x.dtype)
        np.copyto(row, kernel[..., None, :])
        kernel = row.reshape(*sweep.kernel, width * channels)
        view = view.reshape(*view.shape[:-2], 1, width * channels)  # still a view
        z = z.reshape(*z.shape[:-2], 1, width * channels)
    places, cells = list(range(rank)), list(range(rank, 2 * rank))
    w, c = 2 * rank, 2 * rank + 1
    np.einsum(view, [*places, *cells, w, c], kernel, [*cells, c], [*places, w, c], out=z)


def correlate_kernel_gradient(x: Array, dz: Array, sweep: Sweep, dkernel: Array) -> None:
    """dL/dkernel[j, c] = Σ over batch and places i of x[n, i·s + j·d, c] dz[n, i, c]."""
    width, channels = dz.shape[-2:]
    rows = (*dz.shape[:-2], 1, width * channels) if sweep.strides[-1] == 1 else dz.shape
    dz = dz.reshape(rows)
    axes = list(range(dz.ndim))
    for tap, where in sweep.taps():
        sums = np.einsum(x[where].reshape(rows), axes, dz, axes, axes[-1:])
        np.sum(sums.reshape(-1, channels), axis=0, out=dkernel[tap])


def correlate_input_gradient(
    dz: Array, kernel: Array, sweep: Sweep, shape: tuple[int, ...], ctx: Context
) -> Array:
    """dL/dx, shape (batch, *spatial, channels): dz, spread out by the strides, meets the kernel turned around."""
    n, *sizes, _ = shape
    channels, rank = dz.shape[-1], len(sizes)
    reach = [(k - 1) * d for k, d in zip(sweep.kernel, sweep.dilation, strict=True)]
    padded = [size + before + after for size, (before, after) in zip(sizes, sweep.amounts, strict=True)]
    total = (p + r for p, r in zip(padded, reach, strict=True))
    spread = ctx.buffer("spread", (n, *total, channels), dz.dtype)
    spread[...] = 0
    ways = zip(reach, sweep.strides, sweep.out, strict=True)
    spread[(slice(None), *(slice(r, r + (o - 1) * s + 1, s) for r, s, o in ways))] = dz
    inside = spread[(slice(None), *(slice(before, None) for before, _ in sweep.amounts))]
    dx = ctx.buffer("dcopies", (n, *sizes, channels), dz.dtype)
    back = Sweep(sweep.kernel, (1,) * rank, sweep.dilation, ((0, 0),) * rank, tuple(sizes))
    correlate(inside, np.flip(kernel, tuple(range(rank))), back, dx, ctx)
    multiplier = channels // shape[-1]
    if multiplier == 1:
        return dx
    copies = dx.reshape(*shape, multiplier)
    return np.sum(copies, axis=-1, out=ctx.buffer("dx", shape, dz.dtype))  # what became of a channel sums up
