"""FTRL-Proximal: follow the regularized leader, for sparse linear models."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.errors import check_number
from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array


class Ftrl(Optimizer):
    """n' = n + g², z ← z + g' - (n'⁻ᵖ - n⁻ᵖ) / lr · w, w ← (clip(z, -l1, l1) - z) / (n'⁻ᵖ / lr + 2 l2').

    p is the `learning_rate_power`, g' = g + 2 l2_shrinkage w and l2' = l2 + beta / (2 lr). A weight
    whose |z| stays below l1 is exactly zero.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        learning_rate_power: p, not positive; -0.5 is Adagrad's square root, 0 a fixed rate.
        initial_accumulator_value: what the sums n start from, not negative.
        l1_regularization_strength: l1, not negative.
        l2_regularization_strength: l2, not negative.
        l2_shrinkage_regularization_strength: l2_shrinkage, not negative; it acts through the gradient.
        beta: the paper's β.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Raises:
        ValueError: for an argument out of range.

    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013.
    """

    scratch = 3

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        if not learning_rate_power <= 0:
            raise ValueError(
                f"Ftrl: `learning_rate_power` must not be positive. Received: {learning_rate_power!r}"
            )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        for name in (
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):
            check_number(self, name, getattr(self, name), 0.0, float("inf"))
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """n and z."""
        return [{"accumulator": self.initial_accumulator_value, "linear": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr, -p, l1, 2 l2' and 2 l2_shrinkage."""
        l2 = self.l2_regularization_strength + self.beta / (2.0 * lr)
        shrinkage = self.l2_shrinkage_regularization_strength
        return lr, -self.learning_rate_power, self.l1_regularization_strength, 2.0 * l2, 2.0 * shrinkage

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """FTRL-Proximal."""
        (s, before, after), (n, z) = scratch, slots
        lr, power, l1, twice_l2, twice_shrinkage = scalars
        np.power(n, power, out=before)
        np.multiply(g, g, out=s)
        n += s  # n' = n + g²
        np.power(n, power, out=after)
        z += g
        np.multiply(w, twice_shrinkage, out=s)
        z += s
        np.subtract(after, before, out=s)
        s /= lr
        s *= w
        z -= s  # z ← z + g' - (n'⁻ᵖ - n⁻ᵖ) / lr · w
        after /= lr
        after += twice_l2
        np.clip(z, -l1, l1, out=w)
        w -= z
        w /= after  # w ← (clip(z, -l1, l1) - z) / (n'⁻ᵖ / lr + 2 l2')
