"""Dense layers, dropout, and batch normalization."""

from __future__ import annotations

import numpy as np

from minikeras.teach.exercises.exercise import Function, define
from minikeras.typing import Array

Generator = np.random.Generator
SIZES = [(1, 3, 2), (4, 2, 5), (5, 4, 4), (3, 5, 2)]  # (batch, inputs, units)


def _dense_case(rng: Generator, i: int) -> tuple[Array, ...]:
    n, inputs, units = SIZES[i]
    return rng.normal(size=(n, units)), rng.normal(size=(n, inputs)), rng.normal(size=(inputs, units))


@define(
    ["dx", "dkernel", "dbias"],
    _dense_case,
    [
        "Each gradient has the shape of what it is the gradient of; often only one product fits.",
        "dkernel (inputs, units) must come from x (batch, inputs) and dy (batch, units), summed over the batch.",
        "dx = dy kernelᵀ, dkernel = xᵀ dy, dbias = Σ dy over the batch.",
    ],
    {
        "divided by N: dy has the 1/N of the loss in it already; here belongs the sum.": lambda dy, x, w: (
            dy @ w.T / len(x), x.T @ dy / len(x), dy.mean(axis=0)),
        "multiplied by N: nothing is to be scaled here.": lambda dy, x, w: (
            dy @ w.T * len(x), x.T @ dy * len(x), dy.sum(axis=0) * len(x)),
        "it is transposed.": lambda dy, x, w: ((dy @ w.T).T, dy.T @ x, dy.sum(axis=0)),
        "not summed over the batch.": lambda dy, x, w: (dy @ w.T, x[:, :, None] * dy[:, None], dy),
        "only the first sample counts: sum over the batch.": lambda dy, x, w: (
            dy[:1] @ w.T, np.outer(x[0], dy[0]), dy[0]),
        "only the last sample counts: sum over the batch.": lambda dy, x, w: (
            dy[-1:] @ w.T, np.outer(x[-1], dy[-1]), dy[-1]),
        "summed over the units; the sum runs over the batch, axis 0.": lambda dy, x, w: (
            dy @ w.T, x.T @ dy, dy.sum(axis=1)),
        "keep no axis of length one: dbias has shape (units,).": lambda dy, x, w: (
            dy @ w.T, x.T @ dy, dy.sum(axis=0, keepdims=True)),
        "the sign is wrong: a gradient points uphill; the minus belongs to the update.": lambda dy, x, w: (
            -dy @ w.T, -x.T @ dy, -dy.sum(axis=0)),
    },
)  # fmt: skip
def dense_backward(dy: Array, x: Array, kernel: Array) -> tuple[Array, Array, Array]:
    """dL/dx, dL/dkernel and dL/dbias of y = x @ kernel + bias.

    dy is (batch, units), x (batch, inputs), kernel (inputs, units), bias (units,).
    Whether dy contains a mean over the batch is the loss's business, not the layer's.
    """
    return dy @ kernel.T, x.T @ dy, dy.sum(axis=0)


def _batch_mean_case(rng: Generator, i: int) -> tuple[Array, ...]:
    n, inputs, _ = SIZES[i]
    return rng.normal(size=(n, inputs)), rng.normal(size=inputs), rng.normal(size=n)


@define(
    ["dw"],
    _batch_mean_case,
    [
        "L is the mean of ½ (x w − t)² over the samples. What is the gradient of one sample?",
        "That of sample i is (xᵢ w − tᵢ) xᵢ; dw is the mean of these over the batch.",
        "dw = xᵀ (x w − t) / N",
    ],
    {
        "this is the sum over the batch: divide by N.": lambda x, w, t: x.T @ (x @ w - t),
        "divided by N twice.": lambda x, w, t: x.T @ (x @ w - t) / len(x) ** 2,
        "this is divided by the number of inputs; divide by N, the number of samples.": lambda x, w, t: (
            x.T @ (x @ w - t) / x.shape[1]),
        "the 2 of the square cancels with the ½.": lambda x, w, t: 2 * x.T @ (x @ w - t) / len(x),
        "the sign is wrong: prediction minus target.": lambda x, w, t: x.T @ (t - x @ w) / len(x),
        "not summed over the batch.": lambda x, w, t: x * (x @ w - t)[:, None] / len(x),
        "the target is missing.": lambda x, w, t: x.T @ (x @ w) / len(x),
        "the factor x is missing: the chain rule goes on to w.": lambda x, w, t: np.full_like(w, (x @ w - t).mean()),
    },
)  # fmt: skip
def batch_mean_gradient(x: Array, w: Array, t: Array) -> Array:
    """dL/dw of one linear neuron, L = mean over the batch of ½ (x w − t)².

    x is (batch, inputs), w (inputs,), t (batch,).
    """
    return x.T @ (x @ w - t) / len(x)


def _dropout_case(rng: Generator, i: int) -> tuple[Array, Array, float]:
    shape = SIZES[i][:2]
    mask = rng.integers(0, 2, shape).astype(float)
    mask.reshape(-1)[:2] = 1, 0
    return rng.normal(size=shape), mask, (0.2, 0.4, 0.75, 0.3)[i]


@define(
    ["dx"],
    _dropout_case,
    [
        "A number that was dropped had no influence on the loss.",
        "What was kept was multiplied by 1/(1 − rate), so its gradient is, too: dx = dy mask / (1 − rate).",
    ],
    {
        "the mask is forgotten: what was dropped has no gradient.": lambda dy, m, r: dy / (1 - r),
        "mask and factor are forgotten: multiply by mask / (1 − rate), as forward does.": lambda dy, m, r: dy,
        "the factor 1/(1 − rate) is missing.": lambda dy, m, r: dy * m,
        "divide by 1 − rate, do not multiply.": lambda dy, m, r: dy * m * (1 - r),
        "divide by 1 − rate, the share that is kept, not by rate.": lambda dy, m, r: dy * m / r,
        "the mask is 1 where a number was kept: this is the wrong way round.": lambda dy, m, r: (
            dy * (1 - m) / (1 - r)
        ),
    },
)
def dropout_backward(dy: Array, mask: Array, rate: float) -> Array:
    """dL/dx of y = x mask / (1 − rate); the mask is 1 where x was kept, 0 where it was dropped."""
    return dy * mask / (1 - rate)


def _normalization_case(rng: Generator, i: int) -> tuple[Array, Array, Array, float]:
    n, features, _ = SIZES[i]
    n = max(n, 2) if i else 1
    return (
        rng.normal(size=(n, features)),
        rng.normal(1, 2, (n, features)),
        rng.uniform(0.5, 2, features),
        1e-3,
    )


def _normalized(wrong: Function) -> Function:
    """A batch normalization whose dx is what `wrong` makes of its parts; the others are right."""

    def backward(dy: Array, x: Array, gamma: Array, epsilon: float) -> tuple[Array, Array, Array]:
        inverse = 1 / np.sqrt(x.var(axis=0) + epsilon)
        x_hat = (x - x.mean(axis=0)) * inverse
        d = dy * gamma
        return wrong(d, x_hat, inverse, dy), (dy * x_hat).sum(axis=0), dy.sum(axis=0)

    return backward


@define(
    ["dx", "dgamma", "dbeta"],
    _normalization_case,
    [
        "The mean and the variance depend on x, too: three ways lead from x to y.",
        "With x̂ the normalized x and dx̂ = γ dy: dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / √(variance + ε).",
        "All means run over the batch. dγ = Σ dy x̂, dβ = Σ dy.",
    ],
    {
        "mean and variance were taken for constants; they depend on x.": _normalized(lambda d, xh, s, dy: d * s),
        "the way through the variance is missing.": _normalized(lambda d, xh, s, dy: (d - d.mean(axis=0)) * s),
        "the way through the mean is missing.": _normalized(lambda d, xh, s, dy: (d - xh * (d * xh).mean(axis=0)) * s),
        "γ is missing: dx̂ = γ dy.": _normalized(
            lambda d, xh, s, dy: (dy - dy.mean(axis=0) - xh * (dy * xh).mean(axis=0)) * s),
        "the division by √(variance + ε) is missing.": _normalized(
            lambda d, xh, s, dy: d - d.mean(axis=0) - xh * (d * xh).mean(axis=0)),
        "sums where means belong: 1/N is missing within dx.": _normalized(
            lambda d, xh, s, dy: (d - d.sum(axis=0) - xh * (d * xh).sum(axis=0)) * s),
        "use x̂, the normalized x, and not x.": lambda dy, x, g, e: (
            np.zeros_like(x), (dy * x).sum(axis=0), dy.sum(axis=0)),
        "the mean where the sum over the batch belongs.": lambda dy, x, g, e: (
            np.zeros_like(x), (dy * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + e)).mean(axis=0), dy.mean(axis=0)),
        "γ does not belong here: β is added after it.": lambda dy, x, g, e: (
            np.zeros_like(x), (dy * g).sum(axis=0), (dy * g).sum(axis=0)),
    },
)  # fmt: skip
def batch_normalization_backward(
    dy: Array, x: Array, gamma: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    """dL/dx, dL/dγ and dL/dβ of y = γ x̂ + β, x̂ = (x − mean) / √(variance + ε), both over the batch.

    dy and x are (batch, features), gamma is (features,); the variance divides by N.
    """
    inverse = 1 / np.sqrt(x.var(axis=0) + epsilon)  # (features,)
    x_hat = (x - x.mean(axis=0)) * inverse
    d = dy * gamma  # dL/dx̂
    dx = (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0)) * inverse
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)
