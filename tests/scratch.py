"""What lies in a context's scratch arrays from an earlier pass, or in new memory, must not matter."""

from __future__ import annotations

from minikeras.context import Context


def spoil(ctx: Context, value: float) -> None:
    """Fill every scratch array of numbers, here and below."""
    for array in ctx._storage.values():
        if array.dtype.kind == "f":
            array.fill(value)
    for child in ctx.children.values():
        spoil(child, value)
