"""Convolution and pooling as plain functions: windows that slide over an image, (batch, *spatial, channels)."""

from __future__ import annotations

import numpy as np

from minikeras.typing import Array


def windows(
    x: Array,
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
    fill: float = 0,
) -> Array:
    """What a window sees at all its places: (batch, *places, channels, *size), a view."""
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if padding != "valid":
        rims = [(0, 0)]
        for n, r, s in zip(x.shape[1:-1], reach, strides, strict=True):
            total = r - 1 if padding == "causal" else max((-(-n // s) - 1) * s + r - n, 0)
            before = total if padding == "causal" else total // 2
            rims.append((before, total - before))
        x = np.pad(x, [*rims, (0, 0)], constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(1, x.ndim - 1)))
    places = [slice(None, None, s) for s in strides]
    cells = [slice(None, None, d) for d in dilation]
    return view[(slice(None), *places, slice(None), *cells)]


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: tuple[int, ...] = (),
    padding: str = "valid",
    dilation_rate: tuple[int, ...] = (),
    groups: int = 1,
) -> Array:
    """The same product of window and kernel, (*window, channels/groups, filters), at each place."""
    size, rank = kernel.shape[:-2], kernel.ndim - 2
    view = windows(x, size, strides or (1,) * rank, dilation_rate or (1,) * rank, padding)
    axes = (tuple(range(rank + 1, 2 * rank + 2)), (rank, *range(rank)))  # channels, then cells
    parts = zip(np.split(view, groups, axis=rank + 1), np.split(kernel, groups, axis=-1), strict=True)
    z = np.concatenate([np.tensordot(seen, weights, axes) for seen, weights in parts], axis=-1)
    return z if bias is None else z + bias


def conv_transpose(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: tuple[int, ...] = (),
    dilation_rate: tuple[int, ...] = (),
    cut: tuple[tuple[int, int], ...] = (),
) -> Array:
    """Each place leaves kernel · x, and these overlap and add up; `cut` is (cells cut off before, cells of one place).

    The kernel is (*window, filters, channels).
    """
    size, rank = kernel.shape[:-2], kernel.ndim - 2
    strides, dilation = strides or (1,) * rank, dilation_rate or (1,) * rank
    starts = [(n - 1) * s for n, s in zip(x.shape[1:-1], strides, strict=True)]
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    total = [a + max(r, b + kept) for a, r, (b, kept) in zip(starts, reach, cut, strict=True)]
    z = np.zeros((len(x), *total, kernel.shape[-2]), x.dtype)
    for tap in np.ndindex(*size):
        spans = zip(tap, dilation, starts, strides, strict=True)
        where = (slice(None), *(slice(t * d, t * d + a + 1, s) for t, d, a, s in spans))
        z[where] += x @ kernel[tap].T
    z = z[(slice(None), *(slice(b, b + a + kept) for a, (b, kept) in zip(starts, cut, strict=True)))]
    return z if bias is None else z + bias


def depthwise_conv(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    strides: tuple[int, ...] = (),
    padding: str = "valid",
    dilation_rate: tuple[int, ...] = (),
) -> Array:
    """Each channel with kernels of its own, (*window, channels, multiplier)."""
    size, rank = kernel.shape[:-2], kernel.ndim - 2
    view = windows(x, size, strides or (1,) * rank, dilation_rate or (1,) * rank, padding)
    z = sum(view[(..., *tap)][..., None] * kernel[tap] for tap in np.ndindex(*size))
    z = np.reshape(z, (*view.shape[: rank + 1], kernel.shape[-2] * kernel.shape[-1]))
    return z if bias is None else z + bias


def separable_conv(
    x: Array,
    depthwise_kernel: Array,
    pointwise_kernel: Array,
    bias: Array | None = None,
    strides: tuple[int, ...] = (),
    padding: str = "valid",
    dilation_rate: tuple[int, ...] = (),
) -> Array:
    """A depthwise convolution, then a product over the channels at each place."""
    z = depthwise_conv(x, depthwise_kernel, None, strides, padding, dilation_rate)
    z = z @ pointwise_kernel.reshape(pointwise_kernel.shape[-2:])
    return z if bias is None else z + bias


def max_pooling(
    x: Array, pool_size: tuple[int, ...], strides: tuple[int, ...], padding: str = "valid"
) -> Array:
    """The largest number in each window."""
    rank = len(pool_size)
    view = windows(x, pool_size, strides, (1,) * rank, padding, fill=-np.inf)
    return view.max(axis=tuple(range(rank + 2, 2 * rank + 2)))


def average_pooling(
    x: Array, pool_size: tuple[int, ...], strides: tuple[int, ...], padding: str = "valid"
) -> Array:
    """The mean of each window; what lies outside the image does not count."""
    rank = len(pool_size)
    axes, ones = tuple(range(rank + 2, 2 * rank + 2)), np.ones((1, *x.shape[1:-1], 1), x.dtype)
    total, count = (windows(a, pool_size, strides, (1,) * rank, padding).sum(axis=axes) for a in (x, ones))
    return total / count


def adaptive_max_pooling(x: Array, output_size: tuple[int, ...]) -> Array:
    """The largest number of each of so many windows, which cover the image."""
    for axis, count in enumerate(output_size, start=1):
        n = x.shape[axis]
        parts = [range(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
        x = np.stack([x.take(part, axis=axis).max(axis=axis) for part in parts], axis=axis)
    return x


def repeated(x: Array, size: tuple[int, ...]) -> Array:
    """Each cell so many times along each spatial axis."""
    for axis, n in enumerate(size, start=1):
        x = x.repeat(n, axis=axis)
    return x


def along_axes(x: Array, *matrices: Array) -> Array:
    """A matrix along each spatial axis: y = R x Cᵀ."""
    for axis, matrix in enumerate(matrices, start=1):
        x = np.moveaxis(np.tensordot(x, matrix, (axis, 1)), -1, axis)
    return x
