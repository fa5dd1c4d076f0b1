"""Lion: steps of one fixed size, in the direction of the sign of a momentum."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class Lion(Optimizer):
    """w ← w - lr sign(β₁ m + (1 - β₁) g), m ← β₂ m + (1 - β₂) g.

    Args:
        learning_rate: a float, a schedule or a function without arguments; about a tenth of Adam's.
        beta_1: β₁ in (0, 1], the momentum's share in the direction.
        beta_2: β₂, how slowly the momentum forgets.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Raises:
        ValueError: when β₁ is outside (0, 1].

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.
    """

    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        if not 0.0 < beta_1 <= 1.0:
            raise ValueError(f"Lion: `beta_1` must be in the range (0, 1]. Received: beta_1={beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """m."""
        return [{"momentum": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr, 1 - β₁ and 1 - β₂."""
        return lr, 1.0 - self.beta_1, 1.0 - self.beta_2

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Lion."""
        (s, direction), (m,) = scratch, slots
        lr, rest_1, rest_2 = scalars
        np.subtract(g, m, out=s)
        np.multiply(s, rest_1, out=direction)
        direction += m  # β₁ m + (1 - β₁) g = m + (1 - β₁)(g - m)
        np.sign(direction, out=direction)
        direction *= lr
        w -= direction  # w ← w - lr sign(...)
        s *= rest_2
        m += s  # m ← m + (1 - β₂)(g - m)
