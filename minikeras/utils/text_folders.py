"""Folders of texts as data sets: each file is one string, read when its batch has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.errors import check_int
from minikeras.typing import Array
from minikeras.utils.directories import FolderOptions, datasets_of_folder


def text_dataset_from_directory(
    directory: Any,
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
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A data set of text files: x is an array of strings, y the classes they lie in.

        data = text_dataset_from_directory("reviews", batch_size=64)
        model.fit(data.map(lambda x, y: (vectorize(x), y)))

    Args:
        directory: a folder with one subfolder for each class.
        labels: "inferred" from the subfolders, None, or a list with one integer for each file.
        label_mode: "int" (n,), "binary" (n, 1), "categorical" (n, classes), or None for x alone.
        class_names: the subfolders, in the order of their labels; by default all, sorted.
        batch_size: texts in a batch; None for single texts.
        max_length: at how many characters to cut off a text.
        shuffle: whether each pass has a new order.
        seed: of the orders, and of the split.
        validation_split: the share of the files that is kept for validation.
        subset: "training", "validation", or "both" for a list of the two.
        follow_links: whether to look into folders that are links.
        format: "tf" or "grain" in Keras; here both give the same data set of arrays.
        verbose: whether to print how many files there are.

    Returns:
        A data set with the attributes `class_names` and `file_paths`, or a list of two.

    Raises:
        ValueError: for arguments out of range or that do not go together, when there are no files, and, when it
            is read, for a file that is not in UTF-8.
    """
    owner = "text_dataset_from_directory"
    length = None if max_length is None else check_int(owner, "max_length", max_length)

    def load(path: str) -> str:
        with open(path, encoding="utf-8") as file:
            try:
                return file.read(length)
            except UnicodeDecodeError as error:
                raise ValueError(f"{owner}: the file {path!r} is not in UTF-8: {error}") from error

    def stack(texts: list[str]) -> Array:
        array = np.empty(len(texts), dtype=object)  # strings of any length, without padding
        array[:] = texts
        return array

    options = FolderOptions(
        owner, directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
        follow_links, format, verbose,
    )  # fmt: skip
    return datasets_of_folder(options, (".txt",), load, stack)
