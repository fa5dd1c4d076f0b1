"""One model in many threads, and copies of it in other processes: the same bits, and nothing shared."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading

import numpy as np
import pytest

import minikeras as keras
from minikeras import layers

X = np.random.default_rng(0).normal(size=(24, 6, 3)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 24)
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def make_model(fitted: bool = True) -> keras.Sequential:
    keras.utils.set_random_seed(7)
    frozen = keras.Sequential([layers.Dense(4, "tanh"), layers.Dense(5)])
    frozen.trainable = False
    model = keras.Sequential(
        [
            layers.Conv1D(4, 2, activation="relu"),
            frozen,
            layers.BatchNormalization(),
            layers.LSTM(4, return_sequences=True),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(3, "softmax", kernel_regularizer="l2"),
        ]
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.9)
    optimizer = keras.optimizers.Adam(schedule, use_ema=True, clipnorm=1.0)
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["sparse_top_k_categorical_accuracy"],
    )
    if fitted:
        model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    return model


def state(model) -> list[bytes]:
    """All that training goes on from, bit by bit."""
    arrays = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    return [a.tobytes() for a in arrays]


def train(model) -> tuple[list[bytes], dict]:
    """Two more epochs, from generators that do not depend on what else has been drawn."""
    keras.utils.set_random_seed(3)
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0).history
    return state(model), history


def run_at_once(jobs) -> list:
    """The results of functions that all start at the same moment, a thread each."""
    barrier, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def work(i):
        barrier.wait()
        results[i] = jobs[i]()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


@pytest.mark.parametrize("fitted", [False, True])
def test_many_threads_use_one_model(fitted):
    model = make_model(fitted)
    rows = [slice(0, 24), slice(0, 7), slice(7, 24), slice(3, 4)]

    def ask(model, r):
        return [
            model.predict(X[r], batch_size=5, verbose=0),
            model(X[r]),
            model.predict_on_batch(X[r]),
            np.array(model.evaluate(X[r], Y[r], batch_size=5, verbose=0)),
            np.array(model.test_on_batch(X[r], Y[r])),
        ]

    twin = copy.deepcopy(model)
    if not fitted:  # the threads are to build it
        keras.utils.set_random_seed(5)
        twin.predict(X[:2], verbose=0)
        keras.utils.set_random_seed(5)
    expected = [ask(twin, r) for r in rows]
    jobs = [lambda r=r: [ask(model, r) for _ in range(4)] for r in rows * 2]
    for asked, wanted in zip(run_at_once(jobs), expected * 2, strict=True):
        for answers in asked or [None]:
            for a, b in zip(answers, wanted, strict=True):
                np.testing.assert_array_equal(a, b)


def test_threads_that_each_train_a_model_of_their_own():
    models = [make_model() for _ in range(4)]
    before = state(models[0])

    def work(model):
        keras.utils.set_random_seed(3)  # has no meaning here: the generator is shared by all threads
        model.fit(X, Y, epochs=2, batch_size=8, verbose=0, shuffle=False)
        return state(model)

    for found in run_at_once([lambda m=m: work(m) for m in models]):
        assert found is not None and found != before
    for model in models:
        assert np.isfinite(model.evaluate(X, Y, verbose=0)).all()


def through_pickle(protocol):
    return lambda model: pickle.loads(pickle.dumps(model, protocol))


@pytest.mark.parametrize("clone", [copy.deepcopy, *map(through_pickle, PROTOCOLS)])
@pytest.mark.parametrize("fitted", [False, True])
def test_a_copy_trains_on_its_own(clone, fitted):
    model = make_model(fitted)
    again = clone(model)
    assert again.compiled and again.get_compile_config() == model.get_compile_config()
    if fitted:
        before, numbers = state(model), model.evaluate(X, Y, verbose=0)
        assert state(again) == before and again.evaluate(X, Y, verbose=0) == numbers
        assert again.history.history == model.history.history
        trained = train(again)
        assert trained[0] != before and state(model) == before
        assert not any(np.shares_memory(a.value, b.value) for a in model.weights for b in again.weights)
    else:
        keras.utils.set_random_seed(3)
        trained = train(again)
        assert not model.built
        keras.utils.set_random_seed(3)
    assert train(model) == trained  # the original, from where it was, ends with the copy's bits


def test_a_copy_of_read_only_arrays_trains():
    """As where a library of workers maps large arrays into memory instead of copying them."""
    model = make_model()
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(model, 5, buffer_callback=buffers.append)
    again = pickle.loads(data, buffers=[memoryview(bytes(b.raw())) for b in buffers])
    assert buffers and train(again) == train(model)


def work_elsewhere(model, channel):
    """In another process: what the model was, and what becomes of it when it trains."""
    before = state(model)
    channel.send((before, train(model)))
    channel.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_trains_a_copy(method):
    model = make_model()
    before = state(model)
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work_elsewhere, args=(model, sender))
    process.start()
    sender.close()
    arrived, trained = receiver.recv()
    process.join()
    assert process.exitcode == 0
    assert arrived == before == state(model)
    assert train(model) == trained


def test_a_copy_in_the_middle_of_training():
    model, copies = make_model(), []

    class Copy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            copies.append((state(self.model), copy.deepcopy(self.model), pickle.dumps(self.model)))

    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[Copy()])
    for now, copied, pickled in copies:
        assert state(copied) == now == state(pickle.loads(pickled))
        copied.fit(X, Y, verbose=0)
