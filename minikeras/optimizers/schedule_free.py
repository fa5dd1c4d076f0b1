"""Schedule-free Adam: an average of the weights takes the place of a learning rate schedule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import numpy as np

from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers._scalar import power
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array
from minikeras.variable import Variable


class ScheduleFreeAdamW(Optimizer):
    """z ← z - lr g / (√v̂ + ε), x ← x + (z - x) / t, w ← (1 - β₁) z + β₁ x.

    v ← β₂ v + (1 - β₂) g² and v̂ = v / (1 - β₂ᵗ) as in Adam. The gradient is taken at w, between the
    fast sequence z and its running average x. Only z is stored: x = (w - (1 - β₁) z) / β₁.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_1: β₁, where w lies between z and x.
        beta_2: β₂, how slowly the mean square forgets.
        epsilon: ε, beside the root.
        warmup_steps: over how many steps the learning rate rises from 0.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Defazio et al., "The Road Less Scheduled", 2024.
    """

    scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """z, which Keras calls momentum, and v."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the state; z starts at the weights."""
        if self.built:
            return
        super().build(variables)
        for v, home in self._homes.items():
            self._slots["momentum"][home] = v.value.reshape(-1)

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr √(1 - β₂ᵗ), ε √(1 - β₂ᵗ), 1 - β₂, and how w follows from the old w and z."""
        if self.warmup_steps > 0:
            lr *= min(t / self.warmup_steps, 1.0)
        root = np.sqrt(1.0 - power(self.beta_2, t, lr))  # lr g / (√v̂ + ε) = lr root g / (√v + ε root)
        # β₁ x_new + (1 - β₁) z_new, with β₁ x_old = w_old - (1 - β₁) z_old and c = 1 / t:
        # w_new = (1 - c) w_old - (1 - c)(1 - β₁) z_old + (c β₁ + 1 - β₁) z_new
        c, rest_1 = 1.0 / t, 1.0 - self.beta_1
        return (
            lr * root,
            self.epsilon * root,
            1.0 - self.beta_2,
            1.0 - c,
            (1.0 - c) * rest_1,
            c * self.beta_1 + rest_1,
        )

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Schedule-free Adam."""
        (s, step), (z, v) = scratch, slots
        lr, epsilon, rest_2, of_w, of_old_z, of_z = scalars
        np.multiply(g, g, out=s)
        s -= v
        s *= rest_2
        v += s  # v ← v + (1 - β₂)(g² - v)
        np.sqrt(v, out=step)
        step += epsilon
        np.divide(g, step, out=step)
        step *= lr  # lr g / (√v̂ + ε)
        w *= of_w
        np.multiply(z, of_old_z, out=s)
        w -= s
        z -= step  # z ← z - lr g / (√v̂ + ε)
        np.multiply(z, of_z, out=s)
        w += s  # w ← (1 - β₁) z + β₁ x
