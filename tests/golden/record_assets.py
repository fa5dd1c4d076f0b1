"""Records models with look-up layers as Keras saves them, with what they give; needs tensorflow. Result: assets.zip."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

L = keras.layers
WORDS = [["a"], ["b"], ["b"], ["ü c"], ["c"], ["c"], ["c"]]
TEXTS = [["the cat sat"], ["the dog"], ["a cat, a dog, a cow"]]
WHOLE = [[5], [5], [7], [0]]
REAL = np.random.default_rng(0).normal(3, 2, (9, 4)).astype("float32").tolist()

# name: layer, arguments, whether it is adapted, type of the input, input
CASES = {
    "string": (L.StringLookup, {}, True, "string", WORDS),
    "string_mask": (L.StringLookup, {"mask_token": ""}, True, "string", WORDS),
    "string_multi_hot": (
        L.StringLookup, {"output_mode": "multi_hot", "num_oov_indices": 2, "max_tokens": 4}, True, "string", WORDS,
    ),
    "string_tf_idf": (L.StringLookup, {"output_mode": "tf_idf"}, True, "string", WORDS),
    "string_given": (
        L.StringLookup,
        {"vocabulary": ["x", "y", "c"], "idf_weights": [0.5, 0.25, 2.0], "output_mode": "tf_idf"},
        False, "string", WORDS,
    ),
    "integer": (L.IntegerLookup, {"mask_token": 0, "num_oov_indices": 2}, True, "int64", WHOLE),
    "integer_given": (L.IntegerLookup, {"vocabulary": [5, -7]}, False, "int64", WHOLE),
    "text": (L.TextVectorization, {"ngrams": 2, "max_tokens": 9}, True, "string", TEXTS),
    "text_tf_idf": (L.TextVectorization, {"output_mode": "tf_idf"}, True, "string", TEXTS),
    "normalization": (L.Normalization, {}, True, "float32", REAL),
    "discretization": (L.Discretization, {"num_bins": 4}, True, "float32", REAL),
}  # fmt: skip


def given(x, dtype):
    return tf.constant(x) if dtype == "string" else np.array(x, dtype)


def models():
    for name, (cls, arguments, adapted, dtype, x) in CASES.items():
        layer, shape = cls(**arguments), (len(x[0]),)
        if adapted:
            layer.adapt(given(x, dtype))
        layers = [keras.Input(shape, dtype=dtype), layer]
        if "tf_idf" in name:  # a layer that needs to know how large the vocabulary is
            layers.append(L.Dense(2))
        yield name, keras.Sequential(layers), dtype, x
    lookup = L.StringLookup()
    lookup.adapt(given(WORDS, "string"))
    inner = keras.Sequential([keras.Input((1,), dtype="string"), lookup, L.Embedding(6, 2)])
    yield "nested", keras.Sequential([keras.Input((1,), dtype="string"), inner, L.Flatten()]), "string", WORDS


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(Path(__file__).parent / "assets.zip", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, model, dtype, x in models():
            path = Path(folder) / f"{name}.keras"
            y = np.asarray(model(given(x, dtype)))
            model.save(path)
            expected = io.StringIO()
            json.dump({"x": x, "type": dtype, "y": y.tolist()}, expected)
            for member, data in ((path.name, path.read_bytes()), (f"{name}.json", expected.getvalue())):
                archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
