"""Memory stays flat however long a program runs, and a model that is let go of is freed at once."""

from __future__ import annotations

import copy
import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from cases import LAYERS

import minikeras as keras
from minikeras import layers, models

X = np.random.default_rng(0).normal(size=(32, 5)).astype("float32")
Y = np.arange(32) % 3


@pytest.fixture(autouse=True)
def no_collector():
    """What is in a cycle of references stays until the collector runs; so there must be none."""
    gc.disable()
    yield
    gc.enable()


def make_model() -> keras.Sequential:
    model = keras.Sequential(
        [
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            keras.Sequential([layers.Dropout(0.5), layers.Dense(4)]),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def growth(work, warm: int, times: int) -> int:
    """By how many bytes memory grows while something is done again and again; nothing is left for the collector."""
    tracemalloc.start()
    try:
        for _ in range(warm):
            work()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(times):
            work()
        assert gc.collect() == 0  # and Python lets go of the small objects that it keeps for later
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_many_predictions_and_steps():
    model, sizes = make_model(), iter(range(10_000))
    model.fit(X, Y, verbose=0)

    def work():
        n = 1 + next(sizes) % len(X)  # batches of all sizes
        model.predict(X[:n], verbose=0)
        model(X[:n])
        model.evaluate(X[:n], Y[:n], verbose=0)
        model.train_on_batch(X[:n], Y[:n])

    assert growth(work, 140, 300) < 100 * 300  # less than one array's head for each


def test_many_models():
    def work():
        make_model().fit(X, Y, verbose=0, validation_split=0.25)

    assert growth(work, 20, 40) < 500 * 40  # a model has 20,000 bytes


def test_a_long_fit():
    """What grows is the history: a number for each epoch and each name."""
    model = make_model()

    def batches():
        while True:
            yield X, Y

    def work():
        model.fit(batches(), steps_per_epoch=200, verbose=0)

    assert growth(work, 1, 4) < 10 * 800


def everything(model, tmp_path):
    model.fit(
        X, Y, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss"), keras.callbacks.TerminateOnNaN()]
    )
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    model(X, training=True)
    model.summary(print_fn=len)
    model.save(tmp_path / "m.keras")
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda path: make_model(),
        lambda path: everything(make_model(), path),
        lambda path: copy.deepcopy(everything(make_model(), path)),
        lambda path: models.load_model(everything(make_model(), path) and path / "m.keras"),
        lambda path: models.clone_model(everything(make_model(), path)),
    ],
)
def test_a_model_is_freed_at_once(make, tmp_path):
    model = make(tmp_path)
    inside = [model, *model.layers, *model.weights]
    if model.compiled:
        inside += [model.optimizer, *model.metrics]
    alive = [weakref.ref(item) for item in inside]
    history = model.history
    del model, inside
    assert not [ref() for ref in alive if ref() is not None]
    del history


def test_a_model_whose_training_failed_is_freed_with_the_error():
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    model = make_model()
    alive = weakref.ref(model)
    with pytest.raises(ZeroDivisionError) as caught:
        model.fit(X, Y, verbose=0, callbacks=[Fails()])
    del model, caught
    assert alive() is None


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)
def test_a_layer_is_freed_at_once(case):
    layer = case.make(layers)
    if isinstance(layer, layers.InputLayer):
        return
    model = keras.Sequential([keras.Input(case.shape[1:]), layer])
    model.compile("sgd", "mse")
    x = case.x(dtype="float32")
    y = model.predict(x, verbose=0)
    if model.trainable_weights and isinstance(y, np.ndarray):
        model.fit(x, np.zeros_like(y), verbose=0)
    alive = [weakref.ref(model), weakref.ref(layer), *map(weakref.ref, model.weights)]
    del model, layer
    assert not [ref() for ref in alive if ref() is not None]
