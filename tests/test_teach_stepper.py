"""The stepper walks through one real training step, forwards and back."""

from __future__ import annotations

import numpy as np
import pytest

import minikeras as mk
from minikeras.layers import Dense, Input
from minikeras.teach import Stepper

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 4)).astype("float32"), RNG.normal(size=(6, 2)).astype("float32")


def mlp(optimizer="adam"):
    model = mk.Sequential([Input((4,)), Dense(3, activation="tanh", kernel_regularizer="l2"), Dense(2)])
    model.compile(optimizer, "mse")
    return model


def test_it_goes_through_forward_loss_backward_update():
    s = Stepper(mlp(), X, T)
    assert [(e.kind, e.name) for e in s.events] == [
        ("forward", "dense"), ("forward", "dense_1"), ("loss", "mse"), ("backward", "dense_1"), ("backward", "dense"),
        ("update", "dense/kernel"), ("update", "dense/bias"), ("update", "dense_1/kernel"), ("update", "dense_1/bias"),
    ]  # fmt: skip
    assert len(s) == 9 and s.position == -1
    assert s.step().kind == "forward" and set(s.event.data) == {"x", "z", "y"}
    assert s.run_to("loss").data["y_pred"].shape == (6, 2)
    assert s.back().name == "dense_1" and s.position == 1
    assert s.run_to("dense").kind == "backward"
    assert list(s.event.data) == ["dy", "dz", "dL/dkernel", "dL/dbias", "dx"]
    assert [e.kind for e in s] == ["update"] * 4
    assert "> " in str(s) and "update: dense_1/bias" in str(s)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", mk.optimizers.RMSprop(momentum=0.5)])
def test_the_update_is_that_of_fit(optimizer):
    model = mlp(optimizer)
    before = model.get_weights()
    s = Stepper(model, X, T)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # the model itself has not moved
    model.train_on_batch(X, T)
    updates = [e for e in s.events if e.kind == "update"]
    for e, old, new in zip(updates, before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(e.data["old"], old)
        np.testing.assert_allclose(e.data["new"], new, rtol=1e-6, atol=1e-7)


def test_the_slots_of_the_optimizer_are_shown():
    update = Stepper(mlp(), X, T).run_to("update")
    g = update.data["gradient"]
    np.testing.assert_allclose(update.data["momentum"], 0.1 * g, rtol=1e-5)  # Adam's m = (1 − β₁) g
    np.testing.assert_allclose(update.data["velocity"], 0.001 * g**2, rtol=1e-4)
    assert list(update.data) == ["old", "gradient", "momentum", "velocity", "new"]
    assert "learning rate 0.001, step 1" in str(update)


def test_a_page_with_a_slider(tmp_path):
    s = Stepper(mlp(), X, T)
    s.run_to("loss")
    s.save(tmp_path / "s.html")
    page = (tmp_path / "s.html").read_text()
    assert page.count('class="step"') == 9 and page.count('class="step" hidden') == 8
    assert 'type="range"' in page and 'value="2"' in page and "<script" not in page and "http" not in page
    assert "backward: dense_1" in s.events[3]._repr_html_()


def test_a_model_without_weights_has_no_updates():
    model = mk.Sequential([mk.layers.Activation("tanh")])
    model.compile("sgd", "mse")
    assert [e.kind for e in Stepper(model, X, X).events] == ["forward", "loss", "backward"]


def test_paired_losses_say_so():
    model = mk.Sequential([Dense(3, activation="softmax")])
    model.compile("sgd", mk.losses.SparseCategoricalCrossentropy())
    event = Stepper(model, X, np.arange(6) % 3).run_to("loss")
    assert "paired" in str(event) and "dz" in event.data and event.name == "sparse_categorical_crossentropy"


def test_what_is_not_possible_is_said():
    with pytest.raises(ValueError, match="needs a loss and an optimizer"):
        Stepper(mk.Sequential([Dense(2)]), X, T)
    with pytest.raises(ValueError, match="needs targets"):
        Stepper(mlp(), X, None)
    s = Stepper(mlp(), X, T)
    with pytest.raises(IndexError, match="before the first"):
        s.event  # noqa: B018
    s.step()
    with pytest.raises(IndexError, match="first step"):
        s.back()
    with pytest.raises(ValueError, match=r"No step 'losss' follows"):
        s.run_to("losss")
    list(s)
    with pytest.raises(IndexError, match="last of 9"):
        s.step()
