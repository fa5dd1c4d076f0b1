"""A model as one Python file that needs NumPy alone, to be read as well as run.

The file has a table of the layers, the few functions that they are made of, a line for each layer,
and the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import __version__
from minikeras.export.source import activations, core, normalization, recurrent, windows
from minikeras.export.source.writer import Source, shape_text, shown
from minikeras.export.walk import Value, check_model, first_value
from minikeras.saving.files import write_file

RULES = {
    **activations.RULES, **core.RULES, **normalization.RULES, **recurrent.RULES, **windows.RULES,
}  # fmt: skip

__all__ = ["to_numpy_source"]

HEAD = '''"""{title}

{about}

{table}
"""

from __future__ import annotations

import base64
{imports}
import numpy as np

Array = np.ndarray


def predict(x, batch_size=32):
    """The outputs for x, {shape} {dtype}, so many samples at a time."""
    x = np.asarray(x, "{dtype}")
    parts = [forward(x[i : i + batch_size]) for i in range(0, max(len(x), 1), batch_size)]
    return {joined}


'''

SEVERAL = "[np.concatenate(part) for part in zip(*parts, strict=True)]"
ARRAY = '''def array(dtype, shape, text):
    """Numbers from the text of their bytes."""
    return np.frombuffer(base64.b64decode(text), f"<{dtype}").reshape(shape)
'''


def to_numpy_source(model: Any, path: Any = None) -> str:
    """What `model.predict` computes, as one Python file that needs NumPy alone.

    The file has a function `predict(x, batch_size=32)`. The weights are in it, as text of their bytes, after
    all there is to read.

    Args:
        model: a `Sequential` that is built.
        path: of a file, which is replaced in one step; or a file that is open for bytes; None: none is written.

    Returns:
        The text of the file.

    Raises:
        ExportError: when layers cannot be written so: all of them are named, and nothing is written.
        ValueError: when the model is not built.
        TypeError: for anything but a model.
        OSError: when the file cannot be written; an old one is as it was.
    """
    check_model(model, "to_numpy_source")
    s, x = Source(RULES), first_value(model, "x")
    y = s.model(model, x)
    text = "\n".join(_parts(model, x, y, s))
    if path is not None:
        write_file(path, [text.encode()])
    return text


def _parts(model: Any, x: Value, y: Value, s: Source) -> list[str]:
    """The parts of the file."""
    functions = [*s.functions.values()]
    used = "".join(functions)
    imports = "from collections.abc import Callable\n" if "Callable[" in used else ""
    imports += "from typing import Any\n" if "Any" in used else ""
    head = HEAD.format(
        title=f"The network {shown(model.name)}, written out by minikeras {__version__}. It needs NumPy alone.",
        about="`predict(x)` is all there is to call; `forward` has a line for each layer.",
        table=_table(model),
        imports=imports,
        shape=shape_text(x.shape),
        dtype=x.dtype.name,
        joined=SEVERAL if isinstance(y.shape, list) else "np.concatenate(parts)",
    )
    rest = [s.text_of(s.body), *s.bodies, *functions, ARRAY]
    return [head + "\n\n\n".join(part.rstrip("\n") for part in rest), "", "", *s.weights_text(), ""]


def _table(model: Any) -> str:
    """The layers, their classes, the shapes of their outputs, and the numbers of their parameters."""
    rows, shape = [("layer", "class", "output", "parameters")], (None, *model.input_shape[1:])
    for layer in model.layers:
        shape = layer.compute_output_shape(shape)
        count = f"{sum(int(np.prod(v.shape)) for v in layer.weights):,}"
        rows.append((shown(layer.name), type(layer).__name__, shape_text(shape), count))
    a, b, c, d = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        f"    {name:{a}}  {kind:{b}}  {size:{c}}  {count:>{d}}" for name, kind, size, count in rows
    )
