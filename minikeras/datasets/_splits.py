"""The order of the samples, and which of them are for training: drawn exactly as Keras draws them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_int, check_number
from minikeras.typing import Array

Split = tuple[tuple[Array, Array], tuple[Array, Array]]  # (x_train, y_train), (x_test, y_test)


def check_seed(owner: str, seed: Any) -> int:
    """A seed: a whole number from 0 to 2³² - 1."""
    if check_int(owner, "seed", seed, 0) >= 2**32:
        raise ValueError(f"{owner}: `seed` must be less than 2**32. Received: seed={seed!r}")
    return int(seed)


def check_test_split(owner: str, test_split: Any) -> float:
    """The share of the samples that is for testing: at least 0, less than 1."""
    share = check_number(owner, "test_split", test_split, 0.0, 1.0)
    if share == 1.0:
        raise ValueError(f"{owner}: `test_split` must be less than 1. Received: test_split={test_split!r}")
    return share


def shuffled(seed: int, *counts: int) -> list[Array]:
    """For each count, the numbers 0 to count - 1 in the order that belongs to the seed."""
    draw = np.random.RandomState(seed)  # Keras' generator: the same order
    return [draw.permutation(count) for count in counts]


def split(x: Array, y: Array, test_split: float) -> Split:
    """The first samples for training, the last for testing; each part is an array of its own."""
    n = int(len(x) * (1 - test_split))
    return (x[:n].copy(), y[:n].copy()), (x[n:].copy(), y[n:].copy())
