"""fit, evaluate, predict: data of all kinds, weights, validation, hooks, reproducibility, Ctrl-C."""

from __future__ import annotations

import os
import signal
import tracemalloc

import numpy as np
import pytest

import minikeras as mk
from minikeras import callbacks, layers, losses, metrics
from minikeras.training.data import Epochs, make_batches
from minikeras.training.pairing import is_paired

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4)).astype("float32")
Y = rng.normal(size=(20, 2)).astype("float32")
LABELS = rng.integers(0, 3, 20)


def regressor(seed=1, **compile_):
    mk.utils.set_random_seed(seed)
    m = mk.Sequential([mk.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
    m.compile(**{"optimizer": mk.optimizers.SGD(0.1), "loss": "mse", "metrics": ["mae"], **compile_})
    return m


def classifier(**compile_):
    mk.utils.set_random_seed(1)
    m = mk.Sequential(
        [mk.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(3, activation="softmax")]
    )
    m.compile(**{"optimizer": mk.optimizers.SGD(0.5), "loss": "sparse_categorical_crossentropy", **compile_})
    return m


def same_weights(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


class Series:
    """What a column of pandas offers: its class name and `__array__`."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        return self.array


class DataFrame(Series):
    """What a table of pandas offers."""


# The classic model


def test_the_classic_network_learns():
    mk.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = mk.datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16
    m = mk.Sequential()
    m.add(layers.Dense(64, activation="relu", input_shape=(64,)))
    m.add(layers.Dropout(0.2))
    m.add(layers.Dense(64))
    m.add(layers.Activation("relu"))
    m.add(layers.Dropout(0.2))
    m.add(layers.Dense(10, activation="softmax"))
    m.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    one_hot, test_hot = mk.utils.to_categorical(y, 10), mk.utils.to_categorical(y_test, 10)
    history = m.fit(x, one_hot, batch_size=64, epochs=15, validation_data=(x_test, test_hot), verbose=0)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.history["val_accuracy"][-1] > 0.85
    loss, accuracy = m.evaluate(x_test, test_hot, verbose=0)
    assert accuracy == history.history["val_accuracy"][-1]
    assert loss == pytest.approx(history.history["val_loss"][-1])
    p = m.predict(x_test[:5], verbose=0)
    assert p.shape == (5, 10) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


# Reproducibility


def test_the_same_seed_gives_the_same_bits():
    def run():
        mk.utils.set_random_seed(42)
        m = mk.Sequential(
            [mk.Input((4, 1)), layers.SimpleRNN(4, dropout=0.2), layers.Dropout(0.3), layers.Dense(2)]
        )
        m.compile("adam", "mse")
        m.fit(X[..., None], Y, epochs=3, batch_size=6, verbose=0)
        return m

    first = run()
    np.random.random(3)
    assert same_weights(first, run())
    mk.utils.set_random_seed(43)
    other = mk.models.clone_model(first)
    assert not same_weights(first, other)


def test_fit_goes_on_where_it_stopped():
    a, b = regressor(optimizer="adam"), regressor(optimizer="adam")
    a.fit(X, Y, epochs=4, verbose=0, shuffle=False)
    b.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    b.fit(X, Y, epochs=4, initial_epoch=2, verbose=0, shuffle=False)
    assert same_weights(a, b)
    assert b.history.epoch == [2, 3]


# Data


def test_data_of_all_kinds_trains_the_same():
    class Slices(mk.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]

    def generate():
        while True:
            yield from ((X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5))

    class Again:  # may be iterated over again and again
        def __iter__(self):
            return iter([(X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)])

    plain = {"shuffle": False, "verbose": 0, "epochs": 2}
    expected = regressor()
    expected.fit(X, Y, batch_size=5, **plain)
    for x, y, extra in [
        (X.tolist(), Y.tolist(), {"batch_size": 5}),
        (DataFrame(X), DataFrame(Y), {"batch_size": 5}),
        (np.asfortranarray(X), Y, {"batch_size": 5}),
        (X.astype("float64"), Y, {"batch_size": 5}),
        (Slices(), None, {}),
        (generate(), None, {"steps_per_epoch": 4}),
        (Again(), None, {}),
    ]:
        m = regressor()
        m.fit(x, y, **extra, **plain)
        for a, b in zip(m.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_images_of_bytes_and_columns_of_pandas():
    m = mk.Sequential([layers.Flatten(), layers.Dense(1)])
    m.compile("sgd", "mse")
    m.fit(rng.integers(0, 2, (8, 3, 3), dtype="uint8"), Series(np.arange(8.0)), verbose=0)
    assert m.predict(np.ones((2, 3, 3), "uint8"), verbose=0).dtype == np.float32
    assert mk.Sequential([mk.Input((1,)), layers.Dense(2)]).predict(np.arange(3.0), verbose=0).shape == (3, 2)
    squeezed = mk.Sequential([mk.Input((4,)), layers.Dense(2)])
    np.testing.assert_array_equal(squeezed(X[..., None]), squeezed(X))


def test_steps_per_epoch_go_through_the_data():
    seen = []

    class Watch(layers.Layer):
        def forward(self, x, ctx):
            if ctx.training:
                seen.append(int(x[0, 0]))
            return x

        def backward(self, dy, ctx):
            return dy

    m = mk.Sequential([mk.Input((1,)), Watch(), layers.Dense(1)])
    m.compile("sgd", "mse")
    x = np.arange(8.0)[:, None] / 1000
    m.fit(x * 1000, x, batch_size=2, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0)
    assert seen == [0, 2, 4, 6, 0, 2]
    seen.clear()
    with pytest.warns(UserWarning, match="ran out of data"):
        m.fit(x, x, batch_size=2, epochs=1, steps_per_epoch=5, shuffle=False, verbose=0)
    assert len(seen) == 4
    seen.clear()
    m.fit(x, x, steps_per_epoch=4, shuffle=False, verbose=0)  # the batch size follows
    assert len(seen) == 4


def test_a_generator_that_ends():
    m = regressor()
    batches = [(X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)]
    history = m.fit(iter(batches), verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ran out of data"):
        history = m.fit(iter(batches), steps_per_epoch=3, epochs=3, verbose=0)
    assert m.optimizer.iterations == 8
    assert m.predict(iter([(X[:3],), X[3:5]]), verbose=0).shape == (5, 2)
    assert m.evaluate(iter(batches), verbose=0, return_dict=True)["loss"] > 0


def test_shuffling_takes_every_sample_once():
    x = np.arange(10.0)[:, None]
    for shuffle in (True, "batch"):
        batches = make_batches(x, x, batch_size=4, shuffle=shuffle)
        first = [b[0][:, 0].copy() for b in batches]
        assert sorted(np.concatenate(first)) == x[:, 0].tolist()
        assert [len(b) for b in first] == [4, 4, 2]
        second = [b[0][:, 0].copy() for b in batches]
        assert any((a != b).any() for a, b in zip(first, second, strict=True))
        if shuffle == "batch":
            assert sorted(first[0]) == [0, 1, 2, 3]
    for xb, yb, _ in make_batches(x, x, batch_size=4, shuffle=True):
        np.testing.assert_array_equal(xb, yb)


def test_batches_of_a_dataset_are_shuffled_and_told_of_epochs():
    told = []

    class Numbers(mk.utils.PyDataset):
        def __len__(self):
            return 8

        def __getitem__(self, i):
            return np.full((1, 1), float(i)), np.zeros((1, 1))

        def on_epoch_begin(self):
            told.append("begin")

        def on_epoch_end(self):
            told.append("end")

    source = Epochs(make_batches(Numbers(), shuffle=True))
    orders = [[int(x[0, 0]) for x, _, _ in source] for _ in range(3)]
    assert all(sorted(o) == list(range(8)) for o in orders) and len(set(map(tuple, orders))) > 1
    assert told == ["begin", "end"] * 3


def test_the_order_is_that_of_keras():
    """numpy.random.permutation after numpy.random.seed, and one more drawn before the first fit."""
    order = np.random.RandomState(7)
    mk.utils.set_random_seed(7)
    m = mk.Sequential([mk.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    m.compile("sgd", "mse")
    seen = []
    source = np.arange(6.0)[:, None]

    class Spy(layers.Layer):
        def forward(self, x, ctx):
            if ctx.training:
                seen.extend(int(v) for v in x[:, 0])
            return x

        def backward(self, dy, ctx):
            return dy

    m = mk.Sequential([mk.Input((1,)), Spy(), layers.Dense(1, kernel_initializer="zeros")])
    m.compile(mk.optimizers.SGD(1e-6), "mse")
    m.fit(source, source, epochs=2, batch_size=4, verbose=0)
    order.permutation(6)
    assert seen == [*order.permutation(6), *order.permutation(6)]


# Weights and validation


def test_sample_weights_scale_the_loss_but_not_its_divisor():
    m = regressor(weighted_metrics=["mse"])
    w = rng.uniform(0, 2, 20)
    e = ((m(X) - Y) ** 2).mean(1)
    loss, mae, mse = m.evaluate(X, Y, sample_weight=w, verbose=0, batch_size=20)
    assert loss == pytest.approx((e * w).mean(), rel=1e-5)
    assert mse == pytest.approx((e * w).sum() / w.sum(), rel=1e-5)
    assert mae == pytest.approx(np.abs(m(X) - Y).mean(), rel=1e-5)


@pytest.mark.parametrize("form", ["integers", "column", "one-hot"])
def test_class_weights_are_sample_weights(form):
    weight = {0: 0.5, 2: 3.0}
    loss = "categorical_crossentropy" if form == "one-hot" else "sparse_categorical_crossentropy"
    y = {"integers": LABELS, "column": LABELS[:, None], "one-hot": np.eye(3)[LABELS]}[form]
    a, b = classifier(loss=loss), classifier(loss=loss)
    a.fit(X, y, class_weight=weight, verbose=0, shuffle=False)
    b.fit(X, y, sample_weight=[weight.get(int(k), 1.0) for k in LABELS], verbose=0, shuffle=False)
    assert same_weights(a, b)


def test_validation_in_all_its_forms():
    def keys_and(m, **kwargs):
        return m.fit(X, Y, epochs=4, verbose=0, shuffle=False, **kwargs).history

    m = regressor()
    split = keys_and(m, validation_split=0.25)
    assert len(split["val_loss"]) == 4
    by_hand = regressor()
    given = by_hand.fit(
        X[:15], Y[:15], epochs=4, verbose=0, shuffle=False, validation_data=(X[15:], Y[15:])
    ).history
    assert split == given
    assert len(keys_and(regressor(), validation_split=0.5, validation_freq=2)["val_loss"]) == 2
    assert len(keys_and(regressor(), validation_split=0.5, validation_freq=[1, 3, 4])["val_mae"]) == 3
    weighted = keys_and(regressor(), validation_data=(X, Y, np.zeros(20)))
    assert weighted["val_loss"] == [0.0] * 4
    few = keys_and(regressor(), validation_data=(X, Y), validation_batch_size=5, validation_steps=2)
    last = regressor()
    for _ in range(4):
        last.fit(X, Y, verbose=0, shuffle=False)
    assert few["val_loss"][-1] == pytest.approx(last.evaluate(X[:10], Y[:10], verbose=0)[0], rel=1e-6)


def test_penalties_are_part_of_every_loss():
    mk.utils.set_random_seed(0)
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=mk.regularizers.L1(0.1))
    m = mk.Sequential([mk.Input((4,)), dense, layers.Dense(2)])
    m.compile(mk.optimizers.SGD(0.1), "mse")
    kernel, hidden = dense.kernel.numpy(), dense(X)
    expected = ((m(X) - Y) ** 2).mean() + 0.01 * (kernel**2).sum() + 0.1 * np.abs(hidden).sum() / 20
    assert m.evaluate(X, Y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert m.losses == pytest.approx([0.01 * (kernel**2).sum()])
    assert m.compute_loss(X, Y, m(X)) == pytest.approx(((m(X) - Y) ** 2).mean() + m.losses[0], rel=1e-5)
    assert m.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-5)
    dense.trainable = False
    assert m.losses == []


def test_loss_weights_scale():
    a = regressor(loss_weights=0.5)
    b = regressor(optimizer=mk.optimizers.SGD(0.05))
    assert a.fit(X, Y, verbose=0, shuffle=False).history["loss"][0] == pytest.approx(
        b.fit(X, Y, verbose=0, shuffle=False).history["loss"][0] / 2
    )
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-5)


# Losses, metrics and pairing


@pytest.mark.parametrize(
    ("last", "loss", "paired"),
    [
        (layers.Dense(3, activation="softmax"), "categorical_crossentropy", True),
        (layers.Activation("softmax"), "sparse_categorical_crossentropy", True),
        (layers.Dense(3, activation="sigmoid"), "binary_crossentropy", True),
        (layers.Dense(3, activation="softmax"), "mse", False),
        (layers.Dense(3, activation="sigmoid"), "categorical_crossentropy", False),
        (layers.Dense(3, activation="softmax"), losses.CategoricalCrossentropy(from_logits=True), False),
        (layers.Dense(3, activation="softmax", activity_regularizer="l2"), "categorical_crossentropy", False),
    ],
)
def test_which_models_are_paired_with_their_loss(last, loss, paired):
    config = {**last.get_config(), "name": "last"}
    m = mk.Sequential([layers.Dense(3), type(last).from_config(config)])
    nested = mk.Sequential([layers.Dense(3), mk.Sequential([type(last).from_config(config)])])
    assert is_paired(m, losses.get(loss)) is is_paired(nested, losses.get(loss)) is paired
    for model in (m, nested):  # and either way the step descends along the true gradient
        model.build((None, 4))
        model.compile(mk.optimizers.SGD(1e-3), loss)
        y = LABELS if "sparse" in str(loss) else np.eye(3)[LABELS]
        before, weights = model.evaluate(X, y, verbose=0), model.get_weights()
        model.train_on_batch(X, y)
        step = sum(((a - b) ** 2).sum() for a, b in zip(weights, model.get_weights(), strict=True))
        assert model.evaluate(X, y, verbose=0) - before == pytest.approx(-step / 1e-3, rel=0.1)


def test_a_loss_and_a_metric_of_ones_own():
    class Distance:  # any object with a value and a gradient
        def __call__(self, y_true, y_pred):
            return float(((y_pred - y_true) ** 2).sum() / len(y_true))

        def gradient(self, y_true, y_pred):
            return 2 * (y_pred - y_true) / len(y_true)

    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=-1)

    m = regressor(loss=Distance(), metrics=[largest, metrics.MeanSquaredError(name="mean_square")])
    twin = regressor(loss="mse", optimizer=mk.optimizers.SGD(0.2))
    history = m.fit(X, Y, verbose=0, shuffle=False).history
    twin.fit(X, Y, verbose=0, shuffle=False)
    assert set(history) == {"loss", "largest", "mean_square"}
    assert history["loss"][0] == pytest.approx(2 * history["mean_square"][0], rel=1e-5)
    for a, b in zip(m.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_names_of_metrics():
    w = [metrics.MeanAbsoluteError(name="mae")]
    m = classifier(metrics=["acc", "accuracy", "ACC"], weighted_metrics=["acc"])
    logs = m.test_on_batch(X, LABELS, return_dict=True)
    assert set(logs) == {"loss", "acc", "accuracy", "ACC", "weighted_acc"}
    m = regressor(metrics=["mae", *w])
    assert set(m.test_on_batch(X, Y, return_dict=True)) == {"loss", "mae", "mae_1"}
    assert m.metrics_names == ["loss", "compile_metrics"] and [x.name for x in m.metrics] == [
        "loss",
        "mae",
        "mae",
    ]
    assert regressor(metrics=None).metrics_names == ["loss"]
    assert mk.Sequential().metrics_names == [] == mk.Sequential().metrics
    multi = classifier(loss="ce", metrics=["ce", "crossentropy"])
    assert set(multi.test_on_batch(X, LABELS, return_dict=True)) == {"loss", "ce", "crossentropy"}
    assert regressor(metrics={"out": ["mae"]}).test_on_batch(X, Y, return_dict=True).keys() == {"loss", "mae"}


def test_batch_methods():
    m = regressor()
    assert isinstance(regressor(metrics=None).train_on_batch(X, Y), float)
    loss, mae = m.test_on_batch(X, Y)
    assert m.train_on_batch(X, Y, return_dict=True) == {"loss": loss, "mae": mae}
    assert m.test_on_batch(X, Y)[0] < loss
    np.testing.assert_array_equal(m.predict_on_batch(X), m.predict(X, verbose=0))
    assert m.compute_metrics(X, Y, m(X)).keys() == {"mae"}


def test_predict_in_batches_and_with_hooks():
    m = regressor()
    seen = []
    hooks = callbacks.LambdaCallback(
        on_predict_batch_end=lambda b, logs: seen.append((b, logs["outputs"].shape))
    )
    y = m.predict(X, batch_size=6, callbacks=[hooks], verbose=0)
    assert seen == [(0, (6, 2)), (1, (6, 2)), (2, (6, 2)), (3, (2, 2))]
    np.testing.assert_allclose(y, m(X), rtol=1e-6)
    assert m.predict(X, batch_size=6, steps=2, verbose=0).shape == (12, 2)


# Hooks


def test_the_exact_order_of_hooks():
    seen = []

    class All(callbacks.Callback):
        pass

    def hook(name):
        def method(self, *args, **kwargs):
            logs = args[-1] if isinstance(args[-1], dict) else {}
            seen.append((name, *[a for a in args if isinstance(a, int)], *sorted(logs)))

        return method

    for phase in ("train", "test", "predict"):
        for name in (
            f"on_{phase}_begin",
            f"on_{phase}_end",
            f"on_{phase}_batch_begin",
            f"on_{phase}_batch_end",
        ):
            setattr(All, name, hook(name))
    All.on_epoch_begin, All.on_epoch_end = hook("on_epoch_begin"), hook("on_epoch_end")
    m = regressor()
    m.fit(X, Y, batch_size=10, validation_split=0.5, verbose=0, callbacks=[All()])
    assert seen == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0, "loss", "mae"),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "loss", "mae"),
        ("on_test_end", "loss", "mae"),
        ("on_epoch_end", 0, "loss", "mae", "val_loss", "val_mae"),
        ("on_train_end", "loss", "mae", "val_loss", "val_mae"),
    ]
    seen.clear()
    m.predict(X, verbose=0, callbacks=[All()])
    assert [s[0] for s in seen] == [
        "on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end", "on_predict_end",
    ]  # fmt: skip


def test_stop_training_ends_after_the_batch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    m = regressor()
    h = m.fit(X, Y, batch_size=5, epochs=5, verbose=0, callbacks=[Stop()], validation_split=0.25)
    assert m.optimizer.iterations == 2 and h.epoch == [0] and len(h.history["val_loss"]) == 1
    m.fit(X, Y, epochs=2, verbose=0)  # it does not stay
    assert m.history.epoch == [0, 1]


def test_progress_is_printed(capsys):
    m = regressor()
    m.fit(X, Y, epochs=2, verbose=2, validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    assert lines[1].startswith("1/1 - 0s") and "val_loss: " in lines[1]
    m.evaluate(X, Y)
    m.predict(X)
    out = capsys.readouterr().out
    assert out.count("1/1 - 0s") == 2 and "\x1b" not in out
    m.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_averaged_weights_are_left_at_the_end():
    m = regressor(optimizer=mk.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    start = m.get_weights()[0]
    plain = regressor(optimizer=mk.optimizers.SGD(0.5))
    for model in (m, plain):
        model.fit(X, Y, batch_size=10, verbose=0, shuffle=False)
    one = regressor(optimizer=mk.optimizers.SGD(0.5))
    one.fit(X[:10], Y[:10], batch_size=10, verbose=0, shuffle=False)
    assert (start != m.get_weights()[0]).any()
    expected = 0.5 * one.get_weights()[0] + 0.5 * plain.get_weights()[0]
    np.testing.assert_allclose(m.get_weights()[0], expected, rtol=1e-5)


# Interrupts and memory


def test_ctrl_c_waits_for_the_end_of_the_step():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let background jobs ignore it
    try:
        check_ctrl_c()
    finally:
        signal.signal(signal.SIGINT, before)


def check_ctrl_c():
    m = regressor()

    class Press(layers.Layer):
        def forward(self, x, ctx):
            if ctx.training and m.optimizer.iterations == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return x

        def backward(self, dy, ctx):
            return dy

    m.add(Press())
    twin = regressor()
    with pytest.raises(KeyboardInterrupt):
        m.fit(X, Y, batch_size=5, shuffle=False, verbose=0)
    twin.fit(X[:15], Y[:15], batch_size=5, shuffle=False, verbose=0)
    assert m.optimizer.iterations == 3 and same_weights(m, twin)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    m.optimizer.iterations.assign(9)
    m.fit(X, Y, verbose=0)


def test_a_callback_that_raises_leaves_a_usable_model():
    class Broken(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise ZeroDivisionError("mine")

    m, twin = regressor(), regressor()
    with pytest.raises(ZeroDivisionError, match="mine"):
        m.fit(X, Y, batch_size=5, shuffle=False, verbose=0, callbacks=[Broken()])
    twin.fit(X[:10], Y[:10], batch_size=5, shuffle=False, verbose=0)
    assert same_weights(m, twin)
    m.fit(X, Y, verbose=0)
    assert np.isfinite(m.predict(X, verbose=0)).all()


def test_memory_stays_flat():
    m = regressor()
    x = X[:1]
    m.predict(x, verbose=0)
    m.fit(X, Y, verbose=0)
    tracemalloc.start()
    try:
        for rounds in (50, 300):
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(rounds):
                m.predict(x, verbose=0)
                m(x)
            m.fit(X, Y, epochs=20, verbose=0)
            grown = tracemalloc.get_traced_memory()[0] - before
        assert grown < 30_000
    finally:
        tracemalloc.stop()
