"""What a row of the table of layers is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A layer, and the shape of an input for it, batch included."""

    make: Callable[..., Any]  # make(layers, **kwargs) -> a layer of that module
    shape: tuple[int, ...]
    mask: bool = False  # give it a mask
    random: bool = False  # it draws random numbers in training
    integers: int = 0  # the inputs are integers below this number, so there is no gradient by them
    statistics: bool = False  # in training its forward pass writes to variables that are not trained
    rewrites: bool = False  # in training its forward pass even rewrites variables that are trained
    id: str = ""

    def x(self, seed: int = 0, dtype: str = "float64", batch: int | None = None) -> np.ndarray:
        shape = self.shape if batch is None else (batch, *self.shape[1:])
        if self.integers:
            return np.random.default_rng(seed).integers(0, self.integers, shape)
        return np.random.default_rng(seed).normal(size=shape).astype(dtype)

    def mask_for(self, x: np.ndarray) -> np.ndarray | None:
        if not self.mask:
            return None
        return np.random.default_rng(5).integers(0, 2, x.shape[:2]).astype(bool)


def case(
    name: str,
    shape: tuple[int, ...],
    /,
    mask: bool = False,
    random: bool = False,
    integers: int = 0,
    statistics: bool = False,
    **arguments: Any,
) -> Case:
    """A case whose layer is `layers.<name>(**arguments)`."""

    def make(layers: Any, **kwargs: Any) -> Any:
        return getattr(layers, name)(**arguments, **kwargs)

    shown = ",".join(f"{k}={v}" for k, v in arguments.items())
    label = f"{name}({shown}){list(shape)}{'+mask' if mask else ''}"
    return Case(make, shape, mask, random, integers, statistics, id=label)
