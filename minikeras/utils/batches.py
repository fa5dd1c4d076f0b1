"""Batches: data sets that make them one at a time, and the tuples (x, y, sample_weight) they are.

A `PyDataset` is for data that does not fit into memory, or that is made up as the training goes
on: it is asked for batch number 0, 1, 2 ... and returns arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any


class PyDataset:
    """Base class of data sets that are written in Python; one item is one whole batch.

        class Squares(PyDataset):
            def __len__(self):                   # the number of batches
                return 100

            def __getitem__(self, index):        # batch number `index`
                x = np.random.default_rng(index).normal(size=(32, 1))
                return x, x**2

    A subclass defines `__getitem__` and `__len__`; for an endless data set it overrides
    `num_batches` to return None instead.

    Args:
        workers: how many threads make batches ahead of the training.
        use_multiprocessing: processes instead of threads.
        max_queue_size: how many batches may wait, ready made.
    """

    # Also on the class, so that a subclass which forgets `super().__init__()` works all the same.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must define `__getitem__(self, index)`, which returns batch number `index` "
            "as a tuple (x, y)."
        )

    def __iter__(self) -> Iterator[Any]:
        batches = self.num_batches
        for index in count() if batches is None else range(batches):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """The number of batches: `len(self)`; None stands for a data set without end."""
        length = getattr(self, "__len__", None)
        if length is None:
            raise NotImplementedError(
                f"{type(self).__name__} must define `__len__(self)`, the number of batches "
                "(or a property `num_batches` that returns None, for a data set without end)."
            )
        return int(length())

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch: the place to shuffle the samples anew."""


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """A batch as (x, y, sample_weight), with None for what it does not have.

    Args:
        data: x, (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: for a tuple of another length.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "A batch must be x, (x,), (x, y) or (x, y, sample_weight). "
            f"Received: a {type(data).__name__} of {len(data)} elements."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The batch that `unpack_x_y_sample_weight` takes apart, without trailing Nones."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
