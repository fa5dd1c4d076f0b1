"""Data sets of files: a folder for each class, an image or a text in each file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import check_int, check_ints, check_number, check_option
from minikeras.typing import Array
from minikeras.utils.dataset import Dataset
from minikeras.utils.images import COLOR_MODES, INTERPOLATIONS, img_to_array, load_img, pillow, resize
from minikeras.utils.numerical import to_categorical
from minikeras.utils.printing import print_message

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


class FileDataset(Dataset):
    """A data set of files, with their paths and the names of the classes."""

    file_paths: list[str]
    class_names: list[str] | None


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "numpy",
    verbose: bool = True,
) -> Any:
    """The images of a folder as batches (images, labels): float32 from 0 to 255, read when they are needed.

    Args:
        directory: with a folder for each class, unless `labels` says otherwise.
        labels: "inferred" from the folders; None for no labels; or a list, one for each file in the order of
            their paths.
        label_mode: "int", "categorical" (one-hot), "binary" (0. or 1.), or None for images alone.
        class_names: the folders that are used, in the order of their numbers; None for all, sorted.
        color_mode: "grayscale", "rgb" or "rgba".
        batch_size: images per batch; None gives one image after the other.
        image_size: (height, width) that all are resized to, by Pillow.
        shuffle: whether to mix the files, again for each epoch.
        seed: of the order.
        validation_split: the share of the files for validation.
        subset: "training", "validation", or "both" for a pair of data sets.
        interpolation: as in `load_img`.
        follow_links: whether to go into folders that are links.
        crop_to_aspect_ratio: cut off what does not fit, instead of distorting the image.
        pad_to_aspect_ratio: put black bars around it instead.
        data_format: "channels_last" or "channels_first"; None means the configured one.
        format: accepted because Keras has it; the batches are NumPy arrays.
        verbose: whether to print how many files there are.

    Raises:
        ImportError: without Pillow.
        ValueError: for a bad argument, or a folder without images.
    """
    del format
    where = "image_dataset_from_directory"
    check_option(where, "color_mode", color_mode, tuple(COLOR_MODES))
    check_option(where, "interpolation", interpolation, INTERPOLATIONS)
    height, width = size = check_ints(where, "image_size", image_size, 2)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{where}: only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be True.")
    pillow()

    def read(path: str) -> Array:
        image = load_img(path, color_mode)
        if pad_to_aspect_ratio:
            scale = min(height / image.height, width / image.width)
            h, w = max(1, round(image.height * scale)), max(1, round(image.width * scale))
            canvas = pillow().new(image.mode, (width, height))  # black
            canvas.paste(resize(image, (h, w), interpolation), ((width - w) // 2, (height - h) // 2))
            return img_to_array(canvas, data_format, "float32")
        return img_to_array(resize(image, size, interpolation, crop_to_aspect_ratio), data_format, "float32")

    def read_all(paths: Sequence[str]) -> Array:
        return np.stack([read(path) for path in paths])

    files = _find(where, directory, labels, label_mode, class_names, IMAGES, follow_links, verbose)
    return _make(where, files, read_all, label_mode, batch_size, shuffle, seed, validation_split, subset)


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "numpy",
    verbose: bool = True,
) -> Any:
    """The .txt files of a folder as batches (texts, labels); the texts are strings in arrays of objects.

    Args:
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links,
            format, verbose: as in `image_dataset_from_directory`.
        batch_size: texts per batch; None gives one text after the other.
        max_length: letters that are kept of each text; None for all.

    Raises:
        ValueError: for a bad argument, or a folder without texts.
    """
    del format
    where = "text_dataset_from_directory"
    if max_length is not None:
        check_int(where, "max_length", max_length)

    def read_all(paths: Sequence[str]) -> Array:
        texts = np.empty(len(paths), object)
        for i, path in enumerate(paths):
            with open(path, encoding="utf-8") as file:
                texts[i] = file.read(-1 if max_length is None else max_length)
        return texts

    files = _find(where, directory, labels, label_mode, class_names, (".txt",), follow_links, verbose)
    return _make(where, files, read_all, label_mode, batch_size, shuffle, seed, validation_split, subset)


Files = tuple[list[str], Array | None, list[str] | None]  # paths, numbers of classes, names of classes


def _find(
    where: str,
    directory: str | os.PathLike[str],
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    endings: tuple[str, ...],
    follow_links: bool,
    verbose: bool,
) -> Files:
    """The files, and the class of each."""
    root = os.fspath(directory)
    check_option(where, "label_mode", label_mode, ("int", "categorical", "binary", None))
    if labels is None or label_mode is None:
        labels = label_mode = None
    if labels != "inferred":
        if class_names is not None:
            raise ValueError(f"{where}: `class_names` can only be given with labels='inferred'.")
        paths = list(_walk(root, endings, follow_links))
        if labels is None:
            found: Files = paths, None, None
        else:
            if len(labels) != len(paths):
                raise ValueError(f"{where}: {len(labels)} labels for {len(paths)} files in {root!r}.")
            found = paths, np.asarray(labels), [str(label) for label in sorted(set(labels))]
    else:
        folders = sorted(e.name for e in os.scandir(root) if e.is_dir() and not e.name.startswith("."))
        if class_names is not None and not set(class_names) <= set(folders):
            raise ValueError(
                f"{where}: `class_names` must be among the folders {folders}. Received: {class_names}"
            )
        names = folders if class_names is None else list(class_names)
        lists = [list(_walk(os.path.join(root, name), endings, follow_links)) for name in names]
        numbers = np.repeat(np.arange(len(names), dtype="int32"), [len(part) for part in lists])
        found = [path for part in lists for path in part], numbers, names
    if not found[0]:
        raise ValueError(f"{where}: no files found in {root!r}. Allowed endings: {endings}")
    if label_mode == "binary" and len(found[2] or ()) != 2:
        raise ValueError(f"{where}: label_mode='binary' needs exactly 2 classes. Received: {found[2]}")
    if verbose:
        classes = "" if found[2] is None else f" belonging to {len(found[2])} classes"
        print_message(f"Found {len(found[0])} files{classes}.")
    return found


def _walk(folder: str, endings: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    """The paths of all files in a folder and the folders in it, sorted."""
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        for name in sorted(names):
            if name.lower().endswith(endings):
                yield os.path.join(root, name)


def _make(
    where: str,
    files: Files,
    read_all: Callable[[Sequence[str]], Array],
    label_mode: str | None,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
) -> Any:
    """The data set, or its part, or both parts."""
    check_option(where, "subset", subset, ("training", "validation", "both", None))
    if (validation_split is None) != (subset is None):
        raise ValueError(f"{where}: `validation_split` and `subset` go together: give both or neither.")
    if subset is not None and shuffle and seed is None:
        raise ValueError(f"{where}: give a `seed`, or the two subsets would overlap when they are shuffled.")
    share = check_number(where, "validation_split", validation_split or 0.0, 0, 1)
    paths, numbers, names = files
    rows = np.arange(len(paths))
    if shuffle:  # the order of Keras, so that its subsets are the same
        (np.random.RandomState(seed) if seed is not None else np.random.default_rng()).shuffle(rows)
    y = None if numbers is None or label_mode is None else _encode(numbers, label_mode, len(names or ()))

    def take(part: Array) -> Any:
        x = read_all([paths[i] for i in part])
        return x if y is None else (x, y[part])

    def dataset(part: Array) -> FileDataset:
        if not len(part):
            raise ValueError(
                f"{where}: validation_split={validation_split} leaves a part of {len(paths)} files empty."
            )
        made = FileDataset(take, part, batch_size, shuffle, seed)
        made.file_paths, made.class_names = [paths[i] for i in part], names
        return made

    n = len(rows) - int(share * len(rows))
    parts = {"training": rows[:n], "validation": rows[n:]}
    if subset == "both":
        return dataset(parts["training"]), dataset(parts["validation"])
    return dataset(rows if subset is None else parts[subset])


def _encode(numbers: Array, label_mode: str, classes: int) -> Array:
    """Labels in the form that the loss needs."""
    if label_mode == "int":
        return numbers
    if label_mode == "binary":
        return numbers.astype(config.floatx())[:, None]
    return to_categorical(numbers, classes).astype(config.floatx())
