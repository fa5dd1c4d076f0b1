"""What a vocabulary is made of: counts of tokens in documents, and checks of a list of tokens."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

import numpy as np

from minikeras.typing import Array


class TokenCounts:
    """How often each token was seen, and in how many documents.

    Args:
        by_document: whether the documents are counted, too.
    """

    def __init__(self, by_document: bool) -> None:
        self.by_document = by_document
        self.tokens: Counter[Any] = Counter()
        self.documents: Counter[Any] = Counter()  # in how many documents each token stands
        self.num_documents = 0

    def add(self, documents: list[list[Any]]) -> None:
        """Count the tokens of some documents."""
        self.tokens.update(chain.from_iterable(documents))
        if self.by_document:
            self.documents.update(chain.from_iterable(map(set, documents)))
            self.num_documents += len(documents)

    def most_frequent(self, limit: int | None, without: tuple[Any, ...]) -> list[Any]:
        """The tokens, the most frequent first, of two as frequent the greater one; at most `limit`."""
        found = [t for t in self.tokens if t not in without]
        found.sort(key=lambda t: (self.tokens[t], t), reverse=True)
        return found if limit is None else found[: max(limit, 0)]

    def inverse_frequencies(self, tokens: list[Any]) -> Array:
        """log(1 + n/(1 + d)) for each token that stands in d of n documents."""
        d = np.array([self.documents[t] for t in tokens], "float64")
        weights: Array = np.log(1 + self.num_documents / (1 + d))
        return weights


def check_tokens(tokens: list[Any], special: list[Any], reserved: list[Any], limit: int | None) -> None:
    """Raise a `ValueError` unless the tokens can be a vocabulary.

    Args:
        tokens: without the special ones.
        special: those that stand before them.
        reserved: special ones that must not be among the tokens.
        limit: on the number of all, or None.
    """
    repeated = [t for t, n in Counter(tokens).items() if n > 1]
    if repeated:
        raise ValueError(
            "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated "
            f"terms are: {repeated[:10]}"
        )
    for token in reserved:
        if token is not None and token in tokens:
            raise ValueError(
                f"Found reserved token {token!r} at unexpected location in `vocabulary`. Either remove all mask and "
                f"OOV tokens, or include them only at the start, in precisely this order: {special}."
            )
    size = len(special) + len(tokens)
    if limit is not None and size > limit:
        raise ValueError(
            f"Attempted to set a vocabulary larger than the maximum vocab size. Received vocabulary size is {size}; "
            f"`max_tokens` is {limit}."
        )
