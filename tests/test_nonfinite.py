"""Where a NaN came from: `TerminateOnNaN(explain=True)` names the layer, the pass, the share and the cause."""

from __future__ import annotations

import numpy as np
import pytest

import minikeras as keras
from minikeras import callbacks, layers, optimizers

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(16, 2)).astype("float32")


@pytest.fixture(autouse=True)
def numpy_does_not_mind():
    with np.errstate(all="ignore"):
        yield


class Log(keras.Layer):
    """y = log x: NaN for negative numbers."""

    def forward(self, x, ctx):
        ctx.save(x=x)
        return np.log(x)

    def backward(self, dy, ctx):
        return dy / ctx.saved("x")


class Root(keras.Layer):
    """y = √|x|, whose derivative is infinite at 0."""

    def forward(self, x, ctx):
        ctx.save(x=x)
        return np.sqrt(np.abs(x))

    def backward(self, dy, ctx):
        x = ctx.saved("x")
        return dy * np.sign(x) / (2 * np.sqrt(np.abs(x)))


class Unsure:
    """A loss of one's own that is infinite where the prediction is 0 or less."""

    def __call__(self, y, y_pred):
        return float(np.mean(np.log(y_pred)))

    def gradient(self, y, y_pred):
        return 1 / y_pred


def explain(model, x=X, y=Y, optimizer=None, loss="mse", capsys=None, **fit) -> str:
    model.compile(optimizer or optimizers.SGD(0.01), loss)
    model.fit(x, y, verbose=0, batch_size=4, callbacks=callbacks.TerminateOnNaN(explain=True), **fit)
    return capsys.readouterr().out


def sequential(*inner):
    return keras.Sequential([keras.Input((4,)), *inner])


@pytest.mark.filterwarnings("ignore:.*not finite.*", "ignore:.*NaN.*", "ignore:.*[Ii]nfinit.*")
def test_the_layer_where_it_first_appears(capsys):
    out = explain(sequential(layers.Dense(3), Log(name="log"), layers.Dense(2)), capsys=capsys)
    assert out.startswith("Batch 0: Invalid loss, terminating training\nBatch 0: NaN first appears in ")
    assert "in the output of layer 'log' (Log), forward. Likely cause: its input is from -" in out
    assert out.count("\n") == 2 and "log, √ or exp" in out

    inner = keras.Sequential([layers.Dense(2), Log(name="deep")], name="inner")
    assert "layer 'inner/deep' (Log), forward" in explain(sequential(inner), capsys=capsys)

    zeros = np.zeros((16, 4), "float32")
    out = explain(
        sequential(layers.Dense(3, name="low"), Root(name="root"), layers.Dense(2)), zeros, capsys=capsys
    )
    assert "(100%) in dL/dx of layer 'root' (Root), backward. Likely cause: its gradient" in out
    assert "derivative" in out and out.startswith("Batch 1: Invalid loss") and "\nBatch 0: NaN" in out

    out = explain(
        sequential(layers.Dense(3), layers.Dense(2)), optimizer=optimizers.SGD(1e30), epochs=3, capsys=capsys
    )
    assert "forward. Likely cause: its weights have grown to" in out and "lower the learning rate" in out
    out = explain(sequential(layers.Dense(2)), X * 1e20, Y, optimizer=optimizers.SGD(1e10), capsys=capsys)
    assert "in the loss, for predictions from -" in out and "scale the data" in out
    ones = layers.Dense(2, kernel_initializer="ones")
    out = explain(sequential(ones), np.full_like(X, 3e38), Y, capsys=capsys)
    assert "Likely cause: its input reaches 3.0e+38; scale the data" in out

    bad = X.copy()
    bad[5, 2] = np.nan
    out = explain(sequential(layers.Dense(2)), bad, shuffle=False, capsys=capsys)
    assert out.endswith(
        "1 of 16 numbers (6%) in the input. Likely cause: the data; look for missing values.\n"
    )
    targets = Y.copy()
    targets[0, 0] = np.inf
    out = explain(sequential(layers.Dense(2)), X, targets, shuffle=False, capsys=capsys)
    assert "infinity first appears in 1 of 8 numbers (12%) in the targets" in out

    out = explain(sequential(layers.Dense(2, kernel_initializer="zeros")), loss=Unsure(), capsys=capsys)
    assert "in the loss, for predictions from 0 to 0" in out

    model = sequential(layers.Dense(2, name="spoilt"))
    model.layers[0].kernel.value[0, 0] = np.nan
    assert "'kernel' of layer 'spoilt' (Dense) before the step" in explain(model, capsys=capsys)


def test_the_update_itself(capsys):
    model = sequential(layers.Dense(2, kernel_initializer="zeros", name="d"))
    out = explain(model, X, Y * 1e3, optimizer=optimizers.SGD(1e37), epochs=2, capsys=capsys)
    assert "of layer 'd' (Dense) after the update. Likely cause: too large a step" in out


def test_a_paired_loss_and_an_encoder_below(capsys):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Embedding(5, 2),
            layers.Flatten(),
            Log(name="l"),
            layers.Dense(2, "softmax"),
        ]
    )
    numbers = np.arange(12).reshape(4, 3) % 5
    out = explain(
        model, numbers, np.array([0, 1, 0, 1]), loss="sparse_categorical_crossentropy", capsys=capsys
    )
    assert "layer 'l' (Log), forward" in out
    model = sequential(layers.Dense(3), Root(name="root"), layers.Dense(2, "softmax"))
    out = explain(model, X * 0, np.arange(16) % 2, loss="sparse_categorical_crossentropy", capsys=capsys)
    assert "layer 'root' (Root), backward" in out


def test_it_is_said_once_and_may_be_an_error(capsys):
    model = sequential(layers.Dense(2), Log(name="log"))
    model.compile("sgd", "mse")
    stop = callbacks.TerminateOnNaN(raise_error=True, explain=True)
    with pytest.raises(RuntimeError, match=r"terminated\.\nBatch 0: NaN.*'log'"):
        model.fit(X, Y, verbose=0, callbacks=stop)
    assert capsys.readouterr().out == ""
    fine = sequential(layers.Dense(2))
    fine.compile("sgd", "mse")
    fine.fit(X, Y, verbose=0, callbacks=stop)
    assert capsys.readouterr().out == "" and stop._before is None
    assert fine.first_nonfinite(fine.get_weights()) is None


def test_a_model_that_is_built_by_its_first_batch(capsys):
    model = keras.Sequential([layers.Dense(2), Log()])
    model.compile("sgd", "mse")
    assert model.first_nonfinite([]) is None

    def batches():
        while True:
            yield X, Y

    stop = callbacks.TerminateOnNaN(explain=True)
    model.fit(batches(), steps_per_epoch=1, verbose=0, callbacks=stop)
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
