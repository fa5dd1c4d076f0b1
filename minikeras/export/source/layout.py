"""Breaks lines of Python that are too long, at the commas of the outermost call."""

from __future__ import annotations

WIDTH = 100
PAIRS = {"(": ")", "[": "]", "{": "}"}


def wrapped(line: str, indent: int) -> str:
    """A statement, indented, on several lines where one is too long.

    Args:
        line: the statement.
        indent: how many spaces go before it.
    """
    space = " " * indent
    if indent + len(line) <= WIDTH or line.startswith("#"):
        return space + line
    opening = _last_group(line)
    if opening is None:
        return space + line
    end = _closing(line, opening)
    tail = line[end:]
    parts = [wrapped(f"{part},", indent + 4) for part in _parts(line[opening + 1 : end])]
    return "\n".join([space + line[: opening + 1], *parts, space + tail])


def _last_group(line: str) -> int | None:
    """Where the first group opens that holds all but the line's last few characters."""
    for i, c, depth in _outside_strings(line):
        if c in PAIRS and depth == 0 and len(line) - _closing(line, i) <= 24:
            return i
    return None


def _closing(line: str, opening: int) -> int:
    """Where the group that opens at a place closes."""
    return next(
        i
        for i, c, depth in _outside_strings(line)
        if i > opening and c in PAIRS.values() and depth == _depth(line, opening)
    )


def _depth(line: str, place: int) -> int:
    return next(depth for i, _, depth in _outside_strings(line) if i == place)


def _outside_strings(line: str) -> list[tuple[int, str, int]]:
    """Each character that is in no string: its place, itself, and how many groups it is in (brackets: outside)."""
    found, quoted, escaped, depth = [], False, False, 0
    for i, c in enumerate(line):
        if quoted:
            quoted, escaped = c != '"' or escaped, c == "\\" and not escaped
            continue
        quoted = c == '"'
        depth -= c in PAIRS.values()
        found.append((i, c, depth))
        depth += c in PAIRS
    return found


def _parts(inside: str) -> list[str]:
    """What stands between the commas."""
    parts, start = [], 0
    for i, c, depth in _outside_strings(inside):
        if c == "," and depth == 0:
            parts.append(inside[start:i].strip())
            start = i + 1
    return [*parts, inside[start:].strip()] if inside[start:].strip() else parts
