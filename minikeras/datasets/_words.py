"""Texts as lists of word numbers: what IMDB and Reuters share.

The files number the words by frequency: 1 is the most frequent. The arguments shift these numbers to
make room for three signs (0 padding, 1 start, 2 a word left out), and leave out rare, very frequent
words and long texts. All texts are handled at once, end to end in one array.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from minikeras.datasets._files import SERVER, fetch, reading
from minikeras.errors import check_int
from minikeras.typing import Array


@dataclass(frozen=True)
class Coding:
    """How words become numbers; checked when it is made. The fields are `load_data`'s arguments."""

    owner: str
    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int

    def __post_init__(self) -> None:
        for name, minimum in {"num_words": 1, "maxlen": 1, "start_char": 0, "oov_char": 0}.items():
            if getattr(self, name) is not None:
                check_int(self.owner, name, getattr(self, name), minimum)
        for name in ("skip_top", "index_from"):
            check_int(self.owner, name, getattr(self, name), 0)

    def encode(self, texts: Array) -> tuple[Array, Array]:
        """The coded texts that are short enough, as an array of lists, and which texts these are.

        Returns:
            x: object of shape (texts kept,), each a list of ints.
            kept: bool of shape (texts,).
        """
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))  # (texts,)
        words = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))  # (all words,)
        words += self.index_from
        if self.start_char is not None:
            words = np.insert(words, np.cumsum(lengths) - lengths, self.start_char)
            lengths += 1
        kept = np.ones(len(texts), bool)
        if self.maxlen is not None:
            kept = lengths < self.maxlen
            words, lengths = words[np.repeat(kept, lengths)], lengths[kept]
        limit = words.max(initial=0) if self.num_words is None else self.num_words
        known = (words >= self.skip_top) & (words < limit)
        if self.oov_char is not None:
            words[~known] = self.oov_char
        else:
            owners = np.repeat(np.arange(len(lengths)), lengths)  # which text each word belongs to
            words, lengths = words[known], np.bincount(owners[known], minlength=len(lengths))
        x = np.empty(len(lengths), object)
        flat, end = words.tolist(), 0
        for i, length in enumerate(lengths.tolist()):
            x[i] = flat[end : end + length]
            end += length
        return x, kept

    def check_not_empty(self, *parts: Array) -> None:
        """Raise when `maxlen` has left nothing of a part."""
        if any(len(part) == 0 for part in parts):
            raise ValueError(
                f"{self.owner}: no text is shorter than maxlen={self.maxlen}. Likely fix: a larger `maxlen`."
            )


def check_texts(x: Array, y: Array) -> None:
    """Raise unless there is one label for each text, and each text is a list of ints."""
    if x.ndim != 1 or y.shape != x.shape or y.dtype.kind not in "iu":
        raise ValueError(f"it has texts of shape {x.shape}, labels of shape {y.shape} and type {y.dtype}")
    for text in x:
        if not isinstance(text, list) or not {int}.issuperset(map(type, text)):
            raise ValueError("a text is no list of whole numbers")


def load_word_index(path: str, origin: str, md5: str, name: str) -> dict[str, Any]:
    """A JSON file {word: its number}."""
    file = fetch(path, SERVER + origin, md5)
    with reading(file, name, "a JSON object {word: number}"), open(file, encoding="utf-8") as stream:
        index = json.load(stream)
        if not isinstance(index, dict) or not {int}.issuperset(map(type, index.values())):
            raise ValueError("it is no such object")
    return index
