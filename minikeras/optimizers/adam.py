"""Adam and its relatives: momentum, in units of each gradient's own typical size."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers._scalar import ScalarVariable, power
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array
from minikeras.variable import Variable


class Adam(Optimizer):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², w ← w - α m / (√v + ε).

    α = lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) makes up for the start of m and v at zero. So ε stands beside the
    uncorrected √v: it is the paper's "epsilon hat".

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_1: β₁, how slowly the mean gradient forgets.
        beta_2: β₂, how slowly the mean square forgets.
        epsilon: ε, beside the root.
        amsgrad: whether the greatest v so far takes v's place (Reddi et al., 2018).
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """m and v, and the greatest v where it is used."""
        slots = [{"momentum": 0.0, "velocity": 0.0}]
        if self.amsgrad:
            slots.append({"velocity_hat": 0.0})
        return slots

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """α, 1 - β₁, 1 - β₂ and ε."""
        alpha = lr * np.sqrt(1.0 - power(self.beta_2, t, lr)) / (1.0 - power(self.beta_1, t, lr))
        return alpha, 1.0 - self.beta_1, 1.0 - self.beta_2, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Adam."""
        (s,) = scratch
        alpha, rest_1, rest_2, epsilon = scalars
        m, v = slots[:2]
        np.subtract(g, m, out=s)
        s *= rest_1
        m += s  # m ← m + (1 - β₁)(g - m)
        np.multiply(g, g, out=s)
        s -= v
        s *= rest_2
        v += s  # v ← v + (1 - β₂)(g² - v)
        if self.amsgrad:
            v = np.maximum(v, slots[2], out=slots[2])
        np.sqrt(v, out=s)
        s += epsilon
        np.divide(m, s, out=s)
        s *= alpha
        w -= s  # w ← w - α m / (√v + ε)


class AdamW(Adam):
    """w ← w - lr λ w, then Adam: weight decay that the adaptive step sizes do not distort.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        weight_decay: λ.
        beta_1: see `Adam`.
        beta_2: see `Adam`.
        epsilon: see `Adam`.
        amsgrad: see `Adam`.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Raises:
        ValueError: when `weight_decay` is None.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *common: Any,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *common, **options)


class Adamax(Optimizer):
    """m ← β₁ m + (1 - β₁) g, u ← max(β₂ u, |g|), w ← w - lr / (1 - β₁ᵗ) · m / (u + ε).

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_1: β₁, how slowly the mean gradient forgets.
        beta_2: β₂, how slowly the greatest gradient is forgotten.
        epsilon: ε.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, section 7.
    """

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
        """m and u."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """lr / (1 - β₁ᵗ), 1 - β₁, β₂ and ε."""
        return lr / (1.0 - power(self.beta_1, t, lr)), 1.0 - self.beta_1, self.beta_2, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Adamax."""
        (s,), (m, u) = scratch, slots
        alpha, rest_1, beta_2, epsilon = scalars
        np.subtract(g, m, out=s)
        s *= rest_1
        m += s  # m ← m + (1 - β₁)(g - m)
        np.abs(g, out=s)
        u *= beta_2
        np.maximum(u, s, out=u)  # u ← max(β₂ u, |g|)
        np.add(u, epsilon, out=s)
        np.divide(m, s, out=s)
        s *= alpha
        w -= s  # w ← w - α m / (u + ε)


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, and a β₁ that grows: uₜ = β₁ (1 - ½ · 0.96ᵗ).

    m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²; with U = u₁ u₂ ... uₜ,
    m̂ = uₜ₊₁ m / (1 - U uₜ₊₁) + (1 - uₜ) g / (1 - U), v̂ = v / (1 - β₂ᵗ), w ← w - lr m̂ / (√v̂ + ε).

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_1: β₁, how slowly the mean gradient forgets.
        beta_2: β₂, how slowly the mean square forgets.
        epsilon: ε, beside the root.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
    """

    scratch = 2

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
        self._u_product = ScalarVariable(np.array(1.0, "float32"), "variable", self.name)

    def slots(self) -> list[dict[str, float]]:
        """m and v."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def _own_variables(self) -> list[Variable]:
        return [self._u_product] if self.built else []

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """The factors of m, g and v in the step, 1 - β₁, 1 - β₂ and ε."""
        u_now = self.beta_1 * (1.0 - 0.5 * power(0.96, t, lr))
        u_next = self.beta_1 * (1.0 - 0.5 * power(0.96, t + 1, lr))
        product = self._u_product.value.item() * u_now
        self._u_product.value[()] = product
        of_m = lr * u_next / (1.0 - product * u_next)
        of_g = lr * (1.0 - u_now) / (1.0 - product)
        of_v = 1.0 / (1.0 - power(self.beta_2, t, lr))
        return of_m, of_g, of_v, 1.0 - self.beta_1, 1.0 - self.beta_2, self.epsilon

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Nadam."""
        (s, step), (m, v) = scratch, slots
        of_m, of_g, of_v, rest_1, rest_2, epsilon = scalars
        np.subtract(g, m, out=s)
        s *= rest_1
        m += s  # m ← m + (1 - β₁)(g - m)
        np.multiply(g, g, out=s)
        s -= v
        s *= rest_2
        v += s  # v ← v + (1 - β₂)(g² - v)
        np.multiply(m, of_m, out=step)
        np.multiply(g, of_g, out=s)
        step += s  # lr m̂
        np.multiply(v, of_v, out=s)
        np.sqrt(s, out=s)
        s += epsilon
        step /= s
        w -= step  # w ← w - lr m̂ / (√v̂ + ε)
