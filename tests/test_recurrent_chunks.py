"""The gradients of a recurrent layer do not depend on how many steps are worked on at a time, or on what was before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scratch import spoil

from minikeras import layers
from minikeras.context import Context
from minikeras.layers import kernel_cell

CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "SimpleRNN": (layers.SimpleRNN, {}),
    "SimpleRNN, no bias": (layers.SimpleRNN, {"use_bias": False}),
    "LSTM": (layers.LSTM, {}),
    "LSTM, dropout": (layers.LSTM, {"dropout": 0.3, "recurrent_dropout": 0.3, "seed": 1}),
    "GRU": (layers.GRU, {}),
    "GRU, reset before": (layers.GRU, {"reset_after": False}),
    "GRU, dropout": (layers.GRU, {"dropout": 0.3, "recurrent_dropout": 0.3, "seed": 1}),
    "GRU, reset before, dropout": (layers.GRU, {"reset_after": False, "recurrent_dropout": 0.3, "seed": 1}),
}
STEPS, BATCH, UNITS = 7, 3, 4


def gradients(name: str, masked: bool) -> list[np.ndarray]:
    """dL/dx and dL/dw of a layer whose weights, input and dL/dy are always the same."""
    cls, arguments = CASES[name]
    rng = np.random.default_rng(0)
    layer = cls(UNITS, return_sequences=True, dtype="float64", **arguments)
    x = rng.normal(size=(BATCH, STEPS, 5))
    layer.build(x.shape)
    for v in layer.weights:
        v.assign(rng.normal(size=v.shape))
    mask = rng.random((BATCH, STEPS)) < 0.7 if masked else None
    ctx = Context(training=True, mask=mask)
    y = layer.run_forward(x, ctx)
    dx = layer.run_backward(rng.normal(size=y.shape), ctx)
    return [np.array(dx), *(ctx.grad(v) for v in layer.weights)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_chunks_of_steps_give_what_the_whole_sequence_gives(name, masked, monkeypatch):
    monkeypatch.setattr(kernel_cell, "chunk_length", lambda *sizes: STEPS)
    whole = gradients(name, masked)
    for length in (1, 2, 3):
        monkeypatch.setattr(kernel_cell, "chunk_length", lambda *sizes, length=length: length)
        for got, expected in zip(gradients(name, masked), whole, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_a_chunk_fits_the_cache_unless_the_weights_are_many():
    assert kernel_cell.chunk_length(28, 512 * 64, 157 * 512) == 4
    assert kernel_cell.chunk_length(28, 512 * 1024, 157 * 512) == 1
    assert kernel_cell.chunk_length(28, 2048 * 64, 1025 * 2048) == 28
    assert kernel_cell.chunk_length(0, 0, 2**30) == 1


@pytest.mark.parametrize("value", [np.nan, np.finfo(np.float32).max])
@pytest.mark.parametrize("name", CASES)
def test_what_was_in_the_scratch_arrays_does_not_matter(name, value, monkeypatch):
    monkeypatch.setattr(kernel_cell, "chunk_length", lambda *sizes: 2)
    cls, arguments = CASES[name]
    layer, x = cls(UNITS, **arguments), np.ones((BATCH, STEPS, 5), "float32")
    layer.build(x.shape)
    ctx = Context(training=False)
    results = []
    for _ in range(2):
        y = layer.run_forward(x, ctx)
        dx = layer.run_backward(np.ones_like(y), ctx)
        results.append([y.copy(), dx.copy(), *(ctx.grad(v).copy() for v in layer.weights)])
        spoil(ctx, value)
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(2, 0, 3), (0, 4, 3), (1, 1, 1)])
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_a_sequence_too(name, shape):
    cls, arguments = CASES[name]
    layer, ctx = cls(UNITS, **arguments), Context(training=True)
    layer.build(shape)
    y = layer.run_forward(np.ones(shape, "float32"), ctx)
    dx = layer.run_backward(np.ones_like(y), ctx)
    assert dx.shape == shape
    for v in layer.weights:
        assert np.isfinite(ctx.grad(v)).all()
        assert 0 not in shape or not ctx.grad(v).any()
