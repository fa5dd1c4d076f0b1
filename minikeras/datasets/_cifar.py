"""The archives of the CIFAR sets: pickled dicts of flat images and labels."""

from __future__ import annotations

import os
import pickle

import numpy as np

from minikeras import config
from minikeras.datasets._files import ArrayUnpickler, corrupt
from minikeras.typing import Array
from minikeras.utils.files import cache_home, get_file


def open_archive(name: str, url: str, sha256: str) -> str:
    """The folder that the archive was unpacked to, downloaded first unless it is there."""
    folder = os.path.join(cache_home(), "datasets", name)
    return folder if os.path.isdir(folder) else get_file(name, url, extract=True, file_hash=sha256)


def read_batches(files: list[str], label_key: str = "labels") -> tuple[Array, Array]:
    """Images in the configured data format, and labels of shape (images, 1), both uint8.

    Raises:
        ValueError: for a file that holds something else.
    """
    images, labels = [], []
    for file in files:
        try:
            with open(file, "rb") as stream:
                batch = ArrayUnpickler(stream, encoding="bytes").load()
            images.append(batch[b"data"].reshape(-1, 3, 32, 32).astype("uint8"))
            labels.append(np.array(batch[label_key.encode()], "uint8").reshape(len(images[-1]), 1))
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
            raise corrupt(file, "a part of CIFAR", error) from error
    x = np.concatenate(images)
    if config.image_data_format() == "channels_last":
        x = x.transpose(0, 2, 3, 1)
    return x, np.concatenate(labels)
