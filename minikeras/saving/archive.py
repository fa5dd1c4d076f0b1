"""The `.keras` file: a zip archive of metadata.json, config.json, model.weights.h5, and learnt vocabularies."""

from __future__ import annotations

import datetime
import io
import json
import warnings
from typing import Any

import numpy as np

from minikeras import registry
from minikeras.saving import hdf5
from minikeras.saving.assets import move_in, move_out
from minikeras.saving.configs import LARGEST, MODEL, model_config, own_classes, parse, prepare
from minikeras.saving.errors import LoadError, loading
from minikeras.saving.files import Archive, write_file, zip_pieces
from minikeras.saving.layout import assign, find_values, optimizer_arrays, restore_optimizer, to_tree
from minikeras.saving.spellings import of_version
from minikeras.variable import without_values

KERAS_VERSION = "3.15.1"  # whose format this is
EXAMPLES = (
    "minikeras/examples"  # where in the weights a few inputs and outputs are; Keras does not look there
)


def save_archive(model: Any, target: Any, examples: Any = None) -> None:
    """Write a model to a `.keras` file; `examples` are inputs to be kept with their outputs."""
    config = model_config(model)
    warn_of_own_classes(config)
    tree, assets = to_tree(model), move_out(config, model)
    if examples is not None:
        x = np.asarray(examples)
        tree[f"{EXAMPLES}/x"], tree[f"{EXAMPLES}/y"] = x, np.asarray(model.predict(x, verbose=0))
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": now})
    members = [
        ("metadata.json", [metadata.encode()]),
        ("config.json", [json.dumps(config).encode()]),
        ("model.weights.h5", hdf5.chunks(tree)),
        *assets,
    ]
    write_file(target, zip_pieces(members))


def warn_of_own_classes(config: Any) -> None:
    """Say which parts of a model Keras could not read."""
    own = sorted(own_classes(config))
    if own:
        warnings.warn(
            f"The model has parts that are not Keras' own: {', '.join(own)}. Keras can read the file only where "
            "classes of these names are registered; minikeras reads it with custom_objects={...}.",
            stacklevel=5,
        )


def load_archive(data: bytes, compile: bool, verify: bool) -> Any:
    """The model in the bytes of a `.keras` file.

    Raises:
        LoadError: see `load_model`.
    """
    with Archive(io.BytesIO(data)) as archive:
        config = parse(archive.read("config.json", LARGEST))
        tree = hdf5.loads(archive.read("model.weights.h5"))
        with loading("config.json"), without_values():
            architecture = prepare(of_version(config, _version(archive)), place=MODEL)
            move_in(architecture, archive, tree)
            model = make_model(architecture, config)
    with loading("model.weights.h5"):
        assign(find_values(model, tree))
    if compile:
        compile_model(model, config.get("compile_config"))
        if model.compiled:
            restore_optimizer(model, optimizer_arrays(tree))
    if verify:
        check_examples(model, tree)
    return model


def load_json(text: str) -> Any:
    """The model that `to_json` described, with fresh variables, compiled as it was.

    Raises:
        LoadError: for a text that is not that of a model.
    """
    config = parse(text.encode())
    with loading("model_from_json"):
        model = make_model(prepare(of_version(config, config.get("keras_version", "3")), place=MODEL), config)
    compile_model(model, config.get("compile_config"))
    return model


def _version(archive: Archive) -> str:
    """The version of Keras that wrote an archive."""
    if "metadata.json" not in archive.names:
        return KERAS_VERSION
    return str(parse(archive.read("metadata.json", 1 << 16)).get("keras_version"))


def make_model(architecture: Any, config: dict[str, Any]) -> Any:
    """A model from its config, both as it was prepared and as it was read, built as far as that says."""
    model = registry.deserialize(architecture)
    if not hasattr(model, "get_compile_config"):
        raise LoadError("The config is not that of a model.")
    if not model.built and model.layers:
        first: dict[str, Any] = next((e for e in config["config"]["layers"] if "build_config" in e), {})
        built = config.get("build_config") or first.get("build_config") or {}
        shape = built.get("input_shape")
        if shape:
            model.build(tuple(shape))
    return model


def compile_model(model: Any, config: Any) -> None:
    """`compile` a model as it was when it was saved."""
    if config:
        with loading("compile_config"):
            model.compile_from_config(prepare(config, "compile_config"))


def check_examples(model: Any, tree: hdf5.Group) -> None:
    """Raise a `LoadError` unless the model gives the outputs that the file says it must."""
    if EXAMPLES not in tree:
        raise LoadError("verify=True: the file has no examples. Save it with model.save(path, examples=x).")
    x, y = tree[f"{EXAMPLES}/x"], tree[f"{EXAMPLES}/y"]
    found = np.asarray(model.predict(x, verbose=0))
    if found.shape != y.shape or not np.allclose(found, y, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise LoadError("verify=True: the model does not give the outputs that were saved with it.")
