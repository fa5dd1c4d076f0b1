"""Build the notebooks: each `NN_name.py` is turned into an `.ipynb` and run, and its outputs are kept.

    pip install -e ".[docs]"
    python examples/notebooks/build.py            # all of them
    python examples/notebooks/build.py 03 08      # some of them

Building again gives the same files: cells are numbered and no times are noted. Edit only the sources.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def build(source: Path) -> Path:
    """Run one source and write the notebook beside it."""
    notebook = jupytext.read(source)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False)
    client.execute(cwd=str(HERE))
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
        # "jupyter" is what folds the solutions; all else is of no use to a reader
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "jupyter"}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    html = output.data["text/html"]
                    output.data["text/html"] = re.sub(
                        r"<svg .*?</svg>", _as_image, html, flags=re.S
                    )
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    target = source.with_suffix(".ipynb")
    nbformat.write(notebook, target)
    return target


def _as_image(svg: re.Match[str]) -> str:
    """A drawing as an image: of a notebook that a reader has not run yet, Jupyter shows no other."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
    drawing = svg[0].replace("<svg ", head, 1)
    return (
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}">'
    )


def _joined(outputs: list[Any]) -> list[Any]:
    """Neighbouring pieces of printed text as one: how they were cut is chance."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def main(numbers: list[str]) -> None:
    """Build the notebooks with these numbers, or all."""
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ |= one_thread  # or sums would be split differently on each machine
    for source in sorted(HERE.glob("[0-9][0-9]_*.py")):
        if not numbers or source.name[:2] in numbers:
            target = build(source)
            print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
