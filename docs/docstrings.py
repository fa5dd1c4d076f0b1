"""How the reference reads the docstrings of the package."""

from __future__ import annotations

import re
from typing import Any

import griffe

CODE_OR_STAR = re.compile(r"(`[^`]*`|^ {4,}.*$|\*\*)|\*", re.MULTILINE)


class PlainText(griffe.Extension):
    """Docstrings are plain text: they speak of shapes such as (*window, channels), whose stars are no emphasis."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Put a backslash before each star that is not in code."""
        if obj.docstring is not None:
            obj.docstring.value = CODE_OR_STAR.sub(lambda m: m[1] or r"\*", obj.docstring.value)
