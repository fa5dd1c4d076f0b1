"""Learning rate schedules, step by step against real Keras and at their corners."""

import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest

from minikeras.optimizers import schedules
from minikeras.variable import Variable

GOLDEN = np.load(Path(__file__).parent / "golden" / "optimizers.npz")
CONFIGS = json.loads(str(GOLDEN["index"]))["schedules"]


def test_every_schedule_is_recorded():
    classes = {
        name
        for name, c in vars(schedules).items()
        if inspect.isclass(c) and issubclass(c, schedules.LearningRateSchedule)
    }
    assert {c["class_name"] for c in CONFIGS} == classes - {"LearningRateSchedule"}


@pytest.mark.parametrize("i", range(len(CONFIGS)))
def test_values_equal_keras(i):
    made = schedules.deserialize(CONFIGS[i])
    values = [made(step) for step in range(40)]
    assert all(type(v) is float for v in values)
    np.testing.assert_allclose(values, GOLDEN[f"schedule{i}"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("i", range(len(CONFIGS)))
def test_config_comes_back(i):
    made = schedules.deserialize(CONFIGS[i])
    config = json.loads(json.dumps(schedules.serialize(made)))
    assert config["module"] == "keras.optimizers.schedules"
    assert CONFIGS[i]["config"].items() <= config["config"].items()
    assert [schedules.deserialize(config)(s) for s in range(9)] == [made(s) for s in range(9)]


def test_step_may_be_any_number():
    made = schedules.ExponentialDecay(0.1, 10, 0.5)
    assert made(10) == made(10.0) == made(np.int64(10)) == made(np.array(10)) == pytest.approx(0.05)
    assert made(float(np.asarray(Variable(10.0)))) == pytest.approx(0.05)


def test_boundary_belongs_to_the_left():
    made = schedules.PiecewiseConstantDecay([3, 9], [1.0, 0.5, 0.1])
    assert [made(s) for s in (0, 3, 4, 9, 10, 1000)] == [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]
    assert schedules.PiecewiseConstantDecay([], [0.3])(7) == 0.3


@pytest.mark.parametrize("t_mul", [1.5, 2.0, 3.0])
def test_each_restart_is_at_its_step(t_mul):
    """Also where the logarithm of a power is not the whole number that it should be."""
    made = schedules.CosineDecayRestarts(1.0, 4, t_mul=t_mul, m_mul=0.5)
    start = 0.0
    for i in range(8):
        assert made(start) == pytest.approx(0.5**i, rel=1e-6)
        start += 4 * t_mul**i


def test_shrinking_restarts_end_at_the_lowest_rate():
    made = schedules.CosineDecayRestarts(1.0, 4, t_mul=0.5, alpha=0.25)
    assert made(8) == made(100) == 0.25


def test_warm_up_starts_and_ends_where_it_says():
    made = schedules.CosineDecay(0.0, 10, alpha=0.1, warmup_target=1.0, warmup_steps=4)
    assert [made(s) for s in (0, 1, 4)] == [0.0, 0.25, 1.0]
    assert made(9) == pytest.approx(0.55)
    assert made(14) == made(99) == pytest.approx(0.1)


def test_polynomial_cycle():
    made = schedules.PolynomialDecay(1.0, 10, 0.0, cycle=True)
    assert made(0) == 1.0
    assert made(10) == 0.0
    assert made(11) == pytest.approx(1 - 11 / 20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.CosineDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.9), "decay_steps"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.9), "decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, math.nan), "decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "one value more"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "increase"),
        (lambda: schedules.deserialize({"class_name": "CosineDecai", "config": {}}), "CosineDecay"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_base_class_has_no_values():
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(0)
