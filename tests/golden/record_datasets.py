"""Record how Keras shuffles, codes and splits small data sets, for tests/test_datasets_of_words_and_tables.py.

Run once with Keras 3.15.1 installed:  KERAS_BACKEND=jax python tests/golden/record_datasets.py
The functions above `main` know nothing of Keras: the test makes the same files.
"""

import importlib
import json
import tempfile
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("datasets.json")

# (data set, arguments of load_data)
CALLS = [
    ("imdb", {}),
    ("imdb", {"num_words": 12}),
    ("imdb", {"num_words": 12, "oov_char": None, "skip_top": 4}),
    ("imdb", {"start_char": None, "index_from": 0, "seed": 7}),
    ("imdb", {"start_char": None, "maxlen": 6, "skip_top": 5}),
    ("imdb", {"maxlen": 5, "start_char": 40, "oov_char": 41, "index_from": 10, "num_words": 20}),
    ("reuters", {}),
    ("reuters", {"num_words": 9, "test_split": 0.35, "seed": 0}),
    ("reuters", {"maxlen": 6, "start_char": None, "oov_char": None, "skip_top": 6}),
    ("reuters", {"start_char": None, "index_from": 0, "test_split": 0}),
    ("boston_housing", {}),
    ("boston_housing", {"test_split": 0.5, "seed": 2}),
    ("california_housing", {}),
    ("california_housing", {"version": "small", "test_split": 0.25, "seed": 1}),
]


def texts(count, seed):
    """Texts of 1 to 9 words from 1 to 19, as an array of lists."""
    draw = np.random.RandomState(seed)
    array = np.empty(count, object)
    for i in range(count):
        array[i] = draw.randint(1, 20, size=draw.randint(1, 10)).tolist()
    return array


def table(rows, columns):
    """Rows that can be told apart by any of their numbers."""
    x = np.arange(rows * columns, dtype=float).reshape(rows, columns)
    return {"x": x, "y": np.arange(rows) + 0.5}


def write_files(folder):
    """A small file for each data set, of the real one's name and format."""
    train, test = np.arange(14) % 2, np.arange(11) % 2
    np.savez(folder / "imdb.npz", x_train=texts(14, 1), y_train=train, x_test=texts(11, 2), y_test=test)
    np.savez(folder / "reuters.npz", x=texts(23, 3), y=np.arange(23))
    np.savez(folder / "boston_housing.npz", **table(17, 13))
    np.savez(folder / "california_housing.npz", **table(603, 8))


def as_json(data):
    """The four arrays as lists; of a table's rows, only the first numbers."""
    return [[a[:, 0].tolist() if a.ndim == 2 else a.tolist() for a in part] for part in data]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        results = []
        for dataset, arguments in CALLS:
            module = importlib.import_module(f"keras.src.datasets.{dataset}")
            module.get_file = lambda fname, folder=folder, **_: folder / fname
            results.append(as_json(module.load_data(**arguments)))
    FILE.write_text(json.dumps(results, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
