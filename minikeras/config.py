"""Settings that a whole program shares: the float type, epsilon, where the channels are, and threads.

These four values and the default random generator (`minikeras.random`) and the counters for
automatic layer names (`minikeras.naming`) are all the global state of the library.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minikeras.typing import DType

FLOATS = ("float16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")

_settings: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


def floatx() -> str:
    """The float type of new layers' variables and outputs: "float32" unless set otherwise."""
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the float type of layers made from now on: "float16", "float32" or "float64"."""
    if value not in FLOATS:
        raise ValueError(f"Unknown floatx: {value!r}. Expected one of {FLOATS}.")
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps logarithms and divisions finite: 1e-7 unless set otherwise."""
    return float(_settings["epsilon"])


def set_epsilon(value: float) -> None:
    """Set the small number that losses and constraints use."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """Where images keep their channels: "channels_last" unless set otherwise."""
    return str(_settings["image_data_format"])


def set_image_data_format(value: str) -> None:
    """Set where images keep their channels: "channels_last" or "channels_first"."""
    _settings["image_data_format"] = standardize_data_format(value)


def num_threads() -> int:
    """How many threads train a model: as many as there are cores unless set otherwise."""
    return int(_settings.get("num_threads") or available_cores())


def set_num_threads(value: int | None) -> None:
    """Set how many threads train a model and predict; None for as many as there are cores.

    The same number gives the same bits on every run; another number may round sums otherwise, and
    draws other dropout masks, as each thread works on rows of its own.

    Raises:
        ValueError: when it is not a positive integer.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"`set_num_threads` needs a positive integer, or None. Received: {value!r}")
    _settings["num_threads"] = value


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def standardize_data_format(value: object) -> str:
    """A layer's `data_format` argument, where None means the global setting.

    Raises:
        ValueError: when it is neither "channels_last" nor "channels_first".
    """
    if value is None:
        return image_data_format()
    text = str(value).lower()
    if text not in DATA_FORMATS:
        raise ValueError(f"`data_format` must be one of {DATA_FORMATS}. Received: {value!r}")
    return text


def standardize_dtype(value: Any) -> DType:
    """A layer's `dtype` argument as a NumPy type, where None means `floatx()`.

    Raises:
        ValueError: when it names no numeric type.
    """
    if value is None:
        return np.dtype(floatx())
    if isinstance(value, dict):  # Keras' envelope: {"class_name": "DTypePolicy", "config": {"name": ...}}
        value = value.get("config", {}).get("name", value)
    try:
        dtype: DType | None = np.dtype(value)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "fiub":
        raise ValueError(f"Unknown dtype: {value!r}. Expected a name such as 'float32' or 'int32'.")
    return dtype
