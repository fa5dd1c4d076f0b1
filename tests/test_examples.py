"""Each example runs, offline and on data that are at hand, and learns something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
# No data here, and a proxy that refuses at once: what a machine without a network has
OFFLINE = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
# Small products on a machine that other tests keep busy: threads would only wait for each other
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run(name: str, *arguments: str, home: Path) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    environment = {**os.environ, **OFFLINE, **ONE_THREAD, "MINIKERAS_HOME": str(home)}
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


def figure(out: str, label: str) -> float:
    return float(re.search(rf"^{label}: ([\d.]+)", out, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("name", "label", "at_least"),
    [
        ("imdb_cnn.py", "Test accuracy", 0.85),
        ("imdb_lstm.py", "Test accuracy", 0.85),
        ("text_lstm.py", "Next letter right, end of the tale", 0.6),
        ("addition_rnn.py", "Test accuracy of characters", 0.6),
    ],
)
def test_quick_examples_learn(name, label, at_least, tmp_path):
    out = run(name, "--quick", home=tmp_path)
    assert figure(out, label) >= at_least
    assert not list(tmp_path.iterdir())  # nothing is fetched, nothing is saved


@pytest.mark.parametrize(
    ("name", "better_than"),
    [
        ("forecast_gru.py", "Error of the linear formula"),
        ("digits_autoencoder.py", "Error of the mean image"),
    ],
)
def test_quick_examples_beat_something_simple(name, better_than, tmp_path):
    out = run(name, "--quick", home=tmp_path)
    assert figure(out, "Error of the network") < 0.5 * figure(out, better_than)


def test_without_imdb_reviews_are_made_up(tmp_path):
    out = run("imdb_cnn.py", "--epochs", "1", home=tmp_path)
    assert out.count("taking made-up reviews instead.") == 1
    assert figure(out, "Test accuracy") > 0.5


@pytest.mark.parametrize("name", ["imdb_cnn.py", "imdb_lstm.py"])
def test_imdb_is_taken_where_it_is(name, tmp_path):
    texts = np.empty(40, object)
    for i in range(40):
        texts[i] = list(range(1, 10 + 5 * i))
    (tmp_path / "datasets").mkdir()
    labels = np.arange(40) % 2
    np.savez(tmp_path / "datasets" / "imdb.npz", x_train=texts, y_train=labels, x_test=texts, y_test=labels)
    out = run(name, "--epochs", "1", home=tmp_path)
    assert "made-up" not in out and "2/2" in out
    assert "Test accuracy: " in out
