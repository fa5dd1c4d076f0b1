"""Checks that real Keras reads what minikeras writes: one model for each row of the table of layers.

    PYTHONPATH=. python tests/golden/record_interop.py write FOLDER     (minikeras)
    KERAS_BACKEND=jax python tests/golden/record_interop.py read FOLDER (Keras, of any version from 3.6 on)

Compared are the predictions of the `.keras` and of the `.h5` file, and the optimizer's state. The
result, a line for each version of Keras, is in interop.json.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write(folder: Path) -> None:
    sys.path.insert(0, str(HERE.parent))
    from cases import LAYERS

    import minikeras as keras

    for i, case in enumerate(LAYERS):
        layer = case.make(keras.layers)
        if isinstance(layer, (keras.layers.InputLayer, keras.layers.Lambda)) or not type(
            layer
        ).__module__.startswith("minikeras"):
            continue
        model = keras.Sequential([keras.Input(case.shape[1:]), layer])
        model.compile("adam", "mse")
        x = case.x(0, "float32")
        if model.trainable_weights and isinstance(model.output_shape, tuple):
            model.fit(x, np.zeros_like(model.predict(x, verbose=0)), verbose=0)
        y = first(model.predict(x, verbose=0))
        with warnings.catch_warnings(record=True) as own:
            warnings.simplefilter("always")
            model.save(folder / f"{i}.keras")
            model.save(folder / f"{i}.h5")
        if own:
            continue  # parts that are not Keras' own
        slots = [float(np.abs(np.asarray(v.value, "f8")).sum()) for v in model.optimizer.variables]
        np.savez(folder / f"{i}.npz", x=x, y=y, id=case.id, layer=type(layer).__name__, slots=slots)


def first(y):
    return np.asarray(y[0] if isinstance(y, list) else y)


def read(folder: Path) -> None:
    import keras

    warnings.simplefilter("ignore")
    result: dict[str, list] = {}
    failures: dict[str, str] = {}
    for path in sorted(folder.glob("*.npz")):
        expected = np.load(path)
        row = result.setdefault(str(expected["layer"]), [0, 0, 0.0])  # read, written, largest difference
        row[1] += 1
        try:
            model = keras.models.load_model(path.with_suffix(".keras"))
            old = keras.models.load_model(path.with_suffix(".h5"), compile=False)
            scale = max(1.0, float(np.abs(expected["y"]).max(initial=0)))
            outputs = [first(m.predict(expected["x"], verbose=0)) for m in (model, old)]
            differences = [np.abs(y - expected["y"]) / scale for y in outputs]
            slots = [float(np.abs(np.asarray(v, "f8")).sum()) for v in model.optimizer.variables]
            np.testing.assert_allclose(slots, expected["slots"], rtol=1e-5)
            largest = max(float(d.max(initial=0)) for d in differences)
            assert largest < 1e-5, largest
        except Exception as error:
            failures[str(expected["id"])] = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            continue
        row[0] += 1
        row[2] = max(row[2], largest)
    file = HERE / "interop.json"
    recorded = json.loads(file.read_text()) if file.exists() else {}
    recorded[keras.__version__] = {"layers": dict(sorted(result.items())), "failures": failures}
    file.write_text(json.dumps(recorded, indent=1) + "\n")
    print(keras.__version__, sum(r[0] for r in result.values()), "of", sum(r[1] for r in result.values()))
    for case, failure in failures.items():
        print(case, failure)


if __name__ == "__main__":
    where = Path(sys.argv[2])
    where.mkdir(exist_ok=True)
    {"write": write, "read": read}[sys.argv[1]](where)
