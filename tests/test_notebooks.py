"""The notebooks are what their sources say, were run to the end, and are small enough to be read anywhere."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent.parent / "examples" / "notebooks"
SOURCES = sorted(HERE.glob("[0-9][0-9]_*.py"))
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)


def cells_of(source: Path) -> list[tuple[str, str]]:
    """(type, text) of each cell of a source in the percent format."""
    cells = []
    for part in re.split(r"^# %%", source.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, _, text = part.partition("\n")
        if "[markdown]" in head:
            cells.append(("markdown", re.sub(r"^# ?", "", text, flags=re.MULTILINE).strip()))
        else:
            cells.append(("code", text.strip()))
    return cells


def notebook(source: Path) -> list[dict]:
    return json.loads(source.with_suffix(".ipynb").read_text("utf-8"))["cells"]


def text_of(outputs: list[dict]) -> str:
    """All that a cell has put out, as text."""
    parts = []
    for output in outputs:
        for value in (output.get("text"), *output.get("data", {}).values()):
            parts.append("".join(value) if isinstance(value, list) else str(value or ""))
    return "\n".join(parts)


def test_there_are_ten_lessons_and_the_index_knows_them():
    index = (HERE / "README.md").read_text("utf-8")
    assert [s.stem[:2] for s in SOURCES] == [f"{n:02}" for n in range(1, 11)]
    assert re.findall(r"\]\((\d\d_\w+)\.ipynb\)", index) == [s.stem for s in SOURCES]


@each_lesson
def test_the_notebook_is_its_source(source):
    found = [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in notebook(source)]
    assert found == cells_of(source), f"Build it again: python examples/notebooks/build.py {source.stem[:2]}"


@each_lesson
def test_it_was_run_from_the_first_cell_to_the_last_without_a_complaint(source):
    code = [cell for cell in notebook(source) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs and not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]


@each_lesson
def test_it_is_small_and_names_no_place_of_the_machine_that_built_it(source):
    file = source.with_suffix(".ipynb").read_text("utf-8")
    assert len(file.encode()) < 300_000
    words = "\n".join(
        text_of([o])
        for c in notebook(source)
        for o in c.get("outputs", [])
        if "image/png" not in o.get("data", {})
    )
    assert not re.search(r"/(home|tmp|root|usr|opt|Users)/|site-packages|[A-Z]:\\\\| at 0x", words)


@each_lesson
def test_each_exercise_shows_a_named_mistake_and_then_its_solution(source):
    verdicts: dict[str, list[str]] = {}
    for cell in notebook(source):
        for name in re.findall(r'teach\.check\("(\w+)"', "".join(cell["source"])):
            verdicts.setdefault(name, []).append(text_of(cell["outputs"]))
    assert verdicts
    for name, (first, *_, last) in verdicts.items():
        assert f"{name}: not yet." in first and "numbers differ" not in first  # the mistake has a name
        assert f"{name}: right in all" in last


@each_lesson
def test_its_links_lead_to_lessons(source):
    for cell in notebook(source):
        for link in re.findall(
            r"\]\(([^)]+)\)", "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        ):
            assert (HERE / link).exists(), link


@each_lesson
def test_its_pictures_can_be_seen_before_anything_was_run(source):
    for cell in notebook(source):
        html = "".join(
            "".join(o["data"].get("text/html", "")) for o in cell.get("outputs", []) if "data" in o
        )
        assert (
            "<svg" not in html and "<script" not in html
        )  # a reader who has not run it yet would not see them
        for drawing in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html):
            assert ElementTree.fromstring(base64.b64decode(drawing)).tag.endswith("}svg")


@each_lesson
def test_no_code_within_a_sentence_is_broken_over_two_lines(source):
    prose = [line for kind, text in cells_of(source) if kind == "markdown" for line in text.splitlines()]
    broken = [line for line in prose if line.count("`") % 2]  # a line that begins with + or - would be a list
    assert not broken
