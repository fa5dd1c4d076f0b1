"""A model as an ONNX file, for the many programs and devices that run these.

The file is written by the two hundred lines of `protobuf.py` and `graph.py`: the format is simple, and so
nothing is needed but NumPy.
"""

from __future__ import annotations

from typing import Any

from minikeras import __version__
from minikeras.export.onnx import activations, core, graph, normalization, recurrent, windows
from minikeras.export.onnx.graph import OPSET
from minikeras.export.onnx.writer import Writer
from minikeras.export.walk import check_model, first_value
from minikeras.saving.files import write_file

RULES = {
    **activations.RULES, **core.RULES, **normalization.RULES, **recurrent.RULES, **windows.RULES,
}  # fmt: skip
LARGEST = 2**31 - 1  # bytes in a file of Protocol Buffers

__all__ = ["OPSET", "to_onnx"]


def to_onnx(model: Any, path: Any) -> None:
    """Write what `model.predict` computes as an ONNX file.

    The batch size stays open, as do sizes that are None in the model. The input is called "x", the
    output "y" (several: "y_0", "y_1", ...); their names and the set of operators stand in the file's
    metadata, too. Masks made inside the model are kept. Numbers have the types of the layers.

    Args:
        model: a `Sequential` that is built.
        path: of the file, which is replaced in one step; or a file that is open for bytes.

    Raises:
        ExportError: when layers have no counterpart in ONNX: all of them are named, and nothing is written.
        ValueError: when the model is not built, or larger than 2 GB.
        TypeError: for anything but a model.
        OSError: when the file cannot be written; an old one is as it was.

    Source: ONNX operators of set 17, https://onnx.ai/onnx/operators/
    """
    data = onnx_bytes(model)
    if len(data) > LARGEST:
        raise ValueError(
            f"to_onnx: model {model.name!r} takes {len(data)} bytes; a file of ONNX holds at most {LARGEST}."
        )
    write_file(path, [data])


def onnx_bytes(model: Any) -> bytes:
    """The content of the file."""
    check_model(model, "to_onnx")
    w = Writer(model.name, RULES)
    x = first_value(model, w.name("x"))
    w.graph.inputs = [(x.name, x.dtype, x.shape)]
    y = w.model(model, x)
    names, shapes = (y.name, y.shape) if isinstance(y.name, list) else ([y.name], [y.shape])
    for i, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        wanted = w.name("y" if len(names) == 1 else f"y_{i}")
        w.graph.nodes.append(graph.Node("Identity", [name], [wanted], {}))
        w.graph.outputs.append((wanted, y.dtype, shape))
    w.graph.prune()
    metadata = {
        "model": model.name,
        "opset": str(OPSET),
        "inputs": x.name,
        "outputs": ", ".join(name for name, _, _ in w.graph.outputs),
    }
    return graph.model(w.graph, ("minikeras", __version__), metadata)
