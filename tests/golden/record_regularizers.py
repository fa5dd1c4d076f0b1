"""Records penalties, their gradients, and projections of real Keras, into regularizers.json.

    KERAS_BACKEND=jax python tests/golden/record_regularizers.py

Keras' own NumPy path cannot take OrthogonalRegularizer(mode="columns"), so JAX arrays go in.
"""

import json
import os

import numpy as np

W = [[0.5, -1.0, 0.1], [2.0, 0.25, -0.75], [-0.125, 1.5, 1.0], [0.2, -2.0, 0.5]]
REGULARIZERS = [
    ("L1", {"l1": 0.1}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "rows"}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]
CONSTRAINTS = [
    ("MaxNorm", {"max_value": 0.8, "axis": 0}),
    ("MaxNorm", {"max_value": 1.5, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("NonNeg", {}),
    ("UnitNorm", {"axis": 0}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.9, "rate": 0.7, "axis": 0}),
]


def main():
    import jax
    import keras

    w = jax.numpy.array(W, "float32")
    found = {"w": W, "regularizers": [], "constraints": []}
    for name, config in REGULARIZERS:
        made = getattr(keras.regularizers, name)(**config)
        gradient = np.asarray(jax.grad(lambda x, made=made: made(x))(w), "float64")
        found["regularizers"].append(
            {"name": name, "config": config, "value": float(made(w)), "gradient": gradient.tolist()}
        )
    for name, config in CONSTRAINTS:
        made = getattr(keras.constraints, name)(**config)
        assert made.get_config() == config
        found["constraints"].append(
            {"name": name, "config": config, "value": np.asarray(made(w), "float64").tolist()}
        )
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "regularizers.json")
    with open(path, "w") as file:
        json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
