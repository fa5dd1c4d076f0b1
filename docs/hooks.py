"""What the documentation needs at build time, so that a reader needs no network and no JavaScript from elsewhere.

Formulas become MathML, which browsers set by themselves. A block of the language `source` names functions
and methods; their source takes its place, so the page always shows the code as it is.
"""

from __future__ import annotations

import html
import inspect
import itertools
import pkgutil
import re
import textwrap
from pathlib import Path
from typing import Any

import griffe
from latex2mathml.converter import convert

ROOT = Path(__file__).parent.parent
SOURCE = re.compile(r"^```source\n(.*?)```", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
CODE_OR_STAR = re.compile(r"(`[^`]*`|^ {4,}.*$|\*\*)|\*", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Each `source` block becomes the code that it names."""
    return SOURCE.sub(lambda block: listing(block[1].split()), markdown)


def listing(names: list[str]) -> str:
    """The source of functions, methods or classes as blocks of Markdown, one for each file."""
    blocks = []
    for path, items in itertools.groupby(map(pkgutil.resolve_name, names), inspect.getfile):
        title = Path(path).relative_to(ROOT).as_posix()
        code = "\n\n".join(textwrap.dedent(inspect.getsource(item)).rstrip() for item in items)
        blocks.append(f'```python title="{title}"\n{code}\n```')
    return "\n\n".join(blocks)


def on_page_content(content: str, **_: Any) -> str:
    """Each formula in LaTeX becomes MathML."""
    return FORMULA.sub(lambda formula: mathml(formula[1], formula[2]), content)


def mathml(tag: str, latex: str) -> str:
    """A formula, within the text or in a line of its own.

    Raises:
        ValueError: for a command that the converter does not know.
    """
    display = "inline" if tag == "span" else "block"
    result = convert(html.unescape(latex).strip(), display=display)
    if "\\" in result:
        raise ValueError(f"a command without MathML in the formula {latex}")
    return result if tag == "span" else f'<div class="formula" tabindex="0">{result}</div>'


class LiteralStars(griffe.Extension):
    """Docstrings speak of shapes such as (*window, channels): their stars are no emphasis."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Put a backslash before each star that is not in code."""
        if obj.docstring is not None:
            obj.docstring.value = CODE_OR_STAR.sub(lambda m: m[1] or r"\*", obj.docstring.value)
