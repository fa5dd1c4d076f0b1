"""Models to export: one for each row of the table of layers, and those of the examples."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
from case import Case
from cases import LAYERS

import minikeras as keras

EXAMPLES = Path(__file__).parent.parent / "examples"
MODELS: dict[str, tuple[tuple[Any, ...], tuple[int, ...], int]] = {
    # example: what its `build` is given, a sample's shape, and, for numbers of words, how many there are
    "addition_rnn": ((2, 128), (5, 12), 0),
    "digits_autoencoder": ((), (8, 8, 1), 0),
    "forecast_gru": ((), (30, 1), 0),
    "imdb_cnn": ((200,), (200,), 5000),
    "imdb_lstm": ((100,), (100,), 5000),
    "mnist_cnn": (((28, 28, 1),), (28, 28, 1), 0),
    "mnist_mlp": ((784,), (784,), 0),
    "mnist_rnn": (((28, 28),), (28, 28), 0),
    "text_lstm": ((40,), (30,), 40),
}


def model_of(case: Case, dtype: str = "float32") -> tuple[Any, np.ndarray]:
    """A model of the row's layer alone, with weights that hide no mistake, and data for it.

    Where the row has a mask, steps of zeros and a Masking layer before the layer make it.
    """
    x, shape = case.x(0, dtype), case.shape[1:]
    before = [keras.Input(shape)]
    if case.mask:
        rest = shape[1:]
        before = [keras.Input((shape[0], math.prod(rest))), keras.layers.Masking(dtype=dtype)]
        if len(rest) > 1:
            reshape = keras.layers.Reshape(rest, dtype=dtype)
            before.append(keras.layers.TimeDistributed(reshape, dtype=dtype))
        mask = case.mask_for(x)
        mask[:, 0] = True  # one step of each sample counts
        x = (x * mask.reshape(*mask.shape, *[1] * len(rest))).reshape(*x.shape[:2], -1)
    layer = case.make(keras.layers, dtype=dtype)
    if isinstance(layer, keras.layers.InputLayer):
        before, layer = [layer], keras.layers.Dense(2, dtype=dtype)
    model = keras.Sequential([*before, layer])
    return randomized(model), x


def randomized(model: Any) -> Any:
    """Other weights: no zeros, no symmetry, no moving average as it was at first."""
    rng = np.random.default_rng(3)
    for v in model.weights:
        v.assign(rng.normal(0, 0.5, v.shape) if v.trainable else rng.uniform(0.5, 1.5, v.shape))
    return model


def example(name: str) -> tuple[Any, np.ndarray]:
    """The network of an example, and random data for it."""
    given, shape, words = MODELS[name]
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rng = np.random.default_rng(0)
    x = rng.integers(0, words, (40, *shape)) if words else rng.random((40, *shape), "float32")
    if name == "imdb_lstm":
        x[:, :30] = 0  # padding, as in the example
    return module.build(*given), x


def rows() -> list[Case]:
    """The rows of the table."""
    return LAYERS


def difference(y: Any, expected: Any) -> float:
    """The largest difference between outputs."""
    pairs = zip(y, expected, strict=True) if isinstance(expected, list) else [(y, expected)]
    worst = 0.0
    for a, b in pairs:
        assert a.shape == b.shape, (a.shape, b.shape)
        worst = max(worst, float(np.abs(np.asarray(a, "f8") - np.asarray(b, "f8")).max(initial=0)))
    return worst
