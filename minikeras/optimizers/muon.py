"""Muon: the momentum of a matrix, made orthogonal, so that all its directions take equal steps."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.optimizers._layout import Block, Layout
from minikeras.optimizers._scalar import power
from minikeras.optimizers.base import Optimizer
from minikeras.typing import Array
from minikeras.variable import Variable


class Muon(Optimizer):
    """m ← μ m + g, w ← w - lr · orthogonal(g + μ m) for matrices; Adam for everything else.

    orthogonal(X) is nearly U Vᵀ of X's singular value decomposition, by Newton-Schulz iteration:
    X ← a X + (b A + c A²) X with A = X Xᵀ. The step of an (n, k) matrix is scaled by
    rms_rate · √max(n, k), which makes it as large as Adam's.

    Args:
        learning_rate: a float, a schedule or a function without arguments.
        adam_beta_1: Adam's β₁.
        adam_beta_2: Adam's β₂.
        adam_weight_decay: λ of the variables that Adam updates, or None.
        epsilon: Adam's ε.
        weight_decay: λ of the matrices, or None.
        clipnorm: see `Optimizer`.
        clipvalue: see `Optimizer`.
        global_clipnorm: see `Optimizer`.
        use_ema: see `Optimizer`.
        ema_momentum: see `Optimizer`.
        ema_overwrite_frequency: see `Optimizer`.
        loss_scale_factor: see `Optimizer`.
        gradient_accumulation_steps: see `Optimizer`.
        name: see `Optimizer`.
        exclude_layers: patterns; variables in whose path one is found go to Adam.
        exclude_embeddings: whether embeddings go to Adam.
        muon_a: a.
        muon_b: b.
        muon_c: c.
        adam_lr_ratio: Adam's learning rate, in units of Muon's.
        momentum: μ.
        ns_steps: the number of Newton-Schulz iterations.
        nesterov: whether to take g + μ m, or m alone.
        rms_rate: the scale of the steps; None leaves them unscaled.

    Source: Jordan et al., "Muon", 2024; the scale: Liu et al., "Muon is Scalable", 2025.
    """

    scratch = 1
    whole_variables = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **unknown: Any,
    ) -> None:
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.exclude_embeddings = exclude_embeddings
        self.adam_weight_decay = adam_weight_decay
        self.rms_rate = rms_rate
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **unknown,
        )  # fmt: skip

    def slots(self) -> list[dict[str, float]]:
        """m, and v for the variables that Adam updates."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def _uses_adam(self, v: Variable) -> bool:
        if v.ndim != 2 or (self.exclude_embeddings and "embedding" in v.path.lower()):
            return True
        return any(re.search(pattern, v.path) for pattern in self.exclude_layers)

    def _has_slot(self, v: Variable, slot: str) -> bool:
        return slot != "velocity" or self._uses_adam(v)

    def _update_weights(self, layout: Layout, g: Array, t: int, lr: Any) -> None:
        for v, block in zip(layout.variables, layout.blocks, strict=True):
            adam = self._uses_adam(v)
            decay = self.adam_weight_decay if adam else self.weight_decay
            if block.decays and decay is not None:
                np.multiply(block.w, 1.0 - lr * decay, out=block.w)
            gradient = g[block.part].reshape(block.w.shape)
            if adam:
                self._adam(block, gradient, t, lr * self.adam_lr_ratio)
            else:
                self._muon(block, gradient, lr)

    def _muon(self, block: Block, g: Array, lr: float) -> None:
        (s,), m, w = block.scratch, block.slots[0], block.w
        m *= self.momentum
        m += g  # m ← μ m + g
        if self.nesterov:
            np.multiply(m, self.momentum, out=s)
            s += g
        else:
            s[...] = m
        scale = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(w.shape))
        w -= (lr * scale) * self._orthogonal(s)

    def _orthogonal(self, x: Array) -> Array:
        """Nearly U Vᵀ of x = U S Vᵀ, of shape (n, k)."""
        a, b, c = self.muon_a, self.muon_b, self.muon_c
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x  # x xᵀ is then the smaller of the two products
        x = x / (np.linalg.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * (gram @ gram)) @ x
        return x.T if tall else x

    def _adam(self, block: Block, g: Array, t: int, lr: Any) -> None:
        """As in `Adam`."""
        (s,), (m, v), w = block.scratch, block.slots, block.w
        alpha = lr * np.sqrt(1.0 - power(self.adam_beta_2, t, lr)) / (1.0 - power(self.adam_beta_1, t, lr))
        np.subtract(g, m, out=s)
        s *= 1.0 - self.adam_beta_1
        m += s
        np.multiply(g, g, out=s)
        s -= v
        s *= 1.0 - self.adam_beta_2
        v += s
        np.sqrt(v, out=s)
        s += self.epsilon
        np.divide(m, s, out=s)
        s *= alpha
        w -= s
