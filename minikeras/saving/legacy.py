"""Whole models and weights in `.h5` files of Keras 1 and 2, which Keras 3 still writes and reads.

The architecture is an attribute of the root, and the weights of a layer lie in a group of its name, in
an order that an attribute lists. Layers are matched by their order.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from minikeras.saving import hdf5
from minikeras.saving.archive import KERAS_VERSION, compile_model, make_model, warn_of_own_classes
from minikeras.saving.configs import MODEL, model_config, parse, prepare
from minikeras.saving.errors import LoadError, loading
from minikeras.saving.files import write_file
from minikeras.saving.gates import modern_arrays
from minikeras.saving.hdf5 import Group
from minikeras.saving.layout import Values, assign, check_array, restore_optimizer
from minikeras.saving.spellings import of_version
from minikeras.typing import Array
from minikeras.variable import Variable, without_values


def ordered_weights(layer: Any) -> list[Variable]:
    """A layer's variables in the order of these files: trained ones first, inner layers included."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# Writing


def save_legacy(model: Any, target: Any) -> None:
    """Write a whole model."""
    config = model_config(model)
    warn_of_own_classes(config)
    root = Group()
    versions = {"backend": "numpy", "keras_version": KERAS_VERSION}
    outline = {"class_name": config["class_name"], "config": config["config"]}
    root.attributes = {**versions, "model_config": json.dumps(outline)}
    root.members["model_weights"] = weights_tree(model)
    compiled = config.get("compile_config")
    if compiled:
        root.attributes["training_config"] = json.dumps(_training_config(compiled))
        optimizer = model.optimizer
        if len(getattr(optimizer, "variables", ())) > 2 or getattr(optimizer, "built", False):
            names = [f"{v.path}_{i}" for i, v in enumerate(optimizer.variables)]
            root.members["optimizer_weights"] = _listed(names, optimizer.variables)
    write_file(target, hdf5.chunks(root))


def weights_tree(model: Any) -> Group:
    """The weights of a model, as they also stand alone in a file."""
    tree = Group()
    tree.attributes = {"backend": "numpy", "keras_version": KERAS_VERSION}
    _set_list(tree, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        variables = ordered_weights(layer)
        tree.members[layer.name] = _listed(_unique([v.path for v in variables]), variables)
    tree.members["top_level_model_weights"] = _listed([], [])
    return tree


def _training_config(compiled: dict[str, Any]) -> dict[str, Any]:
    """What `compile` was given, in Keras 2's words."""
    kept = {k: compiled[k] for k in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    optimizer = compiled["optimizer"]
    return {**kept, "optimizer_config": {k: optimizer[k] for k in ("class_name", "config")}}


def _listed(names: list[str], variables: list[Variable]) -> Group:
    group = Group()
    _set_list(group, "weight_names", names)
    for name, v in zip(names, variables, strict=True):
        group[name] = v.value
    return group


def _set_list(group: Group, name: str, texts: list[str]) -> None:
    """An attribute may have 64 kB, that is 4,000 names; longer lists are cut into name0, name1 ..."""
    parts = [texts[i : i + 4000] for i in range(0, len(texts), 4000)]
    if len(parts) < 2:
        group.attributes[name] = texts or np.zeros(0)
    for i, part in enumerate(parts if len(parts) > 1 else ()):
        group.attributes[f"{name}{i}"] = part


def _unique(names: list[str]) -> list[str]:
    """Names with a number where one comes again, as in two cells of one name."""
    return [f"{n}_{names[:i].count(n)}" if n in names[:i] else n for i, n in enumerate(names)]


# Reading


def load_legacy(root: Group, compile: bool) -> Any:
    """The model in a file.

    Raises:
        LoadError: see `load_model`.
    """
    text = root.attributes.get("model_config")
    if not isinstance(text, str):
        raise LoadError("The file has weights but no model. Build the model, then model.load_weights(path).")
    config = parse(text.encode())
    with loading("model_config"), without_values():
        version = root.attributes.get("keras_version", "1")
        model = make_model(prepare(of_version(config, version), place=MODEL), config)
    weights = root.members.get("model_weights")
    if not isinstance(weights, Group):
        raise LoadError("The file has no group model_weights.")
    with loading("model_weights"):
        assign(find_legacy_values(model, weights))
    trained = root.attributes.get("training_config")
    if compile and isinstance(trained, str):
        arguments = parse(trained.encode())
        optimizer = arguments.pop("optimizer_config", "rmsprop")
        for key in arguments.keys() - {"loss", "metrics", "weighted_metrics", "loss_weights"}:
            del arguments[key]  # such as sample_weight_mode
        compile_model(model, {"optimizer": optimizer, **arguments})
        state = root.members.get("optimizer_weights")
        if isinstance(state, Group):
            restore_optimizer(model, _slots(state))
    return model


def find_legacy_values(model: Any, tree: Group, skip_mismatch: bool = False) -> Values:
    """The array in the file for each variable of the model.

    Raises:
        LoadError: for layers that do not fit.
    """
    stored = []
    for name in _list(tree, "layer_names"):
        group = tree.members.get(name)
        if not isinstance(group, Group):
            raise LoadError(f"There is no group for the layer {name!r}.")
        arrays = _arrays(group)
        if arrays:
            stored.append((name, arrays))
    layers = [layer for layer in model.layers if layer.weights]
    if len(stored) != len(layers):
        raise LoadError(f"The file has {len(stored)} layers with weights, and the model {len(layers)}.")
    found: Values = []
    for layer, (name, arrays) in zip(layers, stored, strict=True):
        variables = ordered_weights(layer)
        arrays = modern_arrays(layer, arrays)
        problem = f"expected {len(variables)} variables, found {len(arrays)}"
        if len(arrays) == len(variables):
            problem = next(filter(None, map(check_array, variables, arrays)), "")
        if problem and not skip_mismatch:
            raise LoadError(f"layer {layer.name!r} ({name!r} in the file): {problem}")
        if not problem:
            found += zip(variables, arrays, strict=True)
    return found


def _list(group: Group, name: str) -> list[str]:
    """A list of names, whole or in parts."""
    parts = [group.attributes[name]] if name in group.attributes else []
    while f"{name}{len(parts)}" in group.attributes and name not in group.attributes:
        parts.append(group.attributes[f"{name}{len(parts)}"])
    if not parts:
        raise LoadError(f"There is no attribute {name}.")
    return [str(text) for part in parts for text in part]


def _arrays(group: Group) -> list[Array]:
    """The arrays of a group in the order of weight_names, which are paths inside of it."""
    found = []
    for name in _list(group, "weight_names"):
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise LoadError(f"weight_names: {name!r} is not a path inside the group.")
        array = group.find(name)
        if not isinstance(array, np.ndarray):
            raise LoadError(f"weight_names: there is no array {name!r}.")
        found.append(array)
    return found


def _slots(group: Group) -> list[Array]:
    """The optimizer's arrays, those of one variable next to each other.

    Keras up to 2.10 wrote all of m, then all of v.
    """
    names = [name.removesuffix(":0") for name in _list(group, "weight_names")]
    arrays = _arrays(group)
    kinds = list(dict.fromkeys(n.rpartition("/")[2] for n in names[1:]))
    if kinds == ["m", "v"] and len(arrays) % 2:
        half = len(arrays) // 2
        if names[half].endswith("/m"):
            pairs = zip(arrays[1 : half + 1], arrays[half + 1 :], strict=True)
            return [arrays[0], *(a for pair in pairs for a in pair)]
    return arrays


def is_legacy(root: Group) -> bool:
    """Whether a file's weights are laid out as here."""
    return "layer_names" in root.attributes or "layer_names0" in root.attributes or "model_weights" in root
