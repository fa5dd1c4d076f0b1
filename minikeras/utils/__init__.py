"""Helpers around training: labels and sequences as arrays, data sets, seeds, files, progress."""

from minikeras.utils.batches import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from minikeras.utils.files import get_file
from minikeras.utils.numerical import normalize, to_categorical
from minikeras.utils.printing import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from minikeras.utils.progbar import Progbar
from minikeras.utils.sequences import pad_sequences
from minikeras.utils.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from minikeras.utils.session import clear_session, set_random_seed

Sequence = PyDataset  # its name in Keras 2

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
