"""Reads an HDF5 file into a tree, trusting nothing in it.

Every number that says where or how much is checked against the file's size. Each structure may be
met once only, so a file cannot lead the reader around in circles or make little data look like much.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from minikeras.saving.hdf5.tree import SIGNATURE, TYPES, UNDEFINED, Group, Hdf5Error
from minikeras.typing import Array

DEPTH = 64  # of groups in groups
SHAPE, TYPE, LAYOUT, ATTRIBUTE, MORE, MEMBERS = 0x01, 0x03, 0x08, 0x0C, 0x10, 0x11  # kinds of messages
IGNORED = {0x00, 0x04, 0x05, 0x0D, 0x0E, 0x12, 0x16}  # padding, fill values, comments, times, counts
KINDS = {SHAPE, TYPE, LAYOUT, ATTRIBUTE, MORE, MEMBERS, *IGNORED}
FEATURES = {0x02: "newer groups", 0x06: "newer groups", 0x0A: "newer groups", 0x15: "many attributes"}
FEATURES |= {0x07: "data in other files", 0x0B: "compression"}
REPACK = "If you trust the file, minikeras.saving.repack(source, target) makes a plain one of it."


def load(path: str | os.PathLike[str]) -> Group:
    """Read a file; see `loads`."""
    return loads(Path(path).read_bytes())


def loads(data: Any) -> Group:
    """Read a file's bytes. The arrays of the tree are read-only views of them.

    Raises:
        Hdf5Error: for what is broken, or uses a feature that is not read here.
    """
    return _Reader(memoryview(data).toreadonly()).root()


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.met: set[int] = set()  # addresses of the structures read so far
        self.left = 2 * len(data)  # how many bytes of arrays, heaps and strings may still come
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}

    def unpack(self, layout: str, address: int) -> tuple[Any, ...]:
        return struct.unpack_from("<" + layout, self.part(address, struct.calcsize("<" + layout)))

    def part(self, address: int, size: int) -> bytes | memoryview:
        if address + size > len(self.data):  # asked very often
            raise Hdf5Error(f"Damaged: {size} bytes at {address} in a file of {len(self.data)} bytes.")
        return self.data[address : address + size]

    def enter(self, address: int, signature: bytes = b"") -> None:
        """Begin to read a structure; each only once."""
        _check(self.part(address, len(signature)) == signature, f"Damaged: no {signature!r} at {address}.")
        _check(address not in self.met, f"The object at {address} has two names: links are not read.")
        self.met.add(address)

    def take(self, address: int, size: int) -> bytes | memoryview:
        """A part that is paid for: all that is taken of a file is no more than it has, give or take."""
        self.left -= size
        _check(self.left >= 0, "The contents are larger than the file: parts of it are used more than once.")
        return self.part(address, size)

    def root(self) -> Group:
        _check(self.data[:8] == SIGNATURE, "This is no HDF5 file.")
        version, sizes, base = self.unpack("B4xH9xQ", 8)
        _check((version, sizes, base) == (0, 0x0808, 0), f"Superblock {version} is not read. {REPACK}")
        root = self.object(self.unpack("Q", 64)[0], "/", 0)
        if not isinstance(root, Group):
            raise Hdf5Error("Damaged: the root is no group.")
        return root

    def object(self, address: int, path: str, depth: int) -> Group | Array:
        _check(depth <= DEPTH, f"Groups are nested more than {DEPTH} deep.")
        messages = self.messages(address, path)
        attributes = dict(self.attribute(a, path) for a in messages.get(ATTRIBUTE, ()))
        if MEMBERS in messages:
            group = Group(attributes=attributes)
            btree, heap = self.unpack("QQ", messages[MEMBERS][0])
            for name, target in self.entries(btree, heap, path):
                _check(name not in group.members, f"Two members of {path} are called {name!r}.")
                group.members[name] = self.object(target, f"{path}{name}/", depth + 1)
            return group
        _check({SHAPE, TYPE, LAYOUT} <= messages.keys(), f"{path} is neither a group nor an array.")
        return self.array(messages, attributes.get("dtype"), path)

    def messages(self, address: int, path: str) -> dict[int, list[int]]:
        """The addresses of an object's messages, by kind."""
        self.enter(address)
        version, total, size = self.unpack("BxHxxxxI", address)
        _check(version == 1, f"{path}: an object header of version {version} is not read. {REPACK}")
        found: dict[int, list[int]] = {}
        blocks = [(address + 16, size)]
        for start, length in blocks:
            end = start + length
            while start + 8 <= end and total > 0:
                kind, size, flags = self.unpack("HHB", start)
                total -= 1
                feature = FEATURES.get(kind, f"a message of kind {kind}, or one shared with others")
                _check(kind in KINDS and not flags & 2, f"{path}: {feature}: not read. {REPACK}")
                _check(start + 8 + size <= end, f"{path}: a message is cut off.")
                if kind == MORE:
                    self.enter(self.unpack("Q", start + 8)[0])
                    blocks.append(self.unpack("QQ", start + 8))
                else:
                    found.setdefault(kind, []).append(start + 8)
                start += 8 + size
        return found

    def entries(self, btree: int, heap: int, path: str) -> list[tuple[str, int]]:
        """Names and addresses of a group's members."""
        self.enter(heap, b"HEAP")
        size, _, start = self.unpack("QQQ", heap + 8)
        names = bytes(self.take(start, size))
        found, nodes = [], [btree]
        for node in nodes:
            if bytes(self.part(node, 4)) == b"TREE":
                self.enter(node)
                kind, _, used = self.unpack("BBH", node + 4)
                _check(kind == 0, f"{path}: chunks are not read. {REPACK}")
                nodes += [self.unpack("Q", node + 32 + 16 * i)[0] for i in range(used)]
                continue
            self.enter(node, b"SNOD")
            for i in range(self.unpack("H", node + 6)[0]):
                name, target, cached = self.unpack("QQI", node + 8 + 40 * i)
                end = names.find(b"\0", name)
                _check(cached != 2 and target != UNDEFINED, f"{path}: links to other places are not read.")
                _check(0 < name < end, f"{path}: a name is damaged.")
                found.append((names[name:end].decode(errors="replace"), target))
        return found

    def array(self, messages: dict[int, list[int]], label: Any, path: str) -> Array:
        shape, kind, layout = self.shape(messages[SHAPE][0]), messages[TYPE][0], messages[LAYOUT][0]
        version, place = self.unpack("BB", layout)
        _check(version == 3 and place <= 1, f"{path}: chunked data are not read. {REPACK}")
        # the numbers follow at once, or are elsewhere
        address, size = (
            self.unpack("QQ", layout + 2) if place else (layout + 4, *self.unpack("H", layout + 2))
        )
        if label == "bfloat16" and self.unpack("BxxxI", kind) == (0x15, 2):  # upper halves of float32 numbers
            halves = self.numbers(np.dtype("<u2"), shape, address, size, path)
            return (halves.astype("<u4") << 16).view("<f4")
        return self.numbers(self.dtype(kind, path), shape, address, size, path)

    def numbers(self, dtype: Any, shape: tuple[int, ...], address: int, size: int, path: str) -> Array:
        fits = math.prod(shape) * dtype.itemsize == size and (size == 0 or address != UNDEFINED)
        _check(fits, f"{path}: an array of shape {shape} of {dtype} is said to have {size} bytes.")
        if size == 0:
            return np.empty(shape, dtype)
        return np.frombuffer(self.take(address, size), dtype).reshape(shape)

    def dtype(self, address: int, path: str) -> Any:
        kind = self.unpack("B", address)[0] & 0x0F
        code = bytes([0x10 | kind]) + self.data[address + 1 : address + 44]  # whatever its version
        for dtype, known in TYPES.items():
            if code.startswith(known):
                return dtype
        raise Hdf5Error(f"{path}: numbers of this type are not read (class {kind}).")

    def shape(self, address: int) -> tuple[int, ...]:
        version, rank, _, kind = self.unpack("4B", address)
        _check(version in (1, 2) and rank <= 32, f"Damaged: a shape of version {version}, {rank} axes.")
        if version == 2 and kind == 2:
            return (0,)
        return self.unpack(f"{rank}Q", address + (8 if version == 1 else 4))

    def attribute(self, address: int, path: str) -> tuple[str, Any]:
        version, name_size, type_size, space_size = self.unpack("BxHHH", address)
        _check(version in (1, 3), f"{path}: attributes of version {version} are not read. {REPACK}")
        pad = 8 if version == 1 else 1
        name = address + (8 if version == 1 else 9)
        kind = name + name_size + -name_size % pad
        space = kind + type_size + -type_size % pad
        data = space + space_size + -space_size % pad
        label = self.text(name, name_size)
        shape = self.shape(space)
        code, bits, length = self.unpack("BBxxI", kind)
        if code & 0x0F == 9 and bits & 0x0F == 1:
            return label, self.strings(data, shape, 16, self.heap_string)
        if code & 0x0F == 3:
            return label, self.strings(data, shape, length, self.text)
        dtype = self.dtype(kind, f"{path} attribute {label!r}")
        return label, self.numbers(dtype, shape, data, math.prod(shape) * dtype.itemsize, path)

    def strings(self, address: int, shape: tuple[int, ...], step: int, read: Any) -> Any:
        _check(len(shape) <= 1, "Attributes with tables of strings are not read.")
        count = shape[0] if shape else 1
        self.take(address, count * max(step, 1))
        found = [read(address + i * step, step) for i in range(count)]
        return found if shape else found[0]

    def text(self, address: int, size: int) -> str:
        return bytes(self.part(address, size)).split(b"\0")[0].decode(errors="replace")

    def heap_string(self, address: int, _: int) -> str:
        size, heap, index = self.unpack("IQI", address)
        if size == 0:
            return ""
        start, most = self.heap(heap).get(index, (0, 0))
        _check(size <= most, "Damaged: a string is not where it is said to be.")
        self.take(start, size)
        return self.text(start, size)

    def heap(self, address: int) -> dict[int, tuple[int, int]]:
        """Where the strings of a global heap are: {index: (address, size)}."""
        if address in self.heaps:
            return self.heaps[address]
        self.enter(address, b"GCOL")
        size = self.unpack("Q", address + 8)[0]
        self.take(address, size)
        found, start, index = self.heaps.setdefault(address, {}), address + 16, 1
        while index and start + 16 <= address + size:
            index, length = self.unpack("HxxxxxxQ", start)
            found[index] = (start + 16, length)  # number 0 is the free rest
            start += 16 + length + -length % 8
        return found


def _check(condition: bool, problem: str) -> None:
    if not condition:
        raise Hdf5Error(problem)
