"""Data sets whose samples can be had by number: cut into batches, put into a new order, split in two.

Nothing is read or computed before it is asked for. `fit`, `evaluate` and `predict` take them, and so does
a `for` loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minikeras.errors import check_int
from minikeras.typing import Array
from minikeras.utils.batches import PyDataset


class Dataset(PyDataset):
    """Batches of the samples with the given numbers.

    Args:
        take: a function of an array of numbers that gives those samples as an array, or a tuple of arrays.
        rows: the numbers of the samples.
        batch_size: samples per item; None makes each item one sample, without a batch axis.
        shuffle: whether each epoch has its own order.
        seed: of the orders; None for another one each time.
    """

    def __init__(
        self,
        take: Callable[[Array], Any],
        rows: Array,
        batch_size: int | None = 32,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.take = take
        self.rows = rows
        self.batch_size = None if batch_size is None else check_int("Dataset", "batch_size", batch_size)
        self.shuffle = shuffle
        self._rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return -(-len(self.rows) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"Item {index} of a data set of {len(self)}.")
        n = self.batch_size or 1
        items = self.take(self.rows[index * n : (index + 1) * n])
        if self.batch_size is not None:
            return items
        return tuple(a[0] for a in items) if isinstance(items, tuple) else items[0]

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Put the samples into a new order, if `shuffle`."""
        if self.shuffle:
            self.rows = self._rng.permutation(self.rows)

    def batch(self, batch_size: int | None) -> Dataset:
        """The same samples in batches of another size."""
        return self.with_rows(self.rows, batch_size)

    def with_rows(self, rows: Array, batch_size: int | None) -> Dataset:
        """Some of the samples."""
        part = Dataset(self.take, rows, batch_size, self.shuffle)
        part._rng = self._rng.spawn(1)[0]
        return part


def from_arrays(arrays: Any, batch_size: int | None = None) -> Dataset:
    """The rows of an array, or of several arrays of one length.

    Raises:
        ValueError: when there are none, or their lengths differ.
        TypeError: for something else.
    """
    several = isinstance(arrays, (tuple, list))
    if not several and not hasattr(arrays, "__array__"):
        raise TypeError(f"Expected an array or a tuple of arrays. Received: {type(arrays).__name__}")
    parts = tuple(np.asarray(a) for a in arrays) if several else (np.asarray(arrays),)
    lengths = [a.shape[0] if a.ndim else 0 for a in parts]
    if len(set(lengths)) != 1 or not lengths[0]:
        raise ValueError(f"Expected arrays of one length, not empty. Received arrays of lengths {lengths}.")

    def take(rows: Array) -> Any:
        return tuple(a[rows] for a in parts) if several else parts[0][rows]

    return Dataset(take, np.arange(lengths[0]), batch_size)


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Split samples in two, such as for training and for validation.

    Args:
        dataset: an array, a tuple of arrays of one length, or a data set of this package.
        left_size: how many samples go to the left, or, as a float in (0, 1), which share of them.
        right_size: the same for the right. What is not given gets the rest.
        shuffle: whether to mix the samples before.
        seed: of that order.
        preferred_backend: accepted because Keras has it.

    Returns:
        Two data sets. Those of arrays give one sample after the other: for `fit`, write
        `left.batch(32)`.

    Raises:
        ValueError, TypeError: for sizes that cannot be, and for what is no data set.
    """
    del preferred_backend
    if not isinstance(dataset, Dataset):
        dataset = from_arrays(dataset)
    left, right = _sizes(left_size, right_size, len(dataset.rows))
    rows = np.random.default_rng(seed).permutation(dataset.rows) if shuffle else dataset.rows
    n = dataset.batch_size
    return dataset.with_rows(rows[:left], n), dataset.with_rows(rows[len(rows) - right :], n)


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    """How many samples go to either side."""
    if left is None and right is None:
        raise ValueError("split_dataset: give at least one of `left_size` and `right_size`.")
    found: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            found.append(None)
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float)):
            raise TypeError(f"split_dataset: `{name}` must be an int, a float or None. Received: {size!r}")
        if not 0 < size < (total if isinstance(size, int) else 1):
            raise ValueError(
                f"split_dataset: `{name}` must be a whole number between 0 and {total}, or a float between "
                f"0 and 1. Received: {name}={size!r}"
            )
        found.append(size if isinstance(size, int) else round(size * total))
    left_rows = total - (found[1] or 0) if found[0] is None else found[0]
    right_rows = total - left_rows if found[1] is None else found[1]
    if left_rows + right_rows > total or not left_rows or not right_rows:
        raise ValueError(
            f"split_dataset: {total} samples cannot be split into left_size={left!r} and right_size={right!r}: "
            f"{left_rows} on the left and {right_rows} on the right."
        )
    return left_rows, right_rows


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "numpy",
) -> Dataset:
    """Windows that slide over a long series: x[i] = data[i : i + length · rate : rate], with targets[i].

    Args:
        data: the series, one row for each time.
        targets: targets[i] belongs to the window that begins at time i; None for none.
        sequence_length: rows in a window.
        sequence_stride: from the beginning of a window to that of the next.
        sampling_rate: from one row of a window to the next.
        batch_size: windows per batch; None gives one window after the other.
        shuffle: whether the windows come in a random order, another one each epoch.
        seed: of the orders.
        start_index: the first row that is used.
        end_index: the row before which to end.
        format: accepted because Keras has it; the batches are NumPy arrays.

    Raises:
        ValueError: for arguments that leave no window.
    """
    del format
    where = "timeseries_dataset_from_array"
    series = np.asarray(data)
    length = check_int(where, "sequence_length", sequence_length)
    stride = check_int(where, "sequence_stride", sequence_stride)
    rate = check_int(where, "sampling_rate", sampling_rate)
    start = check_int(where, "start_index", start_index or 0, 0)
    end = len(series) if end_index is None else check_int(where, "end_index", end_index)
    if not start < end <= len(series):
        raise ValueError(
            f"{where}: 0 <= start_index < end_index <= {len(series)}, the length of the data, must hold. "
            f"Received: start_index={start_index}, end_index={end_index}"
        )
    windows = end - start - (length - 1) * rate
    answers = None if targets is None else np.asarray(targets)[start:end]
    if answers is not None:
        windows = min(windows, len(answers))
    if windows <= 0:
        raise ValueError(
            f"{where}: {end - start} rows hold no window of {length} rows, {rate} apart"
            + (", with a target." if answers is not None else ".")
        )
    series, offsets = series[start:end], np.arange(length) * rate

    def take(starts: Array) -> Any:
        x = series[starts[:, None] + offsets]  # (batch, length, ...)
        return x if answers is None else (x, answers[starts])

    dataset = Dataset(take, np.arange(0, windows, stride), batch_size, shuffle, seed)
    dataset.on_epoch_end()
    return dataset
