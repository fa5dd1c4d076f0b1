"""Adafactor: step sizes from the mean squares of each row and each column of a matrix."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from minikeras.optimizers._options import CommonOptions
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array
from minikeras.variable import Variable


class Adafactor(Optimizer):
    """w ← w - α u / max(1, rms(u) / d), where u = g / √v.

    For a matrix, r ← β r + (1 - β) · row means of (g² + ε₁), c likewise with column means, and
    v = r cᵀ / mean(r); with more axes it is a stack of matrices. For a vector,
    v ← β v + (1 - β)(g² + ε₁). β = 1 - t^β₂_decay and α = max(ε₂, rms(w)) · min(lr, 1/√t).

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        beta_2_decay: how β grows towards 1.
        epsilon_1: ε₁, which keeps v positive.
        epsilon_2: ε₂, the least scale of a variable.
        clip_threshold: d, the greatest root mean square of u.
        relative_step: without effect, as in Keras: the rate never exceeds 1/√t.
        *common: those of `Optimizer` after the learning rate.
        **options: the same, by name.

    Source: Shazeer & Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018.
    """

    scratch = 2
    whole_variables = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *common: Any,
        **options: Unpack[CommonOptions],
    ) -> None:
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        super().__init__(learning_rate, *common, **options)

    def slots(self) -> list[dict[str, float]]:
        """r, c and v. Of r and c only the first elements of a variable's home are used."""
        return [{"r": 0.0, "c": 0.0, "velocity": 0.0}]

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """min(lr, 1/√t), β, 1 - β and ε₁."""
        rest = t**self.beta_2_decay
        return min(lr, 1.0 / math.sqrt(t)), 1.0 - rest, rest, self.epsilon_1

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """Adafactor, for one variable."""
        (square, u), (r, c, v) = scratch, slots
        rate, beta, rest, epsilon_1 = scalars
        np.multiply(g, g, out=square)
        square += epsilon_1  # g² + ε₁
        if w.ndim < 2:
            square *= rest
            v *= beta
            v += square  # v ← β v + (1 - β)(g² + ε₁)
        else:
            r, c = _reduced(r, w.shape[:-1]), _reduced(c, (*w.shape[:-2], w.shape[-1]))
            r *= beta
            r += rest * np.mean(square, axis=-1)  # (..., rows)
            c *= beta
            c += rest * np.mean(square, axis=-2)  # (..., columns)
            share = r / np.mean(r, axis=-1, keepdims=True)
            np.multiply(share[..., :, None], c[..., None, :], out=v)  # v = r cᵀ / mean(r)
        np.sqrt(v, out=u)
        np.divide(g, u, out=u)  # u = g / √v
        alpha = float(rate) * max(self.epsilon_2, _rms(w))
        u *= alpha / max(1.0, _rms(u) / self.clip_threshold)
        w -= u

    def _state_variable(self, v: Variable, slot: str, home: slice) -> Variable:
        state = super()._state_variable(v, slot, home)
        if slot in ("r", "c"):  # a vector has neither, but Keras' files have a number in the place of each
            kept = v.shape[:-1] if slot == "r" else (*v.shape[:-2], v.shape[-1])
            state.value = _reduced(self._slots[slot][home], kept if v.ndim >= 2 else ())
            state.name = v.name
            state.path = f"{self.name}/{v.name}"
        return state


def _reduced(slot: Array, shape: tuple[int, ...]) -> Array:
    """A view of the first elements of a slot, in this shape."""
    return slot.reshape(-1)[: math.prod(shape)].reshape(shape)


def _rms(x: Array) -> float:
    flat = x.reshape(-1)
    return math.sqrt(np.dot(flat, flat) / flat.size)
