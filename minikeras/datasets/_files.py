"""What the data sets share: where their files are, how they are read, and how they are split.

Files of NumPy arrays hold nothing but numbers, and are read without `pickle`. Some of Keras' files are
older and hold pickled lists; they are read by an unpickler that knows arrays and plain containers only,
so a file from a stranger can do no harm.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from minikeras.errors import check_int, check_number
from minikeras.typing import Array
from minikeras.utils.files import cache_home, download

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

Split = tuple[tuple[Array, Array], tuple[Array, Array]]  # (x_train, y_train), (x_test, y_test)

# All that a pickled array refers to: NumPy 1 and 2, Python 2 and 3
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ),
    ("_codecs", "encode"),
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads arrays, numbers, strings, lists, tuples and dicts, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """One of the few constructors that arrays need.

        Raises:
            ValueError: for any other.
        """
        if (module, name) not in _ALLOWED:
            raise ValueError(f"it refers to {module}.{name}, which no array needs")
        # NumPy 2 has moved the module; its old name would give a warning.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def fetch(path: str, url: str, file_hash: str | None) -> str:
    """The file of this name in the folder of the data sets, downloaded first unless it is there."""
    file = os.path.join(cache_home(), "datasets", path)
    if not os.path.exists(file):
        download(url, file, file_hash)
    return file


def read_npz(file: str, what: str, names: Iterable[str], pickled: bool = False) -> dict[str, Array]:
    """Arrays of an .npz archive.

    Args:
        file: the archive.
        what: the name of the data set, for the error.
        names: of the arrays.
        pickled: whether arrays of lists are allowed.

    Raises:
        ValueError: when the archive does not hold them.
    """
    import zipfile  # the compression libraries take a while to import
    import zlib

    try:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no .npz archive")
        if not pickled:
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in names}
        with zipfile.ZipFile(file) as archive:
            found = {}
            for name in names:
                with archive.open(f"{name}.npy") as stream:
                    found[name] = _read_array(stream)
            return found
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, pickle.UnpicklingError) as error:
        raise corrupt(file, what, error) from error


def corrupt(file: str, what: str, problem: object) -> ValueError:
    """The error for a file that is not what it should be."""
    return ValueError(
        f"{file} does not hold {what}: {problem}\n"
        "  likely fix: delete the file; the next call downloads it anew."
    )


def _read_array(stream: IO[bytes]) -> Array:
    """One member of the archive, an array of numbers or of lists."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        return np.asarray(ArrayUnpickler(stream).load()).reshape(shape)
    count = int(np.prod(shape))
    data = stream.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C").copy()


def shuffled(rng: Any, *arrays: Array) -> list[Array]:
    """The arrays in one new order."""
    order = np.arange(len(arrays[0]))
    rng.shuffle(order)
    return [a[order] for a in arrays]


def old_generator(seed: int) -> Any:
    """The generator that Keras shuffles its data sets with, so that the order is the same."""
    return np.random.RandomState(check_int("load_data", "seed", seed, 0))


def check_test_split(test_split: float) -> float:
    """A share of the samples in [0, 1)."""
    share = check_number("load_data", "test_split", test_split, 0, 1)
    if share == 1:
        raise ValueError("load_data: `test_split` must be less than 1. Received: test_split=1")
    return share


def load_table(file: str, what: str, test_split: float, seed: int, rows: int | None = None) -> Split:
    """x and y of an archive, shuffled and split."""
    share, rng = check_test_split(test_split), old_generator(seed)
    arrays = read_npz(file, what, ("x", "y"))
    x, y = shuffled(rng, arrays["x"][:rows], arrays["y"][:rows])
    n = int(len(x) * (1 - share))
    return (x[:n].copy(), y[:n].copy()), (x[n:].copy(), y[n:].copy())
