"""Folders of images as data sets: read, brought to one size and stacked, one batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import check_ints, check_option
from minikeras.typing import Array
from minikeras.utils.directories import FolderOptions, datasets_of_folder
from minikeras.utils.images import MODES, img_to_array, load_img
from minikeras.utils.resampling import INTERPOLATIONS, centred_part, resize, resize_with_pad

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A data set of image files: x is (batch, height, width, channels) in float32, from 0 to 255.

        train, valid = image_dataset_from_directory(
            "photos", image_size=(64, 64), validation_split=0.2, subset="both", seed=1)
        model.fit(train, validation_data=valid)

    Args:
        directory: a folder with one subfolder for each class.
        labels: "inferred" from the subfolders, None, or a list with one integer for each file.
        label_mode: "int" (n,), "binary" (n, 1), "categorical" (n, classes), or None for x alone.
        class_names: the subfolders, in the order of their labels; by default all, sorted.
        color_mode: "rgb", "rgba" or "grayscale": 3, 4 or 1 channels.
        batch_size: images in a batch; None for single images.
        image_size: the (height, width) that all images are brought to.
        shuffle: whether each pass has a new order.
        seed: of the orders, and of the split.
        validation_split: the share of the files that is kept for validation.
        subset: "training", "validation", or "both" for a list of the two.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or
            "mitchellcubic".
        follow_links: whether to look into folders that are links.
        crop_to_aspect_ratio: cut off two sides where the ratios differ, instead of distorting the image.
        pad_to_aspect_ratio: fill up with zeros where the ratios differ.
        data_format: "channels_last", "channels_first", or None for the global setting.
        format: "tf" or "grain" in Keras; here both give the same data set of arrays.
        verbose: whether to print how many files there are.

    Returns:
        A data set with the attributes `class_names` and `file_paths`, or a list of two.

    Raises:
        ImportError: without Pillow, when the first image is read.
        ValueError: for arguments out of range or that do not go together, and when there are no images.
    """
    owner = "image_dataset_from_directory"
    check_option(owner, "color_mode", color_mode, tuple(MODES))
    method = check_option(owner, "interpolation", str(interpolation).lower(), INTERPOLATIONS)
    height, width = check_ints(owner, "image_size", image_size, 2)
    size = (height, width)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{owner}: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True."
        )
    channels_last = config.standardize_data_format(data_format) == "channels_last"

    def load(path: str) -> Array:
        image = img_to_array(load_img(path, color_mode), "channels_first", "float32")
        if pad_to_aspect_ratio:
            return resize_with_pad(image, size, method)
        if crop_to_aspect_ratio:
            image = image[:, *centred_part(image.shape[1:], size)]
        return resize(image, size, method)

    def stack(images: list[Array]) -> Array:
        return np.stack([i.transpose(1, 2, 0) for i in images] if channels_last else images)

    options = FolderOptions(
        owner, directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
        follow_links, format, verbose,
    )  # fmt: skip
    return datasets_of_folder(options, ENDINGS, load, stack)
