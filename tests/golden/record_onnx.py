"""Checks exported models with onnx and onnxruntime: each row of the table of layers, and each example.

    PYTHONPATH=. python tests/golden/record_onnx.py    (in an environment with numpy, onnx and onnxruntime)

Compared are the outputs of the ONNX file and of the NumPy source with those of `predict`, for all
samples and for one. What is in onnx.json, the operators of each file and the largest differences, is what
tests/test_export.py holds the export to.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def operators(graph) -> list:
    """The operators of a graph in their order; those of a loop's body in a list after the loop."""
    found: list = []
    for node in graph.node:
        found.append(node.op_type)
        found += [operators(a.g) for a in node.attribute if a.HasField("g")]
    return found


def check(model, x) -> dict:
    """One model: what its file consists of, and how far the outputs are from `predict`'s."""
    import onnx
    import onnxruntime
    from export_models import difference

    import minikeras as keras

    file = io.BytesIO()
    keras.export.to_onnx(model, file)
    proto = onnx.load_from_string(file.getvalue())
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.getvalue(), options, ["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    kind = entry.type.removeprefix("tensor(").removesuffix(")")
    types = {"float": "float32", "double": "float64"}
    source: dict = {}
    exec(compile(keras.export.to_numpy_source(model), "source", "exec"), source)
    found = {"operators": operators(proto.graph), "onnx": 0.0, "source": 0.0}
    parts = [x, x[:1]]
    if None in model.input_shape[1:]:
        parts.append(x[:, :-2])  # other sizes, too
    for part in parts:
        expected = model.predict(part, verbose=0)
        outputs = session.run(None, {entry.name: part.astype(types.get(kind, kind))})
        y = outputs if isinstance(expected, list) else outputs[0]
        found["onnx"] = max(found["onnx"], difference(y, expected))
        found["source"] = max(found["source"], difference(source["predict"](part), expected))
    return found


def main() -> None:
    import onnx
    import onnxruntime
    from export_models import all_models

    import minikeras as keras

    warnings.simplefilter("ignore")
    result: dict = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    result |= {"examples": {}, "models": {}, "layers": {}, "refused": {}}
    failures = 0
    for kind, name, make in all_models(samples=40):
        try:
            model, x = make()
            result[kind][name] = found = check(model, x)
            print(f"{found['onnx']:.1e} {found['source']:.1e}  {name}")
        except keras.export.ExportError as error:
            result["refused"][name] = str(error).splitlines()[1].strip()
        except Exception as error:
            failures += 1
            print(f"FAILED {name}: {type(error).__name__}: {str(error)[:400]}")
    counts = ", ".join(f"{len(result[kind])} {kind}" for kind in ("layers", "models", "examples"))
    print(f"{counts}, {failures} failures; refused:")
    for name, why in result["refused"].items():
        print(f"  {name}: {why}")
    if not failures:
        (HERE / "onnx.json").write_text(lines_of(result))


def lines_of(result: dict) -> str:
    """JSON with one model a line."""
    parts = []
    for key, value in result.items():
        text = json.dumps(value)
        if isinstance(value, dict):
            rows = (f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in value.items())
            text = "{\n" + ",\n".join(rows) + "\n }"
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
