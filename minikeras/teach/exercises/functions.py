"""The derivative by wiggling, activations, and losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.teach.exercises.exercise import Function, define
from minikeras.typing import Array

Generator = np.random.Generator
SHAPES = [(1, 3), (4, 2), (3, 5), (6, 4)]  # (batch, units) of the cases


def _normal(count: int) -> Any:
    return lambda rng, i: tuple(rng.normal(size=(count, *SHAPES[i])))


def _cubic(x: Array) -> float:
    return float((x**3 + x).sum() + np.prod(x.reshape(-1)[:2]))


def _wiggle(slope: Function) -> Function:
    def derivative(f: Function, x: Array, h: float) -> Array:
        g = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            e = np.zeros_like(x)
            e[i] = h
            g[i] = slope(f, x, e, h)
        return g

    return derivative


@define(
    ["gradient"],
    lambda rng, i: (_cubic, rng.normal(size=SHAPES[i]), 1e-3),
    [
        "Change one number of x at a time, and leave the others alone.",
        "For each index i: (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, where eᵢ is 1 at i and 0 elsewhere.",
    ],
    {
        "this is the one-sided difference (f(x + h) − f(x)) / h: its error is proportional to h, not to h².": _wiggle(
            lambda f, x, e, h: (f(x + e) - f(x)) / h
        ),
        "divide by 2h: the two points are 2h apart.": _wiggle(lambda f, x, e, h: (f(x + e) - f(x - e)) / h),
        "wiggle one number at a time: all were moved together.": lambda f, x, h: np.full_like(
            x, (f(x + h) - f(x - h)) / (2 * h)
        ),
        "the sign: (above − below), not (below − above).": _wiggle(
            lambda f, x, e, h: (f(x - e) - f(x + e)) / (2 * h)
        ),
    },
)
def numerical_derivative(f: Function, x: Array, h: float) -> Array:
    """The gradient of f at x by central differences.

    f takes an array of the shape of x and returns a number; h is the step.
    """
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        gradient[i] = (f(x + e) - f(x - e)) / (2 * h)
    return gradient


@define(
    ["dz"],
    _normal(2),
    ["The slope of max(z, 0) is 1 where z > 0, and 0 elsewhere.", "dz = dy * (z > 0)"],
    {
        "dy is missing: the chain rule multiplies f'(z) by what comes from above.": lambda dy, z: (
            (z > 0) * 1.0
        ),
        "the mask is forgotten: where z ≤ 0 nothing passes.": lambda dy, z: dy,
        "the mask must be that of z, not of dy.": lambda dy, z: dy * (dy > 0),
        "the slope is 1 where z > 0, not z: this multiplies by relu(z).": lambda dy, z: dy * np.maximum(z, 0),
        "the mask is the wrong way round.": lambda dy, z: dy * (z <= 0),
    },
)
def relu_backward(dy: Array, z: Array) -> Array:
    """dL/dz of y = max(z, 0), from dy = dL/dy and z, all of shape (batch, units)."""
    return dy * (z > 0)  # where z > 0 the slope is 1


def _sigmoid_case(rng: Generator, i: int) -> tuple[Array, Array]:
    return rng.normal(size=SHAPES[i]), 1 / (1 + np.exp(-rng.normal(size=SHAPES[i])))


@define(
    ["dz"],
    _sigmoid_case,
    ["The derivative of the sigmoid can be told from its value y alone.", "f'(z) = y (1 − y); dz = f'(z) dy"],
    {
        "dy is missing: the chain rule multiplies f'(z) by what comes from above.": lambda dy, y: y * (1 - y),
        "y is the sigmoid already; it was taken once more, as if y were z.": lambda dy, y: (
            dy * np.exp(-y) / (1 + np.exp(-y)) ** 2
        ),
        "that is the derivative of tanh, 1 − y²; the sigmoid's is y (1 − y).": lambda dy, y: dy * (1 - y * y),
        "the factor y is missing.": lambda dy, y: dy * (1 - y),
        "the factor 1 − y is missing.": lambda dy, y: dy * y,
    },
)
def sigmoid_backward(dy: Array, y: Array) -> Array:
    """dL/dz of y = 1 / (1 + e^−z), from dy = dL/dy and the output y (not z!), both (batch, units)."""
    return dy * y * (1 - y)


def _large_logits(rng: Generator, i: int) -> tuple[Array]:
    return (rng.normal(size=SHAPES[i]) * (1 if i < 3 else 1000),)


@define(
    ["y"],
    _large_logits,
    [
        "Each row must sum to one.",
        "e^1000 overflows. Subtracting the row's maximum from z changes nothing, as e^(z − c) = e^z / e^c.",
        "e = np.exp(z - z.max(axis=1, keepdims=True)); then divide by the sums of the rows.",
    ],
    {
        "it overflows for large z: subtract each row's maximum first.": lambda z: (
            np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        ),
        "the sum runs over the batch; it must run over the classes, axis 1.": lambda z: (
            np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)
        ),
        "the sum runs over everything; it must run over the classes of each row.": lambda z: (
            np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        ),
        "the division by the sum of the row is missing.": lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
    },
)
def softmax(z: Array) -> Array:
    """Softmax along the last axis of z, (batch, classes); z may be as large as 1000."""
    e = np.exp(z - z.max(axis=1, keepdims=True))  # the largest exponent is 0: nothing overflows
    return e / e.sum(axis=1, keepdims=True)


def _labelled(rng: Generator, i: int, normalized: bool = True) -> tuple[Array, Array]:
    n, classes = SHAPES[i]
    z = rng.normal(size=(n, classes))
    p = np.exp(z)
    return (p / p.sum(axis=1, keepdims=True) if normalized else z), rng.integers(0, classes, n)


def _picked(p: Array, labels: Array) -> Array:
    return p[np.arange(len(labels)), labels]


@define(
    ["loss"],
    _labelled,
    [
        "Only the probability of the true class of each sample counts.",
        "y_pred[np.arange(n), labels] picks them; the loss is the mean of −log of these.",
    ],
    {
        "the minus sign is missing.": lambda p, t: np.log(_picked(p, t)).mean(),
        "take the mean over the batch, not the sum: 1/N is missing.": lambda p, t: (
            -np.log(_picked(p, t)).sum()
        ),
        "the mean is over the batch only: 1/classes is one factor too many.": lambda p, t: (
            -np.log(_picked(p, t)).mean() / p.shape[1]
        ),
        "the logarithm is missing.": lambda p, t: -_picked(p, t).mean(),
        "first the logarithm, then the mean: this is the log of the mean.": lambda p, t: (
            -np.log(_picked(p, t).mean())
        ),
        "only the true class counts: this takes the log of all classes.": lambda p, t: (
            -np.log(p).sum(axis=1).mean()
        ),
        "use the natural logarithm.": lambda p, t: -np.log2(_picked(p, t)).mean(),
    },
)
def cross_entropy(y_pred: Array, labels: Array) -> float:
    """The mean cross-entropy of probabilities y_pred, (batch, classes), and labels, (batch,) class numbers."""
    true = y_pred[np.arange(len(labels)), labels]  # (batch,)
    return float(-np.log(true).mean())


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _one_hot(labels: Array, classes: int) -> Array:
    return np.eye(classes)[labels]


@define(
    ["dz"],
    lambda rng, i: _labelled(rng, i, normalized=False),
    [
        "The two derivatives merge into something very simple.",
        "With y = softmax(z) and t the one-hot labels: dL/dz = (y − t) / N.",
    ],
    {
        "1/N is missing: the loss is the mean over the batch.": lambda z, t: (
            _softmax(z) - _one_hot(t, z.shape[1])
        ),
        "the sign is wrong: it is y − t, not t − y.": lambda z, t: (
            (_one_hot(t, z.shape[1]) - _softmax(z)) / len(z)
        ),
        "softmax is missing: z was used where y = softmax(z) belongs.": lambda z, t: (
            (z - _one_hot(t, z.shape[1])) / len(z)
        ),
        "t is missing: subtract 1 at the true class.": lambda z, t: _softmax(z) / len(z),
        "1/classes is one factor too many: the mean is over the batch only.": lambda z, t: (
            (_softmax(z) - _one_hot(t, z.shape[1])) / z.size
        ),
        "the derivative of softmax is in y − t already; here it is multiplied in once more.": lambda z, t: (
            (_softmax(z) - _one_hot(t, z.shape[1])) * _softmax(z) * (1 - _softmax(z)) / len(z)
        ),
    },
)
def softmax_cross_entropy_backward(z: Array, labels: Array) -> Array:
    """dL/dz of the mean cross-entropy of softmax(z), z (batch, classes), labels (batch,) class numbers."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    dz = e / e.sum(axis=1, keepdims=True)  # y
    dz[np.arange(len(z)), labels] -= 1  # y − t
    return dz / len(z)


@define(
    ["dy_pred"],
    _normal(2),
    [
        "L is a mean over all numbers: over the batch and over the units.",
        "2 (y_pred − y_true) / (N units)",
    ],
    {
        "1/N is missing: the loss is a mean over the batch, too.": lambda p, t: 2 * (p - t) / p.shape[1],
        "1/units is missing: the loss is a mean over the units, too.": lambda p, t: 2 * (p - t) / len(p),
        "the mean is missing: divide by the number of all elements.": lambda p, t: 2 * (p - t),
        "the 2 of the derivative of a square is missing.": lambda p, t: (p - t) / p.size,
        "the sign is wrong: y_pred − y_true.": lambda p, t: 2 * (t - p) / p.size,
    },
)
def mse_backward(y_pred: Array, y_true: Array) -> Array:
    """dL/dy_pred of L = mean((y_pred − y_true)²), the mean over all numbers; both (batch, units)."""
    return 2 * (y_pred - y_true) / y_pred.size
