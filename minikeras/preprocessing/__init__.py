"""Data in the form that models take, under the names of Keras' module `preprocessing`."""

from minikeras.preprocessing import image, sequence
from minikeras.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
