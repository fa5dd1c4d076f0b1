"""Records what real Keras' initializers draw, into initializers.json. Needs Keras 3.15.1, jax and SciPy.

KERAS_BACKEND=numpy python tests/golden/record_initializers.py
"""

import json
import os

import numpy as np

CASES = [
    ("GlorotUniform", {}, [4, 3]),
    ("GlorotNormal", {"seed": 1}, [4, 3]),
    ("HeUniform", {"seed": 2}, [2, 2, 3, 2]),
    ("HeNormal", {"seed": 2}, [2, 2, 3, 2]),
    ("LecunUniform", {"seed": 3}, [6]),
    ("LecunNormal", {}, [6]),
    ("RandomNormal", {"mean": 1.0, "stddev": 0.3, "seed": 3}, [5]),
    ("RandomUniform", {"minval": -0.5, "maxval": 0.7}, [5]),
    ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5, "seed": 3}, [9]),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}, [2, 4]),
    ("VarianceScaling", {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"}, [2, 4]),
    ("VarianceScaling", {"distribution": "normal", "seed": 9, "input_axes": [1], "output_axes": [0]}, [2, 4]),
    ("Orthogonal", {}, [4, 3]),
    ("Orthogonal", {"gain": 1.5, "seed": 2}, [2, 1, 5]),
    ("Identity", {"gain": 2.0}, [2, 3]),
    ("Constant", {"value": 0.7}, [2]),
    ("Ones", {}, [2]),
    ("Zeros", {}, [2]),
    ("STFT", {}, [5, 1, 4]),
    ("STFT", {"side": "imag", "window": "hamming", "scaling": "spectrum", "periodic": True}, [5, 1, 4]),
    ("STFT", {"window": "blackman", "scaling": None}, [4, 1, 3]),
]


def main():
    import keras
    from keras.src.initializers.constant_initializers import STFT

    keras.utils.set_random_seed(42)  # the unseeded ones draw their seeds from here, in this order
    records = []
    for name, config, shape in CASES:
        made = STFT(**config) if name == "STFT" else getattr(keras.initializers, name)(**config)
        values = np.asarray(made(tuple(shape)))
        records.append(
            {
                "name": name,
                "config": config,
                "shape": shape,
                "values": values.astype("float64").ravel().tolist(),
                "read_back": made.get_config(),
            }
        )
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "initializers.json")
    with open(path, "w") as file:
        json.dump(records, file, indent=1)


if __name__ == "__main__":
    main()
