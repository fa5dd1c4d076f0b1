"""Penalties and their gradients; projections."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minikeras import constraints, registry, regularizers

GOLDEN = json.loads((Path(__file__).parent / "golden" / "regularizers.json").read_text())
W = np.array(GOLDEN["w"], "float32")
PENALTIES = [
    regularizers.L1(0.3),
    regularizers.L2(0.2),
    regularizers.L1L2(0.1, 0.4),
    regularizers.OrthogonalRegularizer(0.7),
    regularizers.OrthogonalRegularizer(0.7, "columns"),
]
CONSTRAINTS = [
    constraints.MaxNorm(0.5),
    constraints.MaxNorm(0.5, axis=[0, 1]),
    constraints.NonNeg(),
    constraints.UnitNorm(axis=1),
    constraints.MinMaxNorm(0.2, 0.7, rate=0.5),
]
matrices = arrays("float64", (4, 3), elements=st.floats(-3, 3, allow_subnormal=False))


def test_all_are_recorded():
    assert {r["name"] for r in GOLDEN["regularizers"]} == set(regularizers._table.classes)
    assert {c["name"] for c in GOLDEN["constraints"]} == set(constraints._table.classes) - {"Constraint"}


@pytest.mark.parametrize("record", GOLDEN["regularizers"], ids=lambda r: r["name"])
def test_penalty_and_gradient_equal_keras(record):
    made = getattr(regularizers, record["name"])(**record["config"])
    value = made(W)
    assert type(value) is float
    assert value == pytest.approx(record["value"], rel=1e-6)
    np.testing.assert_allclose(made.gradient(W), record["gradient"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("record", GOLDEN["constraints"], ids=lambda r: r["name"])
def test_projection_equals_keras(record):
    made = getattr(constraints, record["name"])(**record["config"])
    assert made.get_config() == record["config"]
    np.testing.assert_allclose(made(W), record["value"], rtol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@given(w=matrices, direction=arrays("float64", (4, 3), elements=st.floats(-1, 1)))
@settings(deadline=None, max_examples=30)
def test_gradient_is_the_derivative(penalty, w, direction):
    """Along a direction, away from the kinks at zero."""
    w = np.where(np.abs(w) < 0.1, 0.1, w)
    gram = (w @ w.T, w.T @ w)
    if isinstance(penalty, regularizers.OrthogonalRegularizer) and min(np.abs(g).min() for g in gram) < 0.01:
        return
    h = 1e-6
    numeric = (penalty(w + h * direction) - penalty(w - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(penalty.gradient(w) * direction), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_keeps_dtype_and_weights(penalty, dtype):
    w = W.astype(dtype)
    w.flags.writeable = False
    gradient = penalty.gradient(w)
    assert gradient.dtype == dtype
    assert gradient.shape == w.shape


def test_kinks_and_corners():
    zero = np.zeros((3, 2), "float32")
    for penalty in PENALTIES:
        assert penalty(zero) == 0.0
        np.testing.assert_array_equal(penalty.gradient(zero), zero)
    single = regularizers.OrthogonalRegularizer()
    assert single(np.ones((1, 3))) == 0.0  # no pairs; Keras gives NaN
    np.testing.assert_array_equal(single.gradient(np.ones((1, 3))), 0.0)
    assert regularizers.get("l1_l2")(W) == 0.0
    assert regularizers.L1(None).l1 == regularizers.L2(None).l2 == 0.01
    with pytest.raises(ValueError, match="rank 2"):
        single(np.ones(3))


@pytest.mark.parametrize("module", [regularizers, constraints])
def test_get_and_config(module):
    assert module.get(None) is None
    for name, cls in module._table.classes.items():
        assert type(module.get(name)) is cls
        made = module.get(cls)
        assert module.get(made) is made
        again = module.deserialize(json.loads(json.dumps(module.serialize(made))))
        assert type(again) is cls
        assert again.get_config() == made.get_config()
    for alias in (
        "l1",
        "l2",
        "l1_l2",
        "orthogonal_regularizer",
        "max_norm",
        "non_neg",
        "unit_norm",
        "min_max_norm",
    ):
        if hasattr(module, alias):
            assert type(module.get(alias)) is getattr(module, alias)
    for bad in ("nope", 3, [1]):
        with pytest.raises(ValueError, match="Could not interpret"):
            module.get(bad)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), "a", True])
def test_bad_factors(bad):
    for make in (regularizers.L1, regularizers.L2, regularizers.L1L2, regularizers.OrthogonalRegularizer):
        with pytest.raises(ValueError, match=make.__name__):
            make(bad)
    with pytest.raises(ValueError, match="mode"):
        regularizers.OrthogonalRegularizer(0.1, mode="diagonal")


def test_a_plain_function_has_a_value_but_no_gradient():
    def cubes(w):
        return np.sum(np.abs(w) ** 3)

    made = regularizers.get(cubes)
    assert made(W) == pytest.approx(float(cubes(W)))
    with pytest.raises(TypeError, match=r"(?s)cubes.*gradient\(self, w\)"):
        made.gradient(W)
    with registry.custom_object_scope({"cubes": cubes}):
        again = regularizers.get(json.loads(json.dumps(regularizers.serialize(made))))
    assert again(W) == made(W)


def test_a_users_own_regularizer():
    class Half(regularizers.Regularizer):
        def __init__(self, factor=1.0):
            self.factor = factor

        def __call__(self, w):
            return self.factor * 0.5 * float(np.sum(w**2))

    made = regularizers.get(Half(2.0))
    assert made.get_config() == {"factor": 2.0}
    with pytest.raises(TypeError, match="Half has no gradient"):
        made.gradient(W)
    Half.gradient = lambda self, w: self.factor * w
    np.testing.assert_array_equal(made.gradient(W), 2 * W)


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
@given(w=matrices)
@settings(deadline=None, max_examples=30)
def test_projection_is_allowed_and_leaves_its_input(constraint, w):
    w.flags.writeable = False
    with np.errstate(all="raise", under="ignore"):
        p = constraint(w)
    assert p.dtype == w.dtype
    assert p.shape == w.shape
    if isinstance(constraint, constraints.NonNeg):
        assert (p >= 0).all()
    if isinstance(constraint, constraints.MaxNorm):
        axis = 0 if constraint.axis == 0 else None
        assert (np.linalg.norm(p, axis=axis) <= constraint.max_value).all()
    if isinstance(constraint, constraints.UnitNorm):
        norms = np.linalg.norm(w, axis=1)
        np.testing.assert_allclose(np.linalg.norm(p, axis=1)[norms > 0.01], 1.0, rtol=1e-4)
    np.testing.assert_allclose(constraint(p.astype("float32")), constraint(p), rtol=1e-4, atol=1e-6)


def test_base_constraint_changes_nothing():
    assert constraints.Constraint()(W) is W
