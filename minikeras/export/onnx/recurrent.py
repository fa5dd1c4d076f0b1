"""Recurrent layers in ONNX: its own operators where they say the same, else a loop over one step.

The operators know tanh, sigmoid and ReLU, and no masks but of padding at the end. `Scan`, ONNX' loop,
takes any step and any mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations as a
from minikeras import layers as k
from minikeras.export.onnx.activations import activate
from minikeras.export.onnx.windows import back, convolve, first, kernel_first, window
from minikeras.export.onnx.writer import Writer
from minikeras.export.walk import Rule, Value, cells_of
from minikeras.layers.conv_lstm_cell import ConvLSTMCell
from minikeras.typing import Array

# Which of Keras' gates is ONNX' first one, second one, ...
OPERATORS: dict[type, tuple[str, list[int]]] = {
    k.SimpleRNNCell: ("RNN", [0]),
    k.GRUCell: ("GRU", [0, 1, 2]),  # z, r, h
    k.LSTMCell: ("LSTM", [0, 3, 1, 2]),  # i, f, c, o becomes i, o, f, c
}


def recurrent(layer: Any, x: Value, w: Writer) -> Any:
    """`RNN`, `SimpleRNN`, `LSTM`, `GRU`, `ConvLSTM1D` to `ConvLSTM3D`."""
    cells = cells_of(layer, STEPS)
    rank = len(x.shape)
    sequence = w.transpose(x.name, (1, 0, *range(2, rank)))  # (steps, batch, ...)
    if layer.go_backwards:
        sequence = w.reverse(sequence, 0)
    names = _names(layer.cell)
    if x.mask is None and names is not None:
        outputs, last, states = operator(layer, sequence, names, w)
    else:
        outputs, last, states = loop(layer, cells, sequence, x, w)
    y = last
    if layer.return_sequences:
        y = w.transpose(outputs, (1, 0, *range(2, rank)))
        if x.mask is not None and layer.zero_output_for_mask:
            mask = w.reverse(x.mask, 1) if layer.go_backwards else x.mask
            y = w.node("Mul", y, w.number_mask(mask, x.dtype, range(2, rank)))
    return [y, *states] if layer.return_state else y


def _names(cell: Any) -> list[str] | None:
    """The operator's names of a cell's activations; None where it has none for them."""
    if type(cell) not in OPERATORS:
        return None
    functions = [cell.activation]
    if hasattr(cell, "recurrent_activation"):
        functions.insert(0, cell.recurrent_activation)
    if isinstance(cell, k.LSTMCell):
        functions.append(cell.activation)  # of c_t
    names = [_name(f) for f in functions]
    return None if "" in names else names


def _name(f: a.Activation) -> str:
    """The operators' name of an activation, or nothing."""
    if f.serialized() == "relu":  # with its usual arguments
        return "Relu"
    return {a.Tanh: "Tanh", a.Sigmoid: "Sigmoid"}.get(type(f), "")


def operator(layer: Any, sequence: str, names: list[str], w: Writer) -> tuple[str, str, list[str]]:
    """The operator of a cell: the outputs of all steps, the last one, the last states."""
    cell, (op, gates) = layer.cell, OPERATORS[type(layer.cell)]
    units, dtype = cell.units, layer.dtype

    def ordered(matrix: Array) -> Array:
        """(..., gates·units) as (gates·units, ...), in ONNX' order, for one direction."""
        blocks = np.split(matrix, len(gates), axis=-1)
        return np.concatenate([blocks[g] for g in gates], axis=-1).T[None]

    arrays = {"kernel": ordered(cell.kernel.value), "recurrent_kernel": ordered(cell.recurrent_kernel.value)}
    if cell.use_bias:  # one of the input, and one of the states, which most cells do without
        rows = np.zeros((2, len(gates) * units), dtype)
        given = cell.bias.value.reshape(-1, len(gates) * units)
        rows[: len(given)] = given
        arrays["bias"] = np.concatenate([ordered(row) for row in rows], axis=-1)
    attributes = {"linear_before_reset": int(cell.reset_after)} if op == "GRU" else {}
    outputs, *last = w.nodes_of(
        op, sequence, *(w.weight(name, array, dtype) for name, array in arrays.items()),
        outputs=3 if op == "LSTM" else 2, hidden_size=units, activations=names, **attributes,
    )  # fmt: skip
    states = [w.node("Squeeze", state, w.constant([0])) for state in last]  # without the axis of directions
    return w.node("Squeeze", outputs, w.constant([1])), states[0], states


def loop(layer: Any, cells: list[Any], sequence: str, x: Value, w: Writer) -> tuple[str, str, list[str]]:
    """The same by `Scan`; at a masked step all stays as it was."""
    shapes = layer.state_shapes(x.shape)[: len(layer.cell.state_sizes)]
    output = -len(cells[-1].state_sizes)  # which state is the output
    states = [_zeros(x, shape, w) for shape in shapes]
    sequences = [(sequence, x.dtype)]
    if x.mask is not None:
        mask = w.reverse(x.mask, 1) if layer.go_backwards else x.mask
        mask = w.transpose(mask, (1, 0))
        axes = list(range(2, 2 + len(shapes[0])))
        sequences.append((w.node("Unsqueeze", mask, w.constant(axes)), np.dtype("bool")))

    def step(before: list[str], entries: list[str]) -> tuple[list[str], str]:
        after: list[str] = []
        y = entries[0]
        for each in cells:
            new = STEPS[type(each)](each, y, before[len(after) : len(after) + len(each.state_sizes)], w)
            y, after = new[0], [*after, *new]
        if x.mask is not None:
            after = [w.node("Where", entries[1], new, old) for new, old in zip(after, before, strict=True)]
        return after, after[output]

    last, outputs = w.scan(states, sequences, x.dtype, step)
    return outputs, last[output], last


def _zeros(x: Value, shape: Any, w: Writer) -> str:
    """Zeros of shape (batch, *shape)."""
    batch = w.node("Shape", x.name, start=0, end=1)
    sizes = w.node("Concat", batch, w.constant(list(shape)), axis=0)
    return w.node("ConstantOfShape", sizes, value=np.zeros(1, x.dtype))


def _product(x: str, array: Array, name: str, bias: Array | None, w: Writer) -> str:
    """x @ array + bias."""
    y = w.node("MatMul", x, w.weight(name, array, array.dtype))
    return y if bias is None else w.node("Add", y, w.weight("bias", bias, bias.dtype))


def _preactivation(cell: Any, x: str, h: str, w: Writer) -> str:
    """x W + h R + b."""
    from_x = _product(x, cell.kernel.value, "kernel", cell.bias.value if cell.use_bias else None, w)
    return w.node("Add", from_x, _product(h, cell.recurrent_kernel.value, "recurrent_kernel", None, w))


def simple_rnn_step(cell: Any, x: str, states: list[str], w: Writer) -> list[str]:
    """h = f(x W + h R + b)."""
    z = _preactivation(cell, x, states[0], w)
    return [activate(cell.activation, z, w, cell.dtype, cell.units)]


def _lstm_gates(cell: Any, z: str, c: str, w: Writer) -> list[str]:
    """h and c from the gates i, f, c̃, o, which lie side by side on the last axis."""
    i, f, candidate, o = w.nodes_of("Split", z, outputs=4, axis=-1)
    i, f, o = (activate(cell.recurrent_activation, gate, w, cell.dtype) for gate in (i, f, o))
    candidate = activate(cell.activation, candidate, w, cell.dtype)
    c = w.node("Add", w.node("Mul", f, c), w.node("Mul", i, candidate))
    h = w.node("Mul", o, activate(cell.activation, c, w, cell.dtype))
    return [h, c]


def lstm_step(cell: Any, x: str, states: list[str], w: Writer) -> list[str]:
    """One step of an LSTM."""
    return _lstm_gates(cell, _preactivation(cell, x, states[0], w), states[1], w)


def gru_step(cell: Any, x: str, states: list[str], w: Writer) -> list[str]:
    """One step of a GRU: h = z h + (1 − z) h̃."""
    (h,), u, dtype, recurrent_kernel = states, cell.units, cell.dtype, cell.recurrent_kernel.value
    bias = [None, None]
    if cell.use_bias:
        bias[: 1 + cell.reset_after] = cell.bias.value.reshape(-1, 3 * u)
    of_x = w.nodes_of("Split", _product(x, cell.kernel.value, "kernel", bias[0], w), outputs=3, axis=-1)
    gates = recurrent_kernel if cell.reset_after else recurrent_kernel[:, : 2 * u]
    product = _product(h, gates, "recurrent_kernel", bias[1], w)
    of_h = w.nodes_of("Split", product, outputs=3 if cell.reset_after else 2, axis=-1)
    sums = [w.node("Add", *pair) for pair in zip(of_x[:2], of_h[:2], strict=True)]
    z, r = (activate(cell.recurrent_activation, each, w, dtype) for each in sums)
    if cell.reset_after:
        through = w.node("Mul", r, of_h[2])
    else:
        through = _product(w.node("Mul", r, h), recurrent_kernel[:, 2 * u :], "recurrent_kernel", None, w)
    candidate = activate(cell.activation, w.node("Add", of_x[2], through), w, dtype, u)
    return [w.node("Add", candidate, w.node("Mul", z, w.node("Sub", h, candidate)))]  # h̃ + z (h − h̃)


def conv_lstm_step(cell: Any, x: str, states: list[str], w: Writer) -> list[str]:
    """One step of a convolutional LSTM."""
    rank, last, ones = cell.rank, cell.data_format == "channels_last", (1,) * cell.rank
    here = window((None,) * rank, cell.kernel_size, cell.strides, cell.dilation_rate, cell.padding)
    inside = window((None,) * rank, cell.kernel_size, ones, ones, "same")
    bias = cell.bias.value if cell.use_bias else None
    z = convolve(first(x, rank, w, last), kernel_first(cell.kernel.value), bias, w, **here)
    h = first(states[0], rank, w, last)
    z = w.node("Add", z, convolve(h, kernel_first(cell.recurrent_kernel.value), None, w, **inside))
    h, c = _lstm_gates(cell, back(z, rank, w), back(states[1], rank, w, not last), w)
    h, c = (y if last else first(y, rank, w) for y in (h, c))
    return [h, c]


STEPS: dict[type, Any] = {
    ConvLSTMCell: conv_lstm_step,
    k.GRUCell: gru_step,
    k.LSTMCell: lstm_step,
    k.SimpleRNNCell: simple_rnn_step,
}


def bidirectional(layer: k.Bidirectional, x: Value, w: Writer) -> Any:
    """`Bidirectional`."""
    results = [w.apply(each, x).name for each in (layer.forward_layer, layer.backward_layer)]
    (y, *states), (y_back, *states_back) = (r if layer.return_state else [r] for r in results)
    if layer.return_sequences:
        y_back = w.reverse(y_back, 1)  # in the order of time again
    if layer.merge_mode == "concat":
        merged = [w.node("Concat", y, y_back, axis=-1)]
    elif layer.merge_mode is None:
        merged = [y, y_back]
    else:
        merged = [w.node("Mul" if layer.merge_mode == "mul" else "Add", y, y_back)]
        if layer.merge_mode == "ave":
            merged = [w.binary("Div", merged[0], 2, x.dtype)]
    outputs = [*merged, *states, *states_back]
    return outputs if len(outputs) > 1 else outputs[0]


RULES: dict[type, Rule] = {
    k.Bidirectional: bidirectional,
    k.ConvLSTM1D: recurrent,
    k.ConvLSTM2D: recurrent,
    k.ConvLSTM3D: recurrent,
    k.GRU: recurrent,
    k.LSTM: recurrent,
    k.RNN: recurrent,
    k.SimpleRNN: recurrent,
}
