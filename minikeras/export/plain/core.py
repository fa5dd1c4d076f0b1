"""All other layers as plain functions: dense layers, embeddings, what is done at every step, masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minikeras.export.plain.activations import softmax
from minikeras.typing import Array


def dense(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """x @ kernel + bias."""
    z = x @ kernel
    return z if bias is None else z + bias


def einsum_dense(x: Array, kernel: Array, bias: Array | None = None, equation: str = "") -> Array:
    """A product in Einstein's notation, + bias."""
    z = np.einsum(equation, x, kernel, optimize=True)
    return z if bias is None else z + bias


def embedding(x: Array, embeddings: Array) -> Array:
    """The rows of a table with these numbers."""
    ids = x.astype("int64")
    if ids.size and not 0 <= ids.min() <= ids.max() < len(embeddings):
        raise IndexError(
            f"numbers from 0 to {len(embeddings) - 1} are expected, not {ids.min()} to {ids.max()}"
        )
    return embeddings[ids]


def at_every_step(function: Callable[[Array], Array], x: Array) -> Array:
    """function(x_t) for each t, x being (batch, steps, ...), as one large batch."""
    n, steps = x.shape[:2]
    y = function(x.reshape(n * steps, *x.shape[2:]))
    return y.reshape(n, steps, *y.shape[1:])


def prelu(x: Array, alpha: Array) -> Array:
    """x where it is positive, else alpha x."""
    return np.maximum(x, 0) + alpha * np.minimum(x, 0)


def masked_softmax(x: Array, mask: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Powers e^x of what is not masked, that add up to 1."""
    keep = mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
    return softmax(np.where(keep, x, x.dtype.type(-1e9)), axis) * keep


def masked_mean(x: Array, mask: Array, keepdims: bool = False) -> Array:
    """The mean over the steps that are not masked."""
    keep = mask[..., None].astype(x.dtype)
    return (x * keep).sum(axis=1, keepdims=keepdims) / keep.sum(axis=1, keepdims=keepdims)


def bins(x: Array, boundaries: Array) -> Array:
    """How many boundaries are not above each number."""
    return np.digitize(x.astype(boundaries.dtype), boundaries).astype("int32")


def encoded(ids: Array, depth: int, output_mode: str, dtype: str) -> Array:
    """Numbers of categories as rows of zeros and ones, or of how often each occurs in a sample."""
    if ids.size and not 0 <= ids.min() <= ids.max() < depth:
        raise ValueError(f"numbers from 0 to {depth - 1} are expected, not {ids.min()} to {ids.max()}")
    rows = ids[..., None] == np.arange(depth)
    if output_mode == "one_hot":
        rows = rows[..., 0, :] if ids.ndim > 1 and ids.shape[-1] == 1 else rows
    else:
        rows = rows.sum(axis=1) if output_mode == "count" else rows.any(axis=1)
    return rows.astype(dtype)
