"""Helpers around training: labels and sequences as arrays, data sets, seeds, files, progress."""

from minikeras.utils.batches import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from minikeras.utils.files import get_file
from minikeras.utils.image_folders import image_dataset_from_directory
from minikeras.utils.images import array_to_img, img_to_array, load_img, save_img
from minikeras.utils.numerical import normalize, to_categorical
from minikeras.utils.plotting import model_to_dot, plot_model
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
from minikeras.utils.splitting import split_dataset
from minikeras.utils.text_folders import text_dataset_from_directory
from minikeras.utils.timeseries import timeseries_dataset_from_array

Sequence = PyDataset  # its name in Keras 2

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
