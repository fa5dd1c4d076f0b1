"""Layers that go before training: what they learn from data, what they make of it, what they refuse."""

from __future__ import annotations

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from cases_preprocessing import ENCODERS, FIXED, LEARNERS, image
from cases_text import TEXT
from golden.record_preprocessing import FILE, encoded_by, images_of, learnt_by
from hypothesis import given
from hypothesis import strategies as st

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras import registry
from minikeras.context import Context
from minikeras.layers.image import KERNELS
from minikeras.utils import PyDataset

each_encoder = pytest.mark.parametrize(
    ("name", "arguments", "x"), ENCODERS + TEXT, ids=range(len(ENCODERS + TEXT))
)


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


# Images


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_single_images_and_batches_come_out_alike(data_format):
    x = np.random.default_rng(0).normal(size=(2, 6, 7, 5)).astype("float32")
    for layer in (
        L.Resizing(4, 3, data_format=data_format),
        L.CenterCrop(4, 3, data_format=data_format),
        L.RandomRotation((0.1, 0.1), data_format=data_format),
    ):
        one = layer(x[0], training=True)
        assert one.shape == layer.compute_output_shape(x.shape[1:])
        np.testing.assert_allclose(one, layer(x, training=True)[0], rtol=1e-6)


SIZES = st.integers(1, 9)


@given(
    old=st.tuples(SIZES, SIZES),
    new=st.tuples(SIZES, SIZES),
    method=st.sampled_from(KERNELS),
    antialias=st.booleans(),
)
def test_resizing_sends_gradients_back_through_the_transposed_map(old, new, method, antialias):
    rng = np.random.default_rng(0)
    for options in ({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}):
        layer = L.Resizing(*new, method, antialias=antialias, dtype="float64", **options)
        x, dy, ctx = rng.normal(size=(2, *old, 3)), rng.normal(size=(2, *new, 3)), Context()
        y = layer.forward(x, ctx)
        assert np.vdot(y, dy) == pytest.approx(np.vdot(x, layer.backward(dy, ctx)), rel=1e-9, abs=1e-9)
        assert y.shape == dy.shape
        if not options:
            np.testing.assert_allclose(layer(np.ones_like(x)), 1)  # the weights of each pixel add up to 1


def test_each_image_of_a_batch_is_changed_in_its_own_way():
    x = np.repeat(image((1, 8, 8, 1)), 16, axis=0)
    for layer in (L.RandomFlip(), L.RandomRotation(0.3), L.RandomBrightness(0.5), L.RandomZoom(0.3)):
        y = layer(x)
        assert len(np.unique(y.reshape(16, -1), axis=0)) > 1, layer
        np.testing.assert_array_equal(layer(x, training=False), x)
    flipped = L.RandomFlip("horizontal", seed=1)(x, training=True)
    mirrored = (flipped == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 0 < mirrored.sum() < 16
    np.testing.assert_array_equal(flipped[~mirrored], x[~mirrored])


def test_a_random_crop_is_a_part_of_the_images_and_the_middle_when_not_training():
    x = np.arange(2 * 6 * 7).reshape(2, 6, 7, 1).astype("float32")
    layer = L.RandomCrop(3, 2, seed=0)
    corners = {float(layer(x, training=True)[0, 0, 0, 0]) for _ in range(60)}
    assert corners <= {7.0 * i + j for i in range(4) for j in range(6)} and len(corners) > 12
    np.testing.assert_array_equal(layer(x, training=False), x[:, 1:4, 2:4])
    np.testing.assert_array_equal(layer(x, training=False), L.CenterCrop(3, 2)(x))


def test_augmentation_in_a_model():
    m = mk.Sequential([
        mk.Input((8, 8, 1)), L.Rescaling(1 / 255), L.RandomFlip(), L.RandomRotation(0.1), L.RandomCrop(6, 6),
        L.Conv2D(2, 3), L.RandomZoom(0.1), L.Flatten(), L.Dense(1),
    ])  # fmt: skip
    m.compile(mk.optimizers.SGD(0.01), "mse")
    x = image((8, 8, 8, 1))
    losses = m.fit(x, x.mean((1, 2)) / 255 + 3, epochs=60, verbose=0).history["loss"]
    assert np.mean(losses[-10:]) < 0.5 * losses[0]  # the images differ from epoch to epoch
    np.testing.assert_array_equal(m.predict(x, verbose=0), m.predict(x, verbose=0))


# Keras' numbers

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize("index", range(len(FIXED)))
def test_images_are_changed_as_by_keras(index):
    np.testing.assert_allclose(images_of(mk, index), GOLDEN["images"][index], rtol=1e-4, atol=5e-3)


@pytest.mark.parametrize("index", range(len(ENCODERS)))
def test_encoded_as_by_keras(index):
    np.testing.assert_array_equal(encoded_by(mk, index), GOLDEN["encoded"][index])


@pytest.mark.parametrize("index", range(len(LEARNERS)))
def test_the_same_is_learnt_as_by_keras(index):
    mine, expected = learnt_by(mk, index), GOLDEN["learnt"][index]
    assert mine["vocabulary"] == expected["vocabulary"]
    if isinstance(expected["y"][0], str):
        assert mine["y"] == expected["y"]
    else:
        np.testing.assert_allclose(mine["y"], expected["y"], rtol=1e-5, atol=1e-6)


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
    (lambda: L.Resizing(0, 3), ["`height`"]),
    (lambda: L.Resizing(3, 3, "cubic"), ["`interpolation`", "bicubic"]),
    (lambda: L.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), ["only one"]),
    (lambda: L.Resizing(3, 3, fill_mode="wrap"), ["`fill_mode`"]),
    (lambda: L.Resizing(3, 3)(np.ones((4, 4))), ["ndim=4", "x[..., None]"]),
    (lambda: L.CenterCrop(3, 2.5), ["`width`"]),
    (lambda: L.RandomFlip("diagonal"), ["`mode`"]),
    (lambda: L.RandomRotation(1.5), ["`factor`", "[-1, 1]", "1.5"]),
    (lambda: L.RandomRotation((0.1, 0.2, 0.3)), ["`factor`"]),
    (lambda: L.RandomRotation("a"), ["`factor`"]),
    (lambda: L.RandomRotation(0.1, fill_mode="mirror"), ["`fill_mode`"]),
    (lambda: L.RandomRotation(0.1, interpolation="bicubic"), ["`interpolation`"]),
    (lambda: L.RandomRotation(0.1, seed=0.5), ["`seed`"]),
    (lambda: L.RandomZoom(-1), ["`height_factor`"]),
    (lambda: L.RandomZoom(0.1, (-2, 0)), ["`width_factor`"]),
    (lambda: L.RandomTranslation(0.1, 2), ["`width_factor`"]),
    (lambda: L.RandomContrast(-0.1), ["`factor`", "[0, 1]"]),
    (lambda: L.RandomBrightness(0.1, 255), ["`value_range`", "255"]),
    (lambda: L.RandomBrightness(0.1, (0, "a")), ["`value_range`"]),
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
