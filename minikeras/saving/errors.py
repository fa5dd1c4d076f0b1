"""The one error of loading: a message that says which file, where in it, and what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class LoadError(ValueError):
    """A file that is damaged, does not fit, or asks for what is not done here. Nothing was loaded."""


@contextlib.contextmanager
def loading(where: Any) -> Iterator[None]:
    """Within this block, every error becomes a `LoadError` that says where it happened.

    Args:
        where: a path, or a part of a file.
    """
    try:
        yield
    except Exception as error:  # whatever a hostile file brings about
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        text = str(error) or "unreadable"
        raise LoadError(f"{where}: {kind}{text[:1500]}") from error
