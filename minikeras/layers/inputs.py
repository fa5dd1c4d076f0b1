"""Checks of what comes into a layer, and of the shape that its user declared."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from minikeras.errors import ShapeError
from minikeras.typing import Array, Shape

NUMBERS = "fiub"  # the kinds of NumPy's types that are real numbers


def declared_shape(kwargs: dict[str, Any]) -> Shape | None:
    """Take input_shape=, batch_input_shape=, batch_shape= or input_dim= out of the arguments."""
    shape: Any = kwargs.pop("input_shape", None)
    full = kwargs.pop("batch_input_shape", None) or kwargs.pop("batch_shape", None)
    dim = kwargs.pop("input_dim", None)
    if shape is None and dim is not None:
        shape = (dim,)
    if full is not None:
        return tuple(full)
    if shape is None:
        return None
    return (None, *((shape,) if isinstance(shape, int) else tuple(shape)))


def as_numeric(x: Any, where: str) -> Array:
    """An array of numbers from what the user gave.

    Raises:
        ValueError: for strings, objects and lists of unequal length.
    """
    array = _as_array(x)
    if array.dtype.kind not in NUMBERS:
        what, fix = f"dtype {array.dtype}", "convert it to real numbers, x.astype('float32')"
        columns = _columns_without_numbers(x)
        if columns:
            what = "other things than numbers in its columns " + ", ".join(map(repr, columns[:5]))
            what += f" and {len(columns) - 5} more" if len(columns) > 5 else ""
            fix = "encode text with pandas.get_dummies(x), and drop or fill in what is missing"
        elif array.size and is_text(array):
            what = "strings in it"
            fix = "encode them as numbers: labels by np.unique(y, return_inverse=True)[1], text by TextVectorization"
        elif array.dtype.kind == "O":
            what = "objects in it, such as None or rows of unequal length"
            fix = "drop what is missing, and pad rows to one length with minikeras.utils.pad_sequences"
        raise ValueError(
            f"Input of {where} must be an array of numbers.\n"
            f"  received: {type(x).__name__} with {what}\n  likely fix: {fix}"
        )
    return array


def as_numeric_or_text(x: Any, where: str) -> Array:
    """An array of numbers, or one of strings (of str, bytes, or objects that are either).

    Raises:
        ValueError: for other objects and lists of unequal length.
    """
    array = _as_array(x)
    return array if is_text(array) else as_numeric(x, where)


def _as_array(x: Any) -> Array:
    """An array; from lists of unequal length one of objects that are neither numbers nor text.

    Objects that all are numbers become numbers: a pandas table with a column of truth values, as
    `get_dummies` makes it, beside one of numbers is an array of objects for NumPy.
    """
    try:
        array = np.asarray(x)
    except ValueError:
        return np.array([None])
    if array.dtype.kind == "O" and all(isinstance(v, (Real, np.bool_)) for v in array.flat):
        return array.astype("float64")
    return array


def _columns_without_numbers(x: Any) -> list[Any]:
    """The names of those columns of a pandas table whose type is none of numbers."""
    if not (hasattr(x, "columns") and hasattr(x, "dtypes")):
        return []
    return [name for name, dtype in x.dtypes.items() if dtype.kind not in NUMBERS]


def is_text(x: Array) -> bool:
    """Whether all elements are strings: str or bytes."""
    if x.dtype.kind == "O":
        return all(isinstance(t, (str, bytes)) for t in x.flat)
    return x.dtype.kind in "UST"


def check_rank(where: str, input_shape: Shape, rank: int, axes: str, fix: str | None = None) -> None:
    """Raise a `ShapeError` unless the input has `rank` axes, the batch included."""
    if len(input_shape) != rank:
        expected = f"ndim={rank}, {axes}"
        raise ShapeError(where, expected, f"ndim={len(input_shape)}, full shape {tuple(input_shape)}", fix)


def check_spatial(where: str, input_shape: Shape, rank: int, channels_last: bool) -> None:
    """Raise a `ShapeError` unless the input has a batch axis, `rank` spatial ones, and channels."""
    order = "(batch, *spatial, channels)" if channels_last else "(batch, channels, *spatial)"
    fix = "flattened images must be reshaped: x.reshape(-1, height, width, channels)" if rank == 2 else None
    if len(input_shape) == rank + 1:
        fix = "images need a channel axis: x[..., None] for grey ones; one sample a batch axis: x[None]"
    check_rank(where, input_shape, rank + 2, order, fix)
