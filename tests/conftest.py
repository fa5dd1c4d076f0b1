"""Hypothesis profiles, and names that start anew for every test."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from minikeras import config, datasets
from minikeras.naming import reset_names

common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=30, derandomize=True, **common)
settings.register_profile("ci", max_examples=200, derandomize=True, **common)
settings.register_profile("nightly", max_examples=2000, **common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def clean_state():
    """Automatic names, float type and NumPy's error handling are the same before each test."""
    reset_names()
    config.set_floatx("float32")
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """An empty folder where the data sets' files belong, and no server to get them from."""
    folder = tmp_path / "home" / "datasets"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MINIKERAS_HOME", str(folder.parent))
    monkeypatch.setenv("no_proxy", "*")
    for name in set(datasets.__all__) - {"digits"}:
        monkeypatch.setattr(getattr(datasets, name), "ORIGIN", "http://127.0.0.1:9/")
    return folder
