"""Texts to numbers: clean each text, split it into tokens, look each token up."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from itertools import chain
from typing import Any, Self

import numpy as np

from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_option
from minikeras.layers.encoding import encoded_shape
from minikeras.layers.vocabulary import NO_MARK, Vocabulary
from minikeras.typing import Array, Shape

# As TensorFlow does, only the letters A to Z are lowered, and only ASCII's white space splits.
LOWER = {ord(c): c.lower() for c in string.ascii_uppercase}
NO_PUNCTUATION: dict[int, str | None] = {ord(c): None for c in string.punctuation}
STANDARDIZE: dict[str, dict[int, str | None]] = {
    "lower_and_strip_punctuation": {**LOWER, **NO_PUNCTUATION},
    "lower": {**LOWER},
    "strip_punctuation": NO_PUNCTUATION,
}
SPLIT: dict[str, Callable[[str], list[str]]] = {
    "whitespace": re.compile(r"[^ \t\n\r\v\f]+").findall,
    "character": list,
}


class TextVectorization(Vocabulary):
    """y[n, t] = the number of the t-th token of text n in a vocabulary, filled up with 0.

    Number 0 is padding (the token ""), 1 stands for tokens that are not in the vocabulary
    ("[UNK]"). In the other modes each text is a row, where "[UNK]" has number 0.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None: any.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function
            from an array of strings to one of the same shape.
        split: "whitespace", "character", None (x holds tokens), or a function from an array of strings,
            (n,), to n lists of tokens.
        ngrams: also join up to so many neighbours to one token; a tuple names the very widths.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf"; see `StringLookup`.
        output_sequence_length: cut or fill each row of mode "int" to this length; None: to the longest.
        pad_to_max_tokens: make rows `max_tokens` long even if the vocabulary is smaller.
        vocabulary: a list of strings, or a text file with one on each line; else call `adapt`.
        idf_weights: for `vocabulary` in mode "tf_idf", the weight of each token.
        sparse: must be False, as there are no sparse arrays.
        ragged: must be False, as there are no ragged arrays.
        encoding: of texts that come as bytes, and of the file.
        name: of the layer.
        **kwargs: those of `Layer`.
    """

    config_names = (
        "max_tokens standardize split ngrams output_mode output_sequence_length pad_to_max_tokens sparse "
        "ragged vocabulary idf_weights encoding"
    )
    places = ("", "_lookup_layer/")  # as Keras has a look-up layer inside

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens, 1, "", "[UNK]", vocabulary, idf_weights, False, output_mode,
            sparse, pad_to_max_tokens, encoding=encoding, name=name, **kwargs,
        )  # fmt: skip
        self.standardize = standardize
        self.split = split
        if not callable(standardize):
            check_option(self, "standardize", standardize, (*STANDARDIZE, None))
        if not callable(split):
            check_option(self, "split", split, (*SPLIT, None))
        self.ngrams = ngrams
        if ngrams is not None and not isinstance(ngrams, tuple):
            self.ngrams = check_int(self, "ngrams", ngrams)
        for n in ngrams if isinstance(ngrams, tuple) else ():
            check_int(self, "ngrams", n)
        self.output_sequence_length = output_sequence_length
        if output_sequence_length is not None:
            check_int(self, "output_sequence_length", output_sequence_length)
            if self.output_mode != "int":
                raise ValueError(
                    "`output_sequence_length` must not be set if `output_mode` is not 'int'. "
                    f"Received output_sequence_length={output_sequence_length}."
                )
        if ragged:
            raise ValueError(
                "TextVectorization: `ragged` must be False, as there are no ragged arrays: rows are filled up "
                "with 0, the number of padding. Received: ragged=True"
            )
        self.ragged = False

    @property
    def takes_text(self) -> bool:
        """Whether the input may be an array of strings: it may."""
        return True

    def check_input(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        if self.split is None:
            if rank != 2 and (self.ngrams is not None or self.output_sequence_length is not None):
                expected = "(batch, tokens), as split=None, for `ngrams` and `output_sequence_length`"
                raise ShapeError(self.where(), expected, tuple(input_shape))
        elif rank > 2 or (rank == 2 and input_shape[1] not in (1, None)):
            fix = "split=None for texts that are split into tokens already" if rank == 2 else None
            raise ShapeError(self.where(), "(batch,) or (batch, 1), a text each", tuple(input_shape), fix)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape = tuple(input_shape)
        if self.split is not None:
            shape = (*shape[:1], None)
        elif self.ngrams is not None:
            shape = (shape[0], None)
        if self.output_sequence_length is not None:
            shape = (shape[0], self.output_sequence_length)
        return encoded_shape(shape, self.output_mode, self.depth())

    # From texts to tokens

    def _standardized(self, x: Array) -> list[str]:
        """All texts of x, in order, clean."""
        texts = self.flat_tokens(x)
        if self.standardize is None:
            return texts
        if not callable(self.standardize):
            return [t.translate(STANDARDIZE[self.standardize]) for t in texts]
        clean = np.asarray(self.standardize(np.array(texts, str).reshape(x.shape)))
        if clean.size != x.size:
            raise ValueError(
                f"{self.where()}: `standardize` must return an array of its input's shape, {x.shape}. "
                f"Received: shape {clean.shape}"
            )
        return self.flat_tokens(clean)

    def tokens(self, x: Array) -> list[list[str]]:
        """The tokens of each text of x; without `split` each row of x is one of tokens."""
        texts = self._standardized(x)
        if self.split is None:
            width = x.shape[-1] if x.ndim else 1
            rows = [texts[i : i + width] for i in range(0, len(texts), width)]
        elif callable(self.split):
            rows = [list(row) for row in self.split(np.array(texts, str))]
            if len(rows) != len(texts):
                raise ValueError(
                    f"{self.where()}: `split` must return a list of tokens for each of {len(texts)} texts. "
                    f"Received: {len(rows)}"
                )
        else:
            rows = list(map(SPLIT[self.split], texts))
        return rows if self.ngrams is None else [self._joined(row) for row in rows]

    def _joined(self, row: list[str]) -> list[str]:
        """All n-grams of a row, first those of the first width."""
        widths = self.ngrams if isinstance(self.ngrams, tuple) else range(1, (self.ngrams or 0) + 1)
        return [" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)]

    def update_state(self, data: Any) -> None:
        """Take one more batch into account."""
        self.count(self.tokens(self.cast_input(data)))

    # From tokens to numbers

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        if self.split is None and self.ngrams is None and self.output_sequence_length is None:
            return self.encoded(self.numbers_of(self._standardized(x)).reshape(x.shape))
        y = self.encoded(self._filled_up(self.tokens(x)))
        return y if x.ndim else y[0]

    def _filled_up(self, rows: list[list[str]]) -> Array:
        """The tokens' numbers as one array, (texts, longest or `output_sequence_length`)."""
        width = self.output_sequence_length
        if width is None:
            width = max(map(len, rows), default=0)
        rows = [row[:width] for row in rows]
        lengths = np.array([len(row) for row in rows], "int64")
        y = np.full((len(rows), width), 0 if self.output_mode == "int" else NO_MARK, "int64")
        y[np.arange(width) < lengths[:, None]] = self.numbers_of(list(chain.from_iterable(rows)))
        return y

    # Configs

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new layer with the same vocabulary."""
        ngrams = config.get("ngrams")
        return super().from_config(
            {**config, "ngrams": tuple(ngrams) if isinstance(ngrams, list) else ngrams}
        )
