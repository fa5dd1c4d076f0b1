"""A model's architecture as JSON: written so that Keras 3.6 to 3.15 read it, read without trust.

Newer versions of Keras write keys that older ones refuse; such a key is left out while it has its
default. What is read is checked before anything is made of it: its size, its depth, and that every
class is named as a built-in one of Keras or as one of the user's own.
"""

from __future__ import annotations

import json
import re
from typing import Any

from minikeras import registry
from minikeras.saving.errors import LoadError
from minikeras.saving.spellings import modernize

LARGEST, DEEPEST, MOST_LAYERS = 16 << 20, 32, 2000
NAME = re.compile(r"(?:[^<>]{1,200}>)?(?!__)[A-Za-z_][A-Za-z0-9_]*")
# Keys that some version from 3.6 on does not know; left out while they have this value
YOUNG: dict[str, Any] = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "from_sorted_ids": False,
}
YOUNG_IN: dict[Any, dict[str, Any]] = {
    ("keras.layers", "ZeroPadding1D"): {"data_format": "channels_last"},
    ("keras.layers", "Resizing"): {"antialias": False},
    ("keras.layers", "RandomContrast"): {"value_range": [0, 255]},
    ("keras.losses", "SparseCategoricalCrossentropy"): {"axis": -1},
    ("keras.metrics", "SparseCategoricalCrossentropy"): {"ignore_class": None},
}
# What may stand under a key that ends so: in which of Keras' modules its class must be
PLACES = {
    "initializer": ("keras.initializers",),
    "regularizer": ("keras.regularizers",),
    "constraint": ("keras.constraints",),
    "activation": ("keras.activations", "keras.layers"),
    "layer": ("keras.layers", "keras"),
    "layers": ("keras.layers", "keras"),
    "cell": ("keras.layers",),
    "cells": ("keras.layers",),
    "optimizer": ("keras.optimizers",),
    "learning_rate": ("keras.optimizers.schedules",),
    "loss": ("keras.losses", "keras.metrics"),
    "metrics": ("keras.metrics", "keras.losses"),
}
FUNCTIONS = ("keras.activations", "keras.losses", "keras.metrics")  # of which there are functions by name
MODEL = ("keras",)
Place = tuple[str, ...]


def model_config(model: Any) -> dict[str, Any]:
    """A model in JSON form, with how it was built and compiled."""
    found: dict[str, Any] = registry.serialize(model)
    _add_shapes(found, model)
    compiled = model.get_compile_config() if getattr(model, "compiled", False) else {}
    if compiled:
        compiled["jit_compile"] = "auto"  # what each backend likes best
    found["compile_config"] = compiled
    return _without_young_keys(found)


def _add_shapes(envelope: dict[str, Any], layer: Any) -> None:
    """Note the shape that each layer with variables was built for."""
    if layer.built and layer.build_shape is not None and layer.weights:
        envelope["build_config"] = {"input_shape": list(layer.build_shape)}
    entries = [e for e in envelope["config"].get("layers", ()) if e["class_name"] != "InputLayer"]
    for entry, inner in zip(entries, getattr(layer, "layers", ()), strict=False):
        _add_shapes(entry, inner)


def _without_young_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_young_keys(v) for v in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("config"), dict) and "class_name" in value:
        left_out = {**YOUNG, **YOUNG_IN.get((value.get("module"), value["class_name"]), {})}
        if value.get("module") == "keras.losses":
            left_out["dtype"] = None
        kept = {k: v for k, v in value["config"].items() if k not in left_out or v != left_out[k]}
        value = {**value, "config": kept}
    return {k: _without_young_keys(v) for k, v in value.items()}


def own_classes(value: Any) -> set[str]:
    """The classes in a config that are not Keras' but the user's."""
    found: set[str] = set()
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found |= own_classes(part)
    if isinstance(value, dict) and "registered_name" in value and isinstance(value["class_name"], str):
        if value["class_name"] == "function":
            name = value["config"]
            if registry.get_registered_object(name) is not None or not registry.is_built_in(name):
                found.add(name)
        elif value["registered_name"] is not None or not str(value.get("module")).startswith("keras"):
            found.add(value["registered_name"] or value["class_name"])
    return found


def parse(text: bytes) -> dict[str, Any]:
    """JSON from a file: an object without NaN, infinities and double keys.

    Raises:
        LoadError: for anything else.
    """
    if len(text) > LARGEST:
        raise LoadError(f"The config has more than {LARGEST} bytes.")
    try:
        found = json.loads(text.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise LoadError(f"The config is no valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise LoadError("The config is no JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise LoadError(f"The config has the number {name} in it.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise LoadError("The config has a key twice in one object.")
    return found


def prepare(value: Any, where: str = "config", place: Place = (), depth: int = 0) -> Any:
    """Check a config, and bring it into today's spelling.

    Args:
        value: JSON data.
        where: the path of this part, for messages.
        place: the modules of Keras that an object here may come from; () for all.
        depth: how deep this part lies.

    Raises:
        LoadError: for what is nested too deep, and for classes that are not named as Keras' or one's own.
    """
    if depth > 4 * DEEPEST:
        raise LoadError(f"{where[:200]}: the config is nested too deep.")
    if isinstance(value, list):
        if len(value) > MOST_LAYERS and any(isinstance(v, dict) for v in value):
            raise LoadError(f"{where}: more than {MOST_LAYERS} objects in a list.")
        return [prepare(v, f"{where}[{i}]", place, depth + 1) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "class_name" in value and "config" in value:
        value = _check_object(value, where, place)
        if not isinstance(value, dict):
            return value
    return {k: prepare(v, f"{where}.{k}", _place(k), depth + 1) for k, v in value.items()}


def _place(key: str) -> Place:
    return PLACES.get(key) or PLACES.get(key.rpartition("_")[2], ())


def _check_object(value: dict[str, Any], where: str, place: Place) -> Any:
    name, config, module = value["class_name"], value["config"], value.get("module")
    registered = value.get("registered_name")
    if not isinstance(name, str) or not isinstance(registered, str | None):
        raise LoadError(f"{where}: a class must be named by a string.")
    if name in ("__numpy__", "__tensor__"):
        return {"class_name": "__numpy__", "config": _check_numbers(config, where)}
    if not NAME.fullmatch(name):
        raise LoadError(f"{where}: {name[:80]!r} is not the name of a class that can be loaded.")
    if name == "function":
        return _check_function(config, module, where, place)
    if name == "DTypePolicy":
        if not isinstance(config, dict) or not isinstance(config.get("name"), str):
            raise LoadError(f"{where}: a DTypePolicy must have a name.")
        return {"class_name": name, "config": {"name": config["name"]}}
    if name == "Sequential" and isinstance(config, list):  # as in the first versions of Keras
        config = {"layers": config}
    if not isinstance(config, dict):
        raise LoadError(f"{where}: the config of {name!r} is no JSON object.")
    checked = {"class_name": name, "config": config, "registered_name": registered}
    if any(n and registry.get_registered_object(n) is not None for n in (registered, name)):
        return checked  # the user's own
    if name in ("Functional", "Model"):
        raise LoadError(f"{where}: a {name} model; only Sequential models can be loaded.")
    if module is not None and not re.fullmatch(r"keras(\.\w+)*", str(module)):
        raise LoadError(
            f"{where}: class {name!r} of module {module!r} is neither Keras' nor registered. If it is yours, pass it "
            "in custom_objects={...} or decorate it with @register_keras_serializable()."
        )
    return _put_in_place(modernize({**checked, "module": module}), where, place)


def _put_in_place(value: Any, where: str, place: Place) -> Any:
    """The object with the module that its class is looked up in."""
    if not isinstance(value, dict):
        return value
    homes = [m for m, table in registry.tables().items() if value["class_name"] in table.classes]
    allowed = [m for m in place or homes if m in homes]
    if homes and not allowed:
        raise LoadError(
            f"{where}: {value['class_name']!r} cannot stand here, but something of {' or '.join(place)}."
        )
    module = value["module"]
    return {**value, "module": module if module in allowed or not allowed else allowed[0]}


def _check_function(name: Any, module: Any, where: str, place: Place) -> dict[str, Any]:
    if not isinstance(name, str):
        raise LoadError(f"{where}: a function must be named by a string.")
    own = registry.get_registered_object(name) is not None
    tables = registry.tables()
    known = any(name in tables[m].entries for m in place or FUNCTIONS if m in FUNCTIONS)
    if not own and (not known or module not in (None, "builtins", *FUNCTIONS)):
        raise LoadError(
            f"{where}: the function {name!r} of {module!r} cannot be loaded. If it is yours, pass it in "
            "custom_objects={...} or decorate it with @register_keras_serializable()."
        )
    return {"class_name": "function", "config": name}


def _check_numbers(config: Any, where: str) -> dict[str, Any]:
    """An array that is written out in a config."""
    if (
        not isinstance(config, dict)
        or config.keys() != {"value", "dtype"}
        or not re.fullmatch(r"u?int\d+|float\d+|bool", str(config["dtype"]))
    ):
        raise LoadError(f"{where}: an array must have a value and a numeric dtype.")
    return config
