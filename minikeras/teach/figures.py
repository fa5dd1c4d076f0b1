"""Matplotlib, which is an extra, imported when a figure is asked for and not before."""

from __future__ import annotations

import importlib
from typing import Any

from minikeras.markup import COLOURS


def matplotlib(module: str = "pyplot") -> Any:
    """A module of matplotlib.

    Raises:
        ImportError: without the extra; the message names it.
    """
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError('Charts need matplotlib: pip install "minikeras[teach]"') from error


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Any:
    """A new figure, and an array (rows, columns) of axes."""
    return matplotlib().subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **options)


def blue_to_orange() -> Any:
    """The colours of numbers of either sign, as in the heatmaps: blue below zero, orange above."""
    return matplotlib("colors").LinearSegmentedColormap.from_list("signed", [COLOURS[0], "white", COLOURS[1]])


def finish(figure: Any) -> Any:
    """The figure, taken out of pyplot's hands: a notebook shows it once, and memory is freed."""
    matplotlib().close(figure)
    return figure
