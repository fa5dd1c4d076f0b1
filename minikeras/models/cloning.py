"""New models from old ones: from JSON, and from a model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minikeras import registry
from minikeras.layers.base import Layer
from minikeras.layers.input_layer import InputLayer
from minikeras.saving.archive import load_json


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """A new model, with fresh variables, from `model.to_json()`: here, or in Keras of any version.

    Raises:
        ValueError: for a class that neither Keras has nor `custom_objects`.
    """
    registry.tables()
    with registry.custom_object_scope(custom_objects or {}):
        return load_json(json_string)


def clone_model(
    model: Any, input_tensors: Any = None, clone_function: Callable[[Layer], Layer] | None = None
) -> Any:
    """A new model of the same layers, with fresh variables, not compiled.

    Args:
        model: what to copy.
        input_tensors: must be None, as there are no symbolic tensors.
        clone_function: makes each new layer from the old one; by default from its config.
    """
    if input_tensors is not None:
        raise ValueError("clone_model: `input_tensors` has no meaning here; leave it out.")
    if clone_function is None:
        return type(model).from_config(model.get_config())
    layers = [clone_function(layer) for layer in model.layers]
    if model.built:
        layers.insert(0, InputLayer(batch_shape=model.input_shape))
    return type(model)(layers, name=model.name)
