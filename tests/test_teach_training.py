"""Two layers trained side by side, and what the monitor sees while a model learns."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minikeras as mk
from minikeras.layers import LSTM, Dense, Dropout, Input
from minikeras.teach import Monitor, OwnDense, compare, gradcheck

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5)).astype("float32")
LABELS = RNG.integers(0, 3, 12)


# A layer of one's own


def test_the_base_is_right_and_short():
    for activation in (None, "relu", "tanh", "gelu", "softmax"):
        gradcheck(OwnDense(4, activation), X, raise_on_failure=True)
    passes = [OwnDense.build, OwnDense.forward, OwnDense.backward]
    assert sum(len(inspect.getsource(f).splitlines()) for f in passes) <= 20


def test_equal_layers_never_part():
    result = compare(OwnDense(4, "tanh"), Dense(4, "tanh"), X, steps=5, optimizer="adam")
    assert result.same and result.parted is None
    assert set(result.data) == {"y", "dL/dkernel", "dL/dbias", "dL/dx"}
    assert "are the same in all 5 steps" in str(result)
    assert result.losses["mine"][-1] < result.losses["mine"][0]


class WrongBias(OwnDense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        bias = ctx.grad(self.bias)
        bias /= len(dy)
        return dx


class WrongForward(OwnDense):
    def forward(self, x, ctx):
        return super().forward(x, ctx) * 1.5


class WrongInput(OwnDense):
    def backward(self, dy, ctx):
        return super().backward(dy, ctx) * 2


@pytest.mark.parametrize(
    ("cls", "parted", "words"),
    [
        (WrongBias, (1, "dL/dbias"), "y, dL/dkernel, dL/dx are still the same then"),
        (WrongForward, (1, "y"), "part in step 1 at y"),
        (WrongInput, (1, "dL/dx"), "y, dL/dkernel, dL/dbias are still"),
    ],
)
def test_where_and_when_they_part(cls, parted, words):
    result = compare(cls(4), Dense(4), X, np.ones((12, 4)), steps=4)
    assert result.parted == parted and not result.same
    assert words in str(result) and words in result._repr_html_()
    assert (result.data["y"][1:] > 1e-6).all() == (cls is not WrongInput)


class WithoutInput(OwnDense):
    def backward(self, dy, ctx):
        super().backward(dy, ctx)


def test_a_gradient_that_is_missing_is_where_they_part():
    result = compare(WithoutInput(4), Dense(4), X, steps=2)
    assert result.parted == (1, "dL/dx") and np.isinf(result.data["dL/dx"]).all()


def test_models_and_layers_without_weights_can_be_compared():
    deep = mk.Sequential([OwnDense(4, "relu"), OwnDense(2)])
    assert compare(deep, mk.Sequential([Dense(4, "relu"), Dense(2)]), X, steps=3).same
    assert compare(mk.layers.Activation("relu"), mk.layers.ReLU(), X, steps=2).same


def test_what_cannot_be_compared():
    with pytest.raises(
        ValueError, match=r"mine have shapes \[\(5, 4\), \(4,\)\], the reference's \[\(5, 3\)"
    ):
        compare(OwnDense(4), Dense(3), X)
    with pytest.raises(TypeError, match="two layers"):
        compare(OwnDense, Dense(3), X)


# The monitor


def watch(*layers, optimizer="adam", epochs=2, loss="sparse_categorical_crossentropy", x=X):
    mk.utils.set_random_seed(1)
    model = mk.Sequential([Input(x.shape[1:]), *layers])
    model.compile(optimizer, loss)
    monitor = Monitor(x, LABELS)
    model.fit(x, LABELS, epochs=epochs, verbose=0, callbacks=[monitor])
    return monitor, model


def test_the_monitor_does_not_disturb():
    def layers():
        mk.utils.set_random_seed(3)
        return Dense(8, "relu"), Dropout(0.3), Dense(3, "softmax")

    monitor, watched = watch(*layers())
    ours = layers()
    mk.utils.set_random_seed(1)
    model = mk.Sequential([Input((5,)), *ours])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=2, verbose=0)
    for a, b in zip(watched.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(monitor.data) == 2


def test_its_numbers():
    monitor, _ = watch(Dense(8, "relu"), Dense(6, "tanh"), Dense(3, "softmax"))
    notes = monitor.data[-1]["dense"]
    assert 0 < notes["gradient"] < 10 and 0 < notes["ratio"] < 0.1 and 0 <= notes["dead"] < 1
    assert notes["saturated"] is None and notes["histogram"][0].sum() == 12 * 8
    assert list(monitor.series("dead")) == ["dense"]
    assert list(monitor.series("saturated")) == ["dense_1", "dense_2"]
    assert monitor.diagnose() == "Nothing looks wrong." == str(monitor)
    assert "|gradient| of each layer" in monitor._repr_html_()


def test_dead_units():
    monitor, _ = watch(
        Dense(7, "relu", bias_initializer=mk.initializers.Constant(-50.0)), Dense(3, "softmax")
    )
    assert "dense: 100% of the units never fire since epoch 1; try kernel_initializer='he_normal'" in str(
        monitor
    )


def test_saturated_units():
    monitor, _ = watch(
        Dense(7, "tanh", kernel_initializer=mk.initializers.RandomNormal(0, 30.0)), Dense(3, "softmax")
    )
    assert "of the outputs are saturated since epoch 1; try smaller initial weights" in str(monitor)


def test_learning_rates_that_are_too_high_or_too_low():
    high, _ = watch(Dense(8, "tanh"), Dense(3, "softmax"), optimizer=mk.optimizers.Adam(0.5), epochs=1)
    assert "lower the learning rate" in str(high)
    low, _ = watch(Dense(8, "tanh"), Dense(3, "softmax"), optimizer=mk.optimizers.SGD(1e-7), epochs=1)
    assert "raise the learning rate" in str(low)


def test_vanishing_gradients():
    deep = [Dense(6, "sigmoid") for _ in range(8)]
    monitor, _ = watch(*deep, Dense(3, "softmax"))
    assert "gradients vanish on the way down" in str(monitor)


def test_numbers_that_are_no_longer_finite_and_gradients_that_grow():
    monitor = Monitor(X, LABELS)
    note = {"ratio": None, "dead": None, "saturated": None, "histogram": None}
    monitor.data = [{"lstm": {**note, "gradient": g}} for g in (1.0, 500.0)]
    assert "its gradient grew 500-fold" in str(monitor)
    monitor.data.append({"lstm": {**note, "gradient": float("nan")}})
    assert "lstm: its gradient is not finite since epoch 3" in str(monitor)


def test_a_model_that_diverges_is_described():
    with np.errstate(all="ignore"):
        monitor, _ = watch(Dense(8), Dense(1), optimizer=mk.optimizers.SGD(1e3), loss="mse", epochs=25)
    assert "not finite since epoch" in str(monitor)


def test_sequences_are_watched_too():
    x = RNG.normal(size=(12, 4, 2)).astype("float32")
    monitor, _ = watch(LSTM(3), Dense(3, "softmax"), x=x)
    assert monitor.data[0]["lstm"]["gradient"] > 0


def test_what_the_monitor_needs():
    with pytest.raises(ValueError, match="needs targets"):
        Monitor(X, None)
    with pytest.raises(ValueError, match="12 samples and y 3"):
        Monitor(X, LABELS[:3])
    assert "Nothing was seen yet" in str(Monitor(X, LABELS))
