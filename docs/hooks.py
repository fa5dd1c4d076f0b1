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
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

ROOT = Path(__file__).parent.parent
SOURCE = re.compile(r"^```source\n(.*?)```", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
ANY = re.compile(r"\(<code><autoref[^>]*>Any</autoref></code>(?:\)|,\s*)")
FUNCTION = re.compile(r"(<mi>(?:log|tanh|cosh|exp)</mi>)(?=<mi>[^′]|<msub>|<msubsup>)")
BAR = re.compile(r"<mo[^>]*>(&#x0007C;|&#x02016;)</mo>")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Each `source` block becomes the code that it names."""
    return SOURCE.sub(lambda block: listing(block[1].split()), markdown)


def listing(names: list[str]) -> str:
    """The source of functions, methods or classes as blocks of Markdown, one for each file."""
    blocks = []
    for path, items in itertools.groupby(map(pkgutil.resolve_name, names), inspect.getfile):
        title = Path(path).relative_to(ROOT).as_posix()
        code = "\n\n\n".join(
            (f"class {owner}:\n    ...\n\n" if owner else "") + "\n\n".join(map(source, members))
            for owner, members in itertools.groupby(items, lambda item: item.__qualname__.rpartition(".")[0])
        )
        blocks.append(f'```python title="{title}"\n{code}\n```')
    return "\n\n".join(blocks)


def source(item: Any) -> str:
    """The source of one of them, without the empty line after it."""
    return inspect.getsource(item).rstrip()


def on_page_content(content: str, **_: Any) -> str:
    """Each formula in LaTeX becomes MathML; in the reference, a parameter of any type is shown without one."""
    content = ANY.sub(lambda kind: "" if kind[0].endswith(")") else "(", content)
    return FORMULA.sub(lambda formula: mathml(formula[1], html.unescape(formula[2])), content)


def mathml(tag: str, latex: str) -> str:
    """A formula, within the text or in a line of its own.

    Raises:
        ValueError: for a command that the converter does not know.
    """
    latex = latex.replace("'", "′").replace(r"\mathbf{1}", "𝟏")  # a raised prime would be a tiny one
    result = convert(latex.strip(), display="inline" if tag == "span" else "block")
    if "\\" in result:
        raise ValueError(f"a command without MathML in the formula {latex}")
    result = BAR.sub(r'<mo lspace="0" rspace="0" stretchy="false">\1</mo>', result)
    result = FUNCTION.sub(r'\1<mspace width="0.17em"/>', result)
    return result if tag == "span" else f'<div class="formula" tabindex="0">{result}</div>'
