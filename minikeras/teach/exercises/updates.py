"""What optimizers do with a gradient: momentum and Adam."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.teach.exercises.exercise import define
from minikeras.typing import Array

Generator = np.random.Generator
SHAPES = [(1,), (3, 2), (4,), (2, 5)]


def _momentum_case(rng: Generator, i: int) -> tuple[Any, ...]:
    return (*rng.normal(size=(3, *SHAPES[i])), 0.1 + 0.1 * i, (0.9, 0.5, 0.8, 0.99)[i])


@define(
    ["w", "m"],
    _momentum_case,
    [
        "The momentum m remembers the steps taken before; a step is m itself.",
        "m ← momentum m − learning_rate g; then w ← w + m, with the new m.",
    ],
    {
        "the sign is wrong: go downhill.": lambda w, g, m, lr, mu: (w + (mu * m + lr * g), mu * m + lr * g),
        "the old m was used: first m, then w.": lambda w, g, m, lr, mu: (w + m, mu * m - lr * g),
        "the momentum is missing: that is plain gradient descent.": lambda w, g, m, lr, mu: (w - lr * g, -lr * g),
        "(1 − momentum) does not belong here: that is an average, as in Adam.": lambda w, g, m, lr, mu: (
            w + (mu * m - lr * (1 - mu) * g), mu * m - lr * (1 - mu) * g),
        "the learning rate belongs into m, only there.": lambda w, g, m, lr, mu: (w + lr * (mu * m - g), mu * m - g),
        "that is Nesterov's step, which looks ahead: w + momentum m − learning_rate g.": lambda w, g, m, lr, mu: (
            w + mu * (mu * m - lr * g) - lr * g, mu * m - lr * g),
        "the learning rate is missing.": lambda w, g, m, lr, mu: (w + mu * m - g, mu * m - g),
    },
)  # fmt: skip
def momentum(w: Array, g: Array, m: Array, learning_rate: float, momentum: float) -> tuple[Array, Array]:
    """One step of gradient descent with momentum, as Keras' SGD takes it: the new w and m.

    w are weights, g = dL/dw, m is the momentum so far; all of one shape. Return new arrays.
    """
    m = momentum * m - learning_rate * g
    return w + m, m


def _adam_case(rng: Generator, i: int) -> tuple[Any, ...]:
    w, g, m = rng.normal(size=(3, *SHAPES[i]))
    return w, g, m, rng.uniform(0.1, 1, SHAPES[i]), (1, 2, 5, 100)[i], 0.01, 0.9, 0.999, 1e-3


def _adam(
    w: Array, g: Array, m: Array, v: Array, t: int, lr: float, b1: float, b2: float, e: float, **wrong: bool
) -> Any:
    """The right step, or with one mistake in it."""
    m = b1 * m + (g if wrong.get("unscaled") else (1 - b1) * g)
    v = b2 * v + (1 - b2) * (np.abs(g) if wrong.get("absolute") else g if wrong.get("not_squared") else g * g)
    step = t - 1 if wrong.get("late") else t
    corrected = not wrong.get("uncorrected")
    m_hat, v_hat = (m / (1 - b1**step), v / (1 - b2**step)) if corrected else (m, v)
    if wrong.get("inside"):
        change = m_hat / np.sqrt(v_hat + e)
    elif wrong.get("no_root"):
        change = m_hat / (v_hat + e)
    else:
        change = m_hat / (np.sqrt(v_hat) + e)
    new = w + lr * change if wrong.get("uphill") else w - lr * change
    return new, (m_hat if wrong.get("kept") else m), (v_hat if wrong.get("kept") else v)


@define(
    ["w", "m", "v"],
    _adam_case,
    [
        "m is an average of the gradients, v one of their squares; both begin at 0, so at first they are too small.",
        "m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²; the corrected ones are m / (1 − β₁ᵗ) and v / (1 − β₂ᵗ).",
        "w ← w − learning_rate m̂ / (√v̂ + ε); what is remembered are m and v, not the corrected ones.",
    ],
    {
        "the correction of m and v for their start at 0 is missing.": lambda *a: _adam(*a, uncorrected=True),
        "ε belongs outside the root: √v̂ + ε.": lambda *a: _adam(*a, inside=True),
        "the root of v is missing.": lambda *a: _adam(*a, no_root=True),
        "the gradient is not squared in v.": lambda *a: _adam(*a, not_squared=True),
        "v averages g², not |g|.": lambda *a: _adam(*a, absolute=True),
        "(1 − β₁) is missing: m is an average.": lambda *a: _adam(*a, unscaled=True),
        "β₁ and β₂ are exchanged.": lambda w, g, m, v, t, lr, b1, b2, e: _adam(w, g, m, v, t, lr, b2, b1, e),
        "the corrected values were kept: return m and v themselves.": lambda *a: _adam(*a, kept=True),
        "the sign is wrong: go downhill.": lambda *a: _adam(*a, uphill=True),
        "t counts from 1: this used t − 1.": lambda *a: _adam(*a, late=True),
    },
)
def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Array, Array, Array]:
    """Step number t = 1, 2, ... of Adam: the new w, m and v.

    w are weights, g = dL/dw, m and v the averages of g and g² so far. ε is added to the root. Return new arrays.
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
