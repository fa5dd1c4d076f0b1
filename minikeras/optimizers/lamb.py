"""LAMB: Adam with steps in proportion to each variable's own norm, for very large batches."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers._scalar import power
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class Lamb(Optimizer):
    """u = m̂ / (√v̂ + ε) as in Adam, w ← w - lr ‖w‖ / ‖u‖ · u for each variable w.

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ). The ratio of norms is 1 where one of them is 0.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_1: β₁, how slowly the mean gradient forgets.
        beta_2: β₂, how slowly the mean square forgets.
        epsilon: ε, beside the root.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: You et al., "Large Batch Optimization for Deep Learning", 2020.
    """

    whole_variables = True  # the norms are those of whole variables

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """m and v."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr, 1 - β₁ᵗ, 1 - β₂ᵗ, 1 - β₁, 1 - β₂ and ε."""
        b1, b2 = self.beta_1, self.beta_2
        return lr, 1.0 - power(b1, t, lr), 1.0 - power(b2, t, lr), 1.0 - b1, 1.0 - b2, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """LAMB."""
        (s,), (m, v) = scratch, slots
        lr, correct_m, correct_v, rest_1, rest_2, epsilon = scalars
        np.subtract(g, m, out=s)
        s *= rest_1
        m += s  # m ← m + (1 - β₁)(g - m)
        np.multiply(g, g, out=s)
        s -= v
        s *= rest_2
        v += s  # v ← v + (1 - β₂)(g² - v)
        np.divide(v, correct_v, out=s)
        np.sqrt(s, out=s)
        s += epsilon
        s *= correct_m
        u = np.divide(m, s, out=s)  # u = m̂ / (√v̂ + ε)
        norm_w, norm_u = _norm(w), _norm(u)
        ratio = norm_w / norm_u if norm_w > 0.0 and norm_u > 0.0 else 1.0
        u *= lr * ratio
        w -= u  # w ← w - lr ‖w‖ / ‖u‖ · u


def _norm(x: Array) -> float:
    flat = x.reshape(-1)
    return math.sqrt(np.dot(flat, flat))
