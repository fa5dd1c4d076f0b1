"""The numbers of real Keras 3.15.1, recorded by the scripts in tests/golden/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cases import LAYERS
from golden.record_layers import weights_for
from golden.record_training import RUNS, run

import minikeras

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def layer_numbers():
    with np.load(GOLDEN / "layers.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def training_numbers():
    with np.load(GOLDEN / "training.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize("number", range(len(LAYERS)), ids=lambda i: LAYERS[i].id)
def test_outputs_and_gradients_of_layers(number, layer_numbers):
    case = LAYERS[number]
    if f"{number}.y" not in layer_numbers:
        layer = case.make(minikeras.layers)
        assert case.random or case.mask or isinstance(layer, minikeras.layers.InputLayer)
        return
    x = case.x(number, "float32")
    model = minikeras.Sequential([minikeras.Input(case.shape[1:]), case.make(minikeras.layers)])
    model.set_weights(weights_for([w.shape for w in model.get_weights()], number))
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y, layer_numbers[f"{number}.y"], rtol=1e-5, atol=1e-6)
    if not model.weights:
        return
    before = model.get_weights()
    model.compile(minikeras.optimizers.SGD(1.0), "mse")
    loss = model.train_on_batch(x, np.zeros_like(y))
    assert loss == pytest.approx(float(layer_numbers[f"{number}.loss"]), rel=1e-5)
    for i, (a, b) in enumerate(zip(before, model.get_weights(), strict=True)):
        expected = layer_numbers[f"{number}.gradient{i}"]
        np.testing.assert_allclose(a - b, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max() + 1e-6)


@pytest.mark.parametrize("name", RUNS)
def test_whole_training_runs(name, training_numbers):
    mine = run(minikeras, name)
    keys = {k.removeprefix(f"{name}.") for k in training_numbers if k.startswith(f"{name}.")}
    assert keys == set(mine)
    for key, value in mine.items():
        expected = training_numbers[f"{name}.{key}"]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-3 * scale, err_msg=key)
