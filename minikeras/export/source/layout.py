"""Breaks lines of Python that are too long, at the commas of a call."""

from __future__ import annotations

WIDTH = 100
TAIL = 24  # what may stand after a call that is broken, such as ")[:, ::-1],"
PAIRS = {"(": ")", "[": "]", "{": "}"}


def wrapped(line: str, indent: int) -> str:
    """A statement, indented; where it is too long, what is in a call's parentheses goes on lines of its own.

    Args:
        line: the statement.
        indent: how many spaces go before it.
    """
    space = " " * indent
    opening = None if line.startswith("#") else _last_group(line)
    if opening is None or indent + len(line) <= WIDTH:
        return space + line
    end = _closing(line, opening)
    inside = line[opening + 1 : end]
    parts = [f"{part}," for part in _parts(inside)] if indent + 4 + len(inside) > WIDTH else [inside]
    return "\n".join(
        [space + line[: opening + 1], *(wrapped(part, indent + 4) for part in parts), space + line[end:]]
    )


def _last_group(line: str) -> int | None:
    """Where the first call opens whose end is within a few characters of the line's."""
    for i, c, depth in _outside_strings(line):
        called = i and (line[i - 1].isalnum() or line[i - 1] in "_)]")
        if c == "(" and depth == 0 and called and len(line) - _closing(line, i) <= TAIL:
            return i
    return None


def _closing(line: str, opening: int) -> int:
    """Where the group that opens at a place closes."""
    inside = [(i, depth) for i, c, depth in _outside_strings(line) if i >= opening]
    return next(i for i, depth in inside[1:] if depth == inside[0][1])


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
    """What stands between the commas; those of a lambda's arguments do not count."""
    parts, start, in_lambda = [], 0, False
    for i, c, depth in _outside_strings(inside):
        if depth:
            continue
        in_lambda = (in_lambda or inside.startswith("lambda ", i)) and c != ":"
        if c == "," and not in_lambda:
            parts.append(inside[start:i].strip())
            start = i + 1
    return [*parts, inside[start:].strip()]
