"""Writes a tree as an HDF5 file: from the leaves to the root, as each address must be known before it is named."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from minikeras.saving.hdf5.tree import SIGNATURE, STRING, TYPES, UNDEFINED, Group, Hdf5Error
from minikeras.typing import Array

ENTRIES, CHILDREN = 8, 32  # of a symbol node; of a B-tree node, at least


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
        groups = list(tree.groups())
        self.children = max(CHILDREN, *(-(-len(g.members) // (2 * ENTRIES)) * 2 for g in groups))
        # strings of any length lie together, outside of the attributes that they belong to
        texts = (t for g in groups for v in g.attributes.values() for t in _texts(v) or ())
        self.strings = {text: i for i, text in enumerate(dict.fromkeys(texts), 1)}
        self.heap = self._put(self._global_heap())
        root, btree, heap = self._group(tree)
        entry = struct.pack("<QQIIQQ", 0, root, 1, 0, btree, heap)
        sizes = struct.pack("<8BHHI", 0, 0, 0, 0, 0, 8, 8, 0, ENTRIES // 2, self.children // 2, 0)
        addresses = struct.pack("<QQQQ", 0, UNDEFINED, self.position, UNDEFINED)
        self.chunks[0] = SIGNATURE + sizes + addresses + entry

    def _put(self, data: Any) -> int:
        """Append bytes; returns their address, a multiple of 8."""
        address, size = self.position, len(data)
        self.chunks += [data, bytes(-size % 8)]
        self.position += size + -size % 8
        return address

    def _global_heap(self) -> bytes:
        if not self.strings:
            return b""
        if len(self.strings) > 65000:
            raise Hdf5Error(f"{len(self.strings)} different strings in attributes are too many for one file.")
        objects = b"".join(struct.pack("<HHIQ", i, 1, 0, len(s)) + _pad(s) for s, i in self.strings.items())
        free = max(4096 - 16 - len(objects), 16)
        head = b"GCOL\1\0\0\0" + struct.pack("<Q", 16 + len(objects) + free)
        return head + objects + struct.pack("<HHIQ", 0, 0, 0, free) + bytes(free - 16)

    def _header(self, messages: Iterable[tuple[int, bytes]]) -> int:
        found = [(kind, _pad(data)) for kind, data in messages]
        body = b"".join(struct.pack("<HHB3x", kind, len(data), 0) + data for kind, data in found)
        return self._put(struct.pack("<BBHII4x", 1, 0, len(found), 1, len(body)) + body)

    def _group(self, group: Group) -> tuple[int, int, int]:
        """Write a group and all below; returns the addresses of its header, B-tree and local heap."""
        names, entries = bytearray(8), []  # the heap begins with the empty name
        for name in sorted(group.members, key=str.encode):
            if not name or "/" in name or "\0" in name:
                raise Hdf5Error(f"{name!r} cannot be a name: it is empty, or has a '/' in it.")
            member = group.members[name]
            if isinstance(member, Group):
                address, btree, heap = self._group(member)
                cached = struct.pack("<IIQQ", 1, 0, btree, heap)
            else:
                address, cached = self._dataset(member, name), bytes(24)
            entries.append((len(names), struct.pack("<QQ", len(names), address) + cached))
            names += _pad(name.encode() + b"\0")
        data = self._put(bytes(names))
        heap = self._put(b"HEAP\0\0\0\0" + struct.pack("<QQQ", len(names), 1, data))
        btree = self._btree(entries)
        attributes = [(0x0C, self._attribute(*item)) for item in group.attributes.items()]
        return self._header([(0x11, struct.pack("<QQ", btree, heap)), *attributes]), btree, heap

    def _btree(self, entries: list[tuple[int, bytes]]) -> int:
        """The names of a group in order: nodes of 8, and one node over them that is large enough for all."""
        parts = [entries[i : i + ENTRIES] for i in range(0, len(entries), ENTRIES)]
        tree = b"TREE" + struct.pack("<BBHQQQ", 0, 0, len(parts), UNDEFINED, UNDEFINED, 0)
        for part in parts:
            node = b"SNOD\1\0" + struct.pack("<H", len(part)) + b"".join(entry for _, entry in part)
            address = self._put(node.ljust(8 + 40 * ENTRIES, b"\0"))
            tree += struct.pack("<QQ", address, part[-1][0])  # a node, and its greatest name
        return self._put(tree.ljust(24 + 16 * self.children + 8, b"\0"))

    def _dataset(self, value: Any, name: str) -> int:
        array = _numbers(value, name)
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
            array = _numbers(value, name)
            shape, kind, data = array.shape, TYPES[array.dtype], array.tobytes()
        label, space = name.encode() + b"\0", _space(shape)
        message = struct.pack("<BBHHH", 1, 0, len(label), len(kind), len(space))
        message += _pad(label) + _pad(kind) + _pad(space) + data
        if len(message) > 65528:
            raise Hdf5Error(f"Attribute {name!r} has more than 64 kB.")
        return message


def _numbers(value: Any, name: str) -> Array:
    """A value as it lies in a file: little endian, row by row."""
    array = np.asarray(value)
    array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    if array.dtype not in TYPES:
        raise Hdf5Error(f"{name}: numbers of type {array.dtype} are not written.")
    return array


def _texts(value: Any) -> list[bytes] | None:
    """The strings of an attribute that is a string or a list of strings, else None."""
    texts = [value] if isinstance(value, str) else value
    listed = isinstance(texts, (list, tuple)) and texts and all(isinstance(t, str) for t in texts)
    return [t.encode() for t in texts] if listed else None


def _space(shape: tuple[int, ...]) -> bytes:
    """The message for a shape."""
    return struct.pack("<BBB5x", 1, len(shape), 0) + b"".join(struct.pack("<Q", n) for n in shape)
