"""Batches: from arrays, from generators, from a `PyDataset`, all as an iterable of (x, y, weights).

Each source knows how many batches an epoch has (None: not known before its end) and gives a fresh
iterator of batches for each epoch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.errors import check_int
from minikeras.random import default_generator
from minikeras.training.arrays import (
    check_same_length,
    class_weights,
    to_array,
    warn_if_not_finite,
)
from minikeras.typing import Array
from minikeras.utils import PyDataset

Batch = tuple[Any, Any, Any]  # x, y or None, sample weights or None

RAN_OUT = (
    "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate "
    "at least `steps_per_epoch * epochs` batches."
)


GATHERED = 2**18  # bytes of a chunk of shuffled rows: it is in the cache when its batches are dealt out


class ArrayBatches:
    """Batches of arrays, shuffled or in order.

    Args:
        x: the inputs, one row per sample.
        y: the targets, or None.
        weights: one weight per sample, or None.
        batch_size: rows per batch; the last batch of an epoch may be smaller. 32 when None.
        steps: how many batches to cut the rows into when `batch_size` is None.
        shuffle: True for a new order each epoch; "batch" keeps the batches and shuffles within them.
    """

    def __init__(
        self,
        x: Array,
        y: Array | None,
        weights: Array | None,
        batch_size: int | None = None,
        shuffle: bool | str = False,
        steps: int | None = None,
    ) -> None:
        self.arrays = (x, y, weights)
        self.samples = check_same_length(x=x, y=y, sample_weight=weights)
        self.batch_size = batch_size or (math.ceil(self.samples / steps) if steps else 32)
        self.shuffle = shuffle
        self.steps: int | None = math.ceil(self.samples / self.batch_size)
        self._buffers: list[Array | None] = [None, None, None]

    def draw_order(self) -> Array | None:
        """The order of the samples for one epoch; None: as they are."""
        return default_generator.permutation(self.samples) if self.shuffle is True else None

    def __iter__(self) -> Iterator[Batch]:
        order = self._draw_order_within_batches() if self.shuffle == "batch" else self.draw_order()
        count = self.samples if order is None else self._chunk()
        for first in range(0, self.samples, count):
            arrays = self.arrays
            if order is not None:
                arrays = tuple(self._gather(i, order[first : first + count]) for i in range(3))  # type: ignore[assignment]
            x, y, weights = arrays
            stop = min(count, self.samples - first)
            for start in range(0, stop, self.batch_size):
                rows = slice(start, min(start + self.batch_size, stop))
                yield x[rows], None if y is None else y[rows], None if weights is None else weights[rows]

    def _draw_order_within_batches(self) -> Array:
        starts = range(0, self.samples, self.batch_size)
        sizes = (min(self.batch_size, self.samples - start) for start in starts)
        orders = [start + default_generator.permutation(n) for start, n in zip(starts, sizes, strict=True)]
        return np.concatenate(orders) if orders else np.empty(0, int)

    def _chunk(self) -> int:
        """How many rows are gathered at once: whole batches, many of them where they are small."""
        sizes = (a.itemsize * math.prod(a.shape[1:]) for a in self.arrays if a is not None)
        return max(1, GATHERED // max(1, sum(sizes) * self.batch_size)) * self.batch_size

    def _gather(self, i: int, rows: Array) -> Array | None:
        """The given rows of an array, in a buffer that all chunks share."""
        array, buffer = self.arrays[i], self._buffers[i]
        if array is None:
            return None
        if buffer is None:
            buffer = self._buffers[i] = np.empty((len(rows), *array.shape[1:]), array.dtype)  # the longest
        # "clip" never clips here, but spares NumPy a second copy that the default mode makes
        return np.take(array, rows, axis=0, out=buffer[: len(rows)], mode="clip")

    def end_epoch(self) -> None:
        """Called after each epoch."""


class IteratorBatches:
    """Batches from a generator or any other iterator of (x,), (x, y) or (x, y, weights)."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator
        self.steps: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        return (to_batch(item) for item in self.iterator)

    def end_epoch(self) -> None:
        """Called after each epoch."""


class DatasetBatches:
    """Batches of a `PyDataset`, or of any object that can be iterated over again and again.

    Args:
        dataset: its items are (x,), (x, y) or (x, y, weights).
        shuffle: whether a `PyDataset`'s batches come in a new order each epoch.
        class_weight: a weight for each class.
    """

    def __init__(self, dataset: Any, shuffle: bool | str = False, class_weight: Any = None) -> None:
        self.dataset = dataset
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.steps: int | None = None
        if isinstance(dataset, PyDataset):
            self.steps = dataset.num_batches
        elif hasattr(dataset, "__len__"):
            self.steps = len(dataset)

    def __iter__(self) -> Iterator[Batch]:
        if not isinstance(self.dataset, PyDataset):
            items: Iterator[Any] = iter(self.dataset)
        else:
            self.dataset.on_epoch_begin()
            items = self._indexed()
        for item in items:
            x, y, weights = to_batch(item)
            if self.class_weight is not None:
                weights = class_weights(y, self.class_weight)
            yield x, y, weights

    def _indexed(self) -> Iterator[Any]:
        if self.steps is None:
            i = 0
            while True:
                yield self.dataset[i]
                i += 1
        order = list(range(self.steps))
        if self.shuffle:
            default_generator.shuffle(order)
        for i in order:
            yield self.dataset[i]

    def end_epoch(self) -> None:
        """Called after each epoch."""
        if isinstance(self.dataset, PyDataset):
            self.dataset.on_epoch_end()


Batches = ArrayBatches | IteratorBatches | DatasetBatches


def to_batch(item: Any) -> Batch:
    """What a generator yielded, as (x, y, weights).

    Raises:
        ValueError: for anything but a tuple of one to three arrays.
    """
    if isinstance(item, np.ndarray):
        item = (item,)
    if not isinstance(item, (tuple, list)) or not 1 <= len(item) <= 3:
        raise ValueError(
            "A generator or dataset must yield tuples (x,), (x, y) or (x, y, sample_weight). "
            f"Received: {type(item).__name__}"
        )
    x, y, weights = (*item, None, None)[:3]
    batch = to_array(x, "x"), to_array(y, "y"), to_array(weights, "sample_weight")
    check_same_length(x=batch[0], y=batch[1], sample_weight=batch[2])
    warn_if_not_finite(x=batch[0], y=batch[1])
    return batch


def make_batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: Any = None,
    check_finite: bool = True,
) -> Batches:
    """The batches of whatever the user gave as x.

    Raises:
        ValueError: for data that cannot be right, or arguments that do not go with this kind of data.
    """
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"`shuffle` must be True, False or 'batch'. Received: {shuffle!r}")
    if batch_size is not None:
        batch_size = check_int("fit/evaluate/predict", "batch_size", batch_size)
    if class_weight is not None and sample_weight is not None:
        raise ValueError("You cannot give `class_weight` and `sample_weight` at the same time.")
    if is_stream(x):
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"When x is a generator or a dataset, `{name}` must not be given: let x yield it. "
                    f"Received: x of type {type(x).__name__}"
                )
        if isinstance(x, PyDataset) or not hasattr(x, "__next__"):
            return DatasetBatches(x, shuffle, class_weight)
        if class_weight is not None:
            raise ValueError("When x is a generator, `class_weight` must not be given: let it yield weights.")
        return IteratorBatches(x)
    xs, ys, weights = to_array(x, "x"), to_array(y, "y"), to_array(sample_weight, "sample_weight")
    if xs is None:
        raise ValueError("x is None: there is no data to work on.")
    if class_weight is not None:
        weights = class_weights(ys, class_weight)
    batches = ArrayBatches(xs, ys, weights, batch_size, shuffle, steps)
    if check_finite:
        warn_if_not_finite(x=xs, y=ys, sample_weight=weights)
    return batches


def is_stream(x: Any) -> bool:
    """Whether x yields batches by itself, instead of being an array to cut into batches."""
    if isinstance(x, PyDataset) or hasattr(x, "__next__"):
        return True
    return (
        hasattr(x, "__iter__")
        and not hasattr(x, "__array__")
        and not isinstance(x, (list, tuple, str, bytes, dict, set, np.ndarray))
    )


class Epochs:
    """Deals out the batches of a source, epoch by epoch.

    With `steps_per_epoch` the batches go on where the epoch before stopped; otherwise each epoch
    begins anew.
    """

    def __init__(self, batches: Batches, steps_per_epoch: int | None = None) -> None:
        self.batches = batches
        self.steps_per_epoch = steps_per_epoch
        self.steps = steps_per_epoch or batches.steps  # None until the end of the first epoch
        self.exhausted = False
        self.given = 0  # how many of this epoch's batches were dealt out
        self._iterator: Iterator[Batch] | None = None
        self._seen = 0  # how many came from this iterator
        self._total = 0  # how many came from all
        self._origin: Any = None  # the random numbers' state when the iterator was made

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the next epoch, or the rest of one that was resumed."""
        if not self.given and (self._iterator is None or self.steps_per_epoch is None):
            self._begin()
        while self.steps is None or self.given < self.steps:
            batch = next(self._iterator, None)  # type: ignore[arg-type]
            if batch is None:
                self._run_out(self.given)
                break
            self.given += 1
            self._seen += 1
            self._total += 1
            yield batch
        self.given = 0
        if self.batches.steps is not None and self._seen >= self.batches.steps:
            self._iterator = None
        self.batches.end_epoch()

    def _begin(self) -> None:
        self._origin = default_generator.get_state()
        self._iterator, self._seen = iter(self.batches), 0

    def get_state(self) -> dict[str, Any]:
        """Where in the data the training stands."""
        going = self._iterator is not None and (self.given > 0 or self.steps_per_epoch is not None)
        seen = self._total if isinstance(self.batches, IteratorBatches) else self._seen * going
        return {"given": self.given, "seen": seen, "steps": self.steps, "origin": self._origin}

    def set_state(self, state: dict[str, Any]) -> Batch | None:
        """Go to where `get_state` was called: the same batches are dealt out again, and thrown away.

        Returns:
            the last of them, where that was in the middle of an epoch.
        """
        batch: Batch | None = None
        self.given, self.steps = state["given"], state["steps"]
        if state["seen"]:
            default_generator.set_state(state["origin"])
            self._begin()
            for _ in range(state["seen"]):
                batch = next(self._iterator)  # type: ignore[arg-type]
            self._seen = self._total = state["seen"]
        return batch if self.given else None

    def _run_out(self, given: int) -> None:
        if self.steps is None and given:  # a generator's first epoch: now its length is known
            self.steps = given
            return
        if self.steps is None:
            raise ValueError("The generator or dataset is empty: it yielded no batch.")
        warnings.warn(RAN_OUT, stacklevel=4)
        self._iterator = None
        self.exhausted = isinstance(self.batches, IteratorBatches)
