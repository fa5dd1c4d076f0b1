"""Weights for everybody else: `.npz`, which NumPy reads, and `.safetensors`, which many libraries read.

Both are flat: the key of an array is its path in a Keras file, such as layers/dense/vars/0.
"""

from __future__ import annotations

import io
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from minikeras.saving.configs import parse
from minikeras.saving.errors import LoadError
from minikeras.saving.files import Archive, zip_pieces
from minikeras.typing import Array

# safetensors' name of each type
NAMES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def npz_pieces(arrays: Mapping[str, Array]) -> Any:
    """The bytes of an `.npz` file."""
    return zip_pieces((f"{path}.npy", _npy(array)) for path, array in arrays.items())


def _npy(array: Array) -> list[Any]:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
    return [buffer.getvalue()]


def read_npz(data: bytes) -> dict[str, Array]:
    """The arrays of an `.npz` file.

    Raises:
        LoadError: for a damaged file, and for objects in it.
    """
    found = {}
    with Archive(io.BytesIO(data)) as archive:
        for name in archive.names:
            found[name.removesuffix(".npy")] = _read_npy(archive.read(name), name)
    return found


def _read_npy(data: bytes, name: str) -> Array:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise LoadError(f"{name}: .npy of version {version} is not read.")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    rest = memoryview(data)[file.tell() :]
    if dtype.kind not in "fiub" or dtype.itemsize * math.prod(shape) != len(rest):
        raise LoadError(f"{name}: {len(rest)} bytes are no array of shape {shape} of {dtype}.")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")


def safetensors_pieces(arrays: Mapping[str, Array]) -> list[Any]:
    """The bytes of a `.safetensors` file: the length of a JSON header, the header, the numbers."""
    types = {np.dtype(code): name for name, code in NAMES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "minikeras"}}
    pieces, start = [], 0
    for path, array in arrays.items():
        values = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        stop = start + values.nbytes
        kind = {"dtype": types[values.dtype], "shape": list(values.shape)}
        header[path] = {**kind, "data_offsets": [start, stop]}
        pieces.append(values.reshape(-1).view("u1").data)
        start = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [struct.pack("<Q", len(text)), text, *pieces]


def read_safetensors(data: bytes) -> dict[str, Array]:
    """The arrays of a `.safetensors` file, as views of its bytes.

    Raises:
        LoadError: for a damaged file.
    """
    length = struct.unpack_from("<Q", data)[0] if len(data) >= 8 else len(data)
    if length > len(data) - 8:
        raise LoadError("This is no safetensors file: its header is longer than the file.")
    found, total, values = {}, 0, memoryview(data)[8 + length :]
    for path, entry in parse(data[8 : 8 + length]).items():
        if path == "__metadata__":
            continue
        start, stop = entry["data_offsets"]
        shape = tuple(entry["shape"])
        half = entry["dtype"] == "BF16"
        dtype = np.dtype("<u2" if half else NAMES[entry["dtype"]])
        total += stop - start
        sized = all(type(n) is int and n >= 0 for n in (start, stop, *shape))
        if not sized or not start <= stop <= len(values) or total > len(values):
            raise LoadError(f"{path}: its numbers are not where they are said to be.")
        if stop - start != dtype.itemsize * math.prod(shape):
            raise LoadError(f"{path}: {stop - start} bytes are no array of shape {shape}.")
        array = np.frombuffer(values[start:stop], dtype).reshape(shape)
        found[path] = (array.astype("<u4") << 16).view("<f4") if half else array
    return found
