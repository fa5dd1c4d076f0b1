"""Names of layers: `Conv2D` becomes conv2d, conv2d_1, conv2d_2 ... as in Keras.

The counters run as long as the program; `minikeras.utils.clear_session()` starts them anew.
"""

from __future__ import annotations

import re
from collections import Counter

_counters: Counter[str] = Counter()


def to_snake_case(name: str) -> str:
    """CamelCase to snake_case by Keras' rule: `MaxPooling2D` to max_pooling2d, `ReLU` to re_lu."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """The next free automatic name for an object of this class."""
    base = to_snake_case(class_name)
    count = _counters[base]
    _counters[base] += 1
    return f"{base}_{count}" if count else base


def reset_names() -> None:
    """Start all counters of automatic names at zero again."""
    _counters.clear()
