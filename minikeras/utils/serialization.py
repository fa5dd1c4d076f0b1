"""Keras' names for turning objects into configs and back, and for making custom classes known.

The work is done in `minikeras.registry`; the functions here have Keras' argument names.
"""

from __future__ import annotations

from typing import Any

from minikeras import registry
from minikeras.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    register_keras_serializable,
)

CustomObjectScope = custom_object_scope


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: dict[str, Any] | None = None
) -> Any:
    """The class or function that a name stands for, or None.

    Args:
        name: such as "package>MyLayer".
        custom_objects: where to look when the name is not registered.
        module_objects: where to look last.
    """
    found = registry.get_registered_object(name)
    for further in (custom_objects, module_objects):
        if found is None and further:
            found = further.get(name)
    return found


def serialize_keras_object(obj: Any) -> Any:
    """An object in JSON form: {"module", "class_name", "config", "registered_name"}."""
    return registry.serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: JSON data.
        custom_objects: {name: class or function} for names in the config.
        safe_mode: accepted because Keras has it. Nothing in a config is ever evaluated here, so
            there is no other mode.
    """
    del safe_mode
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(config)


__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]
