"""Projections of weights that are applied after each update.

A constraint takes a weight array and returns the nearest allowed one, or one nearly so. The norms
are those of the vectors along `axis`: axis 0 of a Dense kernel (inputs, units) gives the vector of
weights into each unit; a Conv2D kernel (height, width, channels, filters) needs axis=[0, 1, 2].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import config, registry
from minikeras.registry import Configurable, Table
from minikeras.typing import Array

Axis = int | Sequence[int] | None


class Constraint(Configurable):
    """A projection of weights. A subclass defines `__call__`; this one changes nothing."""

    def __call__(self, w: Array) -> Array:
        """The projected weights, as a new array or w itself; w is not written to."""
        return w


def _norms(w: Array, axis: Axis) -> Array:
    """Euclidean norms along the axes, which are kept with length one."""
    axes = axis if axis is None or isinstance(axis, int) else tuple(axis)
    norms: Array = np.sqrt(np.sum(np.square(w), axis=axes, keepdims=True))
    return norms


class MaxNorm(Constraint):
    """w · min(‖w‖, max_value) / (ε + ‖w‖): no vector is longer than `max_value`.

    As in Keras, ε = 1e-7 also shrinks the vectors that were short enough, by a hair.

    Args:
        max_value: the greatest norm, 2 by default.
        axis: the axis or axes along which a vector lies.
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        """The projected weights."""
        norms = _norms(w, self.axis)
        projected: Array = w * (np.clip(norms, 0, self.max_value) / (config.epsilon() + norms))
        return projected


class NonNeg(Constraint):
    """max(w, 0): no weight is negative."""

    def __call__(self, w: Array) -> Array:
        """The projected weights."""
        projected: Array = np.maximum(w, 0)
        return projected


class UnitNorm(Constraint):
    """w / (ε + ‖w‖): every vector has length one.

    Args:
        axis: the axis or axes along which a vector lies.
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        """The projected weights."""
        projected: Array = w / (config.epsilon() + _norms(w, self.axis))
        return projected


class MinMaxNorm(Constraint):
    """w · (rate · clip(‖w‖, min_value, max_value) + (1 - rate) ‖w‖) / (ε + ‖w‖).

    Args:
        min_value: the least norm.
        max_value: the greatest norm.
        rate: 1 enforces the bounds at once; less pulls the norms towards them step by step.
        axis: the axis or axes along which a vector lies.
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        """The projected weights."""
        norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        projected: Array = w * (wanted / (config.epsilon() + norms))
        return projected


_table: Table[Constraint] = Table("constraint", "keras.constraints")
_table.add_all(Constraint, MaxNorm, NonNeg, UnitNorm, MinMaxNorm)

max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier: Any) -> Any:
    """A constraint from a name, a config, a class, an object or a function; None stays None.

    Raises:
        ValueError: for anything else.
    """
    if identifier is None:
        return None
    found = _table.create(identifier)
    if callable(found):
        return found
    raise _table.unknown(identifier)


def serialize(constraint: Any) -> Any:
    """The JSON form of a constraint."""
    return registry.serialize(constraint)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that `serialize` described."""
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)
