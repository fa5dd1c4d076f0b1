"""Cases of preprocessing layers: those with a gradient for the table of all layers, and the others."""

from __future__ import annotations

from typing import Any

import numpy as np
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
    case("Resizing", IMAGE, height=4, width=8),
    case("Resizing", IMAGE, height=9, width=3, interpolation="nearest"),
    case("Resizing", IMAGE, height=9, width=3, interpolation="bicubic"),
    case("Resizing", IMAGE, height=8, width=8, interpolation="lanczos3"),
    case("Resizing", IMAGE, height=3, width=9, interpolation="lanczos5", antialias=True),
    case("Resizing", IMAGE, height=2, width=3, antialias=True),
    case("Resizing", IMAGE, height=3, width=2, interpolation="bicubic", antialias=True),
    case("Resizing", IMAGE, height=4, width=9, crop_to_aspect_ratio=True),
    case("Resizing", IMAGE, height=4, width=9, pad_to_aspect_ratio=True, fill_value=0.5),
    case("Resizing", IMAGE, height=9, width=4, pad_to_aspect_ratio=True),
    case("Resizing", FIRST, height=4, width=9, data_format="channels_first"),
    case("CenterCrop", IMAGE, height=3, width=2),
    case("CenterCrop", IMAGE, height=4, width=9),
    case("CenterCrop", FIRST, height=3, width=2, data_format="channels_first"),
    case("RandomFlip", IMAGE, random=True),
    case("RandomFlip", IMAGE, random=True, mode="horizontal"),
    case("RandomFlip", FIRST, random=True, mode="vertical", data_format="channels_first"),
    case("RandomRotation", IMAGE, random=True, factor=0.2),
    case("RandomRotation", IMAGE, random=True, factor=0.3, fill_mode="constant", fill_value=0.5),
    case("RandomRotation", FIRST, random=True, factor=0.3, fill_mode="wrap", data_format="channels_first"),
    case("RandomZoom", IMAGE, random=True, height_factor=0.5),
    case("RandomZoom", IMAGE, random=True, height_factor=0.5, width_factor=(0.2, 0.4), fill_mode="nearest"),
    case("RandomTranslation", IMAGE, random=True, height_factor=0.5, width_factor=0.3),
    case(
        "RandomTranslation", IMAGE, random=True, height_factor=0.5, width_factor=0.3, interpolation="nearest"
    ),
    case("RandomCrop", IMAGE, random=True, height=3, width=2),
    case("RandomCrop", IMAGE, random=True, height=7, width=4),
    case("RandomContrast", IMAGE, random=True, factor=0.5, value_range=(-1, 1)),
    case("RandomBrightness", IMAGE, random=True, factor=0.3, value_range=(-1, 1)),
    case("RandomBrightness", FIRST, random=True, factor=0.3, data_format="channels_first"),
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

# name, arguments, the shape of the images: random layers with only one thing to draw
FIXED: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    *[
        ("RandomRotation", {"factor": (0.1, 0.1), "fill_mode": mode, "fill_value": 7.0}, IMAGE)
        for mode in ("reflect", "wrap", "constant", "nearest")
    ],
    ("RandomRotation", {"factor": (-0.3, -0.3), "interpolation": "nearest"}, IMAGE),
    ("RandomRotation", {"factor": (0.1, 0.1)}, (5, 4, 2)),
    ("RandomZoom", {"height_factor": (0.7, 0.7)}, IMAGE),
    (
        "RandomZoom",
        {"height_factor": (-0.4, -0.4), "width_factor": (0.9, 0.9), "fill_mode": "constant"},
        IMAGE,
    ),
    ("RandomTranslation", {"height_factor": (0.3, 0.3), "width_factor": (-0.25, -0.25)}, IMAGE),
    (
        "RandomTranslation",
        {"height_factor": (-0.9, -0.9), "width_factor": (0.5, 0.5), "fill_mode": "wrap"},
        IMAGE,
    ),
    ("RandomContrast", {"factor": (-0.6, 0.6)}, IMAGE),
    ("RandomContrast", {"factor": (-0.6, 0.6), "data_format": "channels_first"}, FIRST),
    ("RandomBrightness", {"factor": (0.3, 0.3)}, IMAGE),
    ("RandomBrightness", {"factor": (-0.3, -0.3), "value_range": (50, 200)}, (5, 4, 2)),
]


def image(shape: tuple[int, ...]) -> np.ndarray:
    """Images with values from 0 to 255."""
    return np.random.default_rng(len(shape)).uniform(0, 255, shape).astype("float32")


NUMBERS = np.random.default_rng(0).normal(3, 2, (40, 3)).round(3).tolist()

# name, arguments, what it is adapted to, x
LEARNERS: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("Normalization", {}, NUMBERS, NUMBERS[:3]),
    ("Normalization", {"axis": None}, NUMBERS, NUMBERS[:3]),
    ("Normalization", {"invert": True}, NUMBERS, NUMBERS[:3]),
    ("Discretization", {"num_bins": 4}, NUMBERS, NUMBERS[:9]),
    ("Discretization", {"num_bins": 3, "epsilon": 0.1}, NUMBERS, NUMBERS[:9]),
    ("Discretization", {"num_bins": 5, "output_mode": "one_hot"}, NUMBERS, [[3.0], [1.0], [9.0]]),
]
