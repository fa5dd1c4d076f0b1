"""Hash functions: a text becomes a number of 64 bits that looks random, and is the same everywhere.

`fingerprint64` is FarmHash's Fingerprint64, fast and known to all; `siphash64` is SipHash-2-4, whose
key keeps others from guessing which texts share a number. Both are those of TensorFlow, so bins
agree with those of models made there. All sums and products are of 64 bits: what does not fit is
dropped.
"""

from __future__ import annotations

from typing import Any

from minikeras.errors import check_int

BITS = (1 << 64) - 1  # & BITS drops what does not fit

# FarmHash's odd constants, between 2⁶³ and 2⁶⁴
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def rotated_right(x: int, by: int) -> int:
    """The 64 bits of x, with the lowest ones moved to the top."""
    return (x >> by | x << (64 - by)) & BITS


def word(data: bytes, at: int, size: int = 8) -> int:
    """The number in bytes `at` to at + size, lowest byte first; a negative `at` counts from the end."""
    at += len(data) if at < 0 else 0
    return int.from_bytes(data[at : at + size], "little")


def _shift_mix(x: int) -> int:
    return x ^ x >> 47


def _mix(u: int, v: int, factor: int) -> int:
    """Two numbers as one."""
    a = _shift_mix((u ^ v) * factor & BITS)
    b = _shift_mix((v ^ a) * factor & BITS)
    return b * factor & BITS


def fingerprint64(data: bytes) -> int:
    """FarmHash Fingerprint64 (G. Pike, 2014): the shorter the text, the shorter the way."""
    n = len(data)
    if n <= 16:
        return _up_to_16(data)
    if n <= 32:
        return _up_to_32(data)
    if n <= 64:
        return _up_to_64(data)
    return _longer(data)


def _up_to_16(data: bytes) -> int:
    n = len(data)
    factor = K2 + 2 * n
    if n >= 8:
        a, b = word(data, 0) + K2 & BITS, word(data, -8)
        c = rotated_right(b, 37) * factor + a & BITS
        d = (rotated_right(a, 25) + b) * factor & BITS
        return _mix(c, d, factor)
    if n >= 4:
        return _mix(n + (word(data, 0, 4) << 3), word(data, -4, 4), factor)
    if n > 0:
        y, z = data[0] + (data[n >> 1] << 8), n + (data[-1] << 2)
        return _shift_mix((y * K2 ^ z * K0) & BITS) * K2 & BITS
    return K2


def _up_to_32(data: bytes) -> int:
    factor = K2 + 2 * len(data)
    a, b = word(data, 0) * K1 & BITS, word(data, 8)
    c, d = word(data, -8) * factor & BITS, word(data, -16) * K2 & BITS
    u = rotated_right(a + b & BITS, 43) + rotated_right(c, 30) + d
    v = a + rotated_right(b + K2 & BITS, 18) + c
    return _mix(u & BITS, v & BITS, factor)


def _up_to_64(data: bytes) -> int:
    factor = K2 + 2 * len(data)
    a, b = word(data, 0) * K2 & BITS, word(data, 8)
    c, d = word(data, -8) * factor & BITS, word(data, -16) * K2 & BITS
    y = rotated_right(a + b & BITS, 43) + rotated_right(c, 30) + d & BITS
    z = _mix(y, a + rotated_right(b + K2 & BITS, 18) + c & BITS, factor)
    e, f = word(data, 16) * factor & BITS, word(data, 24)
    g, h = (y + word(data, -32)) * factor & BITS, (z + word(data, -24)) * factor & BITS
    u = rotated_right(e + f & BITS, 43) + rotated_right(g, 30) + h
    v = e + rotated_right(f + a & BITS, 18) + g
    return _mix(u & BITS, v & BITS, factor)


def _with_32_bytes(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Stir 32 bytes into a pair of numbers."""
    w, x, y, z = (word(data, at + i) for i in (0, 8, 16, 24))
    a = a + w & BITS
    b = rotated_right(b + a + z & BITS, 21)
    c = a
    a = a + x + y & BITS
    b = b + rotated_right(a, 44) & BITS
    return a + z & BITS, b + c & BITS


def _longer(data: bytes) -> int:
    """64 bytes at a time, and the last 64, which may overlap those before, in the end."""
    seed = 81
    x, y = seed, seed * K1 + 113 & BITS
    z = _shift_mix(y * K2 + 113 & BITS) * K2 & BITS
    v = w = (0, 0)
    x = x * K2 + word(data, 0) & BITS
    end = (len(data) - 1) // 64 * 64
    for at in range(0, end, 64):
        x, y, z, v, w = _with_64_bytes(data, at, (x, y, z, v, w), K1, 1)
    factor = K1 + ((z & 0xFF) << 1) & BITS
    w = (w[0] + ((len(data) - 1) & 63) & BITS, w[1])
    v = (v[0] + w[0] & BITS, v[1])
    w = (w[0] + v[0] & BITS, w[1])
    x, y, z, v, w = _with_64_bytes(data, len(data) - 64, (x, y, z, v, w), factor, 9)
    first = _mix(v[0], w[0], factor) + _shift_mix(y) * K0 + z & BITS
    return _mix(first, _mix(v[1], w[1], factor) + x & BITS, factor)


State = tuple[int, int, int, tuple[int, int], tuple[int, int]]


def _with_64_bytes(data: bytes, at: int, state: State, factor: int, weight: int) -> State:
    """Stir 64 bytes into the state; the last ones weigh more."""
    x, y, z, v, w = state
    x = rotated_right(x + y + v[0] + word(data, at + 8) & BITS, 37) * factor & BITS
    y = rotated_right(y + v[1] + word(data, at + 48) & BITS, 42) * factor & BITS
    x ^= w[1] * weight & BITS
    y = y + v[0] * weight + word(data, at + 40) & BITS
    z = rotated_right(z + w[0] & BITS, 33) * factor & BITS
    v = _with_32_bytes(data, at, v[1] * factor & BITS, x + w[0] & BITS)
    w = _with_32_bytes(data, at + 32, z + w[1] & BITS, y + word(data, at + 16) & BITS)
    return z, y, x, v, w


def siphash64(data: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 (J.-P. Aumasson and D. J. Bernstein, 2012) with a key of two numbers of 64 bits.

    Two rounds for every 8 bytes, four in the end; the last 8 bytes hold the rest and the length.
    """
    k0, k1 = key[0] & BITS, key[1] & BITS
    v = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    whole = len(data) // 8 * 8
    padded = data + bytes(whole + 7 - len(data)) + bytes([len(data) & 0xFF])
    for at in range(0, len(padded), 8):
        m = word(padded, at)
        v = (v[0], v[1], v[2], v[3] ^ m)
        v = _sip_round(_sip_round(v))
        v = (v[0] ^ m, v[1], v[2], v[3])
    v = (v[0], v[1], v[2] ^ 0xFF, v[3])
    for _ in range(4):
        v = _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_round(v: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Sums, turns and differences: after a few rounds each bit of the state depends on all."""
    a, b, c, d = v
    a = a + b & BITS
    b = rotated_right(b, 51) ^ a
    a = rotated_right(a, 32)
    c = c + d & BITS
    d = rotated_right(d, 48) ^ c
    a = a + d & BITS
    d = rotated_right(d, 43) ^ a
    c = c + b & BITS
    b = rotated_right(b, 47) ^ c
    c = rotated_right(c, 32)
    return a, b, c, d


def hash_of(data: bytes, salt: list[int] | None) -> int:
    """`fingerprint64` without salt, `siphash64` with the salt as its key."""
    return fingerprint64(data) if salt is None else siphash64(data, (salt[0], salt[1]))


def check_salt(owner: object, salt: Any) -> list[int] | None:
    """None, or the two numbers of a key; one that is given alone stands for both.

    Raises:
        ValueError: for anything else.
    """
    if salt is None:
        return None
    pair = list(salt) if isinstance(salt, (list, tuple)) else [salt, salt]
    if len(pair) != 2:
        raise ValueError(f"{type(owner).__name__}: `salt` must be an integer or two. Received: salt={salt!r}")
    return [check_int(owner, "salt", s, 0) for s in pair]
