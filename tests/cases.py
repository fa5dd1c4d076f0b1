"""The one table of test cases. Each row is run through every contract test of its kind.

A layer's case is a function of the `layers` module, so that the same rows can be given to real
Keras when golden numbers are recorded (tests/golden/record_layers.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case, case
from cases_convolution import CONVOLUTION
from cases_core import CORE
from cases_preprocessing import ENCODERS, PREPROCESSING
from cases_recurrent import RECURRENT

IMAGE, SEQUENCE = (3, 7, 6, 4), (3, 5, 2)

LAYERS = [
    case("Dense", (3, 5), units=4),
    case("Dense", (3, 5), units=4, activation="relu", use_bias=False),
    case("Dense", (3, 2, 5), units=4, activation="softmax"),
    case("Dense", (3, 2, 2, 5), units=2, activation="gelu"),
    case("Dense", (3, 5), units=4, activation="tanh", activity_regularizer="l2"),
    case("Activation", (3, 4), activation="tanh"),
    case("Activation", (3, 2, 4), activation="silu"),
    case("Activation", (3, 4), activation="linear"),
    case("Activation", (3, 4), activation="softmax"),
    case("Dropout", (4, 6), random=True, rate=0.3),
    case("Dropout", (4, 6), rate=0.0),
    case("Dropout", (4, 6), random=True, rate=1.0),
    case("Dropout", (4, 3, 6), random=True, rate=0.5, noise_shape=(None, 1, 6)),
    case("Flatten", (3, 4)),
    case("Flatten", (3, 4, 2, 5)),
    case("Flatten", (3, 4, 2, 5), data_format="channels_first"),
    case("InputLayer", (3, 4), shape=(4,)),
    case("Conv2D", IMAGE, filters=3, kernel_size=3),
    case("Conv2D", IMAGE, filters=3, kernel_size=(2, 3), padding="same", activation="relu"),
    case("Conv2D", IMAGE, filters=3, kernel_size=3, strides=(2, 3), padding="same", activation="gelu"),
    case("Conv2D", IMAGE, filters=3, kernel_size=2, strides=2, use_bias=False),
    case("Conv2D", IMAGE, filters=3, kernel_size=3, dilation_rate=(1, 2)),
    case("Conv2D", IMAGE, filters=4, kernel_size=3, groups=2, padding="same", activation="tanh"),
    case("Conv2D", IMAGE, filters=3, kernel_size=1),
    case("Conv2D", (2, 2, 6, 5), filters=3, kernel_size=2, data_format="channels_first", activation="tanh"),
    case(
        "Conv2D",
        (2, 2, 6, 5),
        filters=4,
        kernel_size=3,
        strides=2,
        padding="same",
        data_format="channels_first",
    ),
    case("Conv1D", (3, 8, 2), filters=3, kernel_size=3),
    case("Conv1D", (3, 8, 2), filters=3, kernel_size=3, padding="causal", dilation_rate=2),
    case("Conv1D", (3, 8, 2), filters=3, kernel_size=4, strides=3, padding="causal"),
    case("Conv3D", (2, 4, 5, 4, 2), filters=2, kernel_size=2, strides=2, padding="same"),
    case("MaxPooling1D", (3, 8, 2)),
    case("MaxPooling1D", (3, 8, 2), pool_size=3, strides=2, padding="same"),
    case("MaxPooling2D", IMAGE),
    case("MaxPooling2D", IMAGE, pool_size=3, strides=2, padding="same"),
    case("MaxPooling2D", IMAGE, pool_size=(2, 3), strides=(1, 2)),
    case("MaxPooling2D", (2, 2, 6, 5), data_format="channels_first"),
    case("MaxPooling3D", (2, 4, 5, 4, 2)),
    case("SimpleRNN", SEQUENCE, units=4),
    case("SimpleRNN", SEQUENCE, units=4, return_sequences=True, activation="gelu"),
    case("SimpleRNN", SEQUENCE, units=4, go_backwards=True, activation="linear"),
    case("SimpleRNN", SEQUENCE, units=4, return_sequences=True, go_backwards=True, use_bias=False),
    case("SimpleRNN", SEQUENCE, mask=True, units=4),
    case("SimpleRNN", SEQUENCE, mask=True, units=4, return_sequences=True),
    case("SimpleRNN", SEQUENCE, mask=True, units=4, return_sequences=True, go_backwards=True),
    case("SimpleRNN", SEQUENCE, mask=True, units=4, return_sequences=True, zero_output_for_mask=True),
    case("SimpleRNN", SEQUENCE, random=True, units=4, dropout=0.4),
    case("SimpleRNN", SEQUENCE, random=True, units=4, recurrent_dropout=0.4, return_sequences=True),
    Case(
        lambda layers, **kw: layers.RNN(layers.SimpleRNNCell(4, **kw), return_sequences=True, **kw),
        SEQUENCE,
        id="RNN(SimpleRNNCell)",
    ),
]

LAYERS += RECURRENT + CORE + CONVOLUTION + PREPROCESSING
WITHOUT_GRADIENT = {name for name, _, _ in ENCODERS}  # their tests are in test_preprocessing_layers.py

# name -> constructor arguments beyond the defaults, for activations that need some
ACTIVATION_ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "Threshold": [{"threshold": 0.4, "default_value": -1.5}],
    "Relu": [
        {},
        {"max_value": 1.2},
        {"negative_slope": 0.3},
        {"threshold": 0.7},
        {"negative_slope": 0.2, "max_value": 2.0, "threshold": 0.5},
    ],
    "LeakyRelu": [{}, {"negative_slope": 0.05}],
    "Elu": [{}, {"alpha": 0.5}],
    "Celu": [{}, {"alpha": 0.7}],
    "Gelu": [{}, {"approximate": True}],
    "HardShrink": [{}, {"threshold": 1.0}],
    "SoftShrink": [{}, {"threshold": 1.0}],
    "Squareplus": [{}, {"b": 2}],
    "Softmax": [{}, {"axis": 0}, {"axis": [0, 1]}],
    "LogSoftmax": [{}, {"axis": 0}],
    "Sparsemax": [{}, {"axis": 0}],
    "Glu": [{}, {"axis": 0}],
}

# name -> (constructor arguments, kind of targets, kind of predictions)
LOSSES: list[tuple[str, dict[str, Any], str, str]] = [
    ("MeanSquaredError", {}, "real", "real"),
    ("MeanAbsoluteError", {}, "real", "real"),
    ("MeanAbsolutePercentageError", {}, "positive", "real"),
    ("MeanSquaredLogarithmicError", {}, "positive", "positive"),
    ("Huber", {}, "real", "real"),
    ("Huber", {"delta": 0.4}, "real", "real"),
    ("LogCosh", {}, "real", "real"),
    ("Poisson", {}, "positive", "positive"),
    ("CosineSimilarity", {}, "real", "real"),
    ("CosineSimilarity", {"axis": 0}, "real", "real"),
    ("BinaryCrossentropy", {}, "bits", "unit"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "bits", "unit"),
    ("BinaryCrossentropy", {"from_logits": True}, "bits", "real"),
    ("BinaryCrossentropy", {"axis": 0}, "bits", "unit"),
    ("BinaryFocalCrossentropy", {}, "bits", "unit"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}, "bits", "unit"),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "bits", "real"),
    ("CategoricalCrossentropy", {}, "onehot", "unit"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "onehot", "unit"),
    ("CategoricalCrossentropy", {"from_logits": True}, "onehot", "real"),
    ("CategoricalFocalCrossentropy", {}, "onehot", "unit"),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "onehot", "real"),
    ("SparseCategoricalCrossentropy", {}, "labels", "unit"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels", "real"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels", "unit"),
    ("KLDivergence", {}, "unit", "unit"),
    ("Hinge", {}, "signs", "real"),
    ("Hinge", {}, "bits", "real"),
    ("SquaredHinge", {}, "signs", "real"),
    ("CategoricalHinge", {}, "onehot", "real"),
    ("Dice", {}, "bits", "unit"),
    ("Dice", {"axis": 0}, "bits", "unit"),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, "bits", "unit"),
    ("Tversky", {"axis": 1}, "bits", "unit"),
    ("CTC", {}, "spelling", "steps"),
    ("Circle", {"gamma": 3.0}, "labels", "real"),
    ("Circle", {"gamma": 3.0, "margin": 0.2, "remove_diagonal": False}, "labels", "real"),
    ("CategoricalGeneralizedCrossEntropy", {}, "labels", "unit"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, "labels", "unit"),
]


def draw(kind: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Targets or predictions of a kind named in LOSSES."""
    rng = np.random.default_rng(seed)
    if kind == "real":
        return rng.normal(size=shape)
    if kind == "positive":
        return rng.uniform(0.2, 2, shape)
    if kind == "unit":
        return rng.uniform(0.05, 0.95, shape)
    if kind == "bits":
        return rng.integers(0, 2, shape).astype(float)
    if kind == "signs":
        return rng.integers(0, 2, shape) * 2.0 - 1
    if kind == "steps":  # scores of the classes at each of 7 steps
        return rng.normal(size=(shape[0], 7, shape[-1]))
    if kind == "spelling":  # up to 4 labels, then zeros
        return rng.integers(1, shape[-1], (shape[0], 4)) * (np.arange(4) < rng.integers(0, 5, (shape[0], 1)))
    labels = rng.integers(0, shape[-1], shape[:-1])
    return labels if kind == "labels" else np.eye(shape[-1])[labels]
