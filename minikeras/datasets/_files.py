"""What all data sets from the Internet share: fetching a file once, and reading it with suspicion.

A file that is there is used whatever its hash, so that one's own copy will do; a download must have
the right hash. Nothing in a file is ever run: where the format is a pickle, it is read by an
unpickler that can make arrays and plain containers and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from minikeras.typing import Array, DType
from minikeras.utils.files import cache_home, download

SERVER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def _dtype(kind: Any, align: int = False, copy: int = False) -> DType:
    """A dtype from a pickle: old ones have 0 and 1 where NumPy 2.4.0 to 2.4.4 want booleans."""
    return np.dtype(kind, align=bool(align), copy=bool(copy))


# An array pickles as a call of this function and a state to fill in; Python's own types need no names.
_reconstruct = np.empty(0).__reduce__()[0]
PICKLED_ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # the module's name before NumPy 2
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


def fetch(path: str, origin: str, file_hash: str | None = None) -> str:
    """Where the file lies: in the folder `datasets/` of the cache, downloaded if it is not there yet."""
    file = os.path.join(cache_home(), "datasets", path)
    if not os.path.exists(file):
        download(origin, file, file_hash)
    return file


@contextlib.contextmanager
def reading(file: str, name: str, expected: str) -> Iterator[None]:
    """Turn whatever goes wrong with a file's contents into one error that names the file.

    Damaged data raise nearly anything; only the operating system's errors, which have a number, are
    about something else.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise ValueError(
            f"{file} does not hold {name}: {reason}\n"
            f"  expected: {expected}\n"
            "  likely fix: delete the file; the next call downloads it anew."
        ) from error


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of arrays, numbers, strings, lists, tuples and dicts; refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLED_ARRAYS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")
        return PICKLED_ARRAYS[module, name]


def read_npz(file: str, names: Sequence[str], objects: Sequence[str] = ()) -> dict[str, Array]:
    """Arrays of an .npz archive; those in `objects` are arrays of Python objects."""
    import zipfile  # the compression libraries take a while to import

    if not zipfile.is_zipfile(file):
        raise ValueError("it is no .npz archive")
    with np.load(file, allow_pickle=False) as archive:
        arrays: dict[str, Array] = {name: archive[name] for name in names}
        for name in objects:
            arrays[name] = _read_objects(io.BytesIO(archive.zip.read(f"{name}.npy")))
    return arrays


def _read_objects(stream: IO[bytes]) -> Array:
    """An array of Python objects: a header like that of any .npy file, then a pickle."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    dtype = header(stream)[2]
    if dtype != np.dtype(object):
        raise ValueError(f"its sequences are of type {dtype}, not object")
    array = ArrayUnpickler(stream).load()
    if not isinstance(array, np.ndarray):
        raise ValueError(f"it holds a {type(array).__name__} where an array should be")
    return array
