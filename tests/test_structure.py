"""The storeys: imports go downwards only, files and functions stay short, everything is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import minikeras

ROOT = Path(minikeras.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# From the roof to the ground. A module may import from storeys below its own, and from its own package.
STOREYS = [
    {"__init__", "__main__"},
    {"models", "datasets", "export", "preprocessing", "teach"},
    {"summary", "training"},
    {"callbacks"},
    {"saving"},
    {"layers"},
    {"metrics"},
    {"losses", "optimizers"},
    {"activations", "initializers", "regularizers", "constraints"},
    {"utils"},
    {"context"},
    {"registry", "variable", "random", "workers", "numbers"},
    {"errors", "naming", "config", "markup"},
    {"typing"},
]
LEVEL = {name: level for level, names in enumerate(STOREYS) for name in names}


def unit_of(path: Path) -> str:
    """The top-level module or package of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


def imports_of(tree: ast.AST) -> list[tuple[str, ast.AST]]:
    """Units of minikeras that a module imports, with the import statements."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "minikeras":
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [a.name for a in node.names]
            found += [(name, node) for name in names]
        elif isinstance(node, ast.Import):
            found += [(a.name.split(".")[1], node) for a in node.names if a.name.startswith("minikeras.")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path):
    unit, tree = unit_of(path), ast.parse(path.read_text())
    assert unit in LEVEL, f"{unit} stands on no storey"
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for name, node in imports_of(tree):
        if id(node) in typing_only or name == unit or name not in LEVEL:
            continue
        assert LEVEL[name] > LEVEL[unit], f"{unit} imports {name}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_imports_from_the_package(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert not imports_of(node), f"{path.name}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400, "two ideas in one file?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno - doc.count("\n")
            assert length <= 55, f"{node.name}: {length} lines without its docstring"


# What is only imported in the function that uses it, and the extra that installs it
EXTRAS = {
    "tensorboardX": "tensorboard",
    "PIL": "image",
    "pydot": "graphviz",
    "h5py": "h5",
    "matplotlib": "teach",
}


def test_only_numpy_and_the_standard_library_are_imported():
    import sys

    everywhere = {"minikeras", "numpy", *sys.stdlib_module_names}
    for path in FILES:
        tree = ast.parse(path.read_text())
        inner = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            modules = []
            if isinstance(node, ast.Import):
                modules = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            for module in modules:
                root = module.split(".")[0]
                optional = root in EXTRAS and id(node) in inner
                assert optional or root in everywhere, f"{path}: {module}"
                if optional:
                    assert f'pip install "minikeras[{EXTRAS[root]}]"' in path.read_text(), path


def public_modules():
    for info in pkgutil.walk_packages([str(ROOT)], "minikeras."):
        if "._" not in info.name and not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


@pytest.mark.parametrize("module", list(public_modules()), ids=lambda m: m.__name__)
def test_all_lists_what_there_is(module):
    assert module.__doc__, "a module opens with a few sentences"
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), name


@pytest.mark.parametrize("module", list(public_modules()), ids=lambda m: m.__name__)
def test_everything_public_is_documented(module):
    for name, item in vars(module).items():
        if name.startswith("_") or getattr(item, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(item) or inspect.isclass(item):
            assert inspect.getdoc(item), f"{module.__name__}.{name}"
        if inspect.isclass(item):
            for method, value in vars(item).items():
                if not method.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    # the class itself or one of its bases says what the method does
                    assert inspect.getdoc(getattr(item, method)), f"{module.__name__}.{name}.{method}"


def test_the_top_level_offers_all_it_names():
    for name in minikeras.__all__:
        assert getattr(minikeras, name) is not None
        assert name in dir(minikeras)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        minikeras.nope  # noqa: B018
