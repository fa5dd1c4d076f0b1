"""The numbers of real Keras 3.15.1, recorded by the scripts in tests/golden/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cases import LAYERS
from golden.record_layers import is_recorded, numbers_of
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


@pytest.mark.parametrize("case", [c for c in LAYERS if is_recorded(c)], ids=lambda c: c.id)
def test_outputs_and_gradients_of_layers(case, layer_numbers):
    mine = numbers_of(minikeras, case)
    prefix = f"{case.id}|".replace("/", "%")
    expected = {k.removeprefix(prefix): v for k, v in layer_numbers.items() if k.startswith(prefix)}
    assert set(mine) == set(expected), "record the new case: tests/golden/record_layers.py"
    top = max((np.abs(v).max() for k, v in expected.items() if k.startswith("gradient")), default=0)
    for key, value in mine.items():
        rtol, atol = (2e-4, 2e-5 * top + 1e-6) if key.startswith("gradient") else (1e-5, 2e-6)
        np.testing.assert_allclose(value, expected[key], rtol=rtol, atol=atol, err_msg=key)


@pytest.mark.parametrize("name", RUNS)
def test_whole_training_runs(name, training_numbers):
    mine = run(minikeras, name)
    keys = {k.removeprefix(f"{name}.") for k in training_numbers if k.startswith(f"{name}.")}
    assert keys == set(mine)
    for key, value in mine.items():
        expected = training_numbers[f"{name}.{key}"]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-3 * scale, err_msg=key)
