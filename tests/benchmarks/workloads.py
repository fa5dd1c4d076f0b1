"""The models that are measured as a whole, each with data such as it would be given.

The values are random: no step's time depends on them, and nothing has to be downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minikeras as mk
from minikeras import layers as L  # noqa: N812

SPARSE = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class Workload:
    """A model and the shape of its data."""

    layers: Callable[[], list[Any]]
    shape: tuple[int, ...]
    batch: int
    optimizer: str = "adam"
    classes: int = 10  # 1: two classes, told apart by one output
    tokens: int = 0  # the inputs are integers below this number
    loss: str = SPARSE

    def model(self) -> mk.Sequential:
        """A new model, compiled."""
        mk.utils.set_random_seed(0)
        model = mk.Sequential([mk.Input(self.shape), *self.layers()])
        model.compile(self.optimizer, self.loss, metrics=["accuracy"])
        return model

    def data(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets."""
        rng = np.random.default_rng(0)
        if self.tokens:
            x = rng.integers(0, self.tokens, (rows, *self.shape)).astype("int32")
        else:
            x = rng.random((rows, *self.shape), "float32")
        y = rng.integers(0, max(2, self.classes), rows)
        if self.loss == SPARSE:
            return x, y
        return x, y.astype("float32") if self.classes == 1 else np.eye(self.classes, dtype="float32")[y]


def mlp() -> list[Any]:
    hidden = [layer for _ in range(2) for layer in (L.Dense(512, activation="relu"), L.Dropout(0.2))]
    return [*hidden, L.Dense(10, activation="softmax")]


def cnn() -> list[Any]:
    blocks = [layer for n in (32, 64) for layer in (L.Conv2D(n, 3, activation="relu"), L.MaxPooling2D(2))]
    return [*blocks, L.Flatten(), L.Dropout(0.5), L.Dense(10, activation="softmax")]


def tiny() -> list[Any]:
    return [
        L.Dense(12, activation="relu"),
        L.Dense(8, activation="relu"),
        L.Dense(1, activation="sigmoid"),
    ]


def of_rows(cell: Any) -> Callable[[], list[Any]]:
    """A recurrent layer that reads an image row by row."""
    return lambda: [cell(128), L.Dense(10, activation="softmax")]


def sentiment() -> list[Any]:
    return [L.Embedding(20_000, 128), L.LSTM(128), L.Dense(1, activation="sigmoid")]


WORKLOADS = {
    "MLP": Workload(mlp, (784,), 128),
    "MLP with RMSprop": Workload(mlp, (784,), 128, "rmsprop", loss="categorical_crossentropy"),
    "CNN": Workload(cnn, (28, 28, 1), 128),
    "SimpleRNN": Workload(of_rows(L.SimpleRNN), (28, 28), 128),
    "LSTM": Workload(of_rows(L.LSTM), (28, 28), 128),
    "GRU": Workload(of_rows(L.GRU), (28, 28), 128),
    "Embedding and LSTM": Workload(
        sentiment, (80,), 32, classes=1, tokens=20_000, loss="binary_crossentropy"
    ),
    "tiny MLP": Workload(tiny, (8,), 10, classes=1, loss="binary_crossentropy"),
}
