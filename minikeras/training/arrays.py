"""From what the user hands to `fit` to arrays that agree with each other.

NumPy arrays, lists of numbers, and anything with `__array__` (pandas, torch) will do, and for x
arrays of strings. What cannot be right is refused here, before anything is changed: rows of unequal
length, x and y of different lengths, nothing at all.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minikeras.layers.inputs import NUMBERS, as_numeric, as_numeric_or_text
from minikeras.typing import Array

CHUNK = 2**18  # numbers checked at a time: few enough to stay in the cache


def to_array(value: Any, name: str) -> Array | None:
    """x, y or sample_weight as an array; None stays None.

    Only x may be strings; a model whose first layer does not take them says so itself.

    Raises:
        ValueError: for what is no array of numbers.
    """
    if value is None or (isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS and value.ndim):
        return value
    if isinstance(value, (str, bytes, dict, set)):
        raise ValueError(
            f"Unrecognized data type: {name} of type {type(value).__name__}. Expected an array of numbers, one row "
            "per sample."
        )
    array = (as_numeric_or_text if name == "x" else as_numeric)(value, repr(name))
    if array.ndim == 0:
        raise ValueError(f"Expected an array with one row per sample for {name!r}. Received: {value!r}")
    if array.ndim == 1 and type(value).__name__ == "Series":
        array = array[:, None]  # a pandas column: one feature, as in Keras
    return array


def check_same_length(**arrays: Array | None) -> int:
    """The number of samples that all given arrays have.

    Raises:
        ValueError: when the numbers differ, or are zero.
    """
    sizes = {name: len(a) for name, a in arrays.items() if a is not None}
    if len(sizes) > 1 and len(set(sizes.values())) > 1:
        listing = "\n".join(f"  '{name}' sizes: {n}" for name, n in sizes.items())
        raise ValueError(
            f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples.\n{listing}"
        )
    n = next(iter(sizes.values()), 0)
    if n == 0:
        raise ValueError("The data is empty: there is no sample in it. Received: " + str(sizes or "None"))
    return n


def warn_if_not_finite(**arrays: Array | None) -> None:
    """Warn, once for each array, of the first row that holds NaN or infinity."""
    for name, array in arrays.items():
        if array is None or array.dtype.kind != "f" or not array.size:
            continue
        step = max(1, CHUNK // max(1, array[0].size))
        for start in range(0, len(array), step):
            finite = np.isfinite(array[start : start + step])
            if not finite.all():
                rows = ~finite.reshape(len(finite), -1).all(axis=1)
                row = start + int(rows.argmax())
                warnings.warn(
                    f"{name} holds NaN or infinity, first in row {row}: the loss will most likely be NaN. "
                    f"Likely fix: clean or drop such rows, for example with np.isfinite({name}).",
                    stacklevel=4,
                )
                break


def class_weights(y: Array | None, class_weight: dict[int, float]) -> Array:
    """The weight of each sample's class; classes that are not named have weight 1.

    Labels may be integers, (N, 1) columns, or one-hot rows.

    Raises:
        ValueError: when y is missing, or the weights are not a dict of numbers.
    """
    if y is None:
        raise ValueError("`class_weight` needs y, whose classes it weighs.")
    if not isinstance(class_weight, dict):
        raise ValueError(
            f"`class_weight` must be a dict from class numbers to weights. Received: {class_weight!r}"
        )
    if y.ndim > 2:
        raise ValueError("`class_weight` is not supported for targets with three or more axes.")
    labels = y
    if y.ndim == 2:
        labels = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    labels = np.rint(labels).astype("int64")
    weights = np.ones(len(labels), "float32")
    for cls, weight in class_weight.items():
        if not isinstance(cls, (int, np.integer)) or not isinstance(weight, (int, float, np.number)):
            raise ValueError(f"`class_weight` maps class numbers to weights. Received: {cls!r}: {weight!r}")
        weights[labels == cls] = weight
    return weights


def split_off(arrays: tuple[Array | None, ...], fraction: float) -> tuple[list[Any], list[Any]]:
    """The first part of each array for training, and the last `fraction` of it for validation.

    Raises:
        ValueError: when the fraction is not within (0, 1), or a part would be empty.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be a number between 0 and 1. Received: {fraction!r}")
    n = len(next(a for a in arrays if a is not None))
    at = math.floor(n * (1 - fraction))
    if at == 0 or at == n:
        raise ValueError(
            f"Training data contains {n} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={fraction}`. Either provide more data, or a different "
            "value for the `validation_split` argument."
        )
    return [a if a is None else a[:at] for a in arrays], [a if a is None else a[at:] for a in arrays]
