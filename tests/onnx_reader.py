"""Reads ONNX files, independently of what writes them: only as much as the tests look at."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import Any

import numpy as np

TYPES = {1: "<f4", 2: "u1", 6: "<i4", 7: "<i8", 9: "?", 11: "<f8"}


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next one begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def fields(data: bytes) -> dict[int, list[Any]]:
    """The values of each field, in their order."""
    found, at = defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
            value = signed(value)
        elif kind == 5:
            (value,) = struct.unpack_from("<f", data, at)
            at += 4
        else:
            assert kind == 2, kind
            size, at = varint(data, at)
            assert at + size <= len(data)
            value, at = data[at : at + size], at + size
        found[key >> 3].append(value)
    return found


def text(values: list[bytes]) -> str:
    return values[0].decode() if values else ""


def read_tensor(data: bytes) -> tuple[str, np.ndarray]:
    f = fields(data)
    return text(f[8]), np.frombuffer(f[9][0], TYPES[f[2][0]]).reshape(f[1])


def read_attribute(data: bytes) -> tuple[str, Any]:
    f = fields(data)
    readers = {
        1: lambda: f[2][0],
        2: lambda: f[3][0],
        3: lambda: f[4][0].decode(),
        4: lambda: read_tensor(f[5][0])[1],
        5: lambda: read_graph(f[6][0]),
        7: lambda: f[8],
        8: lambda: [v.decode() for v in f[9]],
    }
    return text(f[1]), readers[f[20][0]]()


def read_value(data: bytes) -> tuple[str, str, list[Any] | None]:
    """Name, type and sizes (numbers, or names of sizes that are open)."""
    f = fields(data)
    tensor = fields(fields(f[2][0])[1][0])
    sizes = None
    if tensor[2]:
        dims = (fields(dim) for dim in fields(tensor[2][0])[1])
        sizes = [dim[1][0] if dim[1] else text(dim[2]) for dim in dims]
    return text(f[1]), np.dtype(TYPES[tensor[1][0]]).name, sizes


def read_graph(data: bytes) -> dict[str, Any]:
    f = fields(data)
    nodes = []
    for node in map(fields, f[1]):
        inputs, outputs = ([v.decode() for v in node[n]] for n in (1, 2))
        nodes.append((text(node[4]), inputs, outputs, dict(map(read_attribute, node[5]))))
    return {
        "nodes": nodes,
        "name": text(f[2]),
        "constants": dict(map(read_tensor, f[5])),
        "inputs": list(map(read_value, f[11])),
        "outputs": list(map(read_value, f[12])),
    }


def read_model(data: bytes) -> dict[str, Any]:
    f = fields(data)
    opset = fields(f[8][0])
    pairs = map(fields, f[14])
    return {
        "ir": f[1][0],
        "producer": text(f[2]),
        "opset": (text(opset[1]), opset[2][0]),
        "metadata": {text(pair[1]): text(pair[2]) for pair in pairs},
        "graph": read_graph(f[7][0]),
    }


def operators(graph: dict[str, Any]) -> list[Any]:
    """The operators in their order; those of a loop's body in a list after the loop."""
    found: list[Any] = []
    for op, _, _, attributes in graph["nodes"]:
        found.append(op)
        found += [operators(value) for value in attributes.values() if isinstance(value, dict)]
    return found


def check_names(graph: dict[str, Any], outer: frozenset[str] = frozenset()) -> None:
    """Each name is made once, and before it is used."""
    known = set(outer)
    for name in [*graph["constants"], *(name for name, _, _ in graph["inputs"])]:
        assert name not in known, name
        known.add(name)
    for op, inputs, outputs, attributes in graph["nodes"]:
        assert known.issuperset(filter(None, inputs)), (op, inputs)
        for value in attributes.values():
            if isinstance(value, dict):
                check_names(value, frozenset(known))
        assert known.isdisjoint(outputs), outputs
        known.update(outputs)
    assert known.issuperset(name for name, _, _ in graph["outputs"])
