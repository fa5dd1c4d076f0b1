"""Each gate drops units of its own where Keras does it so; the equations here are the textbook's."""

from __future__ import annotations

import numpy as np
import pytest

from minikeras import layers
from minikeras.context import Context


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def passed(layer, x):
    """The layer's output in training, and the masks of x and h that it drew, each (gates, batch, features)."""
    layer.ensure_built(x.shape)
    for v in layer.weights:
        v.assign(np.random.default_rng(len(v.name)).normal(size=v.shape) / 2)
    ctx = Context(training=True)
    y = layer.run_forward(x, ctx)
    return np.array(y), ctx.child("cell").values


def lstm(x, kernel, recurrent, bias, x_masks, h_masks):
    n, units = len(x), len(recurrent)
    h = c = np.zeros((n, units))
    for t in range(x.shape[1]):
        z = [
            (x[:, t] * x_masks[g]) @ kernel[:, g * units : (g + 1) * units]
            + (h * h_masks[g]) @ recurrent[:, g * units : (g + 1) * units]
            + bias[g * units : (g + 1) * units]
            for g in range(4)
        ]
        c = sigmoid(z[1]) * c + sigmoid(z[0]) * np.tanh(z[2])
        h = sigmoid(z[3]) * np.tanh(c)
    return h


def gru(x, kernel, recurrent, bias, x_masks, h_masks, reset_after):
    n, units = len(x), len(recurrent)
    h = np.zeros((n, units))
    b, b_h = bias if reset_after else (bias, np.zeros_like(bias))
    W, R, b, b_h = (np.split(a, 3, axis=-1) for a in (kernel, recurrent, b, b_h))
    for t in range(x.shape[1]):
        a = [(x[:, t] * x_masks[g]) @ W[g] + b[g] for g in range(3)]
        z, r = (sigmoid(a[g] + (h * h_masks[g]) @ R[g] + b_h[g]) for g in (0, 1))
        if reset_after:
            candidate = np.tanh(a[2] + r * ((h * h_masks[2]) @ R[2] + b_h[2]))
        else:
            candidate = np.tanh(a[2] + (r * h * h_masks[2]) @ R[2])
        h = z * h + (1 - z) * candidate
    return h


@pytest.mark.parametrize("name", ["LSTM", "GRU", "GRU, reset before"])
def test_each_gate_has_masks_of_its_own_with_recurrent_dropout(name):
    x = np.random.default_rng(0).normal(size=(6, 4, 5))
    reset = {} if name == "LSTM" else {"reset_after": name == "GRU"}
    layer = getattr(layers, name[:4].strip(","))(
        7, dropout=0.4, recurrent_dropout=0.4, seed=3, dtype="float64", **reset
    )
    y, values = passed(layer, x)
    order = list(layer.cell.kernel_blocks)  # in which they lie here
    x_masks = values["x_mask"][order].transpose(0, 2, 1)
    h_masks = values["h_mask"][order].transpose(0, 2, 1)
    assert len(x_masks) == len(h_masks) == layer.cell.gates
    assert not np.array_equal(x_masks[0], x_masks[1]) and not np.array_equal(h_masks[0], h_masks[1])
    weights = [np.array(v) for v in layer.weights]
    expected = (
        lstm(x, *weights, x_masks, h_masks)
        if name == "LSTM"
        else gru(x, *weights, x_masks, h_masks, layer.cell.reset_after)
    )
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_one_mask_serves_all_gates_without_recurrent_dropout():
    x = np.random.default_rng(0).normal(size=(6, 4, 5))
    layer = layers.LSTM(7, dropout=0.4, seed=3, dtype="float64")
    y, values = passed(layer, x)
    assert values["x_mask"].shape == (1, 5, 6) and values["h_mask"] is None
    masks = values["x_mask"][[0] * 4].transpose(0, 2, 1)
    weights = [np.array(v) for v in layer.weights]
    np.testing.assert_allclose(y, lstm(x, *weights, masks, np.ones((4, 1, 1))), rtol=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("recurrent_dropout", [0.0, 0.4])
def test_a_convolutional_lstm_over_one_cell_is_an_lstm_with_a_mask_for_each_gate(dropout, recurrent_dropout):
    x = np.random.default_rng(0).normal(size=(6, 4, 5))
    layer = layers.ConvLSTM1D(
        7, 1, dropout=dropout, recurrent_dropout=recurrent_dropout, seed=3, dtype="float64",
        recurrent_activation="sigmoid",
    )  # fmt: skip
    y, values = passed(layer, x[:, :, None])
    x_masks, h_masks = (
        np.ones((4, 1, 1)) if mask is None else mask[:, 0].transpose(1, 0, 2)
        for mask in (values["x_mask"], values["h_mask"])
    )
    kernel, recurrent, bias = (np.array(v) for v in layer.weights)
    expected = lstm(x, kernel[0], recurrent[0], bias, x_masks, h_masks)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-12)
