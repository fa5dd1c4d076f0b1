"""Layers that go before training: what they learn from data, what they make of it, what they refuse."""

from __future__ import annotations

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from cases_preprocessing import ENCODERS
from cases_text import TEXT

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras import registry
from minikeras.context import Context
from minikeras.utils import PyDataset

each_encoder = pytest.mark.parametrize(("name", "arguments", "x"), ENCODERS + TEXT)


class Rows(PyDataset):
    """An array in batches of three rows, with targets."""

    def __init__(self, x):
        super().__init__()
        self.x = np.asarray(x)

    def __len__(self):
        return -(-len(self.x) // 3)

    def __getitem__(self, index):
        return self.x[3 * index : 3 * index + 3], np.zeros(3)


def sources(x):
    """The same data as a list of batches, a generator of batches, a dataset."""
    return [
        lambda: [x[:2], x[2:]],
        lambda: (x[i : i + 2] for i in range(0, len(x), 2)),
        lambda: Rows(x),
        lambda: ((x[i : i + 3], None) for i in range(0, len(x), 3)),
    ]


# Layers without a gradient


@each_encoder
def test_an_encoder_keeps_the_laws_of_a_layer(name, arguments, x):
    layer, x = getattr(L, name)(**arguments), np.asarray(x)
    x.flags.writeable = False
    y = layer(x)
    assert y.shape == tuple(layer.compute_output_shape(x.shape))
    assert y.dtype == layer.output_type()
    np.testing.assert_array_equal(layer(x.tolist()), y)
    for other in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        registry.deserialize(json.loads(json.dumps(registry.serialize(layer)))),
    ):
        np.testing.assert_array_equal(other(x), y)
        assert other.get_config() == layer.get_config()
    if x.ndim > 1:
        np.testing.assert_array_equal(np.concatenate([layer(row[None]) for row in x]), y)
        assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *y.shape[1:])
        assert layer(x[:0]).shape == (0, *y.shape[1:])
    ctx = Context()
    layer.run_forward(layer.cast_input(x), ctx)
    with pytest.raises(TypeError, match="no gradient"):
        layer.backward(np.ones(y.shape), ctx)
    with pytest.raises(RuntimeError, match="forward"):
        layer.backward(np.ones(y.shape), ctx)


def test_an_encoder_stands_before_what_is_trained():
    m = mk.Sequential([mk.Input((1,)), L.CategoryEncoding(3, "one_hot"), L.Dense(1, use_bias=False)])
    m.compile(mk.optimizers.SGD(1.0), "mse")
    x, y = np.array([[0], [1], [2]]), np.array([[1.0], [2.0], [3.0]])
    m.fit(x, y, epochs=60, verbose=0)
    np.testing.assert_allclose(m.predict(x, verbose=0), y, atol=0.01)
    m = mk.Sequential([mk.Input((1,)), L.Dense(1), L.Discretization([0.0])])
    m.compile("sgd", "mse")
    with pytest.raises(TypeError, match="stand before all layers that are trained"):
        m.fit(x, y, verbose=0)


def test_counts_with_weights():
    layer = L.CategoryEncoding(4, "count")
    y = layer(np.array([[0, 3, 3], [2, 2, 2]]), count_weights=np.array([[0.5, 1.0, 2.0], [1.0, 1.0, 1.5]]))
    np.testing.assert_array_equal(y, [[0.5, 0, 0, 3], [0, 0, 3.5, 0]])


# What is learnt from data


@pytest.mark.parametrize("axis", [-1, None, (1, 2), 1])
def test_normalization_learns_mean_and_variance(axis):
    x = np.random.default_rng(0).normal(3, 2, (7, 4, 5)).astype("float32")
    layer = L.Normalization(axis)
    layer.adapt(x)
    kept = () if axis is None else np.atleast_1d(axis) % 3
    others = tuple(a for a in range(3) if a not in kept)
    y = layer(x)
    np.testing.assert_allclose(y.mean(others), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(others), 1, rtol=1e-4)
    back = L.Normalization(axis, invert=True)
    for source in sources(x):
        back.adapt(source())
        np.testing.assert_allclose(back.get_weights()[0], layer.get_weights()[0], rtol=1e-5)
        np.testing.assert_allclose(back.get_weights()[1], layer.get_weights()[1], rtol=1e-5)
    np.testing.assert_allclose(back(y), x, rtol=1e-4, atol=1e-5)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"]
    other = L.Normalization.from_config(layer.get_config())
    other.ensure_built(x.shape)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(x), y)


def test_normalization_in_a_model_that_is_trained():
    x = np.random.default_rng(0).normal(50, 20, (64, 2))
    layer = L.Normalization()
    layer.adapt(x)
    m = mk.Sequential([layer, L.Dense(1)])
    m.compile(mk.optimizers.SGD(0.3), "mse")
    y = x.sum(axis=1, keepdims=True) / 20
    assert m.fit(x, y, epochs=30, verbose=0).history["loss"][-1] < 1e-3


def test_discretization_learns_bins_of_equal_numbers():
    x = np.random.default_rng(0).permutation(1000).astype("float32")
    layer = L.Discretization(num_bins=4)
    layer.adapt(x)
    counts = np.bincount(layer(x))
    assert len(counts) == 4 and (np.abs(counts - 250) <= 20).all()
    for source in sources(x.reshape(10, 100)):
        other = L.Discretization(num_bins=4)
        other.adapt(source())
        assert (np.abs(np.bincount(other(x)) - 250) <= 30).all()
    again = L.Discretization.from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(again(x), layer(x))
    again.adapt(x[:, None] + 500)  # it still can be adapted
    assert again.bin_boundaries != layer.bin_boundaries
    endless = L.Discretization(num_bins=2)
    endless.adapt(itertools.repeat(x), steps=2)
    assert endless.bin_boundaries[0] == pytest.approx(500, abs=30)


# (what is wrong, words that the message must have)
BAD = [
    (lambda: L.Rescaling("a"), ["`scale`", "'a'"]),
    (lambda: L.Rescaling(1.0, None), ["`offset`"]),
    (lambda: L.Normalization(mean=1.0), ["both `mean` and `variance`"]),
    (lambda: L.Normalization(mean=[1.0], variance=[1.0, 2.0]), ["same shape", "(2,)"]),
    (lambda: L.Normalization(mean=[[1.0]], variance=[[1.0]]), ["at most 1 axes"]),
    (lambda: L.Normalization(axis=3)(np.ones((2, 2))), ["axis=(3,)", "(2, 2)"]),
    (lambda: mk.Sequential([mk.Input((None,)), L.Normalization()]), ["known size"]),
    (lambda: L.Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), ["given its mean"]),
    (lambda: L.Normalization().adapt([]), ["no data"]),
    (lambda: L.Normalization().adapt(np.ones((0, 2))), ["no data"]),
    (lambda: L.Normalization().adapt(3), ["`adapt` takes", "int"]),
    (lambda: L.Normalization().adapt([np.ones((2, 2)), np.ones((2, 3))]), ["(2, 2)", "(2, 3)"]),
    (lambda: L.Discretization(), ["exactly one", "`num_bins`"]),
    (lambda: L.Discretization([1.0], 3), ["exactly one"]),
    (lambda: L.Discretization(num_bins=0), ["`num_bins`", "positive"]),
    (lambda: L.Discretization([2.0, 1.0]), ["ascending"]),
    (lambda: L.Discretization([1.0], epsilon=2), ["`epsilon`"]),
    (lambda: L.Discretization([1.0], output_mode="ints"), ["`output_mode`", "'int'"]),
    (lambda: L.Discretization([1.0], sparse=True), ["`sparse`"]),
    (lambda: L.Discretization([1.0]).adapt(np.ones(3)), ["use `num_bins`"]),
    (lambda: L.Discretization(num_bins=3)(np.ones((2, 2))), ["adapt(data)"]),
    (lambda: L.Discretization(num_bins=3).adapt([np.ones(3)], steps=0), ["`steps`"]),
    (lambda: L.CategoryEncoding(), ["`num_tokens`"]),
    (lambda: L.CategoryEncoding(3, "int"), ["`output_mode`", "multi_hot"]),
    (lambda: L.CategoryEncoding(3)(np.array([[0, 3]])), ["holds 3 at index (0, 1)", "from 0 to 2"]),
    (lambda: L.CategoryEncoding(3)(np.array([[0, -1]])), ["holds -1"]),
    (lambda: L.CategoryEncoding(3)(np.array([[0]]), count_weights=[[1.0]]), ["`count_weights`"]),
]


@pytest.mark.parametrize(("bad", "words"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_right_gets_a_short_error(bad, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        bad()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert len(message.splitlines()) < 15
