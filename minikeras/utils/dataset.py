"""Data sets of samples: something that fetches the samples at given positions, in some order, in batches.

The samples may be rows of arrays, windows of a time series or files on a disk: nothing is fetched
before its turn has come. A data set can be iterated over again and again, and `fit`, `evaluate` and
`predict` take it as it is. Where shuffling is asked for, every pass over it has an order of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minikeras.errors import check_int
from minikeras.random import default_generator
from minikeras.typing import Array


class Dataset:
    """Samples in batches: `for x, y in dataset`, or `model.fit(dataset)`.

    Args:
        fetch: called with an array of positions, returns these samples: an array, or a tuple of arrays,
            with one row for each.
        samples: how many there are.
        batch_size: how many make a batch, of which the last may be smaller; None yields single samples.
        shuffle: whether each pass has a new order.
        seed: of these orders; None draws one from the default generator.
        class_names: what the labels 0, 1, 2 ... stand for.
        file_paths: the files that the samples are read from.
    """

    def __init__(
        self,
        fetch: Callable[[Array], Any],
        samples: int,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
        class_names: Sequence[str] | None = None,
        file_paths: Sequence[str] | None = None,
    ) -> None:
        self.fetch = fetch
        self.samples = samples
        self.batch_size = None if batch_size is None else check_int(self, "batch_size", batch_size)
        self.shuffle = shuffle
        self.class_names = None if class_names is None else list(class_names)
        self.file_paths = None if file_paths is None else list(file_paths)
        self.seed = draw_seed(seed) if shuffle else seed
        self._rng = np.random.default_rng(self.seed)

    def __len__(self) -> int:
        """The number of batches, or of samples where there are no batches."""
        return math.ceil(self.samples / (self.batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        order = self._rng.permutation(self.samples) if self.shuffle else np.arange(self.samples)
        size = self.batch_size or 1
        for start in range(0, self.samples, size):
            rows = self.fetch(order[start : start + size])
            yield rows if self.batch_size is not None else _only_row(rows)

    def batch(self, batch_size: int) -> Dataset:
        """The same single samples, in batches.

        Raises:
            ValueError: when they are in batches already.
        """
        if self.batch_size is not None:
            raise ValueError(f"The data set already has batches, of {self.batch_size} samples.")
        return self._like(self.fetch, self.samples, check_int("batch", "batch_size", batch_size))

    def map(self, function: Callable[..., Any]) -> Dataset:
        """The data set of function(x) or function(x, y), of each batch or, without batches, of each sample."""

        def apply(element: Any) -> Any:
            return function(*element) if isinstance(element, tuple) else function(element)

        def fetch(rows: Array) -> Any:
            if self.batch_size is not None:
                return apply(self.fetch(rows))
            return _stack([apply(_only_row(self.fetch(rows[i : i + 1]))) for i in range(len(rows))])

        return self._like(fetch, self.samples, self.batch_size)

    def select(self, rows: Array) -> Dataset:
        """The data set of the samples at the given positions."""
        paths = None if self.file_paths is None else [self.file_paths[i] for i in rows]
        return self._like(lambda chosen: self.fetch(rows[chosen]), len(rows), self.batch_size, paths)

    def _like(
        self, fetch: Callable[[Array], Any], samples: int, batch_size: int | None, paths: Any = None
    ) -> Dataset:
        paths = self.file_paths if paths is None else paths
        return Dataset(fetch, samples, batch_size, self.shuffle, self.seed, self.class_names, paths)


def draw_seed(seed: int | None) -> int:
    """The given seed, or one from the default generator, that NumPy's generators take.

    Raises:
        ValueError: when it is no whole number of at least 0.
    """
    return default_generator.draw_seed() if seed is None else check_int("shuffle", "seed", seed, minimum=0)


def _only_row(rows: Any) -> Any:
    return tuple(a[0] for a in rows) if isinstance(rows, tuple) else rows[0]


def _stack(samples: list[Any]) -> Any:
    if isinstance(samples[0], tuple):
        return tuple(np.stack(column) for column in zip(*samples, strict=True))
    return np.stack(samples)
