"""Windows that slide over an array: what convolution and pooling share.

Everything here is for any number of spatial axes; arrays are (batch, *spatial, channels). A window
of `kernel` cells, `dilation` apart, moves by `strides`. "same" padding is Keras': as many outputs
as strides fit into the input, and the odd cell of padding goes after the input, not before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minikeras.context import Context
from minikeras.typing import Array

Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def output_size(n: int | None, kernel: int, stride: int, dilation: int, padding: str) -> int | None:
    """The number of window positions along an axis of n cells; may be zero or less for "valid"."""
    if n is None:
        return None
    if padding != "valid":
        return -(-n // stride)
    return (n - dilation * (kernel - 1) - 1) // stride + 1


def pad_amounts(sizes: Sequence[int], kernel: Ints, strides: Ints, dilation: Ints, padding: str) -> Pads:
    """How many cells of padding go (before, after) each spatial axis."""
    amounts = []
    for n, k, s, d in zip(sizes, kernel, strides, dilation, strict=True):
        reach = (k - 1) * d + 1  # cells from the first to the last of a window
        if padding == "valid":
            amounts.append((0, 0))
        elif padding == "causal":  # a window ends at its output's own step
            amounts.append((reach - 1, 0))
        else:
            total = max((-(-n // s) - 1) * s + reach - n, 0)
            amounts.append((total // 2, total - total // 2))
    return tuple(amounts)


@dataclass(frozen=True)
class Sweep:
    """One window's way over an array: its size, its steps, the padding, and how many places it takes."""

    kernel: Ints
    strides: Ints
    dilation: Ints
    amounts: Pads
    out: Ints

    @classmethod
    def over(cls, sizes: Sequence[int], kernel: Ints, strides: Ints, dilation: Ints, padding: str) -> Sweep:
        """The sweep over spatial axes of these sizes."""
        steps = zip(sizes, kernel, strides, dilation, strict=True)
        out = tuple(output_size(n, k, s, d, padding) or 0 for n, k, s, d in steps)
        return cls(kernel, strides, dilation, pad_amounts(sizes, kernel, strides, dilation, padding), out)

    def taps(self) -> Iterator[tuple[Ints, tuple[slice, ...]]]:
        """For each cell of the window: its index, and the slice of the padded array that it passes over."""
        return taps(self.kernel, self.strides, self.dilation, self.out)

    def covers(self, sizes: Sequence[int]) -> bool:
        """Whether each cell of the padded axes lies in exactly one window."""
        return self.kernel == self.strides and all(
            o * s == n for o, s, n in zip(self.out, self.strides, sizes, strict=True)
        )


def pad(x: Array, amounts: Pads, value: float, ctx: Context) -> Array:
    """x with `value` around its spatial axes; x itself where nothing is to be added."""
    if not any(before or after for before, after in amounts):
        return x
    shape = (x.shape[0], *(n + b + a for n, (b, a) in zip(x.shape[1:], amounts, strict=False)), x.shape[-1])
    padded = ctx.buffer("padded", shape, x.dtype)
    for axis, (before, after) in enumerate(amounts, start=1):
        rim = [slice(None)] * x.ndim
        rim[axis] = slice(0, before)
        padded[tuple(rim)] = value
        rim[axis] = slice(shape[axis] - after, None)
        padded[tuple(rim)] = value
    padded[inner(x.shape, amounts)] = x
    return padded


def inner(shape: Sequence[int], amounts: Pads) -> tuple[slice, ...]:
    """Where the unpadded array lies in the padded one."""
    return (
        slice(None),
        *(slice(b, b + n) for n, (b, _) in zip(shape[1:], amounts, strict=False)),
        slice(None),
    )


def windows(x: Array, kernel: Ints, strides: Ints, dilation: Ints, out: Ints) -> Array:
    """A view of all windows, shape (batch, *out, *kernel, channels), without copying."""
    steps = x.strides[1:-1]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *out, *kernel, x.shape[-1]),
        (
            x.strides[0],
            *(s * n for s, n in zip(steps, strides, strict=True)),
            *(s * n for s, n in zip(steps, dilation, strict=True)),
            x.strides[-1],
        ),
        writeable=False,
    )


def taps(kernel: Ints, strides: Ints, dilation: Ints, out: Ints) -> Iterator[tuple[Ints, tuple[slice, ...]]]:
    """For each cell of the window, in row-major order: its index, and the slice of the padded
    input that this cell passes over, shape (batch, *out, channels)."""
    for tap in itertools.product(*(range(k) for k in kernel)):
        spans = (
            slice(t * d, t * d + (o - 1) * s + 1, s)
            for t, d, o, s in zip(tap, dilation, out, strides, strict=True)
        )
        yield tap, (slice(None), *spans, slice(None))


def tiles(n: int, elements_each: int, limit: int) -> Iterator[slice]:
    """Slices of a batch whose scratch arrays have at most about `limit` elements."""
    step = max(1, limit // max(elements_each, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
