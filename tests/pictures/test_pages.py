"""The blocks of the documentation that draw pictures: each page that has some is run from its first block on."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

mpl.use("Agg")
DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if '```python title="with the extra teach"' in page.read_text()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(DOCS)))
def test_code_blocks_run(page, capsys):
    names = {"__name__": "__main__"}
    for code in re.findall(r"```python[^\n]*\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(code, page.name, "exec"), names)
    assert not pyplot.get_fignums()


def test_there_are_such_pages():
    assert PAGES
