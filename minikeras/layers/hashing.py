"""Categories without a vocabulary: a hash of the name is the number."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.config import floatx
from minikeras.context import Context
from minikeras.errors import check_int, check_option
from minikeras.layers._hashes import check_salt, hash_of
from minikeras.layers.encoding import MODES, Encoder, encode
from minikeras.layers.inputs import is_text
from minikeras.typing import Array, DType


class Hashing(Encoder):
    """y = hash(x) mod num_bins: strings or whole numbers sorted into bins, always the same way.

    Two may share a bin. Numbers are hashed as they are written in digits, real ones without what
    is behind the point.

    Args:
        num_bins: how many bins there are.
        mask_value: what goes to bin 0, which it then has for itself.
        salt: one or two numbers that make the hash SipHash-2-4; FarmHash's Fingerprint64 when None.
        output_mode: "int", "one_hot", "multi_hot" or "count"; see `Encoder`.
        sparse: must be False, as there are no sparse arrays.
        dtype: of the output; int64 in mode "int", else `config.floatx()`.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: when `dtype` is no integer type in mode "int".
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        self.output_mode = check_option(self, "output_mode", output_mode, MODES)
        if dtype is None:
            dtype = "int64" if output_mode == "int" else floatx()
        super().__init__(dtype=dtype, **kwargs)
        self.num_bins = check_int(self, "num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = check_salt(self, salt)
        self.sparse = check_option(self, "sparse", sparse, (False,))
        if output_mode == "int":
            check_option(self, "dtype", self.dtype.name, ("int32", "int64"))

    @property
    def takes_text(self) -> bool:
        """Whether the input may be an array of strings: it may."""
        return True

    def depth(self) -> int:
        return self.num_bins

    def output_type(self) -> DType:
        return self.dtype

    def forward(self, x: Array, ctx: Context) -> Array:
        ctx.save()
        values = (x if is_text(x) else x.astype("int64")).ravel().tolist()
        has_mask = self.mask_value is not None and self.num_bins > 1
        bins = self.num_bins - has_mask
        found = {v: hash_of(_as_bytes(v), self.salt) % bins + has_mask for v in set(values)}
        numbers = np.array([found[v] for v in values], "int64").reshape(x.shape)
        if has_mask:
            numbers[self._masked(x)] = 0
        return encode(numbers, self.output_mode, self.num_bins, self.dtype)

    def _masked(self, x: Array) -> Array:
        """Where x is the mask value, in the shape of x."""
        masks = (self.mask_value, _as_bytes(self.mask_value))
        return np.array([v in masks for v in x.ravel().tolist()], bool).reshape(x.shape)


def _as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
