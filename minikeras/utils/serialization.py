"""Keras' names for turning objects into configs and back, and for making custom classes known.

The work is done in `minikeras.registry`; the functions here have Keras' argument names.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from minikeras import registry
from minikeras.registry import get_registered_name, register_keras_serializable


class CustomObjectScope:
    """A `with` block within which names in configs also mean the given classes and functions.

        with CustomObjectScope({"MyLayer": MyLayer}):
            model = Sequential.from_config(config)

    Args:
        custom_objects: {name: class or function}.
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects or {}
        self._scopes: list[Any] = []  # a stack, so that one object can be entered twice

    def __enter__(self) -> CustomObjectScope:
        scope = registry.custom_object_scope(self.custom_objects)
        scope.__enter__()
        self._scopes.append(scope)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The scope has nothing to do with the error: it is left in the same way without it.
        self._scopes.pop().__exit__(None, None, None)


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The registered custom objects, {"package>name": class or function}: the dict itself, not a copy."""
    return registry._registered


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
