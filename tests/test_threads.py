"""Work shared out among threads: the same numbers as in one thread, the same bits on every run."""

from __future__ import annotations

import multiprocessing
import threading
from functools import partial

import numpy as np
import pytest
from cases import LAYERS, WITHOUT_GRADIENT
from test_layers import build

import minikeras as keras
from minikeras import config, context, workers
from minikeras.context import Context
from minikeras.layers import (
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    Lambda,
    Layer,
)
from minikeras.training import sharing
from minikeras.variable import Arena


@pytest.fixture
def threads():
    yield config.set_num_threads
    config.set_num_threads(None)


def model_of(*makers, **options):
    """A model with these layers between the first and the last ones, the same on each call."""
    keras.utils.set_random_seed(1)
    middle = [make() for make in makers]
    model = keras.Sequential([Input((12, 12, 3)), Conv2D(32, 3, activation="relu"), *middle, *head()])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **options})
    return model


def data(n=150):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 12, 12, 3)).astype("float32"), rng.integers(0, 10, n)


def head():
    return Conv2D(64, 3, activation="relu"), Flatten(), Dense(200, activation="tanh"), Dense(10, "softmax")


def parts_of(model):
    return len(model._step.parts.contexts)


@pytest.mark.parametrize("case", [c for c in LAYERS if c not in WITHOUT_GRADIENT], ids=lambda c: c.id)
def test_two_parts_of_a_batch_give_what_the_whole_gives(case):
    """Outputs, gradients and moving averages, in training."""
    layer, x = build(case), case.x()
    if case.random or not layer.can_be_split() or len(x) < 2:
        return  # those that draw are compared in tests below; the others are not split
    mask, cut = case.mask_for(x), len(x) // 2
    others = [v for v in layer.weights if not v.trainable]
    before = [np.array(v) for v in others]
    whole = Context(training=True)
    whole.mask = mask
    y = layer.run_forward(x, whole)
    if not isinstance(y, np.ndarray):
        return
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx = layer.run_backward(dy, whole)
    after = [np.array(v) for v in others]
    for v, array in zip(others, before, strict=True):
        v.assign(array)

    first = Context(training=True)
    contexts, rows, team = [first, first.beside(1)], [slice(None, cut), slice(cut, None)], workers.Team(2)
    for ctx, part in zip(contexts, rows, strict=True):
        ctx.join(team)
        ctx.mask = None if mask is None else mask[part]
    pairs = list(zip(contexts, rows, strict=True))
    outputs = team.run([partial(layer.run_forward, x[part], ctx) for ctx, part in pairs])
    gradients = team.run([partial(layer.run_backward, dy[part], ctx) for ctx, part in pairs])
    np.testing.assert_allclose(np.concatenate(outputs), y, rtol=1e-9, atol=1e-12)
    if dx is not None and not case.integers:
        np.testing.assert_allclose(np.concatenate(gradients), dx, rtol=1e-9, atol=1e-12)
    for v in layer.trainable_weights:
        total = contexts[0].grad(v) + contexts[1].grad(v)
        np.testing.assert_allclose(total, whole.grad(v), rtol=1e-9, atol=1e-12)
    for v, array in zip(others, after, strict=True):
        np.testing.assert_allclose(v.value, array, rtol=1e-12)


def test_layers_that_draw_or_need_the_whole_batch_are_known():
    assert Dropout(0.5).rowwise and not Dropout(0.5, noise_shape=(1, None)).rowwise
    images = BatchNormalization(axis=0)
    images.build((3, 4, 5))
    assert BatchNormalization().rowwise and not images.rowwise
    assert not Lambda(np.abs).rowwise
    assert not keras.layers.LSTM(3, stateful=True).rowwise and keras.layers.LSTM(3).rowwise

    class Own(Dense):
        def forward(self, x, ctx):
            return super().forward(x - x.mean(axis=0), ctx)

    class Renamed(Dense):
        pass

    class Safe(Layer):
        rowwise = True

        def forward(self, x, ctx):
            return x

    assert not Own(3).rowwise and Renamed(3).rowwise and Safe().rowwise
    bidirectional = keras.layers.Bidirectional(keras.layers.RNN(keras.layers.GRUCell(3)))
    assert bidirectional.can_be_split()
    assert not Dense(3, activity_regularizer="l2").can_be_split()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adafactor", "lamb"])
def test_any_number_of_threads_learns_the_same(threads, count, optimizer):
    x, y = data()
    results = []
    for n in (1, count):
        threads(n)
        keras.config.set_floatx("float64")
        try:
            model = model_of(BatchNormalization, optimizer=optimizer)
            history = model.fit(x, y, batch_size=64, epochs=2, verbose=0)
        finally:
            keras.config.set_floatx("float32")
        assert parts_of(model) == n
        results.append((history.history["loss"], model.get_weights()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-9)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_the_same_number_of_threads_gives_the_same_bits(threads):
    threads(3)
    x, y = data()
    runs = []
    for _ in range(2):
        model = model_of(BatchNormalization, lambda: Dropout(0.3))
        model.fit(x, y, batch_size=64, epochs=2, verbose=0)
        assert parts_of(model) == 3
        runs.append(model.get_weights())
    for a, b in zip(*runs, strict=True):
        assert np.array_equal(a, b)


def mlp(**options):
    keras.utils.set_random_seed(1)
    hidden = [layer for _ in range(3) for layer in (Dense(256, "tanh"), BatchNormalization(), Dropout(0.2))]
    model = keras.Sequential([Input((300,)), *hidden, Dense(10, "softmax")])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **options})
    return model


def rows(n=150):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 300)).astype("float32"), rng.integers(0, 10, n)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_threads_that_share_products_learn_what_one_does(threads, count):
    x, y = rows()
    results = []
    for n in (1, count, count):
        threads(n)
        model = mlp()
        history = model.fit(x, y, batch_size=128, epochs=3, verbose=0)
        assert parts_of(model) == 1 and (model._step.ctx._shared.crew is None) == (n == 1)
        results.append([np.array(history.history["loss"]), *model.get_weights()])
    for one, many, again in zip(*results, strict=True):
        np.testing.assert_allclose(one, many, rtol=1e-4, atol=1e-6)
        assert np.array_equal(many, again)


def test_both_directions_are_read_at_once_with_the_same_bits(threads, monkeypatch):
    shared = []
    monkeypatch.setattr(context, "run_all", lambda jobs: shared.append(len(jobs)) or workers.run_all(jobs))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(150, 9, 20)).astype("float32"), rng.integers(0, 10, 150)
    gru = keras.layers.GRU

    def train(n, *layers):
        threads(n)
        keras.utils.set_random_seed(1)
        model = keras.Sequential([Input((9, 20)), *(layer() for layer in layers), Dense(10, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        shared.clear()
        model.fit(x, y, batch_size=128, epochs=2, verbose=0)
        return model.get_weights()

    two = (
        lambda: keras.layers.Bidirectional(gru(64, return_sequences=True, recurrent_dropout=0.2)),
        lambda: keras.layers.Bidirectional(gru(64)),
    )
    alone = train(1, *two)
    assert not shared
    for one, three in zip(alone, train(3, *two), strict=True):
        np.testing.assert_allclose(one, three, rtol=1e-4, atol=1e-6)
    first = train(2, *two)
    assert shared == [2] * 8  # two layers, two passes, two epochs: the second batch, of 22, is too small
    assert all(map(np.array_equal, first, train(2, *two)))

    class Own(keras.layers.GRUCell):
        def forward(self, x, states, ctx):
            return super().forward(x, states, ctx)

    for small in (gru(8), keras.layers.RNN(Own(64)), gru(64, activity_regularizer="l2")):
        with keras.utils.custom_object_scope({"Own": Own}):
            train(2, lambda small=small: keras.layers.Bidirectional(small))
        assert not shared


def products(count=9):
    rng = np.random.default_rng(0)
    shapes = [(300 - i, 200, 256) for i in range(count)]
    pairs = [(rng.random((m, k), "float32"), rng.random((k, n), "float32")) for m, k, n in shapes]
    return pairs, [np.full((m, n), np.nan, "float32") for m, _, n in shapes]


@pytest.mark.parametrize("size", [2, 3, 8])
def test_a_crew_makes_each_product_once(size):
    crew, (pairs, results) = workers.Crew(size), products()
    late = list(zip(pairs, results, strict=True))[::2]
    for i, ((a, b), out) in enumerate(zip(pairs, results, strict=True)):
        if i % 2:
            assert crew.dot(a, b, out) is out
            np.testing.assert_allclose(out, a @ b, rtol=1e-5)
        else:
            crew.dot_later(a, b, out, key=i)
            assert crew.owes(i) and not crew.owes(i + 1)
    crew.settle()
    assert not any(map(crew.owes, range(len(pairs))))
    for (a, b), out in late:
        np.testing.assert_allclose(out, a @ b, rtol=1e-5)


def test_a_product_that_no_thread_begins_is_made_by_the_one_that_waits(monkeypatch):
    class Idle(workers._Pool):
        def _serve(self):
            pass

    monkeypatch.setattr(workers, "_pool", Idle())
    crew, (pairs, results) = workers.Crew(2), products(2)
    crew.dot_later(*pairs[0], results[0], key="later")
    crew.dot(*pairs[1], results[1])
    assert np.isnan(results[0]).all() and crew.owes("later")
    np.testing.assert_allclose(results[1], pairs[1][0] @ pairs[1][1], rtol=1e-5)
    crew.settle()
    np.testing.assert_allclose(results[0], pairs[0][0] @ pairs[0][1], rtol=1e-5)


def test_a_gradient_is_complete_when_it_is_asked_for(monkeypatch):
    class Idle(workers._Pool):
        def _serve(self):
            pass

    monkeypatch.setattr(workers, "_pool", Idle())
    layer, x = Dense(256), np.random.default_rng(0).random((128, 256), "float32")
    for read in (lambda ctx: ctx.grad(layer.kernel), lambda ctx: ctx.gradients[layer.kernel]):
        ctx = Context(training=True)
        ctx.employ(workers.Crew(2))
        layer.ensure_built(x.shape)
        dy = layer.run_forward(x, ctx).copy()
        layer.run_backward(dy, ctx)
        assert not ctx._shared.gradients[layer.kernel].any()  # nobody has begun
        np.testing.assert_allclose(read(ctx), x.T @ dy, rtol=1e-4, atol=1e-4)


def test_an_error_in_a_shared_product_is_raised_and_the_crew_still_works():
    crew, (pairs, results) = workers.Crew(2), products(2)
    with pytest.raises(ValueError, match="not aligned"):
        crew.dot_later(pairs[0][0], pairs[1][0], results[0], key=0)
        crew.settle()
    crew.settle()
    crew.dot(*pairs[1], results[1])
    np.testing.assert_allclose(results[1], pairs[1][0] @ pairs[1][1], rtol=1e-5)


def test_what_needs_the_whole_batch_is_given_it(threads):
    threads(2)
    model = model_of(lambda: Dropout(0.1, noise_shape=(1, 10, 10, 32)))
    model.fit(*data(64), batch_size=64, verbose=0)
    assert parts_of(model) == 1


def test_small_work_stays_in_one_thread(threads):
    threads(8)
    model = keras.Sequential([Input((8,)), Dense(12, activation="relu"), Dense(1)])
    model.compile(loss="mse")
    model.fit(np.zeros((256, 8)), np.zeros(256), batch_size=256, verbose=0)
    assert parts_of(model) == 1


def test_short_batches_have_fewer_parts(threads):
    threads(2)
    model = model_of()
    x, y = data(64 + 5)
    model.fit(x, y, batch_size=64, verbose=0, shuffle=False)
    assert parts_of(model) == 2 and model._step.parts._slices == []


def test_an_error_in_any_part_is_raised_and_the_model_still_works(threads):
    class Picky(Layer):
        rowwise = True
        limit = np.inf

        def forward(self, x, ctx):
            ctx.save()
            if x.max() > self.limit:
                raise ValueError("too large for me")
            return x

        def backward(self, dy, ctx):
            ctx.saved()
            return dy

    threads(2)
    picky = Picky()
    model = model_of(lambda: picky)
    x, y = data(64)
    model.fit(x, y, batch_size=64, verbose=0)
    picky.limit = -1
    with pytest.raises(ValueError, match="too large for me"):
        model.fit(x, y, batch_size=64, verbose=0)
    picky.limit = np.inf
    model.fit(x, y, batch_size=64, verbose=0)


def test_threads_inherit_numpys_error_state():
    jobs = [lambda: np.geterr()["over"]] * 3
    with np.errstate(over="raise"):
        assert workers.run_all(jobs) == ["raise"] * 3


def test_all_jobs_are_waited_for_before_an_error_is_raised():
    done, gate = [], threading.Event()

    def fail():
        gate.set()
        raise KeyError("first")

    def late():
        gate.wait()
        done.append(True)

    with pytest.raises(KeyError, match="first"):
        workers.run_all([fail, late])
    assert done == [True]


def test_the_error_that_ended_a_team_is_the_one_that_is_raised():
    team = workers.Team(3)

    def wait():
        team.total(0, [1])

    def fail():
        raise KeyError("the cause")

    for jobs in ([wait, wait, fail], [fail, wait, wait], [wait, fail, wait]):
        with pytest.raises(KeyError, match="the cause"):
            team.run(jobs)
    assert team.run([partial(team.total, i, [np.array(i + 1.0)]) for i in range(3)]) == [[6.0]] * 3


def test_parts_draw_their_own_numbers_from_one_seed_of_the_layer():
    def drawn():
        layer = Dropout(0.5, seed=3)
        first = Context(training=True)
        contexts = [first, first.beside(1)]
        numbers = [ctx.child(2).rng_of(layer.seed_generator).random(4).tolist() for ctx in contexts[::order]]
        return numbers[::order], layer.seed_generator.count

    order = 1
    (a, b), count = drawn()
    order = -1
    assert drawn() == ([a, b], count) and a != b and count == 1


def test_blas_is_held_to_one_thread_until_the_last_holder_lets_go():
    count = [4]
    blas = workers._Blas(lambda: count[0], lambda n: count.__setitem__(0, n))
    blas.hold()
    blas.hold()
    assert count == [1]
    blas.release()
    assert count == [1]
    blas.release()
    assert count == [4]


def test_without_a_hold_on_blas_nothing_is_split(threads, monkeypatch):
    threads(4)
    monkeypatch.setattr(workers, "_blas", None)
    assert workers.thread_count() == 1
    with workers.single_threaded_blas():
        pass


def test_equal_shares():
    assert workers.split(10, 3) == [slice(0, 3), slice(3, 6), slice(6, 10)]
    assert workers.split(2, 1) == [slice(0, 2)]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_bad_numbers_of_threads(value):
    with pytest.raises(ValueError, match="positive integer"):
        config.set_num_threads(value)


def test_by_default_there_are_as_many_threads_as_cores(threads):
    threads(None)
    assert config.num_threads() == config.available_cores() >= 1


def _train(model, x, y, results):
    model.fit(x, y, batch_size=64, verbose=0)
    results.put(float(model.evaluate(x, y, verbose=0)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(threads):
    threads(2)
    x, y = data(64)
    model = model_of()
    model.fit(x, y, batch_size=64, verbose=0)
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    process = fork.Process(target=_train, args=(model, x, y, results))
    process.start()
    found = results.get(timeout=60)
    process.join(60)
    model.fit(x, y, batch_size=64, verbose=0)
    assert found == pytest.approx(float(model.evaluate(x, y, verbose=0)), rel=1e-6)


@pytest.mark.parametrize("rows", [31, 32, 33, 150])
def test_predictions_have_the_same_bits_on_any_number_of_threads(threads, rows, monkeypatch):
    monkeypatch.setattr(sharing, "WORK", 1)
    x, _ = data(rows)
    model = model_of(BatchNormalization)
    found = []
    for n in (1, 2, 7):
        threads(n)
        assert sharing.threads_for(model, x.shape, 32) == n
        found.append(model.predict(x, verbose=0))
    assert found[0].shape == (rows, 10)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_batches_of_a_stateful_layer_stay_in_order(threads, monkeypatch):
    for name in ("WORK", "CALLS", "MEETING"):
        monkeypatch.setattr(sharing, name, 1)
    threads(4)
    assert sharing.threads_for(keras.Sequential([Input((3, 4)), LSTM(5)]), (8, 3, 4), 2) == 4
    model = keras.Sequential([Input(batch_shape=(2, 3, 4)), keras.layers.LSTM(5, stateful=True)])
    assert sharing.threads_for(model, (8, 3, 4), 2) == 1
    x = np.random.default_rng(0).normal(size=(8, 3, 4)).astype("float32")
    together = model.predict(x, batch_size=2, verbose=0)
    model.layers[0].reset_states()
    one_by_one = [model.predict(x[i : i + 2], verbose=0) for i in range(0, 8, 2)]
    assert np.array_equal(together, np.concatenate(one_by_one))


@pytest.mark.parametrize("batch_size", [32, 47])
def test_evaluation_gives_the_same_bits_on_any_number_of_threads(threads, batch_size, monkeypatch):
    monkeypatch.setattr(sharing, "WORK", 1)
    x, y = data()
    model = model_of(BatchNormalization, metrics=["accuracy"])
    found = []
    for n in (1, 2, 7):
        threads(n)
        found.append(model.evaluate(x, y, batch_size=batch_size, verbose=0))
    assert found[0] == found[1] == found[2]
    seen = []
    watcher = keras.callbacks.LambdaCallback()
    watcher.on_test_batch_end = lambda batch, logs=None: seen.append(batch)
    assert model.evaluate(x, y, batch_size=batch_size, verbose=0, callbacks=[watcher]) == found[0]


def test_an_interrupted_run_in_threads_goes_on_with_the_same_bits(threads, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.seen = getattr(self, "seen", 0) + 1
            if self.seen == 4:
                raise KeyboardInterrupt

    def run(*callbacks):
        model = model_of(BatchNormalization, lambda: Dropout(0.3))
        model.fit(x, y, batch_size=64, epochs=3, verbose=0, callbacks=list(callbacks))
        assert parts_of(model) == 2
        return model.get_weights()

    threads(2)
    x, y = data()
    whole = run()
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"), save_freq=1)
    with pytest.raises(KeyboardInterrupt):
        run(backup, Stop())
    for a, b in zip(whole, run(keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))), strict=True):
        assert np.array_equal(a, b)


def test_a_layer_whose_parts_wait_for_each_other_needs_more_work_to_be_shared_out(threads):
    config.set_num_threads(2)

    def parts(shape, *layers):
        model = keras.Sequential([Input(shape), *layers])
        return sharing.part_count(model, (128, *shape), Arena(model.trainable_weights))

    def convolutions(filters, normalized):
        between = [BatchNormalization] if normalized else []
        return [
            layer for _ in range(4) for layer in (Conv2D(filters, 3, padding="same"), *(b() for b in between))
        ]

    assert parts((6, 6, 4), *convolutions(16, False)) == 2
    assert parts((6, 6, 4), *convolutions(16, True)) == 1
    assert parts((6, 6, 4), *convolutions(32, True)) == 2
    assert parts((60, 16), LSTM(32)) == 1 and parts((60, 16), Bidirectional(LSTM(32))) == 1
    assert parts((60, 16), LSTM(128)) == 2


def test_batches_of_little_work_are_predicted_in_one_thread(threads):
    threads(2)

    def count(shape, batch_size, *layers):
        return sharing.threads_for(keras.Sequential([Input(shape), *layers]), (5000, *shape), batch_size)

    assert [count((128,), 32, Dense(128)), count((128,), 256, Dense(128)), count((512,), 32, Dense(512))] == [
        1,
        2,
        2,
    ]
    assert [count((60, 16), 32, LSTM(32)), count((60, 16), 32, LSTM(128))] == [1, 2]
    assert count((512,), 32, Dense(512), BatchNormalization()) == 2  # it sums nothing over the batch here
