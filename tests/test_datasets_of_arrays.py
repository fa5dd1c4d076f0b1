"""Data sets of samples: batches, orders, splits, windows of time series."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minikeras as mk
from minikeras import utils
from minikeras.utils.dataset import Dataset

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def xy(**kwargs):
    return Dataset(lambda rows: (X[rows], Y[rows]), 10, **kwargs)


def test_batches_in_order_and_the_last_one_smaller():
    data = xy(batch_size=4)
    assert len(data) == 3
    for _ in range(2):
        batches = list(data)
        assert [len(x) for x, _ in batches] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y)
        np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X)


def test_single_samples_and_their_batches():
    data = xy()
    assert len(data) == 10
    x, y = list(data)[3]
    assert x.shape == (2,) and y == 3
    assert [len(y) for _, y in data.batch(5)] == [5, 5]
    with pytest.raises(ValueError, match="already has batches, of 4"):
        xy(batch_size=4).batch(2)
    for bad in (0, 1.5, "3"):
        with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
            data.batch(bad)


def test_each_pass_has_an_order_of_its_own_and_a_seed_repeats_them():
    def passes(data):
        return [[int(i) for _, y in data for i in y] for _ in range(2)]

    first, second = passes(xy(batch_size=3, shuffle=True, seed=1))
    assert sorted(first) == sorted(second) == list(range(10)) and first != second
    assert passes(xy(batch_size=3, shuffle=True, seed=1)) == [first, second]
    utils.set_random_seed(3)
    drawn = passes(xy(batch_size=3, shuffle=True))
    utils.set_random_seed(3)
    assert passes(xy(batch_size=3, shuffle=True)) == drawn != passes(xy(batch_size=3, shuffle=True))
    with pytest.raises(ValueError, match="`seed` must be"):
        xy(shuffle=True, seed=-1)


def test_a_function_of_batches_or_of_samples():
    doubled = xy(batch_size=4).map(lambda x, y: (x * 2, y))
    np.testing.assert_array_equal(next(iter(doubled))[0], X[:4] * 2)
    sums = xy().map(lambda x, y: x.sum() + y)  # of single samples, batched later
    np.testing.assert_array_equal(list(sums), X.sum(1) + Y)
    np.testing.assert_array_equal(np.concatenate(list(sums.batch(3))), X.sum(1) + Y)
    pairs = xy().map(lambda x, y: (y, x)).batch(10)
    np.testing.assert_array_equal(next(iter(pairs))[1], X)


def test_a_data_set_is_trained_on():
    model = mk.Sequential([mk.Input((2,)), mk.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    seen = []
    data = xy(batch_size=4).map(lambda x, y: (seen.append(len(x)) or x / 20, y / 10))
    history = model.fit(data, epochs=2, validation_data=data, verbose=0)
    assert seen == [4, 4, 2] * 4 and history.history["loss"][1] < history.history["loss"][0]
    assert model.predict(data.map(lambda x, y: x), verbose=0).shape == (10, 1)

    arrays = mk.Sequential([mk.Input((2,)), mk.layers.Dense(1, kernel_initializer="zeros")])
    arrays.compile("sgd", "mse")
    expected = arrays.fit(X / 20, Y / 10, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(history.history["loss"], expected.history["loss"])


# split_dataset


def test_a_split_of_arrays():
    left, right = utils.split_dataset((X, Y), left_size=0.7)
    assert (len(left), len(right)) == (7, 3)
    np.testing.assert_array_equal([y for _, y in left], Y[:7])
    np.testing.assert_array_equal([x for x, _ in right], X[7:])
    left, right = utils.split_dataset(X, right_size=4)
    np.testing.assert_array_equal(list(left), X[:6])
    left, right = utils.split_dataset([X, Y], left_size=2, right_size=3)
    assert [int(y) for _, y in left] == [0, 1] and [int(y) for _, y in right] == [7, 8, 9]


def test_a_shuffled_split_has_python_s_order():
    order = list(range(10))
    random.Random(5).shuffle(order)
    state = random.getstate()
    left, right = utils.split_dataset(Y, left_size=6, shuffle=True, seed=5)
    assert [int(i) for i in left] + [int(i) for i in right] == order
    assert random.getstate() == state
    utils.set_random_seed(1)
    first = [int(i) for i in utils.split_dataset(Y, 6, shuffle=True)[0]]
    utils.set_random_seed(1)
    assert [int(i) for i in utils.split_dataset(Y, 6, shuffle=True)[0]] == first


def test_a_split_of_batches_stays_in_batches():
    data = Dataset(lambda r: X[r], 10, 4, class_names=["a"], file_paths=[f"f{i}" for i in range(10)])
    left, right = utils.split_dataset(data, left_size=0.5)
    assert [len(x) for x in left] == [4, 1] and right.class_names == ["a"]
    assert right.file_paths == ["f5", "f6", "f7", "f8", "f9"]
    np.testing.assert_array_equal(np.concatenate(list(right)), X[5:])


@given(st.integers(2, 40), st.floats(0.01, 0.99))
def test_the_parts_of_a_split_make_the_whole(n, share):
    if round(n * share) in (0, n):
        with pytest.raises(ValueError, match="would get none"):
            utils.split_dataset(np.arange(n), share)
        return
    left, right = utils.split_dataset(np.arange(n), share)
    assert len(left) == round(n * share)
    assert [int(i) for part in (left, right) for i in part] == list(range(n))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dataset": X}, ValueError, "give `left_size` or `right_size`"),
        ({"dataset": X, "left_size": "1"}, TypeError, "`left_size` must be an int, a float"),
        ({"dataset": X, "right_size": True}, TypeError, "`right_size` must be an int, a float"),
        ({"dataset": X, "left_size": 10}, ValueError, "smaller than 10"),
        ({"dataset": X, "left_size": 0}, ValueError, "smaller than 10"),
        ({"dataset": X, "right_size": 1.0}, ValueError, "between 0 and 1"),
        ({"dataset": X, "right_size": float("nan")}, ValueError, "between 0 and 1"),
        ({"dataset": X, "left_size": 6, "right_size": 0.5}, ValueError, "at most 10 samples"),
        ({"dataset": "abc", "left_size": 1}, TypeError, "Received: str"),
        ({"dataset": [X, [1, 2]], "left_size": 1}, ValueError, "index 1 is none"),
        ({"dataset": [X, Y[:5]], "left_size": 1}, ValueError, "index 1 has another length"),
        ({"dataset": [], "left_size": 1}, ValueError, "empty"),
        ({"dataset": X[:0], "left_size": 1}, ValueError, "empty"),
        (
            {"dataset": X, "left_size": 1, "preferred_backend": "torch"},
            ValueError,
            "preferred_backend='torch'",
        ),
    ],
)
def test_a_split_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.split_dataset(**arguments)


# timeseries_dataset_from_array


@given(st.data())
def test_windows_by_the_definition(data):
    steps = data.draw(st.integers(4, 30))
    length, stride, rate = (data.draw(st.integers(1, 3)) for _ in range(3))
    start = data.draw(st.integers(0, steps - 1))
    end = data.draw(st.none() | st.integers(start + 1, steps - 1)) if start < steps - 1 else None
    series = np.arange(steps * 2).reshape(steps, 2)
    expected = []
    for s in range(start, end or steps, stride):
        window = [s + i * rate for i in range(length)]
        if window[-1] < (end or steps):
            expected.append((series[window], s))
    arguments = {"sequence_stride": stride, "sampling_rate": rate, "start_index": start, "end_index": end}
    if not expected:
        with pytest.raises(ValueError, match="not one window"):
            utils.timeseries_dataset_from_array(series, None, length, **arguments)
        return
    windows = utils.timeseries_dataset_from_array(series, np.arange(steps), length, batch_size=3, **arguments)
    assert len(windows) == -(-len(expected) // 3)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in windows]), [x for x, _ in expected])
    np.testing.assert_array_equal(np.concatenate([y for _, y in windows]), [y for _, y in expected])


def test_a_forecast_of_the_next_step():
    series = np.arange(10)
    data = utils.timeseries_dataset_from_array(series[:-3], series[3:], 3)
    x, y = next(iter(data))
    np.testing.assert_array_equal(y, x[:, -1] + 1)
    assert len(y) == 5
    few = utils.timeseries_dataset_from_array(series, series[:4], 3, start_index=2, batch_size=None)
    assert [int(y) for _, y in few] == [2, 3]  # a window without a target is left out
    alone = utils.timeseries_dataset_from_array(series, None, 8, shuffle=True, seed=0, format="grain")
    assert sorted(next(iter(alone))[:, 0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequence_length": 0}, "`sequence_length` must be a positive"),
        ({"sequence_stride": 0}, "`sequence_stride` must be a positive"),
        ({"sequence_stride": 10}, "`sequence_stride` must be lower"),
        ({"sampling_rate": 10}, "`sampling_rate` must be lower"),
        ({"start_index": -1}, "`start_index` must be an integer of at least 0"),
        ({"start_index": 10}, "`start_index` must be lower"),
        ({"end_index": 10}, "`end_index` must be lower"),
        ({"start_index": 4, "end_index": 4}, "`end_index` must be an integer of at least 5"),
        ({"sequence_length": 11}, "not one window of 11"),
        ({"targets": 3}, "targets of shape"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"format": "torch"}, "`format` must be one of"),
        ({"data": 3}, "data of 0 steps"),
    ],
)
def test_windows_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.timeseries_dataset_from_array(**{"data": Y, "targets": Y, "sequence_length": 2, **arguments})
