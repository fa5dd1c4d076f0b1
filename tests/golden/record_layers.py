"""Record what real Keras computes for the layers of tests/cases.py.

    KERAS_BACKEND=torch python tests/golden/record_layers.py      (needs keras 3.15.1 and torch)

Weights and inputs are drawn by the case's name, so only outputs and gradients are stored. The
gradients are those of one SGD step with learning rate 1 on the mean squared error with targets 0.
PyTorch's backend records them, as JAX's differentiates SpectralNormalization through its division.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from case import Case  # noqa: E402
from cases import LAYERS  # noqa: E402


def seed_of(case: Case) -> int:
    """A number of the case's own, the same on every machine."""
    return zlib.crc32(case.id.encode())


def weights_for(case: Case, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """The weights of a case; all positive, so that they may also be variances."""
    rng = np.random.default_rng(seed_of(case))
    return [
        np.abs(rng.normal(0, 0.5, shape)).astype("float32")
        * (1 if len(shape) < 2 else rng.choice([-1, 1], shape))
        for shape in shapes
    ]


def numbers_of(keras: Any, case: Case) -> dict[str, np.ndarray]:
    """The output, the loss and the gradients of one case."""
    x = case.x(seed_of(case), "float32")
    model = keras.Sequential([keras.Input(case.shape[1:]), case.make(keras.layers)])
    model.set_weights(weights_for(case, [w.shape for w in model.get_weights()]))
    found = {"y": model.predict(x, verbose=0)}
    if model.get_weights():
        before = model.get_weights()
        model.compile(keras.optimizers.SGD(1.0), "mse")
        found["loss"] = np.float32(model.train_on_batch(x, np.zeros_like(found["y"])))
        for i, (a, b) in enumerate(zip(before, model.get_weights(), strict=True)):
            found[f"gradient{i}"] = np.array(a) - np.array(b)
    return found


# Keras has no numbers for: the input, a function with a gradient of our own, a product that its broadcasting refuses,
# moments that were set instead of learnt
UNKNOWN_TO_KERAS = ("InputLayer", "Lambda", "RMSNormalization(axis=[1, 3]", "Normalization(axis=[1, -1])")


def is_recorded(case: Case) -> bool:
    """Whether Keras' numbers can be had; not of random masks, nor of a mask that no layer makes."""
    return not (case.random or case.mask or case.id.startswith(UNKNOWN_TO_KERAS))


def main() -> None:
    import keras

    recorded = [case for case in LAYERS if is_recorded(case)]
    arrays = {f"{case.id}|{k}": v for case in recorded for k, v in numbers_of(keras, case).items()}
    np.savez_compressed(HERE / "layers.npz", **{k.replace("/", "%"): v for k, v in arrays.items()})


if __name__ == "__main__":
    main()
