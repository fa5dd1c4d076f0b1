"""The batches of whatever a layer is to be adapted to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from minikeras.errors import check_int
from minikeras.utils import PyDataset


def each_batch(data: Any, steps: int | None = None, lists_are_arrays: bool = False) -> Iterator[Any]:
    """An array as a single batch; a dataset's or an iterable's batches one by one, without targets.

    Args:
        data: an array, or an iterable of batches x, (x, y) or (x, y, weights).
        steps: at most so many batches.
        lists_are_arrays: whether a list or tuple is an array, too, and not a list of batches.

    Raises:
        TypeError: for anything else.
    """
    if steps is not None:
        steps = check_int("adapt", "steps", steps)
    is_array = hasattr(data, "__array__") or (lists_are_arrays and isinstance(data, (list, tuple)))
    if is_array:
        yield data
    elif isinstance(data, PyDataset) or (
        hasattr(data, "__iter__") and not isinstance(data, (str, bytes, dict))
    ):
        for batch in islice(iter(data), steps):
            yield batch[0] if isinstance(batch, tuple) else batch
    else:
        raise TypeError(
            "`adapt` takes an array, or an iterable of batches (a dataset, a list of arrays, a generator). "
            f"Received: {type(data).__name__}"
        )
