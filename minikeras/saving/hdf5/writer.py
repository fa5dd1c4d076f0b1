"""Writes a tree as an HDF5 file: from the leaves to the root, as each address must be known before it is named."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from minikeras.saving.hdf5.tree import SIGNATURE, STRING, TYPES, UNDEFINED, Group, Hdf5Error
from minikeras.typing import Array

ENTRIES, CHILDREN = 8, 32  # of a symbol node, of a B-tree node
NODE_SIZE = 24 + 16 * CHILDREN + 8  # 544 bytes, used or not


def save(path: str | os.PathLike[str], tree: Group) -> None:
    """Write a tree to a file."""
    with open(path, "wb") as file:
        file.writelines(chunks(tree))


def chunks(tree: Group) -> list[Any]:
    """The file's bytes, in pieces; arrays are not copied.

    Raises:
        Hdf5Error: for arrays and attributes of a type that is not written here, and for attributes of
            more than 64 kB (HDF5's own limit).
    """
    return _Writer(tree).chunks


def _pad(data: bytes) -> bytes:
    """Zeros added, up to a multiple of 8 bytes."""
    return data + bytes(-len(data) % 8)


class _Writer:
    def __init__(self, tree: Group) -> None:
        self.chunks: list[Any] = [b""]  # the superblock's place
        self.position = 96
        self.strings: dict[bytes, int] = {}  # -> its index in the global heap
        self._collect_strings(tree)
        self.heap = self._put(self._global_heap())
        root, btree, heap = self._group(tree)
        entry = struct.pack("<QQIIQQ", 0, root, 1, 0, btree, heap)
        sizes = struct.pack("<8BHHI", 0, 0, 0, 0, 0, 8, 8, 0, ENTRIES // 2, CHILDREN // 2, 0)
        addresses = struct.pack("<QQQQ", 0, UNDEFINED, self.position, UNDEFINED)
        self.chunks[0] = SIGNATURE + sizes + addresses + entry

    def _put(self, data: Any) -> int:
        """Append bytes; returns their address, a multiple of 8."""
        address, size = self.position, len(data)
        self.chunks += [data, bytes(-size % 8)]
        self.position += size + -size % 8
        return address

    def _collect_strings(self, group: Group) -> None:
        """Strings of any length lie together, outside of the attributes that they belong to."""
        for value in group.attributes.values():
            for text in _texts(value) or ():
                self.strings.setdefault(text, len(self.strings) + 1)
        for member in group.members.values():
            if isinstance(member, Group):
                self._collect_strings(member)

    def _global_heap(self) -> bytes:
        if not self.strings:
            return b""
        if len(self.strings) > 65000:
            raise Hdf5Error(f"{len(self.strings)} different strings in attributes are too many for one file.")
        objects = b"".join(struct.pack("<HHIQ", i, 1, 0, len(s)) + _pad(s) for s, i in self.strings.items())
        free = max(4096 - 16 - len(objects), 16)
        end = struct.pack("<HHIQ", 0, 0, 0, free)
        head = b"GCOL\1\0\0\0" + struct.pack("<Q", 16 + len(objects) + free)
        return head + objects + end + bytes(free - 16)

    def _header(self, messages: Iterable[tuple[int, bytes]]) -> int:
        found = [(kind, _pad(data)) for kind, data in messages]
        body = b"".join(struct.pack("<HHB3x", kind, len(data), 0) + data for kind, data in found)
        return self._put(struct.pack("<BBHII4x", 1, 0, len(found), 1, len(body)) + body)

    def _group(self, group: Group) -> tuple[int, int, int]:
        """Write a group and all below; returns the addresses of its header, B-tree and local heap."""
        members = sorted((name.encode(), member) for name, member in group.members.items())
        names, entries = bytearray(8), []  # the heap begins with the empty name
        for name, member in members:
            if not name or b"/" in name or b"\0" in name:
                raise Hdf5Error(f"{name.decode()!r} cannot be a name: it is empty, or has a '/' in it.")
            if isinstance(member, Group):
                address, btree, heap = self._group(member)
                cached = struct.pack("<IIQQ", 1, 0, btree, heap)
            else:
                address, cached = self._dataset(np.asarray(member), name), bytes(24)
            entries.append((len(names), struct.pack("<QQ", len(names), address) + cached))
            names += _pad(name + b"\0")
        data = self._put(bytes(names))
        heap = self._put(b"HEAP\0\0\0\0" + struct.pack("<QQQ", len(names), 1, data))
        btree = self._btree(entries)
        attributes = [(0x0C, self._attribute(*item)) for item in group.attributes.items()]
        return self._header([(0x11, struct.pack("<QQ", btree, heap)), *attributes]), btree, heap

    def _btree(self, entries: list[tuple[int, bytes]]) -> int:
        """The names of a group in order: nodes of 8, found through levels of nodes of 32."""
        children: list[tuple[int, int]] = []  # (its greatest name, its address)
        for i in range(0, len(entries), ENTRIES):
            part = entries[i : i + ENTRIES]
            node = b"SNOD\1\0" + struct.pack("<H", len(part)) + b"".join(entry for _, entry in part)
            children.append((part[-1][0], self._put(node.ljust(8 + 40 * ENTRIES, b"\0"))))
        level = 0
        while True:
            parts = [children[i : i + CHILDREN] for i in range(0, len(children), CHILDREN)] or [[]]
            above: list[tuple[int, int]] = []
            first, lowest = self.position, 0
            for i, below in enumerate(parts):
                left = first + (i - 1) * NODE_SIZE if i else UNDEFINED
                right = first + (i + 1) * NODE_SIZE if i + 1 < len(parts) else UNDEFINED
                node = b"TREE" + struct.pack("<BBHQQQ", 0, level, len(below), left, right, lowest)
                node += b"".join(struct.pack("<QQ", address, name) for name, address in below)
                lowest = below[-1][0] if below else 0
                above.append((lowest, self._put(node.ljust(NODE_SIZE, b"\0"))))
            if len(above) == 1:
                return above[0][1]
            children, level = above, level + 1

    def _dataset(self, array: Array, name: bytes) -> int:
        array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        if array.dtype not in TYPES:
            raise Hdf5Error(f"{name.decode()}: arrays of type {array.dtype} are not written.")
        address = self._put(array.reshape(-1).view("u1").data) if array.size else UNDEFINED
        layout = struct.pack("<BBQQ", 3, 1, address, array.nbytes)
        fill = b"\2\2\2\1\0\0\0\0"
        return self._header([(1, _space(array.shape)), (3, TYPES[array.dtype]), (5, fill), (8, layout)])

    def _attribute(self, name: str, value: Any) -> bytes:
        texts = _texts(value)
        if texts is not None:
            shape: tuple[int, ...] = () if isinstance(value, str) else (len(texts),)
            kind = STRING
            data = b"".join(struct.pack("<IQI", len(t), self.heap, self.strings[t]) for t in texts)
        else:
            array = np.asarray(value)
            array = array.astype(array.dtype.newbyteorder("<"))
            if array.dtype not in TYPES:
                raise Hdf5Error(f"Attribute {name!r} of type {array.dtype} is not written.")
            shape, kind, data = array.shape, TYPES[array.dtype], array.tobytes()
        label, space = name.encode() + b"\0", _space(shape)
        message = struct.pack("<BBHHH", 1, 0, len(label), len(kind), len(space))
        message += _pad(label) + _pad(kind) + _pad(space) + data
        if len(message) > 65528:
            raise Hdf5Error(f"Attribute {name!r} has more than 64 kB.")
        return message


def _texts(value: Any) -> list[bytes] | None:
    """The strings of an attribute that is a string or a list of strings, else None."""
    if isinstance(value, str):
        return [value.encode()]
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, str) for v in value):
        return [v.encode() for v in value]
    return None


def _space(shape: tuple[int, ...]) -> bytes:
    """The message for a shape."""
    return struct.pack("<BBB5x", 1, len(shape), 0) + b"".join(struct.pack("<Q", n) for n in shape)
