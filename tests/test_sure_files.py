"""Whatever happens while a file is written, there is the old one or the new one."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

import minikeras as keras
from minikeras import layers

KILLS = {"nightly": 200}.get(os.environ.get("HYPOTHESIS_PROFILE", "dev"), 10)
NAMES = ["m.keras", "m.h5", "m.weights.h5", "m.npz", "m.safetensors"]


def make_model() -> keras.Sequential:
    return keras.Sequential([keras.Input((100,)), layers.Dense(100)])


def save(model, path) -> None:
    (model.save if Path(path).name in ("m.keras", "m.h5") else model.save_weights)(path)


@contextmanager
def little_room(size: int):
    """No file can become larger than this, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def nobody():
    """A user who may not write everywhere, as the superuser may."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full(name, tmp_path):
    model, path = make_model(), tmp_path / name
    with little_room(20_000), pytest.raises(OSError, match="cannot be written") as caught:
        save(model, path)
    assert str(path) in str(caught.value) and "old file" not in str(caught.value)
    assert os.listdir(tmp_path) == []
    save(model, path)
    old = path.read_bytes()
    with little_room(20_000), pytest.raises(OSError, match=r"cannot be written\. The old file is as it was"):
        save(model, path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == [name]


def test_a_device_that_is_full():
    with pytest.raises(OSError, match="No space left on device"), open("/dev/full", "wb", 0) as file:
        make_model().save(file)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_read_only_or_missing(name):
    model = make_model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(model, path)
        old = path.read_bytes()
        os.chmod(folder, 0o555)
        with nobody(), pytest.raises(PermissionError, match=r"cannot be written\. The old file is as it was"):
            save(model, path)
        os.chmod(folder, 0o755)
        assert path.read_bytes() == old and os.listdir(folder) == [name]
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            save(model, path.parent / "missing" / name)
        assert os.listdir(folder) == [name]


def test_saves_killed_at_any_moment():
    script = Path(__file__).parent / "kill_saves.py"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, script, str(KILLS), "0"]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == found["first"] + found["second"] == KILLS
