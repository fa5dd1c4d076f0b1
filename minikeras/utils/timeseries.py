"""A time series cut into windows: each sample is a stretch of it, each target what belongs to that stretch.

Window number i holds the steps i·stride + start + (0, 1, 2, ...)·rate. The windows overlap, so they are
not all laid out in memory: a batch of them is gathered when its turn comes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_int, check_option
from minikeras.typing import Array
from minikeras.utils.dataset import Dataset

OWNER = "timeseries_dataset_from_array"


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
    format: str = "tf",
) -> Dataset:
    """Windows x_i = data[s_i + rate·(0 ... length - 1)] with targets y_i = targets[s_i], s_i = start + stride·i.

    To forecast the step after the window, give `data[:-length]` and `targets = data[length:]`.

    Args:
        data: the series, time first.
        targets: what belongs to the window that begins at each step; None for windows alone.
        sequence_length: steps in a window.
        sequence_stride: steps from the beginning of one window to that of the next.
        sampling_rate: steps from one element of a window to the next.
        batch_size: windows in a batch, of shape (batch, length, *shape of a step); None for single windows.
        shuffle: whether the windows come in a new order in each pass.
        seed: of these orders.
        start_index: the first step to be used.
        end_index: the step before which to stop.
        format: "tf" or "grain" in Keras; here both give the same data set of arrays.

    Raises:
        ValueError: for arguments out of range, or when the series is too short for one window.
    """
    check_option(OWNER, "format", format, ("tf", "grain"))
    series = np.asarray(data)
    steps = len(series) if series.ndim else 0
    length = check_int(OWNER, "sequence_length", sequence_length)
    stride = _below(steps, "sequence_stride", sequence_stride, 1)
    rate = _below(steps, "sampling_rate", sampling_rate, 1)
    start = 0 if start_index is None else _below(steps, "start_index", start_index, 0)
    end = steps if end_index is None else _below(steps, "end_index", end_index, start + 1)

    count = end - start - (length - 1) * rate
    goals = None if targets is None else np.asarray(targets)
    if goals is not None:
        count = min(count, (len(goals) if goals.ndim else 0) - start)
    if count <= 0:
        raise ValueError(
            f"{OWNER}: there is not one window of {length} elements, {rate} steps apart, that has its target. "
            f"Received: data of {steps} steps, used from {start} to {end}"
            + ("" if goals is None else f", and targets of shape {goals.shape}")
        )
    begins = np.arange(start, start + count, stride)
    offsets = np.arange(length) * rate

    def fetch(rows: Array) -> Any:
        x = series[begins[rows][:, None] + offsets]  # (batch, length, *shape of a step)
        return x if goals is None else (x, goals[begins[rows]])

    return Dataset(fetch, len(begins), batch_size, shuffle, seed)


def _below(steps: int, name: str, value: Any, minimum: int) -> int:
    number = check_int(OWNER, name, value, minimum)
    if number >= steps:
        raise ValueError(
            f"{OWNER}: `{name}` must be lower than the length of the data. "
            f"Received: {name}={value}, for data of {steps} steps"
        )
    return number
