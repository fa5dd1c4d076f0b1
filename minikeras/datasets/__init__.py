"""Data sets to try things out with: `digits` comes with the package, the others are downloaded once.

Each has `load_data()`, which returns `(x_train, y_train), (x_test, y_test)` as NumPy arrays.
"""

from minikeras.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
