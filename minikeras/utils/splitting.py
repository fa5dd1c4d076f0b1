"""One data set cut into two: to learn from the one and to be measured on the other."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from minikeras.errors import ShapeError
from minikeras.typing import Array
from minikeras.utils.dataset import Dataset, draw_seed


def split_dataset(
    dataset: Any,
    left_size: int | float | None = None,
    right_size: int | float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Cut a data set into a left part, its first samples, and a right part, its last.

    Args:
        dataset: an array, a list or tuple of arrays of one length, or a data set of this package.
        left_size: the left part's number of samples, or its share when it is a float below 1.
        right_size: the same for the right part; where one is None, it gets what the other leaves.
        shuffle: whether the samples are put into a random order first.
        seed: of that order; the same seed gives the samples that Keras gives.
        preferred_backend: only "numpy" or None; Keras also has "tensorflow" and "torch".

    Returns:
        Two data sets. Samples of arrays come singly: `left.batch(32)` makes batches of them. What came in
        batches stays in batches of the same size.

    Raises:
        TypeError: for a data set or sizes of another type.
        ValueError: for sizes that leave a part empty or do not fit, and for an empty data set.
    """
    if preferred_backend not in (None, "numpy"):
        raise ValueError(
            "split_dataset: `preferred_backend` must be None or 'numpy': the parts are data sets of NumPy "
            f"arrays. Received: preferred_backend={preferred_backend!r}"
        )
    whole = dataset if isinstance(dataset, Dataset) else _dataset_of_arrays(dataset)
    left, right = _sizes(left_size, right_size, whole.samples)
    order = list(range(whole.samples))
    if shuffle:
        random.Random(draw_seed(seed)).shuffle(order)
    rows = np.array(order)
    return whole.select(rows[:left]), whole.select(rows[len(rows) - right :])


def _dataset_of_arrays(dataset: Any) -> Dataset:
    """Single samples: rows of one array, or tuples of rows of several."""
    if isinstance(dataset, np.ndarray):
        if not dataset.ndim or not len(dataset):
            raise ValueError(f"split_dataset: `dataset` is empty. Received: shape {dataset.shape}")
        return Dataset(lambda rows: dataset[rows], len(dataset))
    if not isinstance(dataset, (list, tuple)):
        raise TypeError(
            "split_dataset: `dataset` must be an array, a list or tuple of arrays, or a data set such as "
            f"`image_dataset_from_directory` returns. Received: {type(dataset).__name__}"
        )
    for i, array in enumerate(dataset):
        if not isinstance(array, np.ndarray) or not array.ndim:
            raise ValueError(
                f"split_dataset: `dataset` must hold arrays with one row for each sample; the element at "
                f"index {i} is none. Received: {type(array).__name__}"
            )
        if len(array) != len(dataset[0]):
            raise ShapeError(
                f"split_dataset: the array at index {i} has another length than the first.",
                f"{len(dataset[0])} rows",
                array.shape,
            )
    if not dataset or not len(dataset[0]):
        raise ValueError("split_dataset: `dataset` is empty.")
    arrays: tuple[Array, ...] = tuple(dataset)
    return Dataset(lambda rows: tuple(a[rows] for a in arrays), len(arrays[0]))


def _sizes(left_size: Any, right_size: Any, samples: int) -> tuple[int, int]:
    """Both parts' numbers of samples."""
    if left_size is None and right_size is None:
        raise ValueError("split_dataset: give `left_size` or `right_size`, or both.")
    left = _size("left_size", left_size, samples)
    right = _size("right_size", right_size, samples)
    left = samples - right if left is None and right is not None else left or 0
    right = samples - left if right is None else right
    if left + right > samples:
        raise ValueError(
            f"split_dataset: `left_size` and `right_size` together must be at most {samples} samples (or 1.0). "
            f"Received: left_size={left_size}, right_size={right_size}"
        )
    if not left or not right:
        raise ValueError(
            f"split_dataset: of {samples} samples, the {'right' if left else 'left'} part would get none. "
            f"Received: left_size={left_size}, right_size={right_size}"
        )
    return left, right


def _size(name: str, value: Any, samples: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(
            f"split_dataset: `{name}` must be an int, a float or None. Received: {name}={value!r}"
        )
    share = isinstance(value, (float, np.floating))
    if not 0 < value < (1 if share else samples):
        raise ValueError(
            f"split_dataset: `{name}` must be a positive integer smaller than {samples}, or a float "
            f"between 0 and 1. Received: {name}={value!r}"
        )
    return round(value * samples) if share else int(value)
