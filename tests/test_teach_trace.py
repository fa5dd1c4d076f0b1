"""A trace holds what happened, to the last bit, and says what it cannot show."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LAYERS

import minikeras as mk
from minikeras import layers
from minikeras.context import Context
from minikeras.layers import Dense, Dropout, Input, Layer
from minikeras.losses import MeanSquaredError
from minikeras.teach import OwnDense, explain_shapes, trace

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))
LABELS = np.array([0, 1, 2, 0, 1, 2])


def mlp(*more, loss="mse", **compile_):
    model = mk.Sequential([Input((4,)), Dense(5, activation="tanh"), *more, Dense(2)])
    model.compile("sgd", loss, **compile_)
    return model


def test_it_is_the_pass_of_fit():
    model = mlp()
    model.layers[0].bias.value += 0.1
    t = trace(model, X, T)
    ctx, x = Context(training=True), X.astype("float32")
    y_pred = model.run_forward(x, ctx)
    loss, dy = MeanSquaredError().value_and_gradient(T, y_pred)
    dx = model.run_backward(dy, ctx)
    assert t.loss == pytest.approx(loss)
    np.testing.assert_array_equal(t.y_pred, y_pred)
    np.testing.assert_array_equal(t["dense"].dx, dx)
    np.testing.assert_array_equal(t[1].dy, dy)
    for v in model.layers[0].trainable_weights:
        np.testing.assert_array_equal(t["dense"].gradients[v.name], ctx.grad(v))
    first = t["dense"]
    np.testing.assert_allclose(first.y, np.tanh(first.z), rtol=1e-6)
    np.testing.assert_allclose(first.dz, (1 - first.y**2) * first.dy, rtol=1e-5)
    np.testing.assert_allclose(first.gradients["kernel"], first.x.T @ first.dz, rtol=1e-5)
    assert set(t.data["dense"]) == {"x", "z", "y", "dy", "dz", "dx", "dL/dkernel", "dL/dbias"}


def test_formulas_have_the_shapes_of_the_layer():
    text = str(trace(mlp(), X, T))
    assert "dL/dkernel = xᵀ dz   (4, 6)(6, 5)" in text
    assert "z = x kernel + bias   (6, 4)(4, 5)" in text
    assert "dz = (1 − y²) dy" in text
    assert "loss " in text


def test_penalties_and_loss_weights_are_in_it():
    model = mk.Sequential([Dense(3, kernel_regularizer="l2", activity_regularizer="l1")])
    model.compile("sgd", "mse", loss_weights=2.0)
    y = np.zeros((6, 3))
    before = model.train_on_batch(X, y)  # builds it; the step moves the weights
    assert trace(model, X, y).loss == pytest.approx(model.evaluate(X, y, verbose=0), rel=1e-6) != before


def test_softmax_and_its_loss_are_shown_as_paired():
    model = mk.Sequential([Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    t = trace(model, X, LABELS)
    last = t["dense"]
    assert last.paired and last.dy is None and "dy" not in last.arrays()
    np.testing.assert_allclose(last.dz, (last.y - np.eye(3)[LABELS]) / 6, atol=1e-6)
    assert "merged" in str(t) and "paired" in t.table()


def test_shares_of_zeros_and_of_saturated_units():
    model = mk.Sequential([layers.Activation("relu"), layers.Activation("tanh")])
    t = trace(model, np.array([[-1.0, 0.1, 9.0, 9.0]]))
    assert t[0].zeros == 0.25 and t[0].saturated is None
    assert t[1].saturated == 0.5
    assert "25%" in t.table() and "50%" in t.table()


def test_the_model_stays_as_it_is():
    model = mlp(layers.BatchNormalization(), Dropout(0.5))
    weights, count = model.get_weights(), model.layers[2].seed_generator.count
    trace(model, X, T)
    assert model.layers[2].seed_generator.count == count
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_models_inside_are_opened():
    model = mk.Sequential([mk.Sequential([Dense(3, name="a"), Dense(2, name="b")], name="inner"), Dense(2)])
    model.compile("sgd", "mse")
    assert [one.name for one in trace(model, X, T).layers] == ["inner/a", "inner/b", "dense"]
    assert trace(model, X, T)["inner/a"].gradients.keys() == {"kernel", "bias"}


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)
def test_every_layer_can_be_traced(case):
    layer = case.make(layers)
    t = trace(layer, case.x())
    assert str(t) and t[0].y.shape[0] == case.shape[0]
    assert t[0].layer is not layer
    assert "<details>" in t._repr_html_()


def test_layers_of_ones_own():
    class Scale(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

        def forward(self, x, ctx):
            ctx.save(x=x)
            return x * self.scale.value

        def backward(self, dy, ctx):
            np.sum(dy * ctx.saved("x"), axis=0, out=ctx.grad(self.scale))
            return dy * self.scale.value

    t = trace(mlp(OwnDense(3, "relu"), Scale()), X, T)
    np.testing.assert_allclose(t["own_dense"].y, np.maximum(t["own_dense"].z, 0))
    assert "dL/dscale   (3,)" in str(t) and "(6, 3) → (6, 3)" in str(t)
    assert t["scale"].z is None and t["scale"].dz is None


def test_a_layer_whose_z_cannot_be_found_is_shown_without_it():
    class Fussy(OwnDense):
        def forward(self, x, ctx):
            if self.activation.name == "linear":
                raise RuntimeError("never linear")
            return super().forward(x, ctx)

    one = trace(mlp(Fussy(3, "relu")), X, T)["fussy"]
    assert one.z is None and one.dz is None and one.dx is not None


def test_html_is_whole_and_escapes_names(tmp_path):
    model = mk.Sequential([Dense(2, name="<script>alert(1)<script>")])
    model.compile("sgd", "mse")
    t = trace(model, X, T)
    t.save(tmp_path / "t.html")
    page = (tmp_path / "t.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert page.startswith("<!doctype html>") and "<svg" in page and "http" not in page


def test_what_cannot_be_shown_is_said():
    class OneWay(Layer):
        def forward(self, x, ctx):
            return x

    t = trace(mlp(), X)
    assert "no y" in str(t) and t.loss is None and "|dy|" not in t.table()
    for name in ("dy", "dz", "dx", "gradients"):
        with pytest.raises(AttributeError, match="trace had no y"):
            getattr(t["dense"], name)
    with pytest.raises(AttributeError, match="no attribute 'dyy'"):
        t["dense"].dyy  # noqa: B018
    with pytest.raises(KeyError, match="no layer 'nope'"):
        t["nope"]
    with pytest.raises(NotImplementedError, match=r"'one_way' \(OneWay\) has no `backward"):
        trace(mlp(OneWay()), X, T)
    with pytest.raises(ValueError, match="needs a loss"):
        trace(mk.Sequential([Dense(2)]), X, T)
    with pytest.raises(TypeError, match="needs a model or a layer"):
        trace(np.tanh, X)


# Shapes


def test_explain_shapes_shows_the_chain():
    chain = explain_shapes(mlp(), (32, 4))
    assert chain.data == [("input", (32, 4)), ("dense", (32, 5)), ("dense_1", (32, 2))]
    assert str(chain).splitlines() == ["input (32, 4)", "  -> dense (32, 5)", "  -> dense_1 (32, 2)"]
    assert chain.error is None and "dense_1" in chain._repr_html_()


def test_explain_shapes_shows_the_arrow_that_fails_and_the_error_itself():
    model = mk.Sequential([layers.Conv2D(4, 3), Dense(3, name="wide"), layers.LSTM(2)])
    chain = explain_shapes(model, (32, 28, 28, 1))
    assert "  -> lstm ?   <- here it fails" in str(chain)
    with pytest.raises(ValueError) as caught:
        model.build((32, 28, 28, 1))
    assert str(caught.value) in str(chain)
    assert "shapes so far: input (32, 28, 28, 1) -> conv2d (32, 26, 26, 4) -> wide" in str(chain)
    assert not model.built and "lstm ?" in chain._repr_html_()


def test_explain_shapes_of_a_built_model():
    assert "axis -1 of size 4" in str(explain_shapes(mlp(), (32, 3)))
    model = mk.Sequential([Input((8, 8, 1)), layers.MaxPooling2D(2), layers.Flatten()])
    assert "(None, 8, 8, 1), as when it was built" in str(explain_shapes(model, (2, 9, 9, 1)))
    several = mk.Sequential([layers.LSTM(2, return_state=True), Dense(3)])
    assert "one array" in str(explain_shapes(several, (2, 3, 4)))
    with pytest.raises(TypeError, match="needs a model"):
        explain_shapes(Dense(2), (2, 3))


def test_gradients_inside_a_wrapper_are_told_apart():
    wrapper = layers.Bidirectional(layers.SimpleRNN(2, name="rnn"), name="n")  # names inside end with n, too
    model = mk.Sequential([Input((3, 2)), wrapper])
    model.compile("sgd", "mse")
    names = list(trace(model, np.ones((2, 3, 2)), np.ones((2, 4)))["n"].gradients)
    assert [name.split("/")[0] for name in names] == ["forward_rnn"] * 3 + ["backward_rnn"] * 3
