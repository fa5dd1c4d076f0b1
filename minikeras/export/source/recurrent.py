"""Recurrent layers in NumPy: a step of each cell, taken over time."""

from __future__ import annotations

from typing import Any

from minikeras import activations
from minikeras import layers as k
from minikeras.export.errors import RefusedError
from minikeras.export.plain import recurrent
from minikeras.export.source.activations import as_function
from minikeras.export.source.windows import window_options
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value, by_rank, cells_of
from minikeras.layers.conv_lstm_cell import ConvLSTMCell

FUNCTIONS: dict[type, Any] = {
    ConvLSTMCell: recurrent.conv_lstm_step,
    k.GRUCell: recurrent.gru_step,
    k.LSTMCell: recurrent.lstm_step,
    k.SimpleRNNCell: recurrent.simple_rnn_step,
}


def step(cell: Any, x: str, states: str, within: str, s: Source) -> str:
    """One step of a cell.

    Args:
        cell: which.
        x: the input, as an expression.
        states: the states before, as an expression.
        within: what of the layer the cell is.
        s: where it is written.
    """
    function = FUNCTIONS[type(cell)]
    if isinstance(cell, k.GRUCell) and not cell.reset_after:
        function = recurrent.gru_reset_before_step
    arrays = s.variables(cell, "kernel", "recurrent_kernel", "bias", within=within)
    return s.call(function, Code(x), Code(states), arrays, **_options(cell, s))


def _options(cell: Any, s: Source) -> dict[str, Any]:
    """A cell's activations, where they are not the usual ones, and its window."""
    options: dict[str, Any] = {}
    for name, usual in (("activation", activations.Tanh), ("recurrent_activation", activations.Sigmoid)):
        if hasattr(cell, name) and type(getattr(cell, name)) is not usual:
            options[name] = as_function(getattr(cell, name), s)
    return {**options, **window_options(cell)} if isinstance(cell, ConvLSTMCell) else options


def recurrent_layer(layer: Any, x: Value, s: Source) -> str:
    """`RNN`, `SimpleRNN`, `LSTM`, `GRU`, `ConvLSTM1D` to `ConvLSTM3D`."""
    cells = cells_of(layer, FUNCTIONS)
    first = getattr(layer.cell, "data_format", "channels_last") == "channels_first"
    if first and layer.return_state:
        raise RefusedError("return_state with channels_first", "use channels_last")
    sizes = layer.state_shapes(x.shape)[: len(layer.cell.state_sizes)]
    if len(cells) == 1:
        steps = Code(f"lambda x, states: {step(cells[0], 'x', '*states', '', s)}")
    else:
        steps = s.own_function(
            f"step_{layer.name}",
            "One step of cells, one on top of the other.",
            "x, states",
            lambda: _stacked(cells, s),
        )
    if first:
        sizes = [(*size[1:], size[0]) for size in sizes]
    options = {
        name: getattr(layer, name)
        for name in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    }
    output = sum(len(cell.state_sizes) for cell in cells[:-1])
    y = s.call(
        recurrent.over_time, steps, Code("np.moveaxis(x, 2, -1)" if first else "x"), list(sizes),
        mask=s.mask(x), output=output, **options,
    )  # fmt: skip
    return f"np.moveaxis({y}, -1, {2 if layer.return_sequences else 1})" if first else y


def _stacked(cells: list[Any], s: Source) -> Code:
    """The lines of a function that runs cells one on top of the other."""
    start, x = 0, "x"
    for i, cell in enumerate(cells):
        stop = start + len(cell.state_sizes)
        s.body.lines.append(f"new_{i} = {step(cell, x, f'*states[{start}:{stop}]', str(i), s)}")
        start, x = stop, f"new_{i}[0]"
    s.body.lines.append(f"return ({', '.join(f'*new_{i}' for i in range(len(cells)))})")
    return Code(s.body.name)


def bidirectional(layer: k.Bidirectional, x: Value, s: Source) -> str:
    """`Bidirectional`."""
    both = [s.inner(each, x) for each in (layer.forward_layer, layer.backward_layer)]
    options = {name: getattr(layer, name) for name in ("merge_mode", "return_sequences", "return_state")}
    return s.call(recurrent.both_ways, *both, **options)


RULES: dict[type, Rule] = {
    **by_rank(recurrent_layer, "ConvLSTM", 3),
    k.Bidirectional: bidirectional,
    k.GRU: recurrent_layer,
    k.LSTM: recurrent_layer,
    k.RNN: recurrent_layer,
    k.SimpleRNN: recurrent_layer,
}
