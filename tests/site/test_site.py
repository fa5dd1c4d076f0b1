"""The built documentation asks nobody else for anything, and all its formulas are set.

Build it first: mkdocs build --strict -f .mkdocs.yml; then python -m pytest tests/site
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / ".site"
PAGES = sorted(SITE.rglob("*.html"))


class Loads(HTMLParser):
    """What a page makes a browser fetch: every src, and every href that is no link to be clicked on."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag not in ("a", "base")):
                self.found.append(value or "")


def test_every_page_was_built():
    sources = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    assert {page.with_suffix(".html") for page in sources} <= {page.relative_to(SITE) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(SITE)))
def test_a_page_loads_only_files_of_the_site(page):
    text = page.read_text()
    loads = Loads()
    loads.feed(text)
    assert loads.found
    for address in loads.found:
        assert not re.match(r"(\w+:)?//", address), address
    # with these, the theme's script would ask other servers: for a renderer of diagrams, for a repository's stars
    assert 'class="mermaid"' not in text and 'data-md-component="source"' not in text


def test_styles_load_nothing():
    for style in SITE.rglob("*.css"):
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", style.read_text()), style


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(SITE)))
def test_formulas_are_mathml(page):
    text = page.read_text()
    assert "arithmatex" not in text and "$$" not in text
    if page.parent.name == "mathematics":
        assert text.count("</math>") > 10
