"""Records models with layers of cuDNN, and with the hard sigmoid of Keras 2; needs tf_keras. Result: old_keras.zip.

cuDNN's layers run on a GPU only. Keras 2 converts their weights for its LSTM and GRU, and those say what they give.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tf_keras
from tf_keras.src.layers.rnn.cudnn_gru import CuDNNGRU
from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM

L = tf_keras.layers
X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")


def both(*layers):
    return tf_keras.Sequential([tf_keras.Input((5, 4)), *layers])


def hard(layer, **arguments):
    return layer(3, recurrent_activation="hard_sigmoid", **arguments)


def models():
    """name, the model that is saved, and the model that knows what it gives."""
    yield "cudnn_lstm", both(CuDNNLSTM(3), L.Dense(2)), both(L.LSTM(3), L.Dense(2))
    yield "cudnn_gru", both(CuDNNGRU(3), L.Dense(2)), both(L.GRU(3), L.Dense(2))
    yield "cudnn_both", both(L.Bidirectional(CuDNNLSTM(3))), both(L.Bidirectional(L.LSTM(3)))
    layers = [hard(L.LSTM, return_sequences=True), hard(L.GRU, reset_after=False), L.Dense(4, "hard_sigmoid")]
    model = both(*layers, L.Activation("hard_sigmoid"))
    yield "hard_sigmoid", model, model


def main() -> None:
    rng = np.random.default_rng(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(Path(__file__).parent / "old_keras.zip", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, model, runs in models():
            model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
            path = Path(folder) / f"{name}.h5"
            model.save(path)
            if runs is not model:
                runs.load_weights(path)
            files = {path.name: path.read_bytes()}
            if name == "hard_sigmoid":
                model.save(path.with_suffix(".keras"))
                files[f"{name}.keras"] = path.with_suffix(".keras").read_bytes()
                files[f"{name}.model.json"] = model.to_json().encode()
            files[f"{name}.json"] = json.dumps(
                {"x": X.tolist(), "y": runs.predict(X, verbose=0).tolist()}
            ).encode()
            for member, data in files.items():
                archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
