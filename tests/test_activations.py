"""Every activation: its gradient, `out=`, and that it neither overflows nor writes to its input."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from cases import ACTIVATION_ARGUMENTS

from minikeras import activations, layers, registry
from minikeras.activations._erf import erf

CASES = [
    (cls, kwargs)
    for cls in activations.table.classes.values()
    for kwargs in ACTIVATION_ARGUMENTS.get(cls.__name__, [{}])
]
each_activation = pytest.mark.parametrize(
    ("cls", "kwargs"), CASES, ids=lambda v: getattr(v, "__name__", str(v))
)


def frozen(array):
    array.flags.writeable = False
    return array


@each_activation
def test_gradient_along_random_directions(cls, kwargs):
    f, rng, eps = cls(**kwargs), np.random.default_rng(0), 1e-6
    z = frozen(rng.normal(0, 2, (4, 6)))
    y = f(z)
    dy, direction = frozen(rng.normal(size=y.shape)), rng.normal(size=z.shape)
    dz = f.backward(dy, frozen(z if f.needs_input else y))
    numeric = ((f(z + eps * direction) - f(z - eps * direction)) * dy).sum() / (2 * eps)
    assert (dz * direction).sum() == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@each_activation
def test_out_and_dtype(cls, kwargs):
    f = cls(**kwargs)
    z = np.random.default_rng(1).normal(0, 2, (4, 6)).astype("float32")
    y = f(z.copy())
    assert y.dtype == np.float32
    if y.shape == z.shape:
        out = np.empty_like(z)
        assert f(z.copy(), out=out) is out
        np.testing.assert_array_equal(out, y)
        if not f.needs_input:  # then it may work in place
            place = z.copy()
            assert f(place, out=place) is place
            np.testing.assert_array_equal(place, y)
    dz = f.backward(np.ones_like(y), z if f.needs_input else y)
    assert dz.dtype == np.float32


@each_activation
def test_extreme_inputs_stay_finite(cls, kwargs):
    if cls in (activations.Exponential,):
        return  # e^1000 is infinite, and should be
    f = cls(**kwargs)
    z = np.array([[-1e4, -90.0, -1.0, 0.0, 1.0, 30.0, 90.0, 1e4]] * 2, dtype="float32")
    y = f(z)
    assert np.isfinite(y).all()
    assert np.isfinite(f.backward(np.ones_like(y), z if f.needs_input else y)).all()


@each_activation
def test_names_configs_and_copies(cls, kwargs):
    f = cls(**kwargs)
    again = activations.get(registry.deserialize(registry.serialize(f)) if kwargs else f.name)
    z = np.random.default_rng(2).normal(0, 2, (4, 4))
    np.testing.assert_array_equal(again(z.copy()), f(z.copy()))
    for clone in (copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        np.testing.assert_array_equal(clone(z.copy()), f(z.copy()))


@pytest.mark.parametrize("name", list(activations.table.entries))
def test_every_name_is_a_function_of_the_package(name):
    function = getattr(activations, name)
    assert name == function.__name__ or name in ("swish", "hard_swish")
    if name != "threshold":  # which has no defaults
        assert isinstance(activations.get(function), function.activation)
        np.testing.assert_array_equal(
            function([[1, -2]]), activations.get(name)(np.array([[1, -2]], "float32"))
        )
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (activations.Relu(), 0.0),
        (activations.Relu(max_value=0.0), 0.0),
        (activations.LeakyRelu(0.3), 0.3),  # the slope, not 1
        (activations.Relu6(), 0.0),
    ],
)
def test_slope_at_the_kink(f, expected):
    zero = np.zeros(1)
    assert f.backward(np.ones(1), f(zero.copy())) == expected


@pytest.mark.parametrize("slope", [-0.5, 0.3, 1.0, 2.5])
def test_a_leak_of_any_slope(slope):
    f, z = activations.Relu(negative_slope=slope), np.array([-2.0, -0.5, 0.5, 2.0], "float32")
    y = f(z)
    np.testing.assert_array_equal(y, np.where(z > 0, z, np.float32(slope) * z))
    if slope >= 0:  # else y does not tell which side z was on
        np.testing.assert_array_equal(f.backward(np.ones_like(z), y), np.where(z > 0, 1, np.float32(slope)))


def test_functions_take_a_single_number():
    for f in (
        activations.sigmoid,
        activations.elu,
        activations.silu,
        activations.gelu,
        activations.leaky_relu,
    ):
        assert f(-0.5) == f(np.array([-0.5]))[0]


def test_slope_at_an_upper_bound_is_zero():
    f = activations.Relu(max_value=2.0)
    assert f.backward(np.ones(1), f(np.full(1, 2.0))) == 0


def test_erf_is_exact_to_double_precision():
    x = np.linspace(-7, 7, 4001)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 3e-7), ("float16", 1e-3)])
def test_erf_is_exact_to_about_the_precision_of_its_input(dtype, rtol):
    x = np.concatenate([np.linspace(-7, 7, 20_001), 10.0 ** np.arange(-3, 0)]).astype(dtype).reshape(-1, 3)
    exact = np.vectorize(math.erf)(x.astype("float64"))
    assert erf(x).dtype == dtype
    np.testing.assert_allclose(erf(x), exact, rtol=rtol)
    limits = erf(np.array([np.inf, -np.inf, np.nan], dtype))
    np.testing.assert_allclose(limits, [1, -1, np.nan], rtol=rtol)


def test_sigmoid_keeps_its_relative_precision():
    z = np.array([-80.0, -20.0, 0.0], "float32")
    np.testing.assert_allclose(activations.sigmoid(z), 1 / (1 + np.exp(-z.astype("float64"))), rtol=1e-5)


def test_a_plain_function_is_for_inference_only():
    layer = layers.Dense(2, activation=lambda z: z**2)
    model_output = layer(np.ones((1, 3), "float32"))
    assert (model_output >= 0).all()
    f = activations.get(np.tanh)
    assert f.name == "tanh"
    with pytest.raises(TypeError, match="derivative is unknown"):
        f.backward(np.ones(1), np.ones(1))


def test_unknown_names_get_a_hint():
    with pytest.raises(ValueError, match="'relu'"):
        activations.get("rellu")
    with pytest.raises(ValueError, match="activation"):
        activations.get(3)
    with pytest.raises(ValueError, match="even"):
        activations.glu(np.ones((2, 3)))
