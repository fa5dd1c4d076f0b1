"""The two data sets of house prices: a table of numbers, and one price for each row."""

from __future__ import annotations

from minikeras.datasets._files import read_npz, reading
from minikeras.datasets._splits import Split, shuffled, split


def read_table(file: str, name: str, columns: int, rows: int | None, test_split: float, seed: int) -> Split:
    """The first `rows` rows (None: all) in a random order, the last of them for testing."""
    expected = f"an .npz archive of the float arrays x, (samples, {columns}), and y, (samples,)"
    with reading(file, name, expected):
        arrays = read_npz(file, ("x", "y"))
        x, y = arrays["x"], arrays["y"]
        if x.ndim != 2 or x.shape[1] != columns or y.shape != x.shape[:1]:
            raise ValueError(f"x has shape {x.shape} and y {y.shape}")
        if x.dtype.kind != "f" or y.dtype.kind != "f":
            raise ValueError(f"x has type {x.dtype} and y {y.dtype}")
    x, y = x[:rows], y[:rows]
    [order] = shuffled(seed, len(x))
    return split(x[order], y[order], test_split)
