"""gradcheck finds every planted mistake and names it, and finds none in what is right."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cases import LAYERS, LOSSES, draw

import minikeras as mk
from minikeras import activations, layers, losses
from minikeras.layers import Dense, Layer
from minikeras.teach import GradientError, OwnDense, gradcheck


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)
def test_every_layer_is_right(case):
    x = case.x(dtype="float32") if not case.integers else case.x()
    if case.integers and not case.make(layers).trainable:
        return
    gradcheck(case.make(layers), x, mask=case.mask_for(x), budget=8, raise_on_failure=True)


@pytest.mark.parametrize(("name", "arguments", "y", "p"), LOSSES)
def test_every_loss_is_right(name, arguments, y, p):
    shape = (3, 4)
    loss = getattr(losses, name)(**arguments)
    gradcheck(loss, draw(p, shape, 1), draw(y, shape, 2), raise_on_failure=True)


# Planted mistakes: (a wrong layer, the shape of x, words of the report)

x_shape = (5, 3)


def wrong_dense(backward):
    """A Dense layer with another backward pass: backward(layer, dy, dz, x, z, y, ctx)."""

    class Wrong(OwnDense):
        def backward(self, dy, ctx):
            x, z, y = saved = ctx.saved("x", "z", "y")
            ctx.save(x=x, z=z, y=y)
            dx = super().backward(dy, ctx)
            dz = self.activation.backward(dy, z if self.activation.needs_input else y)
            changed = backward(self, dy, dz, *saved, ctx)
            return dx if changed is None else changed

    return Wrong


def wrong(method):
    """The same for any layer: its right gradients are there, and are then spoilt."""

    def make(cls, *args, **kwargs):
        class Wrong(cls):
            def backward(self, dy, ctx):
                dx = np.array(super().backward(dy, ctx))
                changed = method(self, np.array(dy), dx, ctx)
                return dx if changed is None else changed

        Wrong.__name__ = f"Wrong{cls.__name__}"
        return Wrong(*args, **kwargs)

    return make


def grad(name, function):
    """Write function(dz, x, layer) over the gradient of a variable."""

    def backward(layer, dy, dz, x, z, y, ctx):
        np.copyto(ctx.grad(getattr(layer, name)), function(dz, x, layer))

    return wrong_dense(backward)


def dx(function):
    return wrong_dense(lambda layer, dy, dz, x, z, y, ctx: function(layer, dy, dz, ctx))


def scaled(name, factor):
    def method(layer, dy, dx, ctx):
        g = ctx.grad(getattr(layer, name))
        g *= factor

    return wrong(method)


def into_dy(layer, dy, dz, x, z, y, ctx):
    dy *= 2


class Adding(OwnDense):
    def backward(self, dy, ctx):
        start = ctx.grad(self.bias).copy()
        dx = super().backward(dy, ctx)
        bias = ctx.grad(self.bias)
        bias += start
        return dx


class NeverWrites(OwnDense):
    def backward(self, dy, ctx):
        x, _, _ = ctx.saved("x", "z", "y")
        np.matmul(x.T, dy, out=ctx.grad(self.kernel))
        return dy @ self.kernel.value.T


class Unsummed(OwnDense):
    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        ctx.grad(self.bias)[...] = dy
        return dx


class Transposing(OwnDense):
    def backward(self, dy, ctx):
        x, _, _ = ctx.saved("x", "z", "y")
        np.matmul(dy.T, x, out=ctx.grad(self.kernel))


class NoReturn(OwnDense):
    def backward(self, dy, ctx):
        super().backward(dy, ctx)


class MaskForgotten(layers.Dropout):
    def backward(self, dy, ctx):
        return dy


class Unscaled(layers.Dropout):
    def backward(self, dy, ctx):
        return super().backward(dy, ctx) * (1 - self.rate)


class StepsUnmasked(Layer):
    """Sums over the steps that count."""

    supports_masking = True

    def forward(self, x, ctx):
        ctx.save(steps=x.shape[1])
        return (x * ctx.mask[..., None]).sum(axis=1)

    def backward(self, dy, ctx):
        return np.repeat(dy[:, None], ctx.saved("steps"), axis=1)


class Nondeterministic(Layer):
    def forward(self, x, ctx):
        return x * np.random.default_rng().normal(size=x.shape)


class FirstWindowOnly(layers.Conv2D):
    """Its bias gradient sees the first row of places only."""

    def backward(self, dy, ctx):
        dx = super().backward(dy, ctx)
        np.sum(dy[:, 0], axis=(0, 1), out=ctx.grad(self.bias))
        return dx


def not_the_last(layer, dy, dx, ctx):
    dx[:, -1] = 0


MASK = np.array([[True, True, False], [True, False, False]])
SEQUENCE = (4, 5, 2)

BUGS = {
    "kernel: transposed, square": (grad("kernel", lambda dz, x, s: dz.T @ x)(3), x_shape, ["transposed"]),
    "kernel: transposed and reshaped": (
        grad("kernel", lambda dz, x, s: (dz.T @ x).reshape(3, 4))(4), x_shape, ["kernel: ", "transposed"]),
    "kernel: wrong shape": (Transposing(4), x_shape, ["raised ValueError", "transposed"]),
    "kernel: mean instead of sum": (
        grad("kernel", lambda dz, x, s: x.T @ dz / len(x))(4), x_shape,
        ["5 times too small", "the batch size", "sum"]),
    "kernel: batch size too much": (
        grad("kernel", lambda dz, x, s: x.T @ dz * len(x))(4), x_shape, ["5 times too large", "forget the mean?"]),
    "kernel: sign": (grad("kernel", lambda dz, x, s: -x.T @ dz)(4), x_shape, ["the sign is wrong"]),
    "kernel: a factor 2": (scaled("kernel", 2.0)(Dense, 4), (7, 3), ["2 times too large", "square"]),
    "kernel: activation's derivative missing": (
        wrong_dense(lambda s, dy, dz, x, z, y, ctx: np.copyto(ctx.grad(s.kernel), x.T @ dy))(4, "tanh"),
        x_shape, ["derivative of the activation is missing"]),
    "kernel: last sample only": (
        grad("kernel", lambda dz, x, s: np.outer(x[-1], dz[-1]))(4), x_shape,
        ["only the last sample", "sum over the batch"]),
    "kernel: never written": (NeverWrites(4), x_shape, ["bias: its gradient was never written"]),
    "bias: mean": (grad("bias", lambda dz, x, s: dz.mean(0))(4), x_shape, ["bias: 5 times too small", "batch size"]),
    "bias: first sample": (grad("bias", lambda dz, x, s: dz[0])(4), x_shape, ["bias: only the first sample"]),
    "bias: not summed": (Unsummed(4), x_shape, ["sum over the batch missing"]),
    "bias: added": (Adding(4), x_shape, ["bias: backward adds"]),
    "bias: zero": (grad("bias", lambda dz, x, s: 0.0)(4), x_shape, ["bias: backward leaves it at zero"]),
    "bias: one entry": (
        grad("bias", lambda dz, x, s: dz.sum(0) * (np.arange(4) != 2))(4), x_shape, ["1 of 4 places", "zero"]),
    "x: no activation": (
        dx(lambda s, dy, dz, ctx: dy @ s.kernel.value.T)(4, "sigmoid"), x_shape,
        ["x: the derivative of the activation"]),
    "x: kernel not transposed": (dx(lambda s, dy, dz, ctx: dz @ s.kernel.value)(3), x_shape, ["x", "wrong"]),
    "x: nothing returned": (NoReturn(4), x_shape, ["x: its gradient must have its shape, (5, 3)", "None"]),
    "x: of the shape of its transpose": (
        dx(lambda s, dy, dz, ctx: (dz @ s.kernel.value.T).T)(4), x_shape, ["is transposed"]),
    "bias: one entry of another layer": (
        grad("bias", lambda dz, x, s: dz.sum(0) + (np.arange(4) == 2))(4), x_shape,
        ["right except at index 2 of axis 0"]),
    "kernel: a few entries": (
        grad("kernel", lambda dz, x, s: x.T @ dz + np.eye(3, 4))(4), x_shape, ["right but for 3 of the 12 places"]),
    "kernel: wrong almost everywhere": (
        grad("kernel", lambda dz, x, s: x.T @ dz + (np.arange(4) > 0))(4), x_shape, ["kernel", "wrong"]),
    "kernel: copied with the axes exchanged": (
        wrong_dense(lambda s, dy, dz, x, z, y, ctx: np.copyto(ctx.grad(s.kernel), dz.T @ x))(4),
        x_shape, ["raised ValueError", "transposed"]),
    "something else is raised": (
        wrong_dense(lambda s, dy, dz, x, z, y, ctx: {}["kernel"])(4), x_shape, ["backward raised KeyError: 'kernel'"]),
    "dy written": (wrong_dense(into_dy)(4), x_shape, ["wrote into dy"]),
    "dropout: mask forgotten": (MaskForgotten(0.5), (6, 5), ["mask of the dropped units is forgotten"]),
    "dropout: not divided": (Unscaled(0.4), (6, 5), ["1.66667 times too small", "1/(1 − rate)"]),
    "mask of steps forgotten": (StepsUnmasked(), (2, 3, 4), ["mask of the steps is forgotten"]),
    "random numbers from elsewhere": (Nondeterministic(), (2, 3), ["ctx.rng"]),
    "conv: places not summed": (
        FirstWindowOnly(2, 3), (2, 5, 5, 2), ["bias: only the first place of axis 1", "sum over that axis"]),
    "conv: kernel flipped": (
        wrong(lambda s, dy, dx, ctx: np.copyto(ctx.grad(s.kernel), ctx.grad(s.kernel)[::-1, ::-1].copy()))(
            layers.Conv2D, 2, 3), (2, 5, 5, 2), ["axis (0, 1) runs backwards"]),
    "batch normalization: statistics held constant": (
        wrong(lambda s, dy, dx, ctx: dy * s.gamma.value)(layers.BatchNormalization), (6, 3), ["x", "wrong"]),
    "layer normalization: gamma forgotten": (
        wrong(lambda s, dy, dx, ctx: dx / s.gamma.value)(layers.LayerNormalization), (6, 3), ["x", "wrong"]),
    "recurrent: last step only": (
        wrong(lambda s, dy, dx, ctx: dx * (np.arange(5)[:, None] == 4))(layers.LSTM, 3), SEQUENCE, ["x", "zero"]),
    "pooling: the last place": (wrong(not_the_last)(layers.MaxPooling1D), (2, 4, 3), ["x: right but for", "zero"]),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_planted_mistakes_are_found_and_named(bug):
    layer, shape, words = BUGS[bug]
    x = np.random.default_rng(1).normal(size=shape)
    report = gradcheck(copy.deepcopy(layer), x, mask=MASK if isinstance(layer, StepsUnmasked) else None)
    assert not report.ok
    for word in words:
        assert word in str(report), report


class PartlyWritten(OwnDense):
    def backward(self, dy, ctx):
        x, _, _ = ctx.saved("x", "z", "y")
        ctx.grad(self.kernel)[:2] = x[:, :2].T @ dy
        ctx.grad(self.bias)[...] = dy.sum(axis=0)
        return np.full_like(x, np.nan)


def test_gradients_that_are_not_numbers():
    report = gradcheck(PartlyWritten(4), np.ones((5, 3)))
    assert "x: the gradient is not a number" in str(report)
    assert "kernel: 4 of its 12 numbers were never written" in str(report)
    assert report["bias"].verdict == "right"


def test_arrays_of_the_layers_own_become_double_too():
    class Shift(Layer):
        def build(self, input_shape):
            self.offset = np.full(3, 0.1, "float32")

        def forward(self, x, ctx):
            assert x.dtype == self.offset.dtype
            ctx.save(x=x)
            return (x + self.offset) ** 2

        def backward(self, dy, ctx):
            return 2 * dy * (ctx.saved("x") + self.offset)

    layer = Shift()
    layer.ensure_built((2, 3))
    gradcheck(layer, np.random.default_rng(0).normal(size=(2, 3)), raise_on_failure=True)
    assert layer.offset.dtype == "float32"


def test_the_report():
    layer = grad("kernel", lambda dz, x, s: 3 * x.T @ dz)(4)
    x = np.random.default_rng(1).normal(size=(5, 3))
    report = gradcheck(layer, x)
    assert report["x"].verdict == report["bias"].verdict == "right"
    entry = report["kernel"]
    assert entry.verdict == "wrong" and entry.checked == 12 and entry.error == pytest.approx(2 / 3)
    assert entry.analytic == pytest.approx(3 * entry.numeric) and len(entry.index) == 2
    assert "axis 1 of the input" in str(report)
    assert "<table" in report._repr_html_() and "WRONG" in report._repr_html_()
    with pytest.raises(GradientError, match="3 times too large"):
        gradcheck(layer, x, raise_on_failure=True)


def test_a_wrong_layer_within_a_model_is_named():
    model = mk.Sequential([Dense(4, "relu"), scaled("kernel", 2.0)(Dense, 3, name="culprit"), Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(6, 5)), np.zeros((6, 2))
    for targets in (None, y):
        report = gradcheck(model, x, targets)
        assert not report.ok
        assert "The mistake is in layer 'culprit' (WrongDense)" in str(report)
        assert "kernel: 2 times too large" in str(report)
        assert report["dense/kernel"].verdict == "right"


@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy", "mae"])
def test_models_with_their_losses_and_penalties(loss):
    model = mk.Sequential(
        [
            Dense(6, "tanh", kernel_regularizer="l2", activity_regularizer="l1"),
            layers.Dropout(0.3),
            Dense(3, "softmax" if "cross" in loss else None, bias_regularizer="l1"),
        ]
    )
    model.compile("sgd", loss, loss_weights=2.0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 5)).astype("float32")
    y = rng.integers(0, 3, 4) if "cross" in loss else rng.normal(size=(4, 3))
    report = gradcheck(model, x, y, raise_on_failure=True)
    assert {e.name for e in report.entries} == {
        "x",
        "dense/kernel",
        "dense/bias",
        "dense_1/kernel",
        "dense_1/bias",
    }


def test_large_arrays_are_sampled_and_one_wrong_number_is_still_found():
    def one(layer, dy, dx, ctx):
        ctx.grad(layer.kernel)[17, 11] += 1.0

    x = np.random.default_rng(0).normal(size=(4, 60))
    assert gradcheck(Dense(40), x, budget=20)["kernel"].checked == 20
    report = gradcheck(wrong(one)(Dense, 40), x, budget=20)
    assert report["kernel"].verdict == "wrong"
    assert report["x"].verdict == report["bias"].verdict == "right"


def test_a_small_mistake_in_one_number_of_a_large_kernel_is_found():
    def one(layer, dy, dx, ctx):
        ctx.grad(layer.kernel)[17, 11] *= 1.1

    x = np.random.default_rng(0).uniform(size=(16, 300))
    report = gradcheck(wrong(one)(Dense, 200, "tanh"), x, budget=5)
    assert report["kernel"].verdict == "wrong" and report["kernel"].index is None
    assert "the 5 numbers that were looked at one by one are right" in str(report)
    assert report["x"].verdict == report["bias"].verdict == "right"


def test_kinks_are_not_called_wrong():
    x = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 1e-6]])
    report = gradcheck(activations.get("relu"), x)
    assert report.ok and report["x"].verdict == "kink" and "ReLU" in str(report)
    tie = np.ones((1, 4, 1))
    assert gradcheck(layers.MaxPooling1D(2), tie)["x"].verdict == "kink"

    class Sideways(Layer):
        def forward(self, x, ctx):
            ctx.save(x=x)
            return np.maximum(x, 0)

        def backward(self, dy, ctx):
            x = ctx.saved("x")
            return dy * np.where(x == 0, 2.0, x > 0)

    assert gradcheck(Sideways(), x)["x"].verdict == "wrong"  # 2 is no slope of ReLU, not even at 0


def test_the_original_stays_as_it_is():
    layer = layers.LSTM(3, stateful=True, dropout=0.2)
    layer.build((2, 4, 3))
    weights, count = layer.get_weights(), layer.cell.seed_generator.count
    gradcheck(layer, np.ones((2, 4, 3), "float32") * 0.3, raise_on_failure=True)
    assert layer.dtype == "float32" and layer.cell.seed_generator.count == count
    for before, after in zip(weights, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(layer.states[0], 0)


def test_losses_of_ones_own():
    class Wrong(losses.MeanSquaredError):
        def backward(self, dv, y_true, y_pred):
            return super().backward(dv, y_true, y_pred) / 2

    class Writes:
        def __call__(self, y_true, y_pred):
            return float(((y_pred - y_true) ** 2).sum())

        def gradient(self, y_true, y_pred):
            y_pred -= y_true
            return 2 * y_pred

    p, y = np.random.default_rng(0).normal(size=(2, 4, 3))
    assert "2 times too small: the 2 that comes from" in str(gradcheck(Wrong(), p, y))
    assert "gradient wrote into y_pred" in str(gradcheck(Writes(), p, y))


def test_a_layer_that_works_in_place_breaks_a_law_but_its_numbers_are_right():
    class Scaled(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((), "ones", name="scale")

        def forward(self, x, ctx):
            ctx.save(x=x)
            return x * self.scale.value

        def backward(self, dy, ctx):
            ctx.grad(self.scale)[...] = (ctx.saved("x") * dy).sum()
            dy *= self.scale.value
            return dy

    class Adding(Scaled):
        def backward(self, dy, ctx):
            ctx.grad(self.scale)[...] += (ctx.saved("x") * dy).sum()
            dy *= self.scale.value
            return dy

    x = np.random.default_rng(0).normal(size=(4, 3))
    report = gradcheck(Scaled(), x)
    assert report["x"].verdict == report["scale"].verdict == "right"
    assert not report.ok and "backward wrote into dy" in str(report)
    assert "backward adds to the gradient" in str(gradcheck(Adding(), x))


def test_the_names_of_variables_inside_a_wrong_model():
    class Wrong(OwnDense):
        def backward(self, dy, ctx):
            dx = super().backward(dy, ctx)
            ctx.grad(self.bias)[...] /= len(dy)
            return dx

    model = mk.Sequential([layers.Input((3,)), Wrong(2, name="guilty")], name="a_long_name")
    report = gradcheck(model, np.random.default_rng(0).normal(size=(5, 3)))
    assert report["guilty/bias"].verdict == "wrong"
    assert [e.name for e in report.layers["layer 'guilty' (Wrong)"].entries] == ["x", "kernel", "bias"]


def test_zero_is_written_without_a_sign():
    report = gradcheck(activations.get("relu"), np.array([[-1.0, 0.0]]))
    assert "-0 " not in str(report)


def test_frozen_layers_and_several_outputs():
    frozen = Dense(3, trainable=False)
    assert [e.name for e in gradcheck(frozen, np.ones((2, 4))).entries] == ["x"]
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    gradcheck(layers.LSTM(3, return_state=True), x, raise_on_failure=True)


def test_bad_input():
    class OneWay(Layer):
        def forward(self, x, ctx):
            return x

    x = np.ones((2, 3))
    with pytest.raises(NotImplementedError, match=r"'one_way' \(OneWay\) has no `backward"):
        gradcheck(OneWay(), x)
    with pytest.raises(TypeError, match=r"x holds integers \(int64\).*astype"):
        gradcheck(layers.Activation("relu"), np.ones((2, 3), int))
    note = str(gradcheck(Dense(2), np.ones((2, 3), int)))
    assert "note: x holds integers" in note and "all right" in note
    with pytest.raises(TypeError, match="y_pred holds integers"):
        gradcheck(losses.MeanSquaredError(), np.ones((2, 3), int), x)
    with pytest.raises(ValueError, match=r"gradcheck\(loss, y_pred, y_true\)"):
        gradcheck(losses.MeanSquaredError(), x)
    with pytest.raises(ValueError, match="not compiled"):
        gradcheck(mk.Sequential([Dense(2)]), x, x)
    with pytest.raises(ValueError, match="x is empty"):
        gradcheck(Dense(2), x[:0])
    with pytest.raises(TypeError, match="must be a layer, a model, a loss"):
        gradcheck(np.tanh, x)
    with pytest.raises(ValueError, match="budget"):
        gradcheck(Dense(2), x, budget=0)
