"""What is in an HDF5 file: groups in groups, arrays at the leaves; and how numbers are described.

A number's type is a short string of bytes in the file. Reader and writer share one table of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minikeras.typing import Array, DType

UNDEFINED = 2**64 - 1  # the address of what is not there
SIGNATURE = b"\x89HDF\r\n\x1a\n"


class Hdf5Error(ValueError):
    """A file that is broken, or uses a feature of HDF5 that is not read here."""


@dataclass(eq=False)
class Group:
    """A group: `members` (groups and arrays) and `attributes` (numbers, arrays, strings) by name.

    `group["a/b"]` is the member b of the member a; assigning to it makes the groups on the way.
    """

    members: dict[str, Group | Array] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Any:
        found = self.find(path)
        if found is None:
            raise KeyError(path)
        return found

    def __setitem__(self, path: str, value: Group | Array) -> None:
        above, _, name = path.rpartition("/")
        (self.group(above) if above else self).members[name] = value

    def group(self, path: str) -> Group:
        """The group at a path; made, with those on the way, where it is not there yet."""
        node = self
        for name in path.split("/"):
            found = node.members.setdefault(name, Group())
            if not isinstance(found, Group):
                raise Hdf5Error(f"{path}: {name!r} is an array, not a group.")
            node = found
        return node

    def find(self, path: str, default: Any = None) -> Any:
        """What is at a path, or the default."""
        node: Any = self
        for name in path.split("/"):
            node = node.members.get(name) if isinstance(node, Group) else None
        return default if node is None else node

    def __contains__(self, path: str) -> bool:
        return self.find(path) is not None

    def groups(self) -> Iterator[Group]:
        """This group and all below."""
        yield self
        for member in self.members.values():
            if isinstance(member, Group):
                yield from member.groups()

    def arrays(self, prefix: str = "") -> Iterator[tuple[str, Array]]:
        """All arrays below, with their paths."""
        for name, member in self.members.items():
            if isinstance(member, Group):
                yield from member.arrays(f"{prefix}{name}/")
            else:
                yield f"{prefix}{name}", member


def _integer(dtype: DType) -> bytes:
    return struct.pack("<BBBBIHH", 0x10, 8 * (dtype.kind == "i"), 0, 0, dtype.itemsize, 0, 8 * dtype.itemsize)


def _float(size: int, exponent: int, mantissa: int) -> bytes:
    sign = 8 * size - 1
    head = struct.pack("<BBBBI", 0x11, 0x20, sign, 0, size)
    bias = 2 ** (exponent - 1) - 1
    return head + struct.pack("<HHBBBBI", 0, 8 * size, mantissa, exponent, 0, mantissa, bias)


_INTEGERS = map(np.dtype, ("i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8"))
TYPES: dict[DType, bytes] = {t: _integer(t) for t in _INTEGERS}
TYPES |= {
    np.dtype("<f2"): _float(2, 5, 10),
    np.dtype("<f4"): _float(4, 8, 23),
    np.dtype("<f8"): _float(8, 11, 52),
    # an enumeration of FALSE and TRUE over signed bytes
    np.dtype("?"): b"\x18\x02\0\0\1\0\0\0" + TYPES[np.dtype("i1")] + b"FALSE\0\0\0TRUE\0\0\0\0\0\1",
}
# of any length, UTF-8, in the global heap
STRING = b"\x19\x01\x01\0\x10\0\0\0\x10\0\0\0\1\0\0\0\0\0\x08\0"
