"""The README and the docs tell the truth: their code runs, and CI runs the README's commands."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from minikeras import (
    activations,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    saving,
    teach,
)
from minikeras.layers import Layer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MATHEMATICS = "\n".join(page.read_text() for page in sorted((ROOT / "docs" / "mathematics").glob("*.md")))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_code_blocks_run(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the guides write their files
    names = {}
    for i, code in enumerate(blocks(page, "python")):
        if i == 0 or page.parent == ROOT:  # a page's blocks go on from each other, the README's stand alone
            names = {"__name__": "__main__"}
        exec(compile(code, f"{page.name}, block {i}", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_shows_of_the_source_is_there(page):
    for block in blocks(page, "source"):
        assert all(map(pkgutil.resolve_name, block.split()))
    for name in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE):
        importlib.import_module(name)


@pytest.mark.parametrize(
    "module",
    [activations, callbacks, initializers, layers, losses, metrics, optimizers, saving, teach],
    ids=lambda m: m.__name__,
)
def test_the_reference_has_all_that_is_public(module):
    reference = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    for name in module.__all__:
        home = getattr(getattr(module, name), "__module__", "")
        if home.startswith("minikeras.") and home.count(".") > 1:
            assert f"::: {home}\n" in reference, f"{name} of {home}"


def public_classes(module, base):
    found = [
        item for name, item in vars(module).items() if not name.startswith("_") and inspect.isclass(item)
    ]
    return {cls.__name__ for cls in found if issubclass(cls, base)} - {base.__name__}


@pytest.mark.parametrize(
    ("module", "base"),
    [
        (layers, Layer),
        (losses, losses.Loss),
        (optimizers, optimizers.Optimizer),
        (regularizers, regularizers.Regularizer),
    ],
    ids=lambda x: x.__name__,
)
def test_the_mathematics_of_everything_is_written_down(module, base):
    helpers = {"Cell", "FunctionLoss", "FunctionRegularizer"}
    missing = [n for n in public_classes(module, base) - helpers if not re.search(rf"\b{n}\b", MATHEMATICS)]
    assert not missing


def test_every_activation_is_in_the_table_of_activations():
    page = (ROOT / "docs" / "mathematics" / "dense.md").read_text()
    assert not [name for name in activations.table.entries if name.islower() and f"`{name}`" not in page]
    rows = re.findall(r"^\| `(\w+)`.*\| \$(\w)\$ \|$", page, re.MULTILINE)
    assert len(rows) == 25
    for name, source in rows:  # what its derivative is taken from
        assert activations.table.entries[name].needs_input == (source == "z"), name


def test_ci_runs_the_commands_of_the_readme():
    commands = [block.strip() for block in blocks(ROOT / "README.md", "sh")]
    assert len(commands) == 2
    script = (ROOT / ".ci" / "run").read_text()
    for command in commands:
        assert command in script


def test_the_first_screen_has_what_a_reader_needs():
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:35])
    assert "```python" in first_screen and first_screen.count("```sh") == 2
    assert len(blocks(ROOT / "README.md", "python")[0].splitlines()) <= 10


def test_the_exercises_of_the_course_exist():
    rows = re.findall(r"^\| \d+\. .*\|", (ROOT / "docs" / "course.md").read_text(), re.MULTILINE)
    assert len(rows) == 10
    named = {name for row in rows for name in re.findall(r"`([a-z]\w+)`", row.split("|")[-2])}
    assert len(named) == 15
    for name in named:
        assert teach.exercise(name).name == name
