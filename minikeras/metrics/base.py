"""What a metric is: a number that is gathered batch by batch and read out at any time.

`update_state` adds one batch to the state, `result` turns the state into the number, `reset_state`
starts anew. The state is kept in variables of double precision: a float32 counter stops counting at
2²⁴, and a sum over an epoch has many small terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError
from minikeras.losses.base import squeeze_or_expand_to_same_rank
from minikeras.naming import to_snake_case
from minikeras.registry import Configurable, Table, arguments
from minikeras.typing import Array
from minikeras.variable import Variable

table: Table[Metric] = Table("metric", "keras.metrics")


class Metric(Configurable):
    """A quantity gathered over batches: `update_state` per batch, then `result`.

    A subclass makes its variables in `__init__` with `add_variable` and writes `update_state` and
    `result`. Setting all variables to zero must start it anew, or it overrides `reset_state` too.

    Args:
        name: what the logs call it; by default the snake-case name of the class.
        dtype: the float type of results that are arrays. Sums are in double precision always.
    """

    direction: str | None = None  # whether "up" or "down" is better; None: nobody knows
    uses_mask = False  # whether Keras lets the mask of the model's output join its sample weights

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or to_snake_case(type(self).__name__)
        self.dtype = config.standardize_dtype(dtype).name
        self._variables: list[Variable] = []

    # What a subclass writes

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch, usually (y_true, y_pred, sample_weight=None)."""
        raise NotImplementedError(
            f"{type(self).__name__} has no `update_state(y_true, y_pred, sample_weight)`."
        )

    def result(self) -> Any:
        """The metric of all batches since the last `reset_state`: a float or an array."""
        raise NotImplementedError(f"{type(self).__name__} has no `result()`.")

    # What follows from it

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`update_state` with a batch, then `result`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def reset_state(self) -> None:
        """Set all variables to zero."""
        for v in self.variables:
            v.value[...] = 0

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A new variable of this metric's state.

        Args:
            shape: its shape.
            initializer: "zeros", "ones", an array, or a function of (shape, dtype).
            dtype: double precision when None.
            aggregation: has no meaning on a single machine; here for Keras' sake.
            name: such as "true_positives".

        Raises:
            ValueError: for an unknown initializer.
            RuntimeError: when the subclass did not call `super().__init__()` first.
        """
        if not hasattr(self, "_variables"):
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call `super().__init__()` before all else."
            )
        shape, dtype = tuple(shape), np.dtype(dtype or "float64")
        if initializer is None or (isinstance(initializer, str) and initializer == "zeros"):
            value = np.zeros(shape, dtype)
        elif isinstance(initializer, str) and initializer == "ones":
            value = np.ones(shape, dtype)
        elif callable(initializer):
            value = np.asarray(initializer(shape, dtype=dtype), dtype)
        elif isinstance(initializer, str):
            raise ValueError(f"A metric's initializer must be 'zeros' or 'ones'. Received: {initializer!r}")
        else:
            value = np.broadcast_to(np.asarray(initializer, dtype), shape)
        variable = Variable(value, name or "variable", trainable=False)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """`add_variable` by its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The state: this metric's own variables and those of metrics that it holds."""
        found = list(self._variables)
        for attribute in vars(self).values():
            for item in attribute if isinstance(attribute, (list, tuple)) else (attribute,):
                if isinstance(item, Metric):
                    found.extend(item.variables)
        return found

    @property
    def _direction(self) -> str | None:  # Keras' name, which users' own metrics set
        return self.direction

    @_direction.setter
    def _direction(self, value: str | None) -> None:
        self.direction = value

    def __repr__(self) -> str:
        own = {n: p.default for n, p in arguments(type(self)).items() if n not in ("name", "dtype")}
        shown = [
            f"{n}={getattr(self, n)!r}"
            for n, default in own.items()
            if repr(getattr(self, n)) != repr(default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    # Tools for subclasses

    def _read_out(self, value: Any) -> Any:
        """A result as a Python float, or as an array of this metric's dtype."""
        return value.astype(self.dtype) if np.ndim(value) else float(value)

    def _mismatch(self, expected: str, y_true: Array, y_pred: Array, fix: str | None = None) -> ShapeError:
        """The error for targets and predictions that do not fit this metric."""
        return ShapeError(
            f'metric "{self.name}"', expected, f"y_true {y_true.shape}, y_pred {y_pred.shape}", fix
        )


def divide_no_nan(a: Any, b: Any) -> Array:
    """a / b, and 0 where b is 0."""
    return np.asarray(
        np.divide(a, b, out=np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))), where=b != 0)
    )


def match_weights(values: Array, sample_weight: Any, reduce: Callable[..., Array]) -> tuple[Array, Array]:
    """Values and weights in one shape.

    Where the weights have fewer axes, as with a weight per sample and a value per step, the values
    are reduced over the axes that the weights do not have.

    Raises:
        ShapeError: when there is not a weight for each value.
    """
    values, weights = squeeze_or_expand_to_same_rank(values, np.asarray(sample_weight, np.float64))
    if values.ndim > weights.ndim:
        values = np.asarray(reduce(values, axis=tuple(range(weights.ndim, values.ndim))))
    return values, broadcast_weights(weights, values.shape)


def broadcast_weights(weights: Array, shape: tuple[int, ...]) -> Array:
    """The weights, repeated to a shape.

    Raises:
        ShapeError: when they cannot be.
    """
    try:
        return np.broadcast_to(weights, shape)
    except ValueError:
        raise ShapeError(
            "a metric",
            f"a weight for each value: sample_weight of shape {shape}",
            f"sample_weight {weights.shape}",
        ) from None
