"""Sequential: the list of layers, building, weights, summary, JSON, copies."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import threading
import weakref

import numpy as np
import pytest

import minikeras as mk
from minikeras import layers
from minikeras.context import Context


def mlp(**kwargs):
    return mk.Sequential(
        [mk.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dropout(0.5), layers.Dense(2)], **kwargs
    )


X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")


@pytest.mark.parametrize("kind", ["gru", "lstm", "simple_rnn"])
def test_the_cell_of_a_recurrent_layer_is_not_numbered(kind):
    layer = {"gru": layers.GRU, "lstm": layers.LSTM, "simple_rnn": layers.SimpleRNN}[kind]
    for name in ("first", "second"):
        m = mk.Sequential([mk.Input((3, 2)), layers.Bidirectional(layer(2, name="r"), name="two")], name=name)
        assert m.weights[0].path == f"{name}/two/forward_r/{kind}_cell/kernel"
        assert m.weights[3].path == f"{name}/two/backward_r/{kind}_cell/kernel"


def test_names_shapes_and_counts():
    m = mlp(name="net")
    assert [layer.name for layer in m.layers] == ["dense", "dropout", "dense_1"]
    assert [v.path for v in m.weights][:2] == ["net/dense/kernel", "net/dense/bias"]
    assert (m.input_shape, m.output_shape) == ((None, 4), (None, 2))
    assert m.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert m.get_layer("dropout") is m.get_layer(index=1) is m.layers[1]
    assert m.get_layer(index=-1).units == 2


@pytest.mark.parametrize(
    "first",
    [
        {"input_shape": (4,)},
        {"input_shape": 4},
        {"input_dim": 4},
        {"batch_input_shape": (None, 4)},
        {"batch_shape": (None, 4)},
    ],
)
def test_the_input_shape_may_stand_on_the_first_layer(first):
    m = mk.Sequential([layers.Dense(3, **first)])
    assert m.built and m.input_shape == (None, 4)


def test_deferred_building():
    m = mk.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not m.built and m.weights == []
    for name in ("input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="no defined"):
            getattr(m, name)
    with pytest.raises(ValueError, match="isn't built"):
        m.count_params()
    assert m(X).shape == (6, 2)
    assert m.built and len(m.weights) == 4
    by_hand = mk.Sequential([layers.Dense(3)])
    by_hand.build((None, 4))
    by_hand.build((None, 4))
    with pytest.raises(ValueError, match="already been configured"):
        by_hand.build((None, 5))


def test_add_and_pop_keep_what_is_there():
    m = mlp()
    before = m.get_weights()
    m.add(layers.Dense(5))
    assert m.output_shape == (None, 5)
    for a, b in zip(before, m.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)
    assert isinstance(m.pop(), layers.Dense)
    assert m.output_shape == (None, 2)
    np.testing.assert_array_equal(m.predict(X, verbose=0), m(X))
    empty = mk.Sequential()
    with pytest.raises(IndexError, match="no layer"):
        empty.pop()
    assert mk.Sequential([mk.Input((3,))]).built is False


def test_a_layer_that_does_not_fit_is_not_added():
    m = mlp()
    with pytest.raises(ValueError, match="ndim=4"):
        m.add(layers.Conv2D(2, 3))
    assert len(m.layers) == 3 and m(X).shape == (6, 2)


def test_models_nest():
    inner = mk.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(3)], name="inner")
    m = mk.Sequential([mk.Input((4,)), layers.Dense(4), inner, layers.Dense(2)], name="outer")
    assert m.weights[2].path == "outer/inner/dense/kernel"
    assert len(m.weights) == 8
    m.compile(mk.optimizers.SGD(0.1), "mse")
    before = inner.get_weights()
    losses = m.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all((a != b).any() for a, b in zip(before, inner.get_weights(), strict=True))
    inner.compile(mk.optimizers.SGD(0.1), "mse")  # the inner model alone takes its variables along
    inner.fit(X, np.zeros((6, 3)), verbose=0)
    m.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(m.layers[1].get_weights()[0], inner.get_weights()[0])
    first = mk.Sequential([mk.Sequential([mk.Input((4,)), layers.Dense(2)]), layers.Dense(1)])
    assert first.built and first.output_shape == (None, 1)


def test_trainable_reaches_down():
    m = mlp()
    m.trainable = False
    assert not m.layers[0].trainable and m.trainable_weights == [] and len(m.non_trainable_weights) == 4
    m.trainable = True
    m.layers[0].trainable = False
    assert [v.path.split("/")[1] for v in m.trainable_weights] == ["dense_1", "dense_1"]
    frozen = layers.Dense(2, trainable=False)
    frozen.build((None, 3))
    assert frozen.trainable_weights == []
    unborn = mk.Sequential([layers.Dense(2)], trainable=False)
    unborn.build((None, 3))
    assert unborn.trainable_weights == []


def test_freezing_takes_effect_at_the_next_compile():
    m = mlp()
    m.compile(mk.optimizers.SGD(0.1), "mse")
    m.fit(X, Y, verbose=0)
    m.layers[0].trainable = False
    kernel = m.layers[0].kernel.numpy()
    m.fit(X, Y, verbose=0)
    assert (m.layers[0].kernel.value != kernel).any()
    m.compile(mk.optimizers.SGD(0.1), "mse")
    kernel, last = m.layers[0].kernel.numpy(), m.layers[2].kernel.numpy()
    m.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(m.layers[0].kernel.value, kernel)
    assert (m.layers[2].kernel.value != last).any()


def test_get_and_set_weights():
    m, other = mlp(), mlp()
    other.set_weights(m.get_weights())
    np.testing.assert_array_equal(other(X), m(X))
    weights = m.get_weights()
    weights[0][...] = 0  # a copy
    assert m.layers[0].kernel.value.any()
    before = m.get_weights()
    with pytest.raises(ValueError, match="length 1"):
        m.set_weights([np.zeros((4, 3))])
    with pytest.raises(ValueError, match="not compatible"):
        m.set_weights([np.zeros((4, 3)), np.zeros(3), np.zeros((3, 2)), np.zeros(3)])
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_get_layer_asks_for_one_thing():
    m = mlp()
    for call, words in [
        (lambda: m.get_layer(), "either"),
        (lambda: m.get_layer("dense", 0), "either"),
        (lambda: m.get_layer("dens"), "Did you mean 'dense'"),
        (lambda: m.get_layer(index=3), "3 layers"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


def test_json_and_clones():
    inner = mk.Sequential([layers.Dense(3)], name="inner")
    m = mk.Sequential(
        [
            mk.Input((4,)),
            layers.Dense(3, activation="relu", kernel_regularizer="l2"),
            inner,
            layers.Dropout(0.2),
        ]
    )
    config = json.loads(m.to_json())
    assert config["class_name"] == "Sequential" and config["module"] == "keras"
    assert [c["class_name"] for c in config["config"]["layers"]] == [
        "InputLayer",
        "Dense",
        "Sequential",
        "Dropout",
    ]
    for other in (
        mk.models.model_from_json(m.to_json()),
        mk.models.clone_model(m),
        mk.Sequential.from_config(m.get_config()),
        mk.models.clone_model(m, clone_function=lambda layer: type(layer).from_config(layer.get_config())),
    ):
        assert [layer.name for layer in other.layers] == [layer.name for layer in m.layers]
        assert not other.compiled
        other.set_weights(m.get_weights())
        np.testing.assert_array_equal(other(X), m(X))
    deferred = mk.Sequential.from_config(mk.Sequential([layers.Dense(2)]).get_config())
    assert not deferred.built
    m.trainable = False
    assert not mk.models.clone_model(m).trainable
    with pytest.raises(ValueError, match="input_tensors"):
        mk.models.clone_model(m, input_tensors=1)


def test_own_layers_in_json():
    class Double(layers.Layer):
        def __init__(self, factor=2, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def forward(self, x, ctx):
            return x * self.factor

        def backward(self, dy, ctx):
            return dy * self.factor

    m = mk.Sequential([mk.Input((4,)), Double(3.0), layers.Dense(2)])
    assert m.output_shape == (None, 2)
    with pytest.raises(ValueError, match="Unknown class 'Double'"):
        mk.models.model_from_json(m.to_json())
    other = mk.models.model_from_json(m.to_json(), {"Double": Double})
    other.set_weights(m.get_weights())
    np.testing.assert_array_equal(other(X), m(X))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_trains_on_its_own(clone):
    m = mk.Sequential([mk.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(2)])
    m.compile("adam", "mse", metrics=["mae"])
    m.fit(X, Y, epochs=2, verbose=0)
    other = clone(m)
    weights = m.get_weights()
    a = other.fit(X, Y, epochs=2, verbose=0, shuffle=False).history
    for w, v in zip(weights, m.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)
    b = m.fit(X, Y, epochs=2, verbose=0, shuffle=False).history
    assert a == b  # the optimizer's state went along
    for w, v in zip(m.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)


def test_eight_threads_get_the_same_bits():
    m = mk.Sequential(
        [
            mk.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    inputs = np.random.default_rng(0).normal(size=(8, 5, 8, 8, 1)).astype("float32")
    expected = [m.predict(x, verbose=0) for x in inputs]
    wrong = []

    def work(i):
        for k in range(60):
            j = (i + k) % 8
            y = (m.predict(inputs[j], verbose=0), m(inputs[j]), m.predict_on_batch(inputs[j]))[k % 3]
            if not np.array_equal(y, expected[j]):
                wrong.append((i, k))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_threads_that_meet_an_unbuilt_model_build_it_once():
    for _ in range(20):
        m = mk.Sequential([layers.Dense(3), layers.Dense(2)])
        barrier, results = threading.Barrier(4), []

        def work(m=m, barrier=barrier, results=results):
            barrier.wait()
            results.append(m.predict(X, verbose=0))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(m.weights) == 4
        assert all(np.array_equal(r, results[0]) for r in results)


def test_a_prediction_does_not_disturb_a_gradient():
    m = mk.Sequential([mk.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(2)])
    ctx = Context()
    y = m.forward(X, ctx)
    m.predict(X * 100, verbose=0)
    m.backward(np.ones_like(y), ctx)
    alone = Context()
    m.forward(X, alone)
    m.backward(np.ones_like(y), alone)
    for v in m.weights:
        np.testing.assert_array_equal(ctx.grad(v), alone.grad(v))


def test_results_belong_to_the_caller():
    m = mk.Sequential([mk.Input((4,)), layers.Flatten(), layers.Activation("linear")])
    for call in (m, lambda x: m.predict(x, verbose=0), m.predict_on_batch):
        x = X.copy()
        y = call(x)
        y[...] = 0
        np.testing.assert_array_equal(x, X)
    first = m.predict(X, verbose=0)
    m.predict(2 * X, verbose=0)
    np.testing.assert_array_equal(first, X)


def test_a_deleted_model_is_freed_at_once():
    gc.collect()
    gc.disable()
    try:
        m = mlp()
        m.compile("adam", "mse", metrics=["mae"])
        m.fit(X, Y, verbose=0, validation_split=0.5)
        m.predict(X, verbose=0)
        ref = weakref.ref(m)
        del m
        assert ref() is None
    finally:
        gc.enable()


SUMMARY = """\
Model: "cnn"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 26, 26, 8)      │            80 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d (MaxPooling2D)    │ (None, 13, 13, 8)      │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ inner (Sequential)              │ (None, 10)             │        13,530 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 3)              │            33 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 13,643 (53.29 KB)
 Trainable params: 13,563 (52.98 KB)
 Non-trainable params: 80 (320.00 B)"""


def summary_of(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return "\n".join(lines)


def small_cnn():
    inner = mk.Sequential([layers.Flatten(), layers.Dense(10)], name="inner")
    m = mk.Sequential(
        [mk.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.MaxPooling2D(), inner, layers.Dense(3)],
        name="cnn",
    )
    m.layers[0].trainable = False
    return m


def test_summary_is_that_of_keras(capsys):
    m = small_cnn()
    assert summary_of(m, line_length=76) == SUMMARY
    m.summary(line_length=76)
    assert capsys.readouterr().out == SUMMARY + "\n"
    assert "│    └ flatten (Flatten)          │ (None, 1352)" in summary_of(
        m, line_length=76, expand_nested=True
    )
    assert "(MaxPooling2D)           │                   │           │" in summary_of(m, line_length=60)
    trainable = summary_of(m, line_length=76, show_trainable=True).splitlines()
    assert trainable[2].endswith("┃ Trainable ┃") and trainable[4].endswith("│     N     │")
    part = summary_of(m, layer_range=["max_pooling2d", "inner"])
    assert "conv2d (" not in part and "(None, 13, 13, 8)" in part
    with pytest.raises(ValueError, match="layer_range"):
        summary_of(m, layer_range=["nope"])


def test_summary_of_unbuilt_empty_and_trained_models():
    assert "│ ?                      │   0 (unbuilt) │" in summary_of(
        mk.Sequential([layers.Dense(2)]), line_length=76
    )
    assert " Total params: 0 (0.00 B)" in summary_of(mk.Sequential())
    m = small_cnn()
    m.compile("adam", "mse")
    m.train_on_batch(np.zeros((2, 28, 28, 1)), np.zeros((2, 3)))
    text = summary_of(m)
    assert " Optimizer params: 27,128 (105.97 KB)" in text and " Total params: 40,771 (159.26 KB)" in text
    states = mk.Sequential([mk.Input((3, 2)), layers.SimpleRNN(2, return_state=True)])
    assert "[(None, 2), (None, 2)]" in summary_of(states, line_length=76)


def test_states_are_returned_and_kept():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 3)).astype("float32")
    m = mk.Sequential([mk.Input((6, 3)), layers.SimpleRNN(5, return_sequences=True, return_state=True)])
    y, h = m.predict(x, verbose=0, batch_size=3)
    assert y.shape == (4, 6, 5)
    np.testing.assert_array_equal(y[:, -1], h)
    stateful = mk.Sequential([mk.Input(batch_shape=(4, 3, 3)), layers.SimpleRNN(5, stateful=True)])
    stateful.set_weights(m.get_weights())
    stateful.predict(x[:, :3], verbose=0)
    np.testing.assert_allclose(stateful.predict(x[:, 3:], verbose=0), h, rtol=1e-5, atol=1e-6)
    layer = stateful.layers[0]
    layer.reset_states()
    assert not layer.states[0].any()
    layer.reset_state([np.ones((4, 5))])
    assert layer.states[0].all()
    with pytest.raises(ValueError, match="states"):
        layer.reset_states([np.ones((2, 5))])
    with pytest.raises(ValueError, match="stateful"):
        m.layers[0].reset_states()


def test_masks_travel_on_the_context():
    class Source(layers.Layer):
        def forward(self, x, ctx):
            return x

        def backward(self, dy, ctx):
            return dy

        def compute_mask(self, x, mask):
            return np.any(x != 0, axis=-1)

    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    x[1, 3:] = 0
    x[2, :2] = 0
    rnn = layers.SimpleRNN(4)
    m = mk.Sequential([mk.Input((5, 2)), Source(), layers.Dense(3), layers.Dropout(0.5), rnn])
    y = m(x)
    short = mk.Sequential([mk.Input((3, 2)), *[type(a).from_config(a.get_config()) for a in m.layers[1:]]])
    short.set_weights(m.get_weights())
    np.testing.assert_allclose(y[1], short(x[1:2, :3])[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y[2], short(x[2:3, 2:])[0], rtol=1e-5, atol=1e-6)
    destroyed = mk.Sequential([mk.Input((5, 2)), Source(), layers.Flatten()])
    with pytest.warns(UserWarning, match="does not support masking"):
        destroyed(x)


def test_a_model_within_a_model_hands_masks_on():
    ids = np.array([[3, 1, 0], [2, 0, 0]])
    embedding, dense, gru = layers.Embedding(4, 5, mask_zero=True), layers.Dense(5), layers.GRU(3)
    flat = mk.Sequential([embedding, dense, gru])
    nested = mk.Sequential([mk.Sequential([embedding]), mk.Sequential([dense]), gru])
    np.testing.assert_array_equal(nested(ids), flat(ids))
    ctx = Context()
    nested.layers[0].run_forward(ids, ctx)
    np.testing.assert_array_equal(ctx.output_mask, ids != 0)


def test_a_mask_at_the_output_reaches_loss_and_metrics():
    class Source(layers.Layer):
        def forward(self, x, ctx):
            return x

        def backward(self, dy, ctx):
            return dy

        def compute_mask(self, x, mask):
            return x[..., 0] > 0

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 5, 2)).astype("float32"), rng.normal(size=(4, 5, 2)).astype("float32")
    m = mk.Sequential([mk.Input((5, 2)), Source(), layers.Dense(2)])
    m.compile(mk.optimizers.SGD(0.1), "mse", metrics=["mae"], weighted_metrics=["mse"])
    counted = x[..., 0] > 0
    e = (m(x) - y)[counted]
    loss, mae, mse = m.evaluate(x, y, verbose=0)
    assert loss == pytest.approx((e**2).mean(), rel=1e-5) == pytest.approx(mse, rel=1e-5)
    assert mae == pytest.approx(np.abs(e).mean(), rel=1e-5)
    before = m.layers[1].kernel.numpy()
    m.train_on_batch(x, y)
    gradient = (before - m.layers[1].kernel.value) / 0.1
    np.testing.assert_allclose(gradient, x[counted].T @ e * 2 / e.size, rtol=1e-4, atol=1e-6)
