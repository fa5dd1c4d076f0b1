"""Initializers: bit for bit the draws of Keras' NumPy backend, and the right spread."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikeras import initializers, registry
from minikeras.random import SeedGenerator, default_generator

RECORDS = json.loads((Path(__file__).parent / "golden" / "initializers.json").read_text())
NAMES = sorted(set(initializers._table.classes) - {"IdentityInitializer", "OrthogonalInitializer"})


def test_every_initializer_is_recorded():
    assert {record["name"] for record in RECORDS} == set(NAMES)


def test_values_equal_keras():
    """In one go: the unseeded ones draw their seeds from one sequence."""
    default_generator.seed(42)
    for record in RECORDS:
        made = getattr(initializers, record["name"])(**record["config"])
        values = made(tuple(record["shape"]))
        assert values.dtype == np.float32
        assert values.shape == tuple(record["shape"])
        expected = np.array(record["values"]).reshape(record["shape"])
        if record["name"] in ("Orthogonal", "STFT"):  # LAPACK's and float32 cosines' rounding
            np.testing.assert_allclose(values, expected, rtol=0, atol=2e-6)
        else:
            np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["name"])
def test_config(record):
    made = getattr(initializers, record["name"])(**record["config"])
    config = made.get_config()
    if record["name"] == "Identity":
        assert config == {"gain": 2.0}  # Keras forgets it
    else:
        assert config == record["read_back"]
    if record["name"] != "STFT":  # Keras writes these two keys the other way round
        assert list(config) == (list(record["read_back"]) or list(config))
    assert type(made).from_config(config).get_config() == config
    again = initializers.get(json.loads(json.dumps(initializers.serialize(made))))
    assert type(again) is type(made)
    if config.get("seed", 0) is not None:
        np.testing.assert_array_equal(again(tuple(record["shape"])), made(tuple(record["shape"])))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtype_and_order(name, dtype):
    values = getattr(initializers, name)()((4, 1, 5) if name == "STFT" else (4, 5), dtype=dtype)
    assert values.dtype == dtype
    assert values.flags.c_contiguous


@pytest.mark.parametrize(
    "name", [n for n in NAMES if issubclass(getattr(initializers, n), initializers.RandomInitializer)]
)
def test_an_instance_is_deterministic(name):
    cls = getattr(initializers, name)
    one, two = cls(), cls()
    np.testing.assert_array_equal(one((3, 4)), one((3, 4)))
    assert (one((3, 4)) != two((3, 4))).any()
    assert (one.clone()((3, 4)) != one((3, 4))).any()
    np.testing.assert_array_equal(cls(seed=3)((3, 4)), cls(seed=3).clone()((3, 4)))
    successive = cls(seed=SeedGenerator(3))
    first = successive((3, 4))
    np.testing.assert_array_equal(first, cls(seed=3)((3, 4)))
    assert (successive((3, 4)) != first).any()
    with pytest.raises(ValueError, match="seed"):
        cls(seed="a")


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("GlorotUniform", 2 / 500),
        ("GlorotNormal", 2 / 500),
        ("HeUniform", 2 / 200),
        ("HeNormal", 2 / 200),
        ("LecunUniform", 1 / 200),
        ("LecunNormal", 1 / 200),
    ],
)
def test_variance(name, variance):
    """Of 60,000 draws, within five standard errors."""
    values = getattr(initializers, name)(seed=1)((200, 300), "float64")
    error = 5 * math.sqrt(2 / values.size)
    assert abs(np.var(values) / variance - 1) < error
    assert abs(np.mean(values)) < 5 * math.sqrt(variance / values.size)
    if "Uniform" in name:
        assert np.abs(values).max() <= math.sqrt(3 * variance)


def test_truncated_normal_is_cut_at_two_standard_deviations():
    values = initializers.TruncatedNormal(1.0, 0.5, seed=0)((20000,))
    assert 1.9 < np.abs(values - 1.0).max() / 0.5 <= 2.0


@given(shape=st.lists(st.integers(1, 6), min_size=2, max_size=4), gain=st.floats(0.1, 3.0))
@settings(deadline=None, max_examples=40)
def test_orthogonal(shape, gain):
    values = initializers.Orthogonal(gain, seed=1)(shape, "float64").reshape(-1, shape[-1])
    rows, columns = values.shape
    gram = values.T @ values if rows >= columns else values @ values.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=1e-12)


def test_fans():
    assert initializers.compute_fans(()) == (1, 1)
    assert initializers.compute_fans((7,)) == (7, 7)
    assert initializers.compute_fans((3, 5)) == (3, 5)
    assert initializers.compute_fans((3, 3, 16, 20)) == (144, 180)
    assert initializers.compute_fans((3, 4, 5), [0, 1], [2]) == (12, 5)


def test_get():
    assert initializers.get(None) is None
    for name in ("zeros", "zero", "Zeros", "one", "he_normal", "HeNormal", "normal", "uniform", "orthogonal"):
        assert isinstance(initializers.get(name), initializers.Initializer)
    assert isinstance(initializers.get("OrthogonalInitializer"), initializers.Orthogonal)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    made = initializers.HeNormal()
    assert initializers.get(made) is made
    old = {
        "class_name": "OrthogonalInitializer",
        "config": {"gain": 2.0, "seed": None},
        "module": "keras.initializers",
    }
    assert initializers.get(old).gain == 2.0

    def ramp(shape, dtype=None):
        return np.arange(math.prod(shape), dtype=dtype).reshape(shape)

    assert initializers.get(ramp) is ramp
    with registry.custom_object_scope({"ramp": ramp}):
        assert initializers.get("ramp") is ramp


def test_an_array_is_an_initializer():
    array = np.arange(6.0).reshape(2, 3)
    made = initializers.get(array)
    values = made((2, 3))
    np.testing.assert_array_equal(values, array)
    assert values.dtype == np.float32
    values[:] = 0
    assert array[1, 2] == 5.0
    again = initializers.get(json.loads(json.dumps(initializers.serialize(made))))
    np.testing.assert_array_equal(again((2, 3)), array)
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        made((3, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.get("nope"), "nope"),
        (lambda: initializers.get("he_norma"), "Did you mean 'he_normal'"),
        (lambda: initializers.get(3), "3"),
        (lambda: initializers.VarianceScaling(scale=-1.0), "scale"),
        (lambda: initializers.VarianceScaling(mode="nope"), "mode"),
        (lambda: initializers.VarianceScaling(distribution="nope"), "distribution"),
        (lambda: initializers.Orthogonal()((3,)), "two axes"),
        (lambda: initializers.Identity()((3, 3, 3)), "2D"),
        (lambda: initializers.STFT(side="nope"), "side"),
        (lambda: initializers.STFT(window="nope"), "window"),
        (lambda: initializers.STFT(window=np.ones(3))((4, 1, 3)), "4 samples"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_base_class_has_no_values():
    with pytest.raises(NotImplementedError, match="__call__"):
        initializers.Initializer()((2,))
