"""The rows of the table of layers, at the size of real work.

The table (tests/cases.py) holds the smallest inputs that can show a mistake. Here its rows keep their
arguments but for the sizes, and are given the input of a real batch. Where a row's arguments belong to
its shape, as in Reshape, it keeps both, and the batch grows.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import Any

import numpy as np
from case import Case

from minikeras import layers
from minikeras.context import Context
from minikeras.layers.base import Layer

SIZES = {"units": 128, "filters": 32, "input_dim": 10_000, "output_dim": 64}
SHAPES = {  # by the number of axes
    2: (128, 512),
    3: (64, 32, 64),
    4: (32, 28, 28, 24),
    5: (8, 10, 10, 10, 8),
    6: (4, 4, 6, 6, 6, 4),
}
NUMBERS = 2**16  # in the input of a row that keeps its shape


class Widened:
    """A module of layers whose arguments of size are those of real work."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        cls = getattr(self.module, name)

        def make(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(cls).bind(*args, **kwargs)
            bound.arguments.update({k: SIZES[k] for k in bound.arguments.keys() & SIZES.keys()})
            return cls(*bound.args, **bound.kwargs)

        return make


class Passes:
    """A built layer with an input, run forward and backward in one context, as training does."""

    def __init__(self, case: Case) -> None:
        self.layer: Layer = case.make(layers, dtype="float32")
        self.layer.ensure_built(case.shape)
        self.x = case.x(dtype="float32")
        self.mask = case.mask_for(self.x)
        self.ctx = Context(training=True)
        self.dy = np.ones_like(self.forward())

    def forward(self) -> Any:
        self.ctx.mask = self.mask
        return self.layer.run_forward(self.x, self.ctx)

    def backward(self) -> Any:
        return self.layer.run_backward(self.dy, self.ctx)


def passes(case: Case) -> Passes:
    """The row at the size of real work."""
    wide = replace(
        case,
        make=lambda module, **kwargs: case.make(Widened(module), **kwargs),
        shape=SHAPES[len(case.shape)],
        integers=case.integers and SIZES["input_dim"],
    )
    try:
        return Passes(wide)
    except ValueError:  # its arguments belong to its shape
        rows = max(1, NUMBERS // math.prod(case.shape[1:]))
        return Passes(replace(case, shape=(rows, *case.shape[1:])))
