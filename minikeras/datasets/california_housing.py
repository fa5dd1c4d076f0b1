"""California housing: 20,640 districts of the 1990 census, 8 facts about each, and what a house costs.

The columns: median income, median age of the houses, rooms and bedrooms per household, population,
people per household, latitude, longitude.

Source: R. K. Pace, R. Barry, "Sparse Spatial Autoregressions", Statistics and Probability Letters 33,
1997; the StatLib archive.
"""

from __future__ import annotations

from minikeras.datasets._files import SERVER, fetch
from minikeras.datasets._housing import read_table
from minikeras.datasets._splits import Split, check_seed, check_test_split
from minikeras.errors import check_option

ORIGIN = SERVER + "california_housing.npz"
SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"

SMALL = 600  # samples of the small version


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """California housing as `(x_train, y_train), (x_test, y_test)`.

    Args:
        version: "large" for all 20,640 samples, "small" for the first 600.
        path: the file's name in the folder `datasets/` of $MINIKERAS_HOME, else of $KERAS_HOME,
            else of ~/.keras; or an absolute path. A file that is there is used whatever its hash.
        test_split: the share of the samples that is for testing, at least 0 and less than 1.
        seed: of the order of the samples.

    Returns:
        x: floats of shape (16512, 8) and (4128, 8), or (480, 8) and (120, 8); not scaled.
        y: floats of shape (16512,) and (4128,), or (480,) and (120,), the median price in dollars.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file there does not hold the data, the download has the wrong hash, or
            an argument is wrong.
    """
    owner = "california_housing.load_data"
    check_option(owner, "version", version, ("small", "large"))
    test_split, seed = check_test_split(owner, test_split), check_seed(owner, seed)
    file = fetch(path, ORIGIN, SHA256)
    rows = SMALL if version == "small" else None
    return read_table(file, "the California housing data", 8, rows, test_split, seed)
