"""Record what real Keras computes for the layers of tests/cases.py.

    KERAS_BACKEND=jax python tests/golden/record_layers.py        (needs keras 3.15.1 and jax)

Weights and inputs are drawn by the case's number, so only outputs and gradients are stored. The
gradients are those of one SGD step with learning rate 1 on the mean squared error with targets 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cases import LAYERS  # noqa: E402


def weights_for(shapes: list[tuple[int, ...]], number: int) -> list[np.ndarray]:
    """The weights of case number so-and-so."""
    rng = np.random.default_rng(100 + number)
    return [rng.normal(0, 0.5, shape).astype("float32") for shape in shapes]


def main() -> None:
    import keras

    arrays = {}
    for number, case in enumerate(LAYERS):
        layer = case.make(keras.layers)
        if case.random or case.mask or type(layer).__name__ == "InputLayer":
            continue
        x = case.x(number, "float32")
        model = keras.Sequential([keras.Input(case.shape[1:]), layer])
        model.set_weights(weights_for([w.shape for w in model.get_weights()], number))
        y = model.predict(x, verbose=0)
        arrays[f"{number}.y"] = y
        if not model.get_weights():
            continue
        before = model.get_weights()
        model.compile(keras.optimizers.SGD(1.0), "mse")
        arrays[f"{number}.loss"] = np.float32(model.train_on_batch(x, np.zeros_like(y)))
        for i, (a, b) in enumerate(zip(before, model.get_weights(), strict=True)):
            arrays[f"{number}.gradient{i}"] = a - b
    np.savez_compressed(HERE / "layers.npz", **arrays)


if __name__ == "__main__":
    main()
