"""Each example runs, offline, on the built-in digits, and learns something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
# No data here, and a proxy that refuses at once: what a machine without a network has
OFFLINE = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}


def run(name: str, *arguments: str, home: Path) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    environment = {**os.environ, **OFFLINE, "MINIKERAS_HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=home)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "epochs", "at_least"),
    [("mnist_mlp.py", 4, 0.8), ("mnist_cnn.py", 4, 0.7), ("mnist_rnn.py", 4, 0.6)],
)
def test_examples_learn(name, epochs, at_least, tmp_path):
    out = run(name, "--dataset", "digits", "--epochs", str(epochs), home=tmp_path)
    assert float(re.search(r"Test accuracy: ([\d.]+)", out)[1]) >= at_least
    assert "Test loss: " in out
    assert not list(tmp_path.iterdir())  # nothing is saved


def test_without_mnist_the_digits_are_taken(tmp_path):
    out = run("mnist_mlp.py", "--epochs", "1", home=tmp_path)
    assert out.count("taking the built-in 8x8 digits instead.") == 1
    assert "Test accuracy: " in out
