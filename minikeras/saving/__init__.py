"""Models as files: Keras' own formats, read and written with NumPy alone.

`.keras` and `.weights.h5` go to and from Keras 3, `.h5` to and from Keras 1 and 2, `.npz` and
`.safetensors` to everybody else. A file is written in one step, so it is whole or not there. Reading one
can do no harm: nothing in it is run or imported, and what is wrong with it is a `LoadError`.
"""

from minikeras.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    register_keras_serializable,
)
from minikeras.saving.errors import LoadError
from minikeras.saving.models import load_model, load_weights, save_model, save_weights
from minikeras.saving.repack import repack
from minikeras.utils.serialization import (
    CustomObjectScope,
    deserialize_keras_object,
    get_registered_object,
    serialize_keras_object,
)

__all__ = [
    "CustomObjectScope",
    "LoadError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "repack",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
