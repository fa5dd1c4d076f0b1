"""Strings and whole numbers to their numbers in a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_option
from minikeras.layers.vocabulary import Vocabulary
from minikeras.typing import Array, DType


class StringLookup(Vocabulary):
    """y = the number of the string x in a vocabulary; or, inverted, the string of the number x.

    Numbers come in this order: 0 for the mask token if there is one, then one or more for strings
    that are not in the vocabulary (OOV), then one for each string in it. In the modes of rows the
    mask token has no number and leaves no mark.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None: any.
        num_oov_indices: how many numbers OOV strings share, each by its hash; 0 makes them an error.
        mask_token: stands for nothing, such as padding.
        oov_token: what OOV numbers become when `invert` is true.
        vocabulary: a list of strings, or a text file with one on each line; else call `adapt`.
        idf_weights: for `vocabulary` in mode "tf_idf", the weight of each string.
        invert: map numbers to strings, an array of Python's str.
        output_mode: "int" (int64); "one_hot" each as a row; "multi_hot", "count" a row a sample (int64);
            "tf_idf" counts times weights, which are log(1 + documents/(1 + documents with the string)).
        pad_to_max_tokens: make rows `max_tokens` long even if the vocabulary is smaller.
        sparse: must be False, as there are no sparse arrays.
        encoding: of strings that come as bytes, and of the file.
        name: of the layer.
        salt: one or two numbers that make the hash of OOV strings SipHash-2-4; FarmHash when None.
        **kwargs: those of `Layer`.
    """

    config_names = Vocabulary.config_names + " encoding"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            sparse, pad_to_max_tokens, salt=salt, encoding=encoding, name=name, **kwargs,
        )  # fmt: skip

    @property
    def takes_text(self) -> bool:
        """Whether the input may be an array of strings: not when `invert` is true."""
        return not self.invert

    def output_type(self) -> DType:
        return np.dtype(object) if self.invert else super().output_type()


class IntegerLookup(Vocabulary):
    """y = the number of the whole number x in a vocabulary; or, inverted, the reverse.

    Args:
        max_tokens: see `StringLookup`, as for all that is not said here.
        num_oov_indices: how many numbers OOV ones share; x mod num_oov_indices says which.
        mask_token: stands for nothing, such as padding.
        oov_token: what OOV numbers become when `invert` is true.
        vocabulary: a list of whole numbers, or a text file with one on each line; else call `adapt`.
        vocabulary_dtype: must be "int64".
        idf_weights: for `vocabulary` in mode "tf_idf", the weight of each number.
        invert: map numbers in the vocabulary to what they stand for.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
        sparse: must be False, as there are no sparse arrays.
        pad_to_max_tokens: make rows `max_tokens` long even if the vocabulary is smaller.
        oov_method: "floormod", or "farmhash" for the hash of x written in digits.
        salt: for "farmhash": one or two numbers that make the hash SipHash-2-4.
        name: of the layer.
        **kwargs: those of `Layer`.
    """

    config_names = Vocabulary.config_names + " vocabulary_dtype"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype = check_option(self, "vocabulary_dtype", vocabulary_dtype, ("int64",))
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            sparse, pad_to_max_tokens, oov_method, salt, name=name, **kwargs,
        )  # fmt: skip
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                f"`salt` can only be used when `oov_method='farmhash'`. Received: oov_method={oov_method!r}"
            )

    def flat_tokens(self, x: Array) -> list[Any]:
        """All elements of x, in order, as whole numbers."""
        try:
            whole: list[Any] = x.astype("int64").ravel().tolist()
        except (TypeError, ValueError):
            raise ValueError(
                f"{self.where()} takes whole numbers, in its vocabulary, too. Received: {x.ravel()[:5].tolist()}"
            ) from None
        return whole

    def oov_numbers(self, tokens: list[Any]) -> list[int]:
        """Which of the OOV numbers each token is given, from 0."""
        if self.oov_method == "farmhash":
            return super().oov_numbers(tokens)
        return [t % self.num_oov_indices for t in tokens]
