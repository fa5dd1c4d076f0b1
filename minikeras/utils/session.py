"""The state that a whole program shares, and how to start it anew: random seeds and layer names."""

from __future__ import annotations

import random

import numpy as np

from minikeras.naming import reset_names
from minikeras.random import default_generator


def set_random_seed(seed: int) -> None:
    """Make a program repeat itself bit for bit: seed everything that it may draw from.

    These are the library's own generator (initial weights, shuffling, dropout) and, because a
    program may use them for its data, Python's `random` and NumPy's global generator.

    Args:
        seed: a whole number from 0 to 2³² - 1.

    Raises:
        ValueError: for anything else; nothing is seeded then.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(
            "Expected `seed` argument to be an integer from 0 to 2**32 - 1. "
            f"Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - users' scripts draw from it
    default_generator.seed(seed)


def clear_session(free_memory: bool = True) -> None:
    """Count automatic layer names from the start again: the next Dense layer is called "dense".

    Args:
        free_memory: accepted because Keras has it. There is no graph and no session here that could
            hold on to old models; a model is freed as soon as nothing refers to it.
    """
    del free_memory
    reset_names()
