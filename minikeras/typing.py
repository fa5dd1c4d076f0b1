"""Names for the types that the annotations of this package use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
DType = np.dtype[Any]
Shape = tuple[int | None, ...]

__all__ = ["Array", "DType", "DTypeLike", "Shape"]
