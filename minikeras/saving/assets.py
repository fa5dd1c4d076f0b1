"""The vocabularies that look-up layers have learnt, each a text file in the archive, as Keras has it.

In the config there is only their size. So they are moved out of the config when a model is saved, and
back into it before the model is built, as the layers further on need to know the size. A vocabulary that
lines of text cannot tell, such as one with a line break in a token, stays in the config; Keras reads that, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.saving.configs import LARGEST
from minikeras.saving.files import Archive
from minikeras.saving.hdf5 import Group
from minikeras.saving.layout import TOKEN_WEIGHTS, numbered, places, walk

LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")


def move_out(config: dict[str, Any], model: Any) -> list[tuple[str, list[bytes]]]:
    """Take what was learnt out of a model's config; the members of the archive that hold it instead."""
    members = []
    layers: dict[str, Any] = dict(walk(model))
    for path, kind, found in _lookups(config["config"]):
        if found.get("has_input_vocabulary", True):
            continue  # it was given, and is an argument like others
        layer = layers[path]
        tokens = layer.get_vocabulary()
        text = "\n".join(map(str, tokens))
        if None in tokens or _tokens(text, kind) != tokens:
            continue
        found |= {"vocabulary": None, "idf_weights": None}
        del found["has_input_vocabulary"]
        members += [(_member(place), [text.encode()]) for place in places(path, layer)]
    return members


def move_in(config: dict[str, Any], archive: Archive, tree: Group) -> None:
    """Put what was learnt into a model's config, from the archive and from the weights.

    Raises:
        ValueError: for a file that is damaged.
    """
    for path, kind, found in _lookups(config["config"]):
        if found.get("vocabulary") is not None or _member(path) not in archive.names:
            continue
        text = archive.read(_member(path), LARGEST).decode()
        weights = tree.find(f"{path}vars/{TOKEN_WEIGHTS}")
        if isinstance(weights, np.ndarray):
            found["idf_weights"] = weights.tolist()
        found |= {"vocabulary": _tokens(text, kind), "has_input_vocabulary": False}


def _lookups(config: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The look-up layers in a model's config: the path of each in a file, its class, its own config."""
    entries = [e for e in config.get("layers", ()) if e["class_name"] != "InputLayer"]
    for key, entry in zip(numbered(e["class_name"] for e in entries), entries, strict=True):
        if entry["class_name"] in LOOKUPS:
            yield f"{path}layers/{key}/", entry["class_name"], entry["config"]
        elif entry["class_name"] == "Sequential":
            yield from _lookups(entry["config"], f"{path}layers/{key}/")


def _member(path: str) -> str:
    return f"assets/{path}vocabulary.txt"


def _tokens(text: str, kind: str) -> list[Any]:
    """The tokens in a file, one on each line; as in Keras, empty ones at the end are none."""
    lines: list[Any] = text.splitlines()
    while lines and lines[-1] == "":
        lines.pop()
    return [int(line) for line in lines] if kind == "IntegerLookup" else lines
