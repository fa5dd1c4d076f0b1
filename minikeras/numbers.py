"""Single numbers in the form that NumPy's loops take fastest, and its `clip` without the detour.

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
