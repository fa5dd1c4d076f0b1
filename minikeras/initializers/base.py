"""What all initializers have in common."""

from __future__ import annotations

from collections.abc import Sequence

from minikeras.registry import Configurable
from minikeras.typing import Array, DTypeLike


class Initializer(Configurable):
    """Gives initial values. A subclass defines `__call__`."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """An array of this shape; dtype None means `floatx()`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, shape, dtype=None)`.")

    def clone(self) -> Initializer:
        """A new initializer from this one's config; an unseeded one then draws another seed."""
        return type(self).from_config(self.get_config())
