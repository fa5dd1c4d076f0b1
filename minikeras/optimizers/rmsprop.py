"""RMSprop: gradient descent in units of each gradient's own typical size."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.errors import check_number
from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class RMSprop(Optimizer):
    """v ← ρ v + (1 - ρ) g², w ← w - lr g / √(v + ε).

    Centered, the variance takes the place of the mean square: a ← ρ a + (1 - ρ) g and
    √(v - a² + ε). With momentum μ, the step goes through m ← μ m + step, w ← w - m.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        rho: ρ, how slowly the averages forget.
        momentum: μ in [0, 1].
        epsilon: ε, inside the root.
        centered: whether to subtract the square of the mean gradient.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Tieleman & Hinton, "Lecture 6.5: rmsprop", 2012; centered: Graves, 2013.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.rho = rho
        self.momentum = check_number(self, "momentum", momentum, 0.0, 1.0)
        self.epsilon = epsilon
        self.centered = centered
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """v, then m and a where they are used."""
        slots = [{"velocity": 0.0}]
        if self.momentum:
            slots.append({"momentum": 0.0})
        if self.centered:
            slots.append({"average_gradient": 0.0})
        return slots

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr, ρ, 1 - ρ, μ and ε."""
        return lr, self.rho, 1.0 - self.rho, self.momentum, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """RMSprop."""
        (s,) = scratch
        lr, rho, rest, mu, epsilon = scalars
        v = slots[0]
        np.multiply(g, g, out=s)
        s *= rest
        v *= rho
        v += s  # v ← ρ v + (1 - ρ) g²
        if self.centered:
            a = slots[-1]
            np.multiply(g, rest, out=s)
            a *= rho
            a += s  # a ← ρ a + (1 - ρ) g
            np.multiply(a, a, out=s)
            np.subtract(v, s, out=s)
            np.maximum(s, 0.0, out=s)  # a variance is never negative, but its rounding error may be
            s += epsilon
        else:
            np.add(v, epsilon, out=s)
        np.sqrt(s, out=s)
        np.divide(g, s, out=s)
        s *= lr  # lr g / √(v + ε)
        if self.momentum:
            m = slots[1]
            m *= mu
            m += s
            w -= m
        else:
            w -= s
