"""Gradient descent: follow the negative gradient, with or without momentum."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.errors import check_number
from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class SGD(Optimizer):
    """w ← w - lr g; with momentum μ: m ← μ m - lr g, w ← w + m; Nesterov's: w ← w + μ m - lr g.

    The learning rate is inside m, so a new rate takes effect only by and by.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        momentum: μ in [0, 1]; 0 is plain gradient descent.
        nesterov: whether the step looks ahead along the momentum (Nesterov, 1983; Sutskever et al., 2013).
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Raises:
        ValueError: when the momentum is outside [0, 1].
    """

    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.momentum = check_number(self, "momentum", momentum, 0.0, 1.0)
        self.nesterov = nesterov
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """m, where there is momentum."""
        return [{"momentum": 0.0}] if self.momentum else []

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr and μ."""
        return lr, self.momentum

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Gradient descent, or momentum."""
        step, ahead = scratch
        lr, mu = scalars
        np.multiply(g, lr, out=step)
        if not slots:
            w -= step  # w ← w - lr g
            return
        (m,) = slots
        m *= mu
        m -= step  # m ← μ m - lr g
        if self.nesterov:
            np.multiply(m, mu, out=ahead)
            ahead -= step
            w += ahead  # w ← w + μ m - lr g
        else:
            w += m  # w ← w + m
