"""Models to export: one for each row of the table of layers, and those of the examples."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from case import Case, case
from cases import ACTIVATION_ARGUMENTS, LAYERS
from cases_preprocessing import ENCODERS

import minikeras as keras

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE_MODELS: dict[str, tuple[tuple[Any, ...], tuple[int, ...], int]] = {
    # example: what its `build` is given, a sample's shape, and, for numbers of words, how many there are
    "addition_rnn": ((2, 128), (5, 12), 0),
    "digits_autoencoder": ((), (8, 8, 1), 0),
    "forecast_gru": ((), (30, 1), 0),
    "imdb_cnn": ((200,), (200,), 5000),
    "imdb_lstm": ((100,), (100,), 5000),
    "mnist_cnn": (((28, 28, 1),), (28, 28, 1), 0),
    "mnist_mlp": ((784,), (784,), 0),
    "mnist_rnn": (((28, 28),), (28, 28), 0),
    "text_lstm": ((40,), (12,), 40),
}


def model_of(row: Case, dtype: str = "float32") -> tuple[Any, np.ndarray]:
    """A model of the row's layer alone, with weights that hide no mistake, and data for it.

    Where the row has a mask, steps of zeros and a Masking layer before the layer make it.
    """
    x, shape = row.x(0, dtype), row.shape[1:]
    before = [keras.Input(shape)]
    if row.mask:
        rest = shape[1:]
        before = [keras.Input((shape[0], math.prod(rest))), keras.layers.Masking(dtype=dtype)]
        if len(rest) > 1:
            reshape = keras.layers.Reshape(rest, dtype=dtype)
            before.append(keras.layers.TimeDistributed(reshape, dtype=dtype))
        mask = row.mask_for(x)
        mask[:, 0] = True  # one step of each sample counts
        x = (x * mask.reshape(*mask.shape, *[1] * len(rest))).reshape(*x.shape[:2], -1)
    layer = row.make(keras.layers, dtype=dtype)
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


def example(name: str, samples: int = 3) -> tuple[Any, np.ndarray]:
    """The network of an example, and random data for it."""
    given, shape, words = EXAMPLE_MODELS[name]
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(EXAMPLES))  # what they share lies beside them
    spec.loader.exec_module(module)
    sys.path.remove(str(EXAMPLES))
    rng = np.random.default_rng(0)
    x = rng.integers(0, words, (samples, *shape)) if words else rng.random((samples, *shape), "float32")
    if name == "imdb_lstm":
        x[:, :30] = 0  # padding, as in the example
    return module.build(*given), x


def activation_cases() -> list[Case]:
    """The layer `Activation` with every activation function, in all ways that the table names."""
    found = []
    for name, cls in keras.activations.table.classes.items():
        for given in ACTIVATION_ARGUMENTS.get(name, [{}]):
            if given.get("axis") in (0, [0, 1]):
                continue  # the batch axis: of samples that have nothing to do with each other
            found.append(case("Activation", (3, 2, 4), activation=cls(**given)))
            found[-1] = replace(found[-1], id=f"Activation({name}, {given})")
    return found


def encoder_cases() -> list[tuple[str, Any, np.ndarray]]:
    """Models of one encoder each, and data: name, model, x."""
    found = []
    for name, given, x in ENCODERS:
        array = np.array(x)
        if array.ndim > 1:
            model = keras.Sequential([keras.Input(array.shape[1:]), getattr(keras.layers, name)(**given)])
            kind = "int64" if name == "CategoryEncoding" else "float32"
            found.append((f"{name}({given}){list(array.shape)}", model, array.astype(kind)))
    return found


def special_models() -> dict[str, tuple[Any, np.ndarray]]:
    """Models of several layers, and of what the table's rows do not have: name -> model, x."""
    k, rng = keras.layers, np.random.default_rng(1)
    images, words = rng.normal(size=(3, 9, 8, 3)).astype("float32"), rng.integers(0, 6, (3, 7))
    steps = rng.normal(size=(3, 6, 2)).astype("float32")
    block = [k.Conv2D(4, 3, padding="same", use_bias=False), k.BatchNormalization(), k.ReLU()]
    chain = [*block, k.MaxPooling2D(2), k.Conv2D(5, 3, activation="softmax"), k.GlobalAveragePooling2D()]
    coder = keras.Sequential(
        [keras.Input((9, 8, 3)), k.Dense(4, activation="tanh"), k.Dense(2)], name="coder"
    )
    models = {
        "a chain of convolutions": (images, chain),
        "sizes that are not known": (
            images,
            [
                keras.Input((None, None, 3)),
                k.Conv2D(4, 3, strides=2, padding="same"),
                k.MaxPooling2D(2, 1, "same"),
                k.Conv2D(4, 3, padding="same"),
                k.UpSampling2D(2),
                k.GlobalMaxPooling2D(),
            ],
        ),
        "a mask through layers": (
            words,
            [
                k.Embedding(6, 4, mask_zero=True),
                k.Dropout(0.5),
                k.Bidirectional(k.LSTM(3, return_sequences=True)),
                k.TimeDistributed(k.Dense(3)),
                k.Softmax(),
                k.GRU(4, reset_after=False),
            ],
        ),
        "a mask that nobody uses": (words, [k.Embedding(6, 4, mask_zero=True), k.Dense(2)]),
        "a mask that is averaged over": (
            words,
            [k.Embedding(6, 7, mask_zero=True), k.GlobalAveragePooling1D("channels_first", keepdims=True)],
        ),
        "models within models": (
            images,
            [coder, k.TimeDistributed(keras.Sequential([k.Flatten(), k.Dense(3)]))],
        ),
        "states of an LSTM": (steps, [k.LSTM(3, return_state=True, return_sequences=True)]),
        "states of a stack, masked": (
            steps,
            [k.Masking(), k.RNN([k.LSTMCell(3), k.GRUCell(2)], return_state=True, go_backwards=True)],
        ),
        "both ways, unmerged": (
            steps,
            [k.Bidirectional(k.GRU(3, return_sequences=True), merge_mode=None)],
        ),
        "both ways, with states": (
            steps,
            [k.Bidirectional(k.SimpleRNN(3, return_state=True, activation="relu"), merge_mode="sum")],
        ),
        "types that change": (
            steps,
            [k.Dense(3, dtype="float64"), k.Activation("tanh", dtype="float64"), k.Dense(2)],
        ),
        "whole numbers that are declared": (
            rng.integers(0, 255, (3, 4, 4, 1)).astype("uint8"),
            [keras.Input((4, 4, 1), dtype="uint8"), k.Rescaling(1 / 255), k.Flatten(), k.Dense(2)],
        ),
        "channels first": (
            images,
            [
                k.Conv2D(3, 2, data_format="channels_first", activation="softmax"),
                k.Flatten("channels_first"),
            ],
        ),
        "rows of categories": (words, [k.CategoryEncoding(6, "count"), k.Dense(2, activation="sparsemax")]),
        "numbers, then bins": (
            steps,
            [k.Discretization([-1.0, 0.0, 1.0]), k.Flatten(), k.Embedding(4, 2), k.Flatten()],
        ),
        "names that mean harm": (
            steps,
            [
                k.Dense(2, name='"""\\import os#\n'),
                k.TimeDistributed(k.Dense(2, name="class def\n")),
                k.TimeDistributed(k.Dense(2, name="class-def\n")),
                k.Dense(1, name="x"),
            ],
        ),
    }
    found = {}
    for name, (x, own) in models.items():
        model = keras.Sequential(own, name=name.replace(" ", "_"))
        if not model.built:
            model.build((None, *x.shape[1:]))
        found[name] = (randomized(model), x)
    return found


def all_models(samples: int = 3) -> Iterator[tuple[str, str, Callable[[], tuple[Any, np.ndarray]]]]:
    """Kind, name, and a function that makes the model and data for it.

    Args:
        samples: how many an example is given.
    """
    for row in LAYERS + activation_cases():
        yield "layers", row.id, partial(model_of, row)
    for name, model, x in encoder_cases():
        yield "layers", name, partial(lambda model, x: (model, x), model, x)
    for name, pair in special_models().items():
        yield "models", name, partial(lambda pair: pair, pair)
    for name in EXAMPLE_MODELS:
        yield "examples", name, partial(example, name, samples)


def difference(y: Any, expected: Any) -> float:
    """The largest difference between outputs, as a share of their largest number where that is above 1."""
    pairs = zip(y, expected, strict=True) if isinstance(expected, list) else [(y, expected)]
    worst = 0.0
    for a, b in pairs:
        assert a.shape == b.shape, (a.shape, b.shape)
        b = np.asarray(b, "f8")
        scale = max(1.0, np.abs(b).max(initial=0))
        worst = max(worst, float(np.abs(np.asarray(a, "f8") - b).max(initial=0) / scale))
    return worst
