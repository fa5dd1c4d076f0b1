"""Single numbers, sums and bounds in the form in which NumPy computes them fastest.

A Python number is made into an array in each call of a NumPy function, which takes as long as the
work on a thousand elements. Small models consist of such calls; so numbers that are needed in each
step are made into arrays once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minikeras.typing import Array, DType


@lru_cache(maxsize=1024)
def number(value: float, dtype: DType) -> Array:
    """A read-only array without axes."""
    array = np.array(value, dtype)
    array.flags.writeable = False
    return array


# `np.clip` reaches this function after a microsecond of checks. With both bounds it is also three times as
# fast on large arrays as `np.maximum`, whose loop for a single number is not vectorized.
clip: Any = getattr(np._core.umath, "clip", np.clip)  # type: ignore[attr-defined]


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays for the next ones.

    glibc gives it back to the system when twice as much lies free as the largest block that it ever unmapped, and
    then each page costs a page fault again: the binary cross-entropy of 128 × 5,000 numbers takes six times as long.
    From a block of nearly 32 MB, the most that it learns from, it learns to keep 62 MB. The block's pages are never
    touched, so it costs nothing. Other C libraries do as they did.

    Source: glibc's manual, "Malloc Tunable Parameters", M_MMAP_THRESHOLD.
    """
    np.empty(31 * 2**20, np.uint8)


_ones: dict[DType, Array] = {}  # the longest vector of ones that was asked for


@lru_cache(maxsize=64)
def ones(n: int, dtype: DType) -> Array:
    """A read-only vector of ones: a part of the longest of its type."""
    found = _ones.get(dtype)
    if found is None or len(found) < n:
        found = np.ones(n, dtype)
        found.flags.writeable = False
        _ones[dtype] = found
        ones.cache_clear()  # no part may keep a shorter vector in memory
    return found if len(found) == n else found[:n]


def sum_rows(x: Array, out: Array | None = None) -> Array:
    """Σ over all axes but the last: a product with ones, three to ten times as fast as `np.add.reduce`."""
    rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
    return ones(len(rows), x.dtype).dot(rows, out=out)


def sum_columns(x: Array, out: Array | None = None) -> Array:
    """Σ over the last axis, likewise."""
    if x.shape[-1] == 5:
        # Before NumPy 2.5, OpenBLAS' product of an array of five columns and a vector looks at what it never wrote, on
        # processors with AVX-512. The result is right, but now and then comes a warning of an "invalid value".
        return np.asarray(np.add.reduce(x, axis=-1, out=out))
    return x.dot(ones(x.shape[-1], x.dtype), out=out)


def spread(values: Array, like: Array) -> Array:
    """One number for each channel, repeated to the shape of one sample of `like`.

    Then they meet a batch in loops as long as a sample, and not in one loop for each place, as long
    as the channels are many: with 32 channels that is three times as fast.
    """
    sample = np.empty(like.shape[1:], values.dtype)
    sample[...] = values
    return sample
