"""Record what real Keras makes of images, numbers and text: tests/golden/preprocessing.json.

    KERAS_BACKEND=jax python tests/golden/record_preprocessing.py         (images; needs jax)
    KERAS_BACKEND=tensorflow python tests/golden/record_preprocessing.py  (all else; needs TensorFlow)

Each run replaces its own part of the file. The random layers are given intervals of no width, so
that there is only one thing that they can draw.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cases_preprocessing import ENCODERS, FIXED, LEARNERS, image  # noqa: E402

FILE = HERE / "preprocessing.json"


def images_of(keras: Any, index: int) -> Any:
    """What a layer of FIXED makes of images in training."""
    name, arguments, shape = FIXED[index]
    return np.asarray(getattr(keras.layers, name)(**arguments)(image(shape), training=True)).tolist()


def encoded_by(keras: Any, index: int) -> Any:
    """What a layer of ENCODERS makes of its input."""
    name, arguments, x = ENCODERS[index]
    return plain(getattr(keras.layers, name)(**arguments)(np.asarray(x)))


def learnt_by(keras: Any, index: int) -> Any:
    """What a layer of LEARNERS makes of an input after it was adapted, and the vocabulary that it learnt."""
    name, arguments, data, x = LEARNERS[index]
    layer = getattr(keras.layers, name)(**arguments)
    layer.adapt(np.asarray(data))
    words = plain(layer.get_vocabulary()) if hasattr(layer, "get_vocabulary") else None
    return {"y": plain(layer(np.asarray(x))), "vocabulary": words}


def plain(y: Any) -> Any:
    """Lists of Python's own numbers and strings; TensorFlow's strings are bytes."""

    def text(item: Any) -> Any:
        if isinstance(item, list):
            return [text(i) for i in item]
        return item.decode() if isinstance(item, bytes) else item

    return text(np.asarray(y).tolist() if not isinstance(y, list) else [np.asarray(i).item() for i in y])


def main() -> None:
    import keras

    numbers = json.loads(FILE.read_text()) if FILE.exists() else {}
    if keras.backend.backend() == "jax":
        numbers["images"] = [images_of(keras, i) for i in range(len(FIXED))]
    else:
        numbers["encoded"] = [encoded_by(keras, i) for i in range(len(ENCODERS))]
        numbers["learnt"] = [learnt_by(keras, i) for i in range(len(LEARNERS))]
    for part, values in numbers.items():
        numbers[part] = json.loads(json.dumps(values), parse_float=lambda s: float(f"{float(s):.8g}"))
    FILE.write_text("{\n" + ",\n".join(f'"{k}": [\n{_lines(v)}\n]' for k, v in numbers.items()) + "\n}\n")


def _lines(values: list[Any]) -> str:
    return ",\n".join(json.dumps(v, ensure_ascii=False) for v in values)


if __name__ == "__main__":
    main()
