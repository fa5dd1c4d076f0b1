"""Texts as lists of whole numbers, one for each word: 1 is the most frequent word, and so on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from minikeras.errors import check_int
from minikeras.typing import Array

Words = list[list[int]]


def check_arguments(**counts: int | None) -> None:
    """Raise a `ValueError` unless all are whole numbers of at least 0, or None where that is allowed."""
    for name, value in counts.items():
        if value is not None or name in ("skip_top", "index_from"):
            check_int("load_data", name, value, 0)


def shift(texts: Any, start_char: int | None, index_from: int) -> Words:
    """The words' numbers, made room for special ones, after the number of the start."""
    start = [] if start_char is None else [start_char]
    return [start + [w + index_from for w in text] for text in texts]


def drop_long(texts: Words, labels: Array, maxlen: int | None) -> tuple[Words, Array]:
    """Only the texts that are shorter than `maxlen`.

    Raises:
        ValueError: when none is.
    """
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"load_data: no text is shorter than maxlen={maxlen}. Increase maxlen.")
    return [texts[i] for i in kept], labels[kept]


def restrict(texts: Words, num_words: int | None, skip_top: int, oov_char: int | None) -> Words:
    """Words outside of skip_top ≤ w < num_words replaced by `oov_char`, or left out when that is None."""
    # As in Keras, None means: all but the very last word of the vocabulary.
    top = num_words or max(map(max, filter(None, texts)), default=0)
    if oov_char is None:
        return [[w for w in text if skip_top <= w < top] for text in texts]
    return [[w if skip_top <= w < top else oov_char for w in text] for text in texts]


def to_objects(texts: Words) -> Array:
    """An array of lists."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def read_index(file: str) -> dict[str, int]:
    """The numbers of the words, from a JSON file."""
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)
