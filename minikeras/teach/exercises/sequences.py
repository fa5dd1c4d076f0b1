"""A recurrent layer: one step, and backwards through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.teach.exercises.exercise import define
from minikeras.typing import Array

Generator = np.random.Generator
SIZES = [(1, 4, 3, 2), (3, 3, 2, 4), (4, 5, 3, 3), (2, 2, 4, 3)]  # (batch, steps, inputs, units)


def _step_case(rng: Generator, i: int) -> tuple[Array, ...]:
    n, _, inputs, units = SIZES[i]
    x, before = rng.normal(size=(n, inputs)), rng.normal(size=(n, units))
    kernel, recurrent = rng.normal(size=(inputs, units)) / 2, rng.normal(size=(units, units)) / 2
    h = np.tanh(x @ kernel + before @ recurrent)
    return rng.normal(size=h.shape), x, before, h, kernel, recurrent


def _step(dz: Array, x: Array, before: Array, kernel: Array, recurrent: Array) -> tuple[Array, ...]:
    return dz @ kernel.T, dz @ recurrent.T, x.T @ dz, before.T @ dz, dz.sum(axis=0)


@define(
    ["dx", "dh_before", "dkernel", "drecurrent", "dbias"],
    _step_case,
    [
        "This is a Dense layer with two inputs, x and h_before, and the activation tanh.",
        "First dz = (1 − h²) dh; tanh' can be told from h.",
        "dx = dz kernelᵀ, dh_before = dz recurrentᵀ, dkernel = xᵀ dz, drecurrent = h_beforeᵀ dz, dbias = Σ dz.",
    ],
    {
        "the derivative of tanh is missing: dz = (1 − h²) dh.": lambda dh, x, b, h, k, r: _step(dh, x, b, k, r),
        "tanh' = 1 − h²; here it is 1 − h.": lambda dh, x, b, h, k, r: _step(dh * (1 - h), x, b, k, r),
        "that is the derivative of the sigmoid; tanh' = 1 − h².": lambda dh, x, b, h, k, r: (
            _step(dh * h * (1 - h), x, b, k, r)),
        "tanh was taken once more, of h: tanh' = 1 − h², since h is tanh z.": lambda dh, x, b, h, k, r: (
            _step(dh * (1 - np.tanh(h) ** 2), x, b, k, r)),
        "h was used where h_before belongs.": lambda dh, x, b, h, k, r: _step(dh * (1 - h * h), x, h, k, r),
        "the weights are not transposed.": lambda dh, x, b, h, k, r: (
            _step(dh * (1 - h * h), x, b, k.T.reshape(k.shape), r.T)),
        "it is transposed.": lambda dh, x, b, h, k, r: tuple(g.T for g in _step(dh * (1 - h * h), x, b, k, r)),
        "divided by N: take the sum over the batch.": lambda dh, x, b, h, k, r: tuple(
            g / len(x) for g in _step(dh * (1 - h * h), x, b, k, r)),
        "not summed over the batch.": lambda dh, x, b, h, k, r: (
            0, 0, x[:, :, None] * (dh * (1 - h * h))[:, None], b[:, :, None] * (dh * (1 - h * h))[:, None],
            dh * (1 - h * h)),
    },
)  # fmt: skip
def rnn_step_backward(
    dh: Array, x: Array, h_before: Array, h: Array, kernel: Array, recurrent: Array
) -> tuple[Array, ...]:
    """dL/dx, dL/dh_before, dL/dkernel, dL/drecurrent, dL/dbias of one step of a SimpleRNN.

    h = tanh(x @ kernel + h_before @ recurrent + bias); x is (batch, inputs), h and h_before are
    (batch, units), kernel is (inputs, units), recurrent (units, units). dh is dL/dh.
    """
    dz = dh * (1 - h * h)  # tanh' = 1 − h²
    return dz @ kernel.T, dz @ recurrent.T, x.T @ dz, h_before.T @ dz, dz.sum(axis=0)


def _time_case(rng: Generator, i: int) -> tuple[Array, ...]:
    n, steps, inputs, units = SIZES[i]
    x = rng.normal(size=(n, steps, inputs))
    kernel, recurrent = rng.normal(size=(inputs, units)) / 2, rng.normal(size=(units, units)) / 2
    h = np.zeros((n, steps + 1, units))
    for t in range(steps):
        h[:, t + 1] = np.tanh(x[:, t] @ kernel + h[:, t] @ recurrent)
    return rng.normal(size=(n, units)), x, h, kernel, recurrent


def _through(
    dh: Array, x: Array, h: Array, kernel: Array, recurrent: Array, **mistake: Any
) -> tuple[Array, ...]:
    """The right way, or with one mistake in it."""
    dx, dkernel, drecurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    last = x.shape[1] - 1
    for t in range(last, -1, -1):
        after = h[:, t] if mistake.get("shifted") else h[:, t + 1]
        dz = dh * (1 - after**2) if mistake.get("tanh", True) else dh
        before = h[:, t + 1] if mistake.get("shifted_before") else h[:, t]
        dx[:, t] = dz @ kernel.T
        if mistake.get("overwrite"):
            dkernel, drecurrent = np.zeros_like(kernel), np.zeros_like(recurrent)
        dkernel += x[:, t].T @ dz
        drecurrent += before.T @ dz
        if mistake.get("truncated"):
            break
        if not mistake.get("constant"):
            dh = dz @ (recurrent if mistake.get("turned") else recurrent.T)
    return dx, dkernel, drecurrent


@define(
    ["dx", "dkernel", "drecurrent"],
    _time_case,
    [
        "Go from the last step to the first, and carry dh from step to step.",
        "In each step: dz = (1 − h[:, t+1]²) dh, then dx[:, t], then add to dkernel and drecurrent.",
        "Into the step before goes dh = dz recurrentᵀ. The state before step t is h[:, t].",
    ],
    {
        "only the last step counts: go on to the first, with dh = dz recurrentᵀ.": lambda *a: (
            _through(*a, truncated=True)),
        "dh must change from step to step: dh = dz recurrentᵀ.": lambda *a: _through(*a, constant=True),
        "add up (+=): every step uses the same weights.": lambda *a: _through(*a, overwrite=True),
        "the derivative of tanh is missing.": lambda *a: _through(*a, tanh=False),
        "recurrent is not transposed on the way back.": lambda *a: _through(*a, turned=True),
        "the derivative of tanh is taken of the state before the step; the one after it is h[:, t + 1].": (
            lambda *a: _through(*a, shifted=True)),
        "the state before step t is h[:, t], not h[:, t + 1].": lambda *a: _through(*a, shifted_before=True),
        "the mean over the steps; take the sum.": lambda *a: tuple(g / a[1].shape[1] for g in _through(*a)),
    },
)  # fmt: skip
def rnn_backward(dh: Array, x: Array, h: Array, kernel: Array, recurrent: Array) -> tuple[Array, ...]:
    """dL/dx, dL/dkernel and dL/drecurrent of a SimpleRNN, through time.

    h[:, t + 1] = tanh(x[:, t] @ kernel + h[:, t] @ recurrent), h[:, 0] = 0.
    x is (batch, steps, inputs), h is (batch, steps + 1, units). Only the last state is the
    layer's output: dh, (batch, units), is its gradient.
    """
    dx, dkernel, drecurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - h[:, t + 1] ** 2)  # (batch, units)
        dx[:, t] = dz @ kernel.T
        dkernel += x[:, t].T @ dz
        drecurrent += h[:, t].T @ dz
        dh = dz @ recurrent.T  # on to the step before
    return dx, dkernel, drecurrent
