"""Errors that help: what was expected, what came, and the likely fix, in a few lines.

`ShapeError` is the one error of every shape mistake. The layer that notices it says what it
expected; a model that the layer stands in adds the chain of shapes so far. The small checks
below serve the constructors.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from minikeras.typing import Shape


class ShapeError(ValueError):
    """An array whose shape does not fit a layer, a loss or a model.

    Args:
        where: who noticed, such as 'layer "dense" (Dense)'.
        expected: what it takes, in words.
        got: the shape that came.
        fix: the likely remedy, or None.
    """

    def __init__(self, where: str, expected: str, got: object, fix: str | None = None) -> None:
        super().__init__(where, expected, got, fix)
        self.where, self.expected, self.got, self.fix = where, expected, got, fix
        self.chain: list[tuple[str, Shape]] = []  # (layer, its output shape), filled in by the model

    def __str__(self) -> str:
        lines = [
            f"Input of {self.where} has the wrong shape." if not self.where.endswith(".") else self.where
        ]
        lines.append(f"  expected: {self.expected}")
        lines.append(f"  received: {self.got}")
        if self.chain:
            steps = chain_steps(self.chain)
            if len(steps) > 6:
                steps = [*steps[:2], f"... {len(steps) - 5} more ...", *steps[-3:]]
            lines.append("  shapes so far: " + " -> ".join(steps) + " -> ?")
        if self.fix:
            lines.append(f"  likely fix: {self.fix}")
        return "\n".join(lines)


def chain_steps(chain: Iterable[tuple[str, Any]]) -> list[str]:
    """The way of a batch through a model: "input (None, 4)", "dense (None, 3)", ..."""
    return [f"{name} {shape}" for name, shape in chain]


def closest(name: str, options: Iterable[str]) -> str:
    """' Did you mean ...?' with the options nearest to a misspelt name, or the empty string."""
    import difflib  # only when something is wrong: not worth its import time otherwise

    by_lower = {option.lower(): option for option in options}
    matches = difflib.get_close_matches(str(name).lower(), by_lower, n=3, cutoff=0.6)
    if not matches:
        return ""
    return " Did you mean " + " or ".join(repr(by_lower[m]) for m in matches) + "?"


def describe(owner: object) -> str:
    """How messages name the object that an argument belongs to."""
    return owner if isinstance(owner, str) else type(owner).__name__


def check_int(owner: object, name: str, value: Any, minimum: int = 1) -> int:
    """A whole number of at least `minimum`: a constructor's `units`, `filters`, ...

    Raises:
        ValueError: when it is anything else; True, 2.0 and "2" included.
    """
    number = None
    if not isinstance(value, bool):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
    if number is None or number < minimum:
        kind = "a positive integer" if minimum == 1 else f"an integer of at least {minimum}"
        raise ValueError(f"{describe(owner)}: `{name}` must be {kind}. Received: {name}={value!r}")
    return number


def check_ints(owner: object, name: str, value: Any, rank: int, minimum: int = 1) -> tuple[int, ...]:
    """`rank` whole numbers, or one that stands for all: `kernel_size`, `strides`, `pool_size`, ..."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != rank:
            raise ValueError(
                f"{describe(owner)}: `{name}` must be an integer or {rank} integers. Received: {name}={value!r}"
            )
        return tuple(check_int(owner, name, v, minimum) for v in value)
    return (check_int(owner, name, value, minimum),) * rank


def check_number(owner: object, name: str, value: Any, low: float, high: float) -> float:
    """A real number in [low, high]: a `rate`, a `momentum`, ...

    Raises:
        ValueError: when it is no number, or outside.
    """
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        interval = f"in the range [{low:g}, {high:g}]" if high < float("inf") else f"of at least {low:g}"
        raise ValueError(
            f"{describe(owner)}: `{name}` must be a number {interval}. Received: {name}={value!r}"
        )
    return number


def check_option(owner: object, name: str, value: Any, options: Sequence[Any]) -> Any:
    """One of a few allowed values, such as a `reduction` or a `merge_mode`."""
    if value not in options:
        raise ValueError(
            f"{describe(owner)}: `{name}` must be one of {tuple(options)}. Received: {name}={value!r}."
            + closest(str(value), [o for o in options if isinstance(o, str)])
        )
    return value
