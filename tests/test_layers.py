"""The contract that every layer keeps: its gradients, and the laws of a layer (docs/design.md)."""

from __future__ import annotations

import copy
import json
import pickle
import threading

import numpy as np
import pytest
from case import Case
from cases import LAYERS, WITHOUT_GRADIENT
from cases_core import square, square_gradient
from scratch import spoil

from minikeras import layers, registry
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.layers.recurrent import RNN, Cell

for function in (square, square_gradient):  # what the case of a Lambda layer is made of
    registry.register_keras_serializable("tests")(function)

each_layer = pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)


def build(case: Case, dtype: str = "float64", shape: tuple[int, ...] | None = None) -> Layer:
    """The case's layer with weights that hide no mistake: no zeros, no symmetry."""
    layer = case.make(layers, dtype=dtype)
    layer.ensure_built(shape or case.shape)
    rng = np.random.default_rng(3)
    for v in layer.weights:
        v.assign(rng.normal(0, 0.5, v.shape) if v.trainable else rng.uniform(0.5, 1.5, v.shape))
    return layer


def restart_randomness(layer: Layer) -> None:
    """Let the next new context draw the same masks again."""
    for owner in (layer, *layer.sublayers()):
        if hasattr(owner, "seed_generator"):
            owner.seed_generator.count = 0


def run(layer: Layer, x: np.ndarray, case: Case, ctx: Context | None = None, training: bool = False):
    """Output and context of one forward pass."""
    restart_randomness(layer)
    ctx = ctx or Context(training=training)
    ctx.mask = case.mask_for(x)
    return layer.run_forward(x, ctx), ctx


def objective(layer: Layer, x: np.ndarray, dy: np.ndarray, case: Case, training: bool) -> float:
    """L = Σ y dy plus the activity penalty, whose gradients a backward pass of dy must give."""
    y, ctx = run(layer, x, case, training=training)
    return float((y * dy).sum()) + ctx.penalty


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@each_layer
@pytest.mark.parametrize("training", [False, True])
def test_gradients_along_random_directions(case, training):
    if case.rewrites:
        training = False  # its gradients are those of the weights as the forward pass left them
    layer = build(case)
    x, rng, eps = case.x(), np.random.default_rng(1), 1e-6
    y, ctx = run(layer, x, case, training=training)
    dy = rng.normal(size=y.shape)
    dx = layer.run_backward(dy, ctx)
    assert dx.shape == x.shape
    arrays = [] if case.integers else [(x, dx)]
    arrays += [(v.value, ctx.grad(v)) for v in layer.trainable_weights]
    rounding = (
        np.spacing(np.abs(dy * y).max()) * np.sqrt(y.size) / eps
    )  # of the difference: 1e-7 for bright images
    for array, gradient in arrays:
        direction = rng.normal(size=array.shape)
        start = array.copy()
        array[...] = start + eps * direction
        above = objective(layer, x, dy, case, training)
        array[...] = start - eps * direction
        below = objective(layer, x, dy, case, training)
        array[...] = start
        numeric, analytic = (above - below) / (2 * eps), float((gradient * direction).sum())
        assert analytic == pytest.approx(numeric, rel=1e-6, abs=max(1e-8, rounding))


@each_layer
def test_inputs_and_layer_are_never_written_to(case):
    layer = build(case, "float32")
    before = {k: v for k, v in vars(layer).items() if not isinstance(v, list)}
    watched = [] if case.rewrites else layer.trainable_weights if case.statistics else layer.weights
    weights = [frozen(v.value) for v in watched]
    copies = [w.copy() for w in weights]
    y, ctx = run(layer, frozen(case.x(dtype="float32")), case, training=True)
    layer.run_backward(frozen(np.ones_like(y)), ctx)
    assert {k: v for k, v in vars(layer).items() if not isinstance(v, list)} == before
    for w, c in zip(weights, copies, strict=True):
        np.testing.assert_array_equal(w, c)


@each_layer
def test_backward_leaves_the_output_as_it_is(case):
    """It is the input of the next layer, the gradient of whose weights may still be in the making."""
    layer = build(case, "float32")
    y, ctx = run(layer, case.x(dtype="float32"), case, training=True)
    before = y.copy()
    layer.run_backward(np.ones_like(y), ctx)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize("value", [np.nan, np.finfo(np.float32).max])
@each_layer
def test_what_was_in_the_scratch_arrays_does_not_matter(case, value):
    layer, x, ctx, results = build(case, "float32"), case.x(dtype="float32"), Context(), []
    for _ in range(2):
        y, _ = run(layer, x, case, ctx)
        dx = layer.run_backward(np.ones_like(y), ctx)
        gradients = [ctx.grad(v) for v in layer.trainable_weights]
        results.append([np.array(a) for a in (y, *([] if dx is None else [dx]), *gradients)])
        spoil(ctx, value)
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


@each_layer
def test_backward_sets_gradients_and_never_adds(case):
    layer = build(case)
    x, ctx = case.x(), Context(training=True)
    y, _ = run(layer, x, case, ctx)
    layer.run_backward(np.ones_like(y), ctx)
    first = [ctx.grad(v).copy() for v in layer.trainable_weights]
    for v in layer.trainable_weights:
        ctx.grad(v)[...] = np.nan  # leftovers must not matter
    if hasattr(layer, "seed_generator") or isinstance(layer, RNN):
        ctx = _same_randomness(layer, ctx)
    y, _ = run(layer, x, case, ctx)
    layer.run_backward(np.ones_like(y), ctx)
    for v, before in zip(layer.trainable_weights, first, strict=True):
        np.testing.assert_allclose(ctx.grad(v), before, rtol=1e-12)


def _same_randomness(layer: Layer, ctx: Context) -> Context:
    """A new context with the old one's gradients: it draws the masks that the old one drew first."""
    fresh = Context(training=True)
    fresh.gradients.update(ctx.gradients)
    return fresh


@each_layer
def test_the_order_in_memory_changes_nothing(case):
    layer, found = build(case), []
    for order in ("C", "F"):  # "F": as a transposed array lies
        y, ctx = run(layer, np.array(case.x(), order=order), case, training=not case.rewrites)
        dy = np.array(np.random.default_rng(1).normal(size=y.shape), order=order)
        dx = layer.run_backward(dy, ctx)
        found.append([y, dx, *(ctx.grad(v) for v in layer.trainable_weights)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@each_layer
def test_second_backward_raises(case):
    layer = build(case)
    y, ctx = run(layer, case.x(), case)
    layer.backward(np.ones_like(y), ctx)
    if isinstance(layer, layers.InputLayer):
        return  # it keeps nothing
    with pytest.raises(RuntimeError, match="forward"):
        layer.backward(np.ones_like(y), ctx)


@each_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_shape_and_type_of_the_output(case, dtype, batch):
    x = case.x(dtype=dtype, batch=batch)
    layer = build(case, dtype)
    y, ctx = run(layer, x, case, training=True)
    assert y.dtype == dtype
    assert y.shape == tuple(layer.compute_output_shape(x.shape))
    unknown = layer.compute_output_shape((None, *x.shape[1:]))
    assert unknown == (None, *y.shape[1:])
    dx = layer.run_backward(np.ones_like(y), ctx)
    assert dx.dtype == dtype and dx.shape == x.shape  # also for integers, for which it is 0
    assert all(ctx.grad(v).dtype == dtype and np.isfinite(ctx.grad(v)).all() for v in _real(layer.weights))


def _real(variables: list) -> list:
    """Without counters, which are integers."""
    return [v for v in variables if v.dtype.kind == "f"]


@each_layer
def test_nothing_wide_in_a_narrow_pass(case):
    layer = build(case, "float32")
    y, ctx = run(layer, case.x(dtype="float32"), case, training=True)
    layer.run_backward(np.ones_like(y), ctx)
    contexts = [ctx]
    for c in contexts:
        contexts += c.children.values()
        for array in [*c._storage.values(), *(v for v in c.values.values() if isinstance(v, np.ndarray))]:
            assert array.dtype != np.float64


@each_layer
def test_inference_is_deterministic_and_the_same_one_by_one(case):
    layer = build(case)
    x = case.x()
    y, _ = run(layer, x, case)
    again, _ = run(layer, x, case)
    np.testing.assert_array_equal(y, again)
    mask = case.mask_for(x)
    singles = []
    for i in range(len(x)):
        ctx = Context(mask=None if mask is None else mask[i : i + 1])
        singles.append(layer.run_forward(x[i : i + 1], ctx).copy())
    np.testing.assert_allclose(np.concatenate(singles), y, rtol=1e-12, atol=1e-12)


@each_layer
def test_config_round_trip(case):
    layer = build(case, "float32")
    config = json.loads(json.dumps(layer.get_config()))
    copy_ = type(layer).from_config(config)
    assert copy_.get_config() == layer.get_config()
    assert copy_.name == layer.name
    through_json = registry.deserialize(json.loads(json.dumps(registry.serialize(layer))))
    assert type(through_json) is type(layer)
    through_json.ensure_built(case.shape)
    through_json.set_weights(layer.get_weights())
    x = case.x(dtype="float32")
    np.testing.assert_array_equal(run(layer, x, case)[0], run(through_json, x, case)[0])


@each_layer
def test_contexts_do_not_disturb_each_other(case):
    layer = build(case)
    x1, x2 = case.x(1), case.x(2)
    y1, alone = run(layer, x1, case)
    expected_dx = layer.run_backward(np.ones_like(y1), alone).copy()
    expected = [alone.grad(v).copy() for v in layer.weights]
    y1, c1 = run(layer, x1, case)
    y2, c2 = run(layer, x2, case)
    layer.run_backward(np.ones_like(y2), c2)
    dx = layer.run_backward(np.ones_like(y1), c1)
    np.testing.assert_array_equal(dx, expected_dx)
    for v, e in zip(layer.weights, expected, strict=True):
        np.testing.assert_array_equal(c1.grad(v), e)


@each_layer
def test_a_context_serves_batches_of_any_size(case):
    layer = build(case)
    ctx = Context()
    for batch in (3, 1, 5, 2, 0, 5):
        x = case.x(batch, batch=batch)
        y, _ = run(layer, x, case, ctx)
        fresh, _ = run(layer, x, case)
        np.testing.assert_array_equal(y, fresh)


@each_layer
def test_many_threads_predict_at_once(case):
    layer = build(case, "float32")
    inputs = [case.x(i, "float32") for i in range(8)]
    masks = [case.mask_for(x) for x in inputs]
    expected = [layer(x, False, m) for x, m in zip(inputs, masks, strict=True)]
    wrong = []

    def work(i: int) -> None:
        for _ in range(20):
            if not np.array_equal(layer(inputs[i], False, masks[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@each_layer
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent(case, clone):
    layer = build(case)
    other = clone(layer)
    x = case.x()
    np.testing.assert_array_equal(run(layer, x, case)[0], run(other, x, case)[0])
    for v in other.weights:
        v.value += 1
    for v, w in zip(layer.weights, other.weights, strict=True):
        np.testing.assert_array_equal(v.value + 1, w.value)


def test_every_layer_has_a_case():
    covered = {type(case.make(layers)) for case in LAYERS} | {getattr(layers, n) for n in WITHOUT_GRADIENT}
    missing = {c for c in layers.table.classes.values() if not issubclass(c, Cell)} - covered
    assert not missing


def test_weights_are_listed_trainable_first():
    class Odd(Layer):
        def build(self, input_shape):
            self.count = self.add_weight((), "zeros", trainable=False, name="count")
            self.scale = self.add_weight((2,), "ones", name="scale")

    layer = Odd()
    layer.build((None, 2))
    assert [v.name for v in layer.weights] == ["scale", "count"]
    assert [v.name for v in layer.trainable_weights] == ["scale"]
    assert [v.name for v in layer.non_trainable_weights] == ["count"]
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not layer.scale.trainable


def test_a_cell_of_ones_own():
    """Its gradients, masked and not, through the general protocol of `Cell`."""
    from cases_recurrent import SEQUENCE, own

    for mask in (False, True):
        case = Case(own, SEQUENCE, mask)
        layer, x, rng = build(case), case.x(), np.random.default_rng(0)
        y, ctx = run(layer, x, case)
        dy = rng.normal(size=y.shape)
        dx = layer.run_backward(dy, ctx)
        for array, gradient in [(x, dx)] + [(v.value, ctx.grad(v)) for v in layer.weights]:
            direction, start, eps = rng.normal(size=array.shape), array.copy(), 1e-6
            array[...] = start + eps * direction
            above = objective(layer, x, dy, case, False)
            array[...] = start - eps * direction
            below = objective(layer, x, dy, case, False)
            array[...] = start
            assert (gradient * direction).sum() == pytest.approx((above - below) / (2 * eps), rel=1e-6)
