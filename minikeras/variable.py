"""Variables, and the flat arena that a model's trainable variables lie in.

A `Variable` is an array with a name. When a model is compiled, its trainable variables are packed
end to end into one 1-D array, the arena; each `variable.value` becomes a view of its part. The
optimizer then sees two vectors, all weights and all gradients, whatever the number of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from minikeras.typing import Array, DType

if TYPE_CHECKING:
    from minikeras.context import Context


_drawing = ContextVar("drawing", default=True)


@contextmanager
def without_values() -> Iterator[None]:
    """Within this block, the variables of new layers have shapes, but neither values nor memory.

    A file is loaded so: what it says of shapes is compared with the arrays that it has before
    anything is allocated, and no initial values are drawn that would be overwritten.
    """
    token = _drawing.set(False)
    try:
        yield
    finally:
        _drawing.reset(token)


def has_values() -> bool:
    """Whether new variables are given values: not within `without_values`."""
    return _drawing.get()


def writable(array: Array) -> Array:
    """The array, or a copy where it is read-only: who unpickles may have mapped large arrays into memory."""
    return array if array.flags.writeable else array.copy()


class Variable:
    """An array of a layer: a weight, a bias, a moving mean.

    Args:
        value: the initial array; it is copied.
        name: such as "kernel".
        trainable: whether `fit` changes it.
        regularizer: a penalty on it that is added to the loss, or None.
        constraint: what it is projected onto after each update, or None.
    """

    def __init__(
        self,
        value: Any,
        name: str = "variable",
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.value: Array = np.array(value)
        self.name = name
        self.path = name
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.value.shape

    @property
    def dtype(self) -> DType:
        """The array's type."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    def numpy(self) -> Array:
        """A copy of the array."""
        return self.value.copy()

    def assign(self, value: Any) -> None:
        """Overwrite the elements in place: value[...] = array.

        Raises:
            ValueError: when the shapes differ; the variable is then unchanged.
        """
        array = np.asarray(value)
        if array.shape != self.value.shape:
            raise ValueError(
                f"The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={self.value.shape}, "
                f"Received: value.shape={array.shape}. Target variable: {self.path}"
            )
        self.value[...] = array

    def assign_add(self, value: Any) -> None:
        """Add to the elements in place."""
        self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: Any) -> None:
        """Subtract from the elements in place."""
        self.assign(self.value - np.asarray(value))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.value = writable(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


class Arena:
    """One flat array that holds several variables, end to end.

    Args:
        variables: what to pack; each `value` becomes a view of `values`.
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.variables = list(variables)
        dtype = np.result_type(*(v.dtype for v in variables)) if variables else np.dtype("float32")
        self.values: Array = np.empty(sum(v.size for v in variables), dtype)
        self.slices: list[slice] = []
        start = 0
        for v in self.variables:
            self.slices.append(slice(start, start + v.size))
            start += v.size
            view = self.values[self.slices[-1]].reshape(v.shape)
            view[...] = v.value
            v.value = view

    def holds(self, variables: Sequence[Variable]) -> bool:
        """Whether these very variables, in this order, are still views of this arena.

        They no longer are once another model that shares them has packed them into its own, or
        once they were unpickled.
        """
        return len(variables) == len(self.variables) and all(
            v is mine and v.value.base is self.values
            for v, mine in zip(variables, self.variables, strict=True)
        )

    def split(self, flat: Array) -> list[Array]:
        """Views of a flat array of the same layout, one in the shape of each variable."""
        return [flat[s].reshape(v.shape) for s, v in zip(self.slices, self.variables, strict=True)]

    def bind_gradients(self, ctx: Context) -> Array:
        """Let a pass write its gradients into one flat array of this layout, and return that."""
        flat = np.zeros_like(self.values)
        for v, view in zip(self.variables, self.split(flat), strict=True):
            ctx.gradients[v] = view
        return flat
