"""`save_model`, `load_model`, `save_weights`, `load_weights`: which format a file has, and who reads it."""

from __future__ import annotations

import io
import os
from typing import Any

from minikeras import registry
from minikeras.saving import hdf5
from minikeras.saving.archive import load_archive, save_archive
from minikeras.saving.errors import LoadError, loading
from minikeras.saving.files import Archive, read_file, write_file
from minikeras.saving.layout import (
    Values,
    assign,
    find_values,
    optimizer_arrays,
    restore_optimizer,
    to_tree,
)
from minikeras.saving.legacy import find_legacy_values, is_legacy, load_legacy, save_legacy, weights_tree
from minikeras.saving.plain import npz_pieces, read_npz, read_safetensors, safetensors_pieces

WHOLE = (".keras", ".h5", ".hdf5")
WEIGHTS = (".weights.h5", ".npz", ".safetensors", ".h5", ".hdf5")


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, examples: Any = None
) -> None:
    """Write a model to a file: its architecture, its weights, and how it is compiled and trained so far.

    Args:
        model: what to write.
        filepath: ends in `.keras`, or in `.h5` or `.hdf5` for the format of Keras 2; or an open file.
        overwrite: whether an existing file may be replaced.
        zipped: accepted for Keras' sake; a `.keras` file is an archive always.
        examples: inputs that are kept in the file, with the outputs that the model gives now, for
            `load_model(..., verify=True)`; `.keras` only.

    Raises:
        ValueError: for another extension, or when the model has something that cannot be saved.
        FileExistsError: when the file exists and `overwrite` is false.
        OSError: when it cannot be written; an old file is as it was.
    """
    ending = _ending(filepath, WHOLE)
    if ending is None or str(filepath).endswith(".weights.h5"):
        raise ValueError(
            f"Invalid filepath extension for saving: {filepath}. A model is saved as `.keras`, or as `.h5` or `.hdf5` "
            "(the format of Keras 2); weights alone are saved by `save_weights`, as `.weights.h5`, `.npz` or "
            "`.safetensors`."
        )
    if zipped is False:
        raise ValueError("save_model: zipped=False is not offered; a .keras file is a zip archive.")
    if ending != ".keras" and examples is not None:
        raise ValueError("save_model: only a .keras file can carry examples.")
    _check_overwrite(filepath, overwrite)
    if ending == ".keras":
        save_archive(model, filepath, examples)
    else:
        save_legacy(model, filepath)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    verify: bool = False,
) -> Any:
    """The model in a `.keras` file, or in an `.h5` or `.hdf5` file of Keras 1, 2 or 3.

    Files of Keras 3.0 to 3.15 are read, from any backend. A file can do no harm: nothing in it is
    evaluated or imported, no other file is touched, and its arrays are checked before memory is
    taken for them.

    Args:
        filepath: the file, or an open one.
        custom_objects: {name: class or function} for what in the model is your own.
        compile: whether to compile the model as it was, and to restore the optimizer's state.
        safe_mode: accepted because Keras has it. No code is ever loaded here, so there is no other mode.
        verify: whether to check the model on the examples that were saved with it.

    Raises:
        LoadError: a `ValueError` that says what is wrong with the file; there is no model then.
    """
    del safe_mode
    registry.tables()
    name = getattr(filepath, "name", "the file") if hasattr(filepath, "read") else os.fspath(filepath)
    if _ending(filepath, WHOLE) is None:
        raise LoadError(f"{name}: a model is loaded from a `.keras`, `.h5` or `.hdf5` file.")
    with loading(name), registry.custom_object_scope(custom_objects or {}):
        data = read_file(filepath)
        if data[:8] != hdf5.SIGNATURE:
            return load_archive(data, compile, verify)
        if verify:
            raise LoadError("verify=True: only a .keras file can carry examples.")
        return load_legacy(hdf5.loads(data), compile)


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None
) -> None:
    """Write a model's weights to a file.

    `.weights.h5` is Keras 3's format, and has the optimizer's state in it; `.h5` and `.hdf5` are Keras
    2's; the keys of `.npz` and `.safetensors` are the paths of Keras 3, such as layers/dense/vars/0.

    Raises:
        ValueError: for another extension.
        FileExistsError: when the file exists and `overwrite` is false.
        OSError: when it cannot be written; an old file is as it was.
    """
    ending = _ending(filepath, WEIGHTS)
    if ending is None:
        raise ValueError(
            f"The filename must end in `.weights.h5`. Received: filepath={filepath}. Further formats of weights are "
            "`.npz` and `.safetensors`, and `.h5` or `.hdf5` for Keras 2."
        )
    if max_shard_size is not None:
        raise ValueError("save_weights: `max_shard_size` is not offered; leave it out.")
    _check_overwrite(filepath, overwrite)
    if ending == ".weights.h5":
        write_file(filepath, hdf5.chunks(to_tree(model)))
    elif ending in (".h5", ".hdf5"):
        write_file(filepath, hdf5.chunks(weights_tree(model)))
    else:
        pieces = npz_pieces if ending == ".npz" else safetensors_pieces
        write_file(filepath, pieces(dict(to_tree(model, optimizer=False).arrays())))


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Read a model's weights from a file that `save_weights` wrote, or from a whole saved model.

    Args:
        model: built, and of the same layers as the one that was saved.
        filepath: the file.
        skip_mismatch: whether layers whose weights do not fit are left out, with a warning.

    Raises:
        ValueError: before the model is built.
        LoadError: when the file is damaged or does not fit; the model is then unchanged.
    """
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built, so it has no weights yet: begin it with an Input, or call "
            "model.build(input_shape), before load_weights."
        )
    ending = _ending(filepath, (".keras", *WEIGHTS))
    if ending is None:
        raise LoadError(
            f"File format not supported: filepath={filepath}. Weights are loaded from `.weights.h5`, `.keras`, `.h5`, "
            "`.hdf5`, `.npz` and `.safetensors` files."
        )
    with loading(os.fspath(filepath)):
        data = read_file(filepath)
        values, state = _read_weights(model, data, ending, skip_mismatch)
    assign(values)
    if state and getattr(model, "compiled", False):
        restore_optimizer(model, state)


def _read_weights(model: Any, data: bytes, ending: str, skip: bool) -> tuple[Values, list[Any]]:
    """The values of the model's variables, and the optimizer's state."""
    if ending in (".npz", ".safetensors"):
        tree = hdf5.Group()
        for path, array in (read_npz if ending == ".npz" else read_safetensors)(data).items():
            tree[path] = array
        return find_values(model, tree, skip), []
    if ending == ".keras":
        with Archive(io.BytesIO(data)) as archive:
            data = archive.read("model.weights.h5")
    tree = hdf5.loads(data)
    if not is_legacy(tree):
        return find_values(model, tree, skip), [] if skip else optimizer_arrays(tree)
    weights = tree.members.get("model_weights", tree)
    if not isinstance(weights, hdf5.Group):
        raise LoadError("model_weights is no group.")
    return find_legacy_values(model, weights, skip), []


def _ending(filepath: Any, known: tuple[str, ...]) -> str | None:
    """The first of the known endings that a path has; an open file is a `.keras` file."""
    if hasattr(filepath, "read") or hasattr(filepath, "write"):
        return known[0]
    path = os.fspath(filepath)
    return next((ending for ending in known if path.endswith(ending)), None)


def _check_overwrite(filepath: Any, overwrite: bool) -> None:
    if not overwrite and not hasattr(filepath, "write") and os.path.exists(filepath):
        raise FileExistsError(f"{os.fspath(filepath)} exists already; pass overwrite=True to replace it.")
