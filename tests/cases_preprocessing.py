"""Cases of preprocessing layers: those with a gradient for the table of all layers, and the others."""

from __future__ import annotations

from typing import Any

from case import Case, case

IMAGE, FIRST = (2, 6, 5, 3), (2, 3, 6, 5)


def adapted(layers: Any, **kwargs: Any) -> Any:
    return layers.Normalization(axis=[1, -1], **kwargs)


PREPROCESSING = [
    case("Rescaling", (3, 4), scale=0.5, offset=-1.0),
    case("Rescaling", (3, 2, 4), scale=[1.0, 2.0, 3.0, 4.0], offset=[0.5, 1.0, 0.0, 2.0]),
    case("Normalization", (3, 4), mean=[1.0, 2.0, 3.0, 4.0], variance=[0.5, 0.0, 4.0, 9.0]),
    case("Normalization", (3, 2, 4), axis=None, mean=0.5, variance=4.0),
    case("Normalization", (3, 2, 4), mean=[1.0, 2.0, 3.0, 4.0], variance=[0.5, 1.0, 4.0, 9.0], invert=True),
    Case(adapted, (3, 2, 4), id="Normalization(axis=[1, -1])"),
]

# name, arguments, x: integers or reals; for layers that have no gradient
ENCODERS: list[tuple[str, dict[str, Any], Any]] = [
    ("CategoryEncoding", {"num_tokens": 4}, [[0, 3, 3], [2, 2, 2]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[0], [3], [2]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[0, 1], [3, 3], [2, 0]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [[0, 3, 3], [2, 2, 2]]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [1, 1, 3]),
    ("CategoryEncoding", {"num_tokens": 3}, [[[0, 1], [0, 2]], [[1, 1], [2, 2]]]),
    ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0]}, [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]),
    (
        "Discretization",
        {"bin_boundaries": [0.0, 1.0], "output_mode": "one_hot"},
        [[-1.5], [0.5], [1.0]],
    ),
    (
        "Discretization",
        {"bin_boundaries": [0.0, 1.0], "output_mode": "multi_hot"},
        [[-1.5, 0.5], [0.5, 0.6]],
    ),
    ("Discretization", {"bin_boundaries": [0.0, 1.0], "output_mode": "count"}, [[-1.5, 0.5], [0.5, 0.6]]),
]
