"""Writes docs/keras-coverage.md: every public name of Keras, and whether minikeras has it, or why not.

python docs/keras_coverage.py              from the recorded names
python docs/keras_coverage.py --record     records the names anew first (needs keras 3.15.1)
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = HERE / "keras-names.json"
TABLE = HERE / "keras-coverage.md"

MODULES = [
    "layers", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks", "activations",
    "initializers", "regularizers", "constraints", "utils", "datasets", "preprocessing",
    "preprocessing.image", "preprocessing.sequence", "random",
]  # fmt: skip

MERGES = "joins several inputs: a `Sequential` has one"
ATTENTION = "takes several inputs: a `Sequential` has one"
FOREIGN = "wraps another framework's model"
AUGMENTS = "a rarer augmentation: images can be prepared with any library before `fit`"
BOXES = "works on bounding boxes beside the images"

# Why a name is left out. A name that minikeras does not have and that is not here is an error.
REASONS: dict[str, str] = {
    **{f"layers.{n}": MERGES for n in [
        "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract",
        "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
        "HashedCrossing",
    ]},
    **{f"layers.{n}": ATTENTION
       for n in ["AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"]},
    **{f"layers.{n}": FOREIGN for n in ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"]},
    **{f"layers.{n}": AUGMENTS for n in [
        "AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization",
        "Equalization", "RandAugment", "RandomColorDegeneration", "RandomColorJitter",
        "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomGrayscale",
        "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization",
        "RandomSaturation", "RandomSharpness", "RandomShear", "Solarization",
    ]},
    **{f"layers.{n}": "mixes images and labels: a layer of a `Sequential` sees images only"
       for n in ("CutMix", "MixUp")},
    **{f"layers.{n}": "a transform of sound; prepare it with `numpy.fft` before `fit`"
       for n in ("MelSpectrogram", "STFTSpectrogram")},
    "layers.InputSpec": "a layer checks its input in `build` and `forward`",
    "layers.MaxNumBoundingBoxes": BOXES,
    "layers.Pipeline": "a nested `Sequential` does the same",
    "layers.ReversibleEmbedding": "used twice in a model: a layer stands in a `Sequential` once",
    "layers.Wrapper": "`Bidirectional` and `TimeDistributed` have no base of their own",
    "layers.serialize": "`utils.serialize_keras_object` does it for every object",
    "layers.deserialize": "`utils.deserialize_keras_object` does it for every object",
    "optimizers.LossScaleOptimizer": "for 16-bit floats, which NumPy has no fast arithmetic for",
    "optimizers.MultiOptimizer": "one optimizer updates one flat vector of weights",
    "optimizers.OptimizerMap": "goes with MultiOptimizer",
    "optimizers.legacy": "the optimizers of Keras 2, empty shells in Keras 3",
    "callbacks.OrbaxCheckpoint": "for JAX's checkpoint library",
    "utils.Config": "a `dict` or a dataclass does the same",
    "utils.FeatureSpace": "a model of several inputs",
    "utils.audio_dataset_from_directory": "reads sound by TensorFlow; Python's `wave` and `Dataset` do",
    "utils.bounding_boxes": BOXES,
    "utils.get_source_inputs": "there are no symbolic tensors",
    "utils.is_keras_tensor": "there are no symbolic tensors",
    "utils.legacy": "the configs of Keras 2 are read by `models.load_model`",
    "utils.standardize_dtype": "`numpy.dtype(x).name` does the same",
}  # fmt: skip


def record() -> None:
    """Write down the public names of Keras' modules."""
    import keras

    names = {m: [n for n in dir(importlib.import_module(f"keras.{m}")) if n[0] != "_"] for m in MODULES}
    NAMES.write_text(json.dumps({"version": keras.__version__, "names": names}, indent=0) + "\n")


def present(module: str, name: str) -> bool:
    """Whether minikeras has the name in the same module."""
    return hasattr(importlib.import_module(f"minikeras.{module}"), name)


def table() -> str:
    """The text of the page.

    Raises:
        KeyError: for a name that is neither in minikeras nor has a reason.
    """
    found = json.loads(NAMES.read_text())
    lines = [
        "# What minikeras has of Keras",
        "",
        f"Written by `docs/keras_coverage.py` from the public names of Keras {found['version']}.",
        "",
        "| module | in Keras | in minikeras |",
        "|---|---:|---:|",
    ]
    details: list[str] = []
    for module in MODULES:
        names = found["names"][module]
        there = [name for name in names if present(module, name)]
        lines.append(f"| `{module}` | {len(names)} | {len(there)} |")
        details += ["", f"## {module}", "", ", ".join(f"`{name}`" for name in there) + "."]
        missing = [name for name in names if name not in there]
        if missing:
            details += ["", "| left out | why |", "|---|---|"]
            details += [f"| `{name}` | {REASONS[f'{module}.{name}']} |" for name in missing]
    return "\n".join([*lines, *details, ""])


if __name__ == "__main__":
    if "--record" in sys.argv:
        record()
    TABLE.write_text(table(), encoding="utf-8")
