"""Record whole training runs of real Keras: losses, metrics and final weights.

    KERAS_BACKEND=jax python tests/golden/record_training.py      (needs keras 3.15.1 and jax)

The same functions build the same models here and in tests/test_golden.py; initial weights and
data are drawn by NumPy, the order of the samples is fixed, and nothing is dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def blobs(n: int, shape: tuple[int, ...], classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Learnable data: each class has its own mean."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(classes, *shape))
    y = rng.integers(0, classes, n)
    return (means[y] + rng.normal(size=(n, *shape))).astype("float32"), y


def mlp(keras: Any) -> Any:
    L = keras.layers
    return keras.Sequential(
        [
            keras.Input((20,)),
            L.Dense(32, activation="relu"),
            L.Dense(32, activation="relu"),
            L.Dense(5, activation="softmax"),
        ]
    )


def cnn(keras: Any) -> Any:
    L = keras.layers
    return keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            L.Conv2D(4, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(6, 3, padding="same", activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ]
    )


def rnn(keras: Any) -> Any:
    L = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 3)),
            L.SimpleRNN(12, return_sequences=True),
            L.SimpleRNN(8),
            L.Dense(1, activation="sigmoid"),
        ]
    )


CE = "sparse_categorical_crossentropy"

# name -> (model, shape of a sample, classes, optimizer, its arguments, loss, epochs); 160 samples, batches of 16
RUNS: dict[str, tuple[Any, tuple[int, ...], int, str, dict[str, Any], str, int]] = {
    "mlp_adam": (mlp, (20,), 5, "Adam", {"learning_rate": 0.002}, CE, 23),
    "mlp_sgd": (
        mlp,
        (20,),
        5,
        "SGD",
        {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
        CE,
        6,
    ),
    "mlp_rmsprop": (mlp, (20,), 5, "RMSprop", {}, CE, 6),
    "cnn_sgd": (cnn, (10, 10, 1), 3, "SGD", {"learning_rate": 0.05, "momentum": 0.9}, CE, 6),
    "rnn_adam": (rnn, (8, 3), 2, "Adam", {"clipnorm": 1.0}, "binary_crossentropy", 6),
}


def run(keras: Any, name: str) -> dict[str, np.ndarray]:
    """Train; the loss after every step, the history of each epoch, and the weights at the end."""
    make, shape, classes, optimizer, arguments, loss, epochs = RUNS[name]
    model = make(keras)
    rng, weights = np.random.default_rng(7), []
    for w in model.get_weights():
        scale = 1 / np.sqrt(w.shape[-2]) if w.ndim > 1 else 0  # biases begin at zero
        weights.append((rng.normal(size=w.shape) * scale).astype("float32"))
    model.set_weights(weights)
    x, y = blobs(160, shape, classes, 1)
    model.compile(getattr(keras.optimizers, optimizer)(**arguments), loss, metrics=["accuracy"])
    steps: list[float] = []
    log = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(float(logs["loss"]))
    )
    history = model.fit(
        x, y, batch_size=16, epochs=epochs, shuffle=False, verbose=0, validation_split=0.1, callbacks=[log]
    )
    result = {f"history.{k}": np.array(v, "float64") for k, v in history.history.items()}
    result["steps"] = np.array(steps)
    result.update({f"weight{i}": np.array(w) for i, w in enumerate(model.get_weights())})
    return result


def main() -> None:
    import keras

    arrays = {f"{name}.{k}": v for name in RUNS for k, v in run(keras, name).items()}
    np.savez_compressed(HERE / "training.npz", **arrays)


if __name__ == "__main__":
    main()
