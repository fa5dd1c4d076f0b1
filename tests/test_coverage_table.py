"""The page that compares minikeras with Keras is what its script writes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def load():
    spec = importlib.util.spec_from_file_location("keras_coverage", DOCS / "keras_coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    coverage = load()
    assert coverage.TABLE.read_text(encoding="utf-8") == coverage.table(), "run python docs/keras_coverage.py"


def test_every_reason_is_for_a_name_of_keras():
    coverage = load()
    names = json.loads(coverage.NAMES.read_text())["names"]
    assert set(coverage.REASONS) <= {f"{module}.{name}" for module, found in names.items() for name in found}
