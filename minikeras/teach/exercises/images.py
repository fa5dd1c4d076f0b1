"""Convolution and pooling, by plain loops over the places of the window."""

from __future__ import annotations

import numpy as np

from minikeras.teach.exercises.exercise import Function, define
from minikeras.typing import Array

Generator = np.random.Generator
IMAGES = [(1, 4, 5, 2), (2, 5, 4, 1), (3, 6, 5, 2), (2, 4, 4, 3)]  # (batch, height, width, channels)
KERNELS = [(2, 3, 2, 3), (3, 2, 1, 2), (3, 3, 2, 1), (2, 2, 3, 3)]  # (height, width, channels, filters)


def _convolve(x: Array, kernel: Array) -> Array:
    kh, kw, _, filters = kernel.shape
    oh, ow = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = np.zeros((len(x), oh, ow, filters))
    for i in range(oh):
        for j in range(ow):
            y[:, i, j] = np.tensordot(x[:, i : i + kh, j : j + kw], kernel, 3)
    return y


def _conv_case(rng: Generator, i: int) -> tuple[Array, Array]:
    return rng.normal(size=IMAGES[i]), rng.normal(size=KERNELS[i])


@define(
    ["y"],
    _conv_case,
    [
        "The output has (height − kh + 1) times (width − kw + 1) places.",
        "At place (i, j) take the window x[:, i:i+kh, j:j+kw] and multiply it with the kernel, number by number.",
        "y[:, i, j] = np.tensordot(window, kernel, 3) sums over height, width and channels.",
    ],
    {
        "the kernel is flipped: layers slide it as it is (cross-correlation).": lambda x, k: (
            _convolve(x, k[::-1, ::-1])),
        "the last row and column of places are missing: there are height − kh + 1.": lambda x, k: (
            _convolve(x, k)[:, :-1, :-1]),
        "height and width of the kernel are exchanged.": lambda x, k: _convolve(x, k.transpose(1, 0, 2, 3)),
        "only the first channel counts: sum over the channels.": lambda x, k: _convolve(x[..., :1], k[:, :, :1]),
        "this is the mean of the products; take their sum.": lambda x, k: _convolve(x, k) / np.prod(k.shape[:3]),
    },
)  # fmt: skip
def conv2d(x: Array, kernel: Array) -> Array:
    """A convolution without padding, stride 1.

    x is (batch, height, width, channels), kernel (kh, kw, channels, filters), the result
    (batch, height − kh + 1, width − kw + 1, filters). Loops over the places are fine.
    """
    kh, kw, _, filters = kernel.shape
    oh, ow = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = np.zeros((len(x), oh, ow, filters))
    for i in range(oh):
        for j in range(ow):
            window = x[:, i : i + kh, j : j + kw]  # (batch, kh, kw, channels)
            y[:, i, j] = np.tensordot(window, kernel, 3)
    return y


def _conv_backward_case(rng: Generator, i: int) -> tuple[Array, Array, Array]:
    x, kernel = _conv_case(rng, i)
    return rng.normal(size=_convolve(x, kernel).shape), x, kernel


def _convolved(dy: Array, x: Array, kernel: Array, add: bool = True) -> tuple[Array, Array]:
    kh, kw = kernel.shape[:2]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            d, window = dy[:, i, j], x[:, i : i + kh, j : j + kw]
            if not add:
                dx[:, i : i + kh, j : j + kw], dkernel = 0, np.zeros_like(kernel)
            dx[:, i : i + kh, j : j + kw] += np.tensordot(d, kernel, ([1], [3]))
            dkernel += np.tensordot(window, d, ([0], [0]))
    return dx, dkernel


def _both(change: Function) -> Function:
    """The right gradients, changed."""
    return lambda dy, x, kernel: change(*_convolved(dy, x, kernel), x)


@define(
    ["dx", "dkernel"],
    _conv_backward_case,
    [
        "Go through the places as in the forward pass. What does dy[:, i, j] mean for the window there?",
        "The window's gradient is dy[:, i, j] times the kernel; windows overlap, so add it.",
        "With d = dy[:, i, j]: dx[window] += tensordot(d, kernel, ([1], [3])), "
        "dkernel += tensordot(x[window], d, ([0], [0])).",
    ],
    {
        "add up (+=): windows overlap, and every place uses the same kernel.": lambda dy, x, k: (
            _convolved(dy, x, k, add=False)),
        "the kernel is flipped once too often.": lambda dy, x, k: (
            _convolved(dy, x, k[::-1, ::-1])[0], _convolved(dy, x, k)[1][::-1, ::-1]),
        "divided by N: dy has the 1/N of the loss in it already; take the sum.": _both(
            lambda dx, dk, x: (dx / len(x), dk / len(x))),
        "only the first sample counts: sum over the batch.": lambda dy, x, k: (
            _convolved(dy, x, k)[0], _convolved(dy[:1], x[:1], k)[1]),
        "the mean over the places; take the sum.": lambda dy, x, k: tuple(
            g / (dy.shape[1] * dy.shape[2]) for g in _convolved(dy, x, k)),
    },
)  # fmt: skip
def conv2d_backward(dy: Array, x: Array, kernel: Array) -> tuple[Array, Array]:
    """dL/dx and dL/dkernel of the convolution of `conv2d`; dy has the shape of its result."""
    kh, kw = kernel.shape[:2]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            d = dy[:, i, j]  # (batch, filters)
            dx[:, i : i + kh, j : j + kw] += np.tensordot(d, kernel, ([1], [3]))
            dkernel += np.tensordot(x[:, i : i + kh, j : j + kw], d, ([0], [0]))
    return dx, dkernel


POOLED = [
    (1, 4, 6, 2, 2),
    (2, 6, 3, 1, 3),
    (3, 4, 2, 2, 2),
    (2, 6, 6, 1, 3),
]  # batch, height, width, channels, size


def _pool_case(rng: Generator, i: int) -> tuple[Array, Array, int]:
    n, h, w, c, size = POOLED[i]
    x = rng.permutation(n * h * w * c).reshape(n, h, w, c).astype(float)
    if i == 3:
        x[:, :size, :size] = 1.0  # one window is a tie
    return rng.normal(size=(n, h // size, w // size, c)), x, size


def _windows(x: Array, size: int) -> Array:
    """(batch, rows, columns, channels, places within the window)."""
    n, h, w, c = x.shape
    split = x.reshape(n, h // size, size, w // size, size, c)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // size, w // size, c, size * size)


def _pooled(weights: Function) -> Function:
    """dx from the weight with which each place of a window gets its dy."""

    def backward(dy: Array, x: Array, size: int) -> Array:
        n, h, w, c = x.shape
        d = weights(_windows(x, size)) * dy[..., None]
        split = d.reshape(n, h // size, w // size, c, size, size)
        return split.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)

    return backward


def _maxima(windows: Array) -> Array:
    return (windows == windows.max(axis=-1, keepdims=True)) * 1.0


def _first(windows: Array) -> Array:
    return np.eye(windows.shape[-1])[windows.argmax(axis=-1)]


@define(
    ["dx"],
    _pool_case,
    [
        "Only the maximum of a window had any influence on y.",
        "dx is dy at the place of the maximum, and 0 elsewhere. Of equal maxima take the first.",
        "In each window: i, j = np.unravel_index(window.argmax(), window.shape).",
    ],
    {
        "of a tie only the first maximum gets dy; here every one gets it.": _pooled(_maxima),
        "of a tie the first maximum gets all of dy; here it is shared.": _pooled(
            lambda w: _maxima(w) / _maxima(w).sum(axis=-1, keepdims=True)),
        "every place of the window gets dy: the mask of the maximum is forgotten.": _pooled(np.ones_like),
        "that is average pooling: only the maximum gets dy.": _pooled(lambda w: np.ones_like(w) / w.shape[-1]),
        "this is the place of the minimum.": _pooled(lambda w: np.eye(w.shape[-1])[w.argmin(axis=-1)]),
        "dy is missing: it goes to the place of the maximum.": lambda dy, x, s: _pooled(_first)(np.ones_like(dy), x, s),
        "x is one factor too many: y is x there, so its slope is 1.": lambda dy, x, s: _pooled(_first)(dy, x, s) * x,
    },
)  # fmt: skip
def max_pool_backward(dy: Array, x: Array, size: int) -> Array:
    """dL/dx of max pooling with windows of size × size that do not overlap.

    x is (batch, height, width, channels), both sizes multiples of `size`; dy has one place a window.
    """
    dx = np.zeros_like(x)
    for n, i, j, c in np.ndindex(dy.shape):
        window = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c]
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[n, i * size + row, j * size + column, c] = dy[n, i, j, c]
    return dx
