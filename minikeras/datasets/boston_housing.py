"""Boston housing: 506 districts of Boston in the 1970s, 13 facts about each, and what a house costs.

The data set is here because much teaching material uses it. One of its columns ("B") is built on
the assumption that the skin colour of a district's people makes its price, which is reason enough
to prefer `california_housing` with version="small".

Source: D. Harrison, D. L. Rubinfeld, "Hedonic housing prices and the demand for clean air", Journal
of Environmental Economics and Management 5, 1978; the StatLib archive.
"""

from __future__ import annotations

from minikeras.datasets._files import SERVER, fetch
from minikeras.datasets._housing import read_table
from minikeras.datasets._splits import Split, check_seed, check_test_split

ORIGIN = SERVER + "boston_housing.npz"
SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Boston housing as `(x_train, y_train), (x_test, y_test)`.

    Args:
        path: the file's name in the folder `datasets/` of $MINIKERAS_HOME, else of $KERAS_HOME,
            else of ~/.keras; or an absolute path. A file that is there is used whatever its hash.
        test_split: the share of the samples that is for testing, at least 0 and less than 1.
        seed: of the order of the samples.

    Returns:
        x: float64 of shape (404, 13) and (102, 13), the facts as they are, not scaled.
        y: float64 of shape (404,) and (102,), the median price in thousands of dollars.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file there does not hold the data, the download has the wrong hash, or
            an argument is wrong.
    """
    owner = "boston_housing.load_data"
    test_split, seed = check_test_split(owner, test_split), check_seed(owner, seed)
    file = fetch(path, ORIGIN, SHA256)
    return read_table(file, "the Boston housing data", 13, None, test_split, seed)
