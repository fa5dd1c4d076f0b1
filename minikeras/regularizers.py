"""Penalties on weights or activations that are added to the loss.

A regularizer is a number R(w) and its gradient dR/dw. `regularizer(w)` gives the first, which
training adds to the loss; `regularizer.gradient(w)` gives the second, which the backward pass
adds to dL/dw. The penalties are sums over all elements: they are not divided by the batch size,
and the L2 penalty carries no factor 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import config, registry
from minikeras.errors import check_number, check_option
from minikeras.registry import Configurable, Table
from minikeras.typing import Array


class Regularizer(Configurable):
    """A penalty R(w). A subclass defines `__call__` and `gradient`."""

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        return 0.0

    def gradient(self, w: Array) -> Array:
        """The gradient dR/dw, in the shape and dtype of w."""
        raise TypeError(
            f"{type(self).__name__} has no gradient. Define a method `gradient(self, w)` beside "
            "`__call__`: it returns the derivative of the penalty with respect to w, in w's shape."
        )


def _check_factor(owner: object, name: str, value: Any) -> float:
    """A factor of a penalty: finite and not negative."""
    factor = check_number(owner, name, value, 0.0, math.inf)
    if math.isinf(factor):
        raise ValueError(f"{type(owner).__name__}: `{name}` must be finite. Received: {name}={value!r}")
    return factor


def _sum_of_squares(w: Array) -> float:
    flat = np.ravel(w, order="K")  # as the numbers lie in memory: no copy of a transposed array
    return float(flat.dot(flat))


class L1L2(Regularizer):
    """R(w) = l1 Σ|w| + l2 Σw².

    Args:
        l1: factor of the sum of absolute values, 0 by default.
        l2: factor of the sum of squares, 0 by default. So the string "l1_l2" penalises nothing.

    Raises:
        ValueError: when a factor is negative or not finite.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _check_factor(self, "l1", 0.0 if l1 is None else l1)
        self.l2 = _check_factor(self, "l2", 0.0 if l2 is None else l2)

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        penalty = 0.0
        if self.l1:
            penalty += self.l1 * float(np.sum(np.abs(w)))
        if self.l2:
            penalty += self.l2 * _sum_of_squares(w)
        return penalty

    def gradient(self, w: Array) -> Array:
        """dR/dw = l1 sign(w) + 2 l2 w, with sign(0) = 0."""
        dw: Array = (2.0 * self.l2) * w
        if self.l1:
            dw += self.l1 * np.sign(w)
        return dw


class L1(Regularizer):
    """R(w) = l1 Σ|w|: it drives small weights to exactly zero.

    Args:
        l1: the factor, 0.01 by default.

    Raises:
        ValueError: when the factor is negative or not finite.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _check_factor(self, "l1", 0.01 if l1 is None else l1)

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        return self.l1 * float(np.sum(np.abs(w)))

    def gradient(self, w: Array) -> Array:
        """dR/dw = l1 sign(w), with sign(0) = 0: at a kink the subgradient that moves nothing."""
        dw: Array = self.l1 * np.sign(w)
        return dw


class L2(Regularizer):
    """R(w) = l2 Σw²: it keeps all weights small.

    Args:
        l2: the factor, 0.01 by default.

    Raises:
        ValueError: when the factor is negative or not finite.
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _check_factor(self, "l2", 0.01 if l2 is None else l2)

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        return self.l2 * _sum_of_squares(w)

    def gradient(self, w: Array) -> Array:
        """dR/dw = 2 l2 w."""
        dw: Array = (2.0 * self.l2) * w
        return dw


class OrthogonalRegularizer(Regularizer):
    """R(w) = factor · mean of |uᵢ·uⱼ| over all pairs i < j, where uᵢ = wᵢ / ‖wᵢ‖.

    It is zero when the rows wᵢ of a matrix (or its columns) are orthogonal to each other.

    Args:
        factor: the factor, 0.01 by default.
        mode: "rows" or "columns".

    Raises:
        ValueError: for a bad argument, or when called on anything but a matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _check_factor(self, "factor", factor)
        self.mode = check_option(self, "mode", mode, ("rows", "columns"))

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        unit, _, scale = self._prepare(w)
        products = np.abs(unit @ unit.T)  # (n, n), |cos| of the angle of each pair
        return scale * 0.5 * float(np.sum(products) - np.trace(products))

    def gradient(self, w: Array) -> Array:
        """dR/duᵢ = scale Σⱼ sign(uᵢ·uⱼ) uⱼ; dR/dwᵢ is its part at right angles to uᵢ, over ‖wᵢ‖."""
        unit, norms, scale = self._prepare(w)
        signs = np.sign(unit @ unit.T)
        np.fill_diagonal(signs, 0.0)
        du = scale * (signs @ unit)  # (n, d)
        dw: Array = (du - np.sum(du * unit, axis=1, keepdims=True) * unit) / norms
        return dw if self.mode == "rows" else dw.T

    def _prepare(self, w: Array) -> tuple[Array, Array, float]:
        """The vectors as rows of unit length, their lengths, and factor / number of pairs."""
        if w.ndim != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received shape: {w.shape}")
        rows = w if self.mode == "rows" else w.T  # (n, d)
        norms = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), config.epsilon())  # (n, 1)
        n = len(rows)
        return rows / norms, norms, self.factor / max(n * (n - 1) / 2, 1.0)


class FunctionRegularizer(Regularizer):
    """R(w) = function(w), for a plain function of the user's. It has a value but no gradient.

    Args:
        function: takes an array, returns a number.
    """

    def __init__(self, function: Callable[[Array], float]) -> None:
        self.function = function

    def __call__(self, w: Array) -> float:
        """The penalty R(w)."""
        return float(self.function(w))

    def gradient(self, w: Array) -> Array:
        """No gradient can be had from a bare function.

        Raises:
            TypeError: always.
        """
        name = getattr(self.function, "__name__", repr(self.function))
        raise TypeError(
            f"The regularizer {name!r} is a plain function, so its gradient is unknown. Write a subclass "
            "of `regularizers.Regularizer` with `__call__(self, w)`, the penalty, and "
            "`gradient(self, w)`, its derivative with respect to w."
        )

    def serialized(self) -> Any:
        """In a config it stands as the function itself."""
        return registry.serialize(self.function)


_table: Table[Regularizer] = Table("regularizer", "keras.regularizers")
_table.add(L1L2, "l1_l2")
_table.add(L1)
_table.add(L2)
_table.add(OrthogonalRegularizer)

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """A regularizer from a name, a config, a class, an object or a function; None stays None.

    Raises:
        ValueError: for anything else.
    """
    if identifier is None:
        return None
    found = _table.create(identifier)
    if callable(getattr(found, "gradient", None)) and callable(found):
        return found
    if callable(found):
        return FunctionRegularizer(found)
    raise _table.unknown(identifier)


def serialize(regularizer: Any) -> Any:
    """The JSON form of a regularizer."""
    return registry.serialize(regularizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` described."""
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)
