"""Records what Keras makes of small images in another size, for tests/test_images.py.

KERAS_BACKEND=jax python tests/golden/record_resampling.py
"""

from pathlib import Path

import keras
import numpy as np

METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
SIZES = ((3, 4), (9, 5), (7, 13))


def main():
    x = np.random.default_rng(0).integers(0, 256, (6, 7, 2)).astype("float32")
    out = {"x": x}
    for method in METHODS:
        for size in SIZES:
            name = f"{method}_{size[0]}_{size[1]}"
            out[name] = np.asarray(keras.ops.image.resize(x, size, interpolation=method))
            out["smart_" + name] = keras.preprocessing.image.smart_resize(x, size, interpolation=method)
    np.savez_compressed(Path(__file__).with_name("resampling.npz"), **out)


if __name__ == "__main__":
    main()
