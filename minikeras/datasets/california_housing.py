"""California housing: the median price of houses in 20,640 districts in 1990, from 8 figures about each.

The figures are longitude, latitude, median age of the houses, rooms, bedrooms, people, households, and
median income.

Source: R. K. Pace, R. Barry, "Sparse spatial autoregressions", 1997.
"""

from __future__ import annotations

from minikeras.datasets._files import ORIGIN, Split, fetch, load_table
from minikeras.errors import check_option

SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """California housing as `(x_train, y_train), (x_test, y_test)`; y in dollars.

    Args:
        version: "large" for all districts, "small" for the first 600.
        path: the file's name in the folder of the data sets, or an absolute path.
        test_split: the share of the samples for testing.
        seed: of their order.

    Returns:
        x: float32 of shape (16512, 8) and (4128, 8), or (480, 8) and (120, 8).
        y: float32 of shape (16512,) and (4128,), or (480,) and (120,).

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file holds something else, or an argument is wrong.
    """
    check_option("california_housing.load_data", "version", version, ("large", "small"))
    file = fetch(path, ORIGIN + "california_housing.npz", SHA256)
    return load_table(file, "California housing", test_split, seed, 600 if version == "small" else None)
