"""A vocabulary: which tokens there are, and the number of each.

In front stands the mask token, where there is one, then the numbers for tokens that are
out-of-vocabulary (OOV), then the tokens themselves. `adapt` learns a vocabulary from data, the most
frequent token first. `StringLookup`, `IntegerLookup` and `TextVectorization` stand on this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from minikeras.config import floatx
from minikeras.context import Context
from minikeras.errors import check_int, check_option
from minikeras.layers._batches import each_batch
from minikeras.layers._hashes import check_salt, hash_of
from minikeras.layers._tokens import TokenCounts, check_tokens
from minikeras.layers.encoding import MODES, Encoder, encode
from minikeras.layers.inputs import as_numeric_or_text, is_text
from minikeras.registry import serialize
from minikeras.typing import Array, DType

OOV = -2  # stands for a token that has no number of its own yet
NO_MARK = -1  # the number of a token that is to leave no trace in a row


class Vocabulary(Encoder):
    """The base of layers that give each token the number it has in a vocabulary.

    The arguments are those of `StringLookup`.
    """

    config_names = (
        "invert max_tokens num_oov_indices oov_token mask_token output_mode sparse pad_to_max_tokens "
        "idf_weights vocabulary oov_method salt"
    )
    places: tuple[str, ...] = ("",)  # where in a file, below its own path, it keeps what it has learnt

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = None,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        self.max_tokens = None if max_tokens is None else check_int(self, "max_tokens", max_tokens, 2)
        self.num_oov_indices = check_int(self, "num_oov_indices", num_oov_indices, 0)
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = bool(invert)
        self.output_mode = check_option(self, "output_mode", output_mode, (*MODES, "tf_idf"))
        self.sparse = check_option(self, "sparse", sparse, (False,))
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        self.oov_method = check_option(self, "oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = check_salt(self, salt)
        self.encoding = encoding
        self.vocabulary: list[Any] | None = None
        self.idf_weights: list[float] | None = None
        self._numbers: dict[Any, int] = {}
        self.token_weights: Array | None = None  # in mode "tf_idf": (vocabulary_size,)
        self._is_fixed = vocabulary is not None
        self.reset_state()
        if self.pad_to_max_tokens and max_tokens is None:
            raise ValueError("If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens=None")
        if self.invert and self.output_mode != "int":
            raise ValueError(
                f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={output_mode!r}"
            )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(f"{type(self).__name__}: `idf_weights` needs a `vocabulary` that it is about.")

    # What differs between kinds of tokens

    def flat_tokens(self, x: Array) -> list[Any]:
        """All elements of x, in order, as tokens."""
        if not is_text(x) and x.size:
            raise ValueError(
                f"Input of {self.where()} must be strings.\n  received: an array of {x.dtype}\n"
                "  likely fix: IntegerLookup for whole numbers, Discretization for real ones"
            )
        return [t.decode(self.encoding) if isinstance(t, bytes) else t for t in x.ravel().tolist()]

    def oov_numbers(self, tokens: list[Any]) -> list[int]:
        """Which of the OOV numbers each token is given, from 0."""
        return [hash_of(str(t).encode(), self.salt) % self.num_oov_indices for t in tokens]

    # The vocabulary

    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    def _first_token(self) -> int:
        return self._first_oov() + self.num_oov_indices

    def special_tokens(self) -> list[Any]:
        """What stands before the tokens themselves."""
        return [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers; without the special ones where asked."""
        tokens = self._own_tokens()
        return self.special_tokens() + tokens if include_special_tokens else tokens

    def _own_tokens(self) -> list[Any]:
        special, tokens = self.special_tokens(), self.vocabulary or []
        return tokens[len(special) :] if tokens[: len(special)] == special else list(tokens)

    def vocabulary_size(self) -> int:
        """How many tokens there are, the special ones included."""
        return self._first_token() + len(self._own_tokens())

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replace the vocabulary.

        Args:
            vocabulary: tokens, with all special ones in front or without; or a text file, a token a line.
            idf_weights: in mode "tf_idf", and only there, a number for each entry of `vocabulary`.

        Raises:
            ValueError: for a vocabulary that is empty, too long, or has a token twice.
            RuntimeError: when the output's shape would change after the layer was used.
        """
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ValueError(
                f"{type(self).__name__}: `idf_weights` must be set if, and only if, `output_mode` is 'tf_idf'. "
                f"Received: output_mode={self.output_mode!r}, idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, (str, Path)):
            vocabulary = self._read(vocabulary)
        listed = isinstance(vocabulary, (list, tuple))  # where one long string must not make all of them long
        array = np.array(vocabulary, object) if listed else np.asarray(vocabulary)
        if array.ndim != 1 or array.size == 0:
            raise ValueError(
                f"{type(self).__name__}: `vocabulary` must be a list of tokens, and not empty. "
                f"Received: vocabulary={vocabulary!r}"
            )
        weights = None if idf_weights is None else np.asarray(idf_weights, "float64")
        if weights is not None and weights.shape != array.shape:
            raise ValueError(
                "`idf_weights` must be the same length as vocabulary. "
                f"Received: {weights.shape} weights for {len(array)} tokens"
            )
        self._replace(self.flat_tokens(array), weights)

    def _read(self, path: str | Path) -> list[str]:
        if not Path(path).is_file():
            raise ValueError(f"Vocabulary file {path} does not exist.")
        return Path(path).read_text(self.encoding).splitlines()

    def _replace(self, vocabulary: list[Any], weights: Array | None) -> None:
        """Take a vocabulary whole, or leave the old one."""
        special = self.special_tokens()
        complete = vocabulary[: len(special)] == special
        tokens = vocabulary[len(special) :] if complete else vocabulary
        reserved = [self.mask_token, self.oov_token if self.invert else None]
        check_tokens(tokens, special, reserved, self.max_tokens)
        size = len(special) + len(tokens)
        grows = self.output_mode != "int" and not self.pad_to_max_tokens
        if self.built and grows and self.vocabulary is not None and size != self.vocabulary_size():
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the vocabulary size "
                f"cannot be changed after the layer is called. Old vocab size is {self.vocabulary_size()}, new "
                f"vocab size is {size}"
            )
        self.vocabulary = list(vocabulary)
        self._numbers = {t: i for i, t in enumerate(tokens, len(special))}
        if self.mask_token is not None:
            self._numbers[self.mask_token] = 0 if self.output_mode == "int" else NO_MARK
        if weights is not None:
            weights = weights.astype(floatx())
            self.idf_weights = weights.tolist()
            front = 0 if complete else len(special)  # OOV tokens weigh as much as all do on average
            mean = weights.mean() if len(weights) else 0
            self.token_weights = np.pad(weights, (front, 0), constant_values=mean)

    # Learning a vocabulary

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent token first, of two as frequent the greater one.

        In mode "tf_idf" a token that stands in d of n documents weighs log(1 + n/(1 + d)).

        Args:
            data: an array or a list, whose first axis counts the documents, or an iterable of such.
            steps: at most so many batches.

        Raises:
            ValueError: when `vocabulary` was given, or there is no data.
        """
        self.reset_state()
        for batch in each_batch(data, steps, lists_are_arrays=True):
            x = as_numeric_or_text(batch, self.where())
            self.update_state(x[:, None] if batch is data and x.ndim == 1 else x)
        if not self._counts.tokens:
            raise ValueError("`adapt` received no data: at least one token is needed.")
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take one more batch into account; without the first axis it is one document."""
        x = as_numeric_or_text(data, self.where())
        tokens, rows = self.flat_tokens(x), len(x) if x.ndim > 1 else 1
        width = len(tokens) // max(rows, 1)
        self.count([tokens[i * width : (i + 1) * width] for i in range(rows)])

    def count(self, documents: list[list[Any]]) -> None:
        """Count the tokens of some documents."""
        if self._is_fixed:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via `vocabulary` argument."
            )
        self._counts.add(documents)

    def finalize_state(self) -> None:
        """Make the vocabulary from the batches so far."""
        if not self._counts.tokens:
            return
        limit = None if self.max_tokens is None else self.max_tokens - self._first_token()
        found = self._counts.most_frequent(limit, without=(self.mask_token, self.oov_token))
        weights = self._counts.inverse_frequencies(found) if self.output_mode == "tf_idf" else None
        self._replace(found, weights)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the batches so far."""
        self._counts = TokenCounts(by_document=self.output_mode == "tf_idf")

    # The pass

    def depth(self) -> int | None:
        if self.pad_to_max_tokens:
            return self.max_tokens
        return None if self.vocabulary is None else self.vocabulary_size()

    def output_type(self) -> DType:
        return np.dtype(floatx() if self.output_mode == "tf_idf" else "int64")

    def numbers_of(self, tokens: list[Any]) -> Array:
        """Each token's number.

        Raises:
            ValueError: without a vocabulary; for an OOV token where no number is kept for such.
        """
        self._check_vocabulary()
        find = self._numbers.get
        numbers = np.fromiter((find(t, OOV) for t in tokens), "int64", len(tokens))
        unknown = np.flatnonzero(numbers == OOV)
        if unknown.size == 0:
            return numbers
        strangers = [tokens[i] for i in unknown]
        if self.num_oov_indices == 0:
            raise ValueError(
                f"{self.where()}: when `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                f"{strangers[:5]}, consider setting `num_oov_indices=1`."
            )
        numbers[unknown] = self._first_oov()
        if self.num_oov_indices > 1:
            numbers[unknown] += self.oov_numbers(strangers)
        return numbers

    def _check_vocabulary(self) -> None:
        if self.vocabulary is None:
            raise ValueError(
                f"{self.where()} has no vocabulary yet: give `vocabulary`, or call `adapt(data)` first."
            )

    def encoded(self, numbers: Array) -> Array:
        """Numbers of tokens, (samples, n), in the output mode."""
        depth, weighs = self.depth(), self.token_weights if self.output_mode == "tf_idf" else None
        assert depth is not None
        mode = "count" if weighs is not None else self.output_mode
        y = encode(numbers, mode, depth, self.output_type())
        if weighs is not None:
            y *= np.pad(weighs, (0, depth - len(weighs)))  # how often times how rare
        return y

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        if self.invert:
            return self._inverted(x)
        return self.encoded(self.numbers_of(self.flat_tokens(x)).reshape(x.shape))

    def _inverted(self, x: Array) -> Array:
        """The tokens that some numbers stand for; the OOV token for numbers that stand for none."""
        self._check_vocabulary()
        tokens = np.array([*self.get_vocabulary(), self.oov_token], self.output_type())
        outside = (x < 0) | (x >= len(tokens))
        y: Array = tokens[np.where(outside, len(tokens) - 1, x).astype("int64")]
        return y

    def get_config(self) -> dict[str, Any]:
        """Keras' keys, and what `adapt` has learnt."""
        config = {n: serialize(getattr(self, n)) for n in self.config_names.split()}
        config["vocabulary_size"] = self.vocabulary_size()
        if self.vocabulary is not None and not self._is_fixed:
            config["has_input_vocabulary"] = False  # it was learnt, and can be learnt again
        return {**self.base_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new layer with the same vocabulary."""
        config = {k: v for k, v in config.items() if k != "vocabulary_size"}  # it follows from the rest
        is_fixed = config.pop("has_input_vocabulary", True)
        layer = super().from_config(config)
        if layer.vocabulary is not None and not is_fixed:  # learnt, so the special tokens are not among them
            layer._is_fixed = False
            special = len(layer.vocabulary) - len(layer._own_tokens())
            layer.vocabulary = layer.vocabulary[special:]
            layer.idf_weights = layer.idf_weights and layer.idf_weights[special:]
        return layer
