"""Every loss: the gradient is that of exactly the value; weights, masks and reductions; hints."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from cases import LOSSES, draw
from golden.record_losses import CASES, predictions
from hypothesis import given
from hypothesis import strategies as st

from minikeras import activations, losses, registry
from minikeras.losses import Loss
from minikeras.losses.base import squeeze_or_expand_to_same_rank

each_loss = pytest.mark.parametrize(
    ("name", "kwargs", "y_kind", "p_kind"), LOSSES, ids=[f"{c[0]}{c[1] or ''}-{c[2]}" for c in LOSSES]
)


def directional(loss, y, p, *extra):
    """Analytic and numeric derivative of the loss along one random direction of the predictions."""
    direction, eps = np.random.default_rng(9).normal(size=p.shape), 1e-6
    numeric = (loss(y, p + eps * direction, *extra) - loss(y, p - eps * direction, *extra)) / (2 * eps)
    return (loss.gradient(y, p, *extra) * direction).sum(), numeric


@each_loss
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_gradient_along_a_random_direction(name, kwargs, y_kind, p_kind, weighted, reduction):
    loss = getattr(losses, name)(reduction=reduction, **kwargs)
    y, p = draw(y_kind, (5, 4), 1), draw(p_kind, (5, 4), 2)
    weights = np.random.default_rng(3).uniform(0.1, 2, loss.values(y, p).shape) if weighted else None
    analytic, numeric = directional(loss, y, p, weights)
    assert analytic == pytest.approx(numeric, rel=1e-6, abs=1e-9)


@each_loss
def test_value_and_gradient_belong_together(name, kwargs, y_kind, p_kind):
    loss = getattr(losses, name)(**kwargs)
    y, p = draw(y_kind, (5, 4), 1), draw(p_kind, (5, 4), 2).astype("float32")
    p.flags.writeable = y.flags.writeable = False
    value, gradient = loss.value_and_gradient(y, p)
    assert value == pytest.approx(float(loss(y, p)), rel=1e-6)
    np.testing.assert_array_equal(gradient, loss.gradient(y, p))
    assert gradient.dtype == np.float32 and gradient.shape == p.shape


@each_loss
def test_names_functions_configs_and_copies(name, kwargs, y_kind, p_kind):
    loss = getattr(losses, name)(**kwargs)
    y, p = draw(y_kind, (5, 4), 1), draw(p_kind, (5, 4), 2)
    function = getattr(losses, loss.name if loss.name != "huber_loss" else "huber")
    np.testing.assert_array_equal(function(y, p, **kwargs), loss.values(y, p))
    assert type(losses.get(function)) is type(loss) is type(losses.get(name))
    for other in (
        copy.deepcopy(loss),
        pickle.loads(pickle.dumps(loss)),
        losses.get(registry.serialize(loss)),
        type(loss).from_config(loss.get_config()),
    ):
        assert other(y, p) == loss(y, p)
    assert pickle.loads(pickle.dumps(function)) is function


def test_every_loss_has_a_case():
    assert set(losses.table.classes) == {c[0] for c in LOSSES}


@pytest.mark.parametrize("steps", [(), (3,)])
def test_a_mask_leaves_the_mean_of_what_counts(steps):
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(4, *steps, 2)), rng.normal(size=(4, *steps, 2))
    mask = rng.integers(0, 2, (4, *steps)).astype(bool)
    mask.flat[0] = True
    loss = losses.MeanSquaredError()
    expected = ((y - p) ** 2).mean(-1)[mask].mean()
    assert loss(y, p, mask=mask) == pytest.approx(expected)
    weights = rng.uniform(size=mask.shape)
    expected = (((y - p) ** 2).mean(-1) * weights)[mask].sum() / mask.sum()
    assert loss(y, p, weights, mask) == pytest.approx(expected)
    analytic, numeric = directional(loss, y, p, weights, mask)
    assert analytic == pytest.approx(numeric, rel=1e-6)


def test_the_mean_divides_by_the_number_of_values_not_of_weights():
    y, p, w = np.zeros((4, 1)), np.ones((4, 1)), np.array([2.0, 2.0, 0.0, 0.0])
    assert losses.MeanSquaredError()(y, p, w) == 1
    assert losses.MeanSquaredError("mean_with_sample_weight")(y, p, w) == 1
    assert losses.MeanSquaredError("sum")(y, p, w) == 4
    np.testing.assert_array_equal(losses.MeanSquaredError(None)(y, p, w), w)


def test_ranks_that_differ_by_one_never_broadcast():
    n = np.arange(4.0)
    assert losses.MeanSquaredError()(n, n[:, None]) == 0
    assert losses.MeanAbsoluteError()(n[:, None], n) == 0
    assert losses.mean_squared_error(n, n[:, None] + 1).shape == (4,)
    x, y = squeeze_or_expand_to_same_rank(np.ones((2, 3, 1)), np.ones((2, 3)))
    assert x.shape == y.shape == (2, 3)


@pytest.mark.parametrize(
    ("activation", "loss", "y"),
    [
        (activations.Softmax(), losses.CategoricalCrossentropy(), np.eye(3)[[0, 2, 1, 1]]),
        (activations.Softmax(), losses.CategoricalCrossentropy(label_smoothing=0.2), np.eye(3)[[0, 2, 1, 1]]),
        (
            activations.Softmax(),
            losses.CategoricalCrossentropy(),
            np.random.default_rng(0).uniform(size=(4, 3)),
        ),
        (activations.Softmax(), losses.SparseCategoricalCrossentropy(), np.array([0, 2, 1, 1])),
        (activations.Sigmoid(), losses.BinaryCrossentropy(), np.eye(3)[[0, 2, 1, 1]]),
        (activations.Sigmoid(), losses.BinaryCrossentropy(label_smoothing=0.1), np.eye(3)[[0, 2, 1, 1]]),
    ],
)
def test_pairing_gives_the_gradient_of_the_two_steps(activation, loss, y):
    z = np.random.default_rng(1).normal(size=(4, 3))
    p = activation(z.copy())
    weights = np.array([1.0, 0.5, 2.0, 0.0])
    _, paired = loss.value_and_gradient(y, p, weights, paired=True)
    _, dp = loss.value_and_gradient(y, p, weights)
    np.testing.assert_allclose(paired, activation.backward(dp, p), rtol=1e-10, atol=1e-14)


def test_pairing_survives_saturation():
    z = np.array([[200.0, -200.0]], "float32")
    p = activations.softmax(z)
    y = np.array([[0.0, 1.0]])
    loss = losses.CategoricalCrossentropy()
    assert not loss.gradient(y, p).any()  # held at the clip: dead
    _, dz = loss.value_and_gradient(y, p, paired=True)
    np.testing.assert_allclose(dz, [[1, -1]])


def test_probabilities_are_normalised_and_held():
    loss = losses.CategoricalCrossentropy()
    assert loss([[0.0, 1.0]], [[2.0, 2.0]]) == pytest.approx(np.log(2))
    assert loss([[0.0, 1.0]], [[1.0, 0.0]]) == pytest.approx(-np.log(1e-7), rel=1e-6)
    assert losses.BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_half_slopes_and_zero_slopes_at_kinks():
    assert losses.Hinge().gradient([[1.0]], [[1.0]]) == -0.5
    assert losses.MeanAbsoluteError().gradient([[1.0]], [[1.0]]) == 0


class Cubic(Loss):
    """A user's own loss."""

    def call(self, y_true, y_pred):
        return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

    def backward(self, dv, y_true, y_pred):
        e = y_pred - y_true
        return dv[..., None] * 3 * e * np.abs(e) / e.shape[-1]


def test_a_loss_of_ones_own():
    loss, rng = Cubic(), np.random.default_rng(0)
    assert loss.name == "cubic"
    analytic, numeric = directional(
        loss, rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(size=4)
    )
    assert analytic == pytest.approx(numeric, rel=1e-6)


def test_what_has_no_gradient_says_so():
    loss = losses.get(lambda y_true, y_pred: np.mean(y_true - y_pred, axis=-1))
    assert loss([[1.0]], [[0.5]]) == 0.5
    with pytest.raises(TypeError, match="gradient is unknown"):
        loss.gradient([[1.0]], [[0.5]])

    class Half(Loss):
        def call(self, y_true, y_pred):
            return y_pred[..., 0]

    with pytest.raises(NotImplementedError, match="backward"):
        Half().gradient([[1.0]], [[1.0]])


def test_empty_batches_have_no_loss():
    assert losses.MeanSquaredError()(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    assert losses.MeanSquaredError().gradient(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)


# Losses of whole sequences and batches

GOLDEN = json.loads((Path(__file__).parent / "golden" / "losses.json").read_text())


@pytest.mark.parametrize(("name", "i"), [(name, i) for name, c in CASES.items() for i in range(len(c))])
def test_values_and_gradients_are_those_of_keras(name, i):
    kwargs, y = CASES[name][i]
    value, gradient = getattr(losses, name)(**kwargs).value_and_gradient(np.array(y), predictions(name))
    assert value == pytest.approx(GOLDEN[name][i]["value"], rel=1e-6, abs=1e-7)
    # beside a loss of 1e5, float32 leaves no digits of the probabilities behind the point
    rtol, atol = (2e-2, 2e-2) if value > 1e4 else (2e-5, 2e-6)
    np.testing.assert_allclose(gradient, GOLDEN[name][i]["gradient"], rtol, atol)


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(0, 3))
def test_ctc_is_the_sum_over_all_paths_that_spell_the_labels(seed, steps, length):
    rng = np.random.default_rng(seed)
    z, labels = rng.normal(size=(1, steps, 3)), rng.integers(1, 3, (1, length))
    p = activations.softmax(z[0].copy())
    total = 0.0
    for path in itertools.product(range(3), repeat=steps):
        spelt = [k for k, before in zip(path, (0, *path), strict=False) if k not in (0, before)]
        if spelt == labels[0].tolist():
            total += np.prod([p[t, k] for t, k in enumerate(path)])
    value = losses.ctc(labels, z)[0]
    if total:
        assert value == pytest.approx(-np.log(total), abs=1e-9)
    else:
        assert value > 9e4


def test_samples_without_a_partner_have_no_loss():
    x = np.eye(3)
    assert not losses.circle([0, 1, 2], x).any() and not losses.circle([1, 1, 1], x).any()
    assert not losses.Circle().gradient([0, 1, 2], x).any()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: losses.CTC()(np.ones(2), np.ones((2, 3, 4))), r"y_true of shape \(2, labels\)"),
        (lambda: losses.CTC()(np.ones((3, 1)), np.ones((2, 3, 4))), r"\(3, 1\)"),
        (lambda: losses.CTC()(np.ones((2, 1)), np.ones((2, 4))), "return_sequences"),
        (lambda: losses.CTC()([[4]], np.ones((1, 3, 4))), "label 4 at index .0, 0."),
        (lambda: losses.CTC()([[1.5]], np.ones((1, 3, 4))), "whole"),
        (lambda: losses.CTC()([[0, 1]], np.ones((1, 3, 4))), "0 is blank"),
        (lambda: losses.Circle()(np.ones((2, 2)), np.ones((2, 2))), r"labels of shape \(2,\)"),
        (lambda: losses.Circle()(np.ones(2), np.ones(2)), "features"),
        (lambda: losses.Circle(gamma=-1), "`gamma`"),
        (lambda: losses.Circle(margin=2), "`margin`"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(1.0), "`q`"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy("a"), "`q`"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy()([5], np.ones((1, 3))), "0 to 2"),
    ],
    ids=range(13),
)
def test_what_does_not_fit_is_named(bad, words):
    with pytest.raises(ValueError, match=words):
        bad()
