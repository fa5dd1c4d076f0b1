"""Folders of files as data sets: a folder for each class, a file for each sample.

Only the names are read at first. They are put in order, shuffled by the seed, cut into a part for
training and one for validation; the files themselves are read batch by batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikeras.errors import check_int, check_number, check_option, closest
from minikeras.typing import Array
from minikeras.utils.dataset import Dataset, draw_seed
from minikeras.utils.numerical import to_categorical
from minikeras.utils.printing import print_message

FILE_NAMES = tuple[str, ...]


@dataclass
class FolderOptions:
    """What the data sets made of folders have in common; `owner` is the function that was called."""

    owner: str
    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    format: str
    verbose: bool

    def check(self) -> None:
        """Settle what goes with what.

        Raises:
            ValueError: for an argument that is out of range or does not go with another.
        """
        check_option(self.owner, "label_mode", self.label_mode, ("int", "categorical", "binary", None))
        check_option(self.owner, "format", self.format, ("tf", "grain"))
        check_option(self.owner, "subset", self.subset, ("training", "validation", "both", None))
        if self.batch_size is not None:
            check_int(self.owner, "batch_size", self.batch_size)
        inferred_or_none = self.labels is None or (isinstance(self.labels, str) and self.labels == "inferred")
        whole_numbers = isinstance(self.labels, (list, tuple)) and all(
            isinstance(label, (int, np.integer)) for label in self.labels
        )
        if not inferred_or_none and not whole_numbers:
            raise ValueError(
                f"{self.owner}: `labels` must be 'inferred' (from the names of the subfolders), None, or a list "
                f"of integers, one for each file in the order of their paths. Received: labels={self.labels!r}"
            )
        if self.labels is None or self.label_mode is None:
            self.labels = self.label_mode = None
        if self.class_names and self.labels != "inferred":
            raise ValueError(
                f"{self.owner}: `class_names` go with labels='inferred' only. Received: labels={self.labels!r} "
                f"and class_names={self.class_names}"
            )
        if bool(self.validation_split) != bool(self.subset):
            raise ValueError(
                f"{self.owner}: `validation_split` and `subset` go together. Received: "
                f"validation_split={self.validation_split!r} and subset={self.subset!r}"
            )
        if self.validation_split:
            check_number(self.owner, "validation_split", self.validation_split, 0, 1)
            if self.shuffle and self.seed is None:
                raise ValueError(
                    f"{self.owner}: with `validation_split` and shuffle=True, give a `seed`, so that the parts for "
                    "training and validation do not overlap."
                )
        if not os.path.isdir(self.directory):
            raise ValueError(f"{self.owner}: there is no folder {self.directory!r}.")


def datasets_of_folder(
    options: FolderOptions,
    endings: FILE_NAMES,
    load: Callable[[str], Any],
    stack: Callable[[list[Any]], Array],
) -> Any:
    """The data set of a folder's files, or the list [for training, for validation].

    Args:
        options: what the user asked for.
        endings: of the files that count.
        load: reads one file.
        stack: makes one array of what `load` returned for the files of a batch.
    """
    options.check()
    paths, labels, class_names = _list_files(options, endings)
    if options.shuffle:
        options.seed = draw_seed(options.seed)
        # seeded as in Keras, so that the same seed puts the same files into the validation part
        order = np.random.RandomState(options.seed).permutation(len(paths))
        paths = [paths[i] for i in order]
        labels = None if labels is None else labels[order]
    if options.label_mode == "binary" and len(class_names or ()) != 2:
        raise ValueError(
            f"{options.owner}: label_mode='binary' needs exactly 2 classes. Received: class_names={class_names}"
        )
    targets = None if labels is None else _encode(labels, options.label_mode, len(class_names or ()))

    def dataset(part: slice, shuffle: bool) -> Dataset:
        files = paths[part]
        if not files:
            raise ValueError(
                f"{options.owner}: no files found in {options.directory!r}"
                + (f" for this part of a validation_split={options.validation_split}" if paths else "")
                + f". Files that count end in {', '.join(endings)}."
            )
        goals = None if targets is None else targets[part]

        def fetch(rows: Array) -> Any:
            x = stack([load(files[i]) for i in rows])
            return x if goals is None else (x, goals[rows])

        return Dataset(fetch, len(files), options.batch_size, shuffle, options.seed, class_names, files)

    parts = _parts(options, len(paths))
    if options.subset == "both":
        return [dataset(parts["training"], options.shuffle), dataset(parts["validation"], False)]
    return dataset(parts[options.subset], options.shuffle)


def _parts(options: FolderOptions, files: int) -> dict[str | None, slice]:
    """The files of each subset: those for validation come last."""
    if not options.validation_split:
        return {None: slice(files)}
    training = files - int(options.validation_split * files)
    if options.verbose and options.subset != "validation":
        print_message(f"Using {training} files for training.")
    if options.verbose and options.subset != "training":
        print_message(f"Using {files - training} files for validation.")
    return {"training": slice(training), "validation": slice(training, files)}


def _list_files(
    options: FolderOptions, endings: FILE_NAMES
) -> tuple[list[str], Array | None, list[str] | None]:
    """Paths in order, a number for each one's class, and the names of the classes."""
    directory, names = os.fspath(options.directory), options.class_names
    if options.labels != "inferred":
        paths = list(_files_below(directory, endings, options.follow_links))
        labels, class_names = None, None
        if options.labels is not None:
            if len(options.labels) != len(paths):
                raise ValueError(
                    f"{options.owner}: `labels` must have one label for each of the {len(paths)} files in "
                    f"{directory!r}. Received: {len(options.labels)} labels"
                )
            labels, class_names = np.asarray(options.labels), [str(i) for i in sorted(set(options.labels))]
    else:
        folders = sorted(
            f for f in os.listdir(directory) if os.path.isdir(os.path.join(directory, f)) and f[0] != "."
        )
        class_names = folders if names is None else list(names)
        for name in class_names:
            if name not in folders:
                raise ValueError(
                    f"{options.owner}: `class_names` must be names of subfolders, of {folders}. "
                    f"Received: {name!r}.{closest(name, folders)}"
                )
        found = [
            list(_files_below(os.path.join(directory, c), endings, options.follow_links)) for c in class_names
        ]
        paths = [path for of_class in found for path in of_class]
        labels = np.repeat(np.arange(len(found), dtype="int32"), [len(of_class) for of_class in found])
    if options.verbose:
        classes = "" if class_names is None else f" belonging to {len(class_names)} classes"
        print_message(f"Found {len(paths)} files{classes}.")
    return paths, labels, class_names


def _files_below(directory: str, endings: FILE_NAMES, follow_links: bool) -> Iterator[str]:
    for root, _, files in sorted(os.walk(directory, followlinks=follow_links)):
        for name in sorted(files):
            if name.lower().endswith(endings):
                yield os.path.join(root, name)


def _encode(labels: Array, label_mode: str | None, classes: int) -> Array:
    """Labels as numbers (n,), as 0.0 and 1.0 in a column (n, 1), or one-hot (n, classes)."""
    if label_mode == "categorical":
        return to_categorical(labels, classes).astype("float32")
    return labels.astype("float32")[:, None] if label_mode == "binary" else labels.astype("int32")
