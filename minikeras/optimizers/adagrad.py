"""Adagrad and Adadelta: a learning rate for each weight, from the sizes of its past gradients."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.errors import check_number
from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class Adagrad(Optimizer):
    """a ← a + g², w ← w - lr g / √(a + ε): weights with many large gradients move less and less.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        initial_accumulator_value: what the sums a start from, not negative.
        epsilon: ε, inside the root.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Duchi, Hazan & Singer, "Adaptive Subgradient Methods", 2011.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.initial_accumulator_value = check_number(
            self, "initial_accumulator_value", initial_accumulator_value, 0.0, float("inf")
        )
        self.epsilon = epsilon
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """a."""
        return [{"accumulator": self.initial_accumulator_value}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr and ε."""
        return lr, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Adagrad."""
        (s,), (a,), (lr, epsilon) = scratch, slots, scalars
        np.multiply(g, g, out=s)
        a += s  # a ← a + g²
        np.add(a, epsilon, out=s)
        np.sqrt(s, out=s)
        np.divide(g, s, out=s)
        s *= lr
        w -= s  # w ← w - lr g / √(a + ε)


class Adadelta(Optimizer):
    """G ← ρ G + (1 - ρ) g², d = √(D + ε) / √(G + ε) · g, D ← ρ D + (1 - ρ) d², w ← w - lr d.

    The steps d have the units of the weights, so that the method could do without a learning rate;
    the original has lr = 1.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        rho: ρ, how slowly the averages forget.
        epsilon: ε, inside the roots.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.rho = rho
        self.epsilon = epsilon
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """G and D."""
        return [{"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr, ρ, 1 - ρ and ε."""
        return lr, self.rho, 1.0 - self.rho, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Adadelta."""
        (s, d), (mean_g, mean_d) = scratch, slots
        lr, rho, rest, epsilon = scalars
        np.multiply(g, g, out=s)
        s *= rest
        mean_g *= rho
        mean_g += s  # G ← ρ G + (1 - ρ) g²
        np.add(mean_d, epsilon, out=d)
        np.add(mean_g, epsilon, out=s)
        np.sqrt(d, out=d)
        np.sqrt(s, out=s)
        d /= s
        d *= g  # d = √(D + ε) / √(G + ε) · g
        np.multiply(d, d, out=s)
        s *= rest
        mean_d *= rho
        mean_d += s  # D ← ρ D + (1 - ρ) d²
        d *= lr
        w -= d  # w ← w - lr d
