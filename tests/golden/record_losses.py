"""Record the values and gradients of real Keras' losses of whole sequences and batches.

KERAS_BACKEND=jax python tests/golden/record_losses.py      (needs keras 3.15.1 and jax)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

# name of the loss -> its arguments and the labels of each case; predictions are drawn by `predictions`
CASES: dict[str, list[tuple[dict[str, Any], list[Any]]]] = {
    "CTC": [
        ({}, [[1, 2, 3], [1, 1, 0], [0, 0, 0], [4, 4, 4]]),
        ({"reduction": "sum"}, [[2, 2], [3, 0], [1, 4], [4, 1]]),
        ({}, [[1, 1, 1, 1, 1], [1, 2, 1, 2, 1], [3, 3, 0, 0, 0], [4, 0, 0, 0, 0]]),  # the first is too long
    ],
    "Circle": [
        ({}, [0, 1, 0, 1]),
        ({"gamma": 5.0, "margin": 0.3}, [0, 1, 0, 2]),
        ({"gamma": 5.0, "remove_diagonal": False}, [0, 1, 2, 3]),
        ({"gamma": 5.0}, [1, 1, 1, 1]),
    ],
    "CategoricalGeneralizedCrossEntropy": [({}, [0, 1, 2, 4]), ({"q": 0.9}, [3, 3, 0, 1])],
}


def predictions(name: str) -> np.ndarray:
    """What the model says: four rows, five classes or features."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4, 6, 5) if name == "CTC" else (4, 5))
    if name == "Circle":
        z /= np.linalg.norm(z, axis=1, keepdims=True)
    elif name == "CategoricalGeneralizedCrossEntropy":
        z = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return z.astype("float32")


def main() -> None:
    import jax
    import keras

    found: dict[str, list[dict[str, Any]]] = {}
    for name, cases in CASES.items():
        p, found[name] = predictions(name), []
        for kwargs, labels in cases:
            loss, y = getattr(keras.losses, name)(**kwargs), np.array(labels)
            value, gradient = jax.value_and_grad(lambda q, loss=loss, y=y: loss(y, q))(p)
            found[name].append({"value": float(value), "gradient": np.asarray(gradient).tolist()})
    (HERE / "losses.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
