"""Sequences of different lengths, made into one array by filling up the short ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_option
from minikeras.typing import Array, DTypeLike


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Fill up and cut sequences so that all have one length.

    Args:
        sequences: a list of sequences; their items are numbers, strings, or arrays of one shape.
        maxlen: the length; None means that of the longest sequence.
        dtype: of the result; `object` for strings of any length.
        padding: "pre" fills up at the front, "post" at the end.
        truncating: "pre" cuts off the front, "post" the end.
        value: what to fill up with.

    Returns:
        An array of shape (sequences, maxlen, *shape of an item).

    Raises:
        ValueError: when an element is no sequence, or the items' shapes differ.
    """
    check_option("pad_sequences", "padding", padding, ("pre", "post"))
    check_option("pad_sequences", "truncating", truncating, ("pre", "post"))
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences: `sequences` must be a list of sequences. Received: {sequences!r}")
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(
                "pad_sequences: `sequences` must be a list of sequences, such as [[1, 2], [3]]. "
                f"Received at position {i}: {sequence!r}"
            )
    text = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and not text and np.dtype(dtype) != np.dtype(object):
        raise ValueError(
            f"pad_sequences: dtype={dtype!r} cannot hold the value {value!r}. "
            "Use dtype=object for strings of any length."
        )
    if maxlen is None:
        maxlen = max(map(len, sequences), default=0)
    first = next((s for s in sequences if len(s)), ())
    item_shape = np.asarray(first).shape[1:]
    padded = np.full((len(sequences), maxlen, *item_shape), value, dtype=dtype)
    for i, sequence in enumerate(sequences):
        surplus = max(len(sequence) - maxlen, 0)
        kept = sequence[surplus:] if truncating == "pre" else sequence[: len(sequence) - surplus]
        if not len(kept):
            continue
        row = np.asarray(kept, dtype=dtype)
        if row.shape[1:] != item_shape:
            raise ValueError(
                f"pad_sequences: the items of all sequences must have one shape, {item_shape} like the "
                f"first. Received at position {i}: items of shape {row.shape[1:]}"
            )
        start = 0 if padding == "post" else maxlen - len(row)
        padded[i, start : start + len(row)] = row
    return padded
