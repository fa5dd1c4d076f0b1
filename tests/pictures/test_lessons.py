"""The lessons in examples/notebooks run as scripts, and their exercises are what they pretend to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "examples" / "notebooks").glob("[0-9][0-9]_*.py"))

# Runs a lesson, and prints at the end what `check` said of each exercise
RUN = """
import json, runpy, sys
from minikeras import teach

verdicts, check = {}, teach.check


def noted(name, function):
    result = check(name, function)
    verdicts.setdefault(name, []).append(result.ok)
    return result


teach.check = noted
runpy.run_path(sys.argv[1])
print(json.dumps(verdicts))
"""


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_a_lesson_runs_and_its_exercises_are_wrong_first_and_right_in_the_end(source, tmp_path):
    silent = ["-W", "error", "-W", "ignore:FigureCanvasAgg is non-interactive:UserWarning"]  # plt.show()
    command = [sys.executable, *silent, "-c", RUN, str(source)]
    offline = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    alone = {"MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **offline, **alone, "MINIKERAS_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    verdicts = json.loads(done.stdout.splitlines()[-1])
    assert verdicts and all(len(v) == 2 and v == [False, True] for v in verdicts.values())
    assert not list(tmp_path.iterdir())  # nothing is fetched, nothing is saved
