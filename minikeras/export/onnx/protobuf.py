"""Protocol Buffers, as much of them as it takes to write a file: numbers, bytes, and messages in messages.

A message is its fields one after the other, each with its number and how its value is stored: a
whole number seven bits at a time, a float as four bytes, all else as a length and so many bytes.
The reader's side is the format's description, https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

VARINT, BYTES, FLOAT = 0, 2, 5  # how a value is stored


def varint(number: int) -> bytes:
    """A whole number, seven bits in a byte, the lowest first; negative ones modulo 2⁶⁴."""
    number &= 2**64 - 1
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)  # the highest bit: there is more
        number >>= 7
    parts.append(number)
    return bytes(parts)


def field(number: int, value: Any) -> bytes:
    """One field: an int, a float, a str, or bytes (of which a message is a kind)."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | FLOAT) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return b"".join((varint(number << 3 | BYTES), varint(len(data)), data))


def message(*fields: tuple[int, Any]) -> bytes:
    """A message of (number, value); a list stands for a field that is repeated, None for one that is left out."""
    return b"".join(
        field(number, each)
        for number, value in fields
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    )


def strings(pairs: Iterable[tuple[str, str]]) -> list[bytes]:
    """Messages of a key (field 1) and a value (field 2)."""
    return [message((1, key), (2, value)) for key, value in pairs]
