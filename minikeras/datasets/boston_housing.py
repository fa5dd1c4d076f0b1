"""Boston housing: the median price of houses in 506 suburbs in the 1970s, from 13 figures about each.

It is kept for comparison with old results. One of its figures was made up to show an effect of race on
prices; for anything new, take `california_housing`.

Source: D. Harrison, D. Rubinfeld, "Hedonic prices and the demand for clean air", 1978.
"""

from __future__ import annotations

from minikeras.datasets._files import ORIGIN, Split, fetch, load_table

SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Boston housing as `(x_train, y_train), (x_test, y_test)`; y in thousands of dollars.

    Args:
        path: the file's name in the folder of the data sets, or an absolute path.
        test_split: the share of the samples for testing.
        seed: of their order.

    Returns:
        x: float64 of shape (404, 13) and (102, 13).
        y: float64 of shape (404,) and (102,).

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file holds something else, or an argument is wrong.
    """
    return load_table(fetch(path, ORIGIN + "boston_housing.npz", SHA256), "Boston housing", test_split, seed)
