"""Recurrent layers in NumPy: a step of each cell, taken over time."""

from __future__ import annotations

from typing import Any

from minikeras import layers as k
from minikeras.export.errors import RefusedError
from minikeras.export.plain import recurrent
from minikeras.export.source.activations import as_function
from minikeras.export.source.windows import window_options
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value, by_rank, leaf_cells
from minikeras.layers.conv_lstm_cell import ConvLSTMCell


def _options(cell: Any, s: Source) -> dict[str, Any]:
    """The activations of a cell, as options of its step."""
    options = {"activation": as_function(cell.activation, s)}
    if hasattr(cell, "recurrent_activation"):
        options["recurrent_activation"] = as_function(cell.recurrent_activation, s)
    usual = {"activation": "np.tanh", "recurrent_activation": "sigmoid"}
    options = {name: f for name, f in options.items() if f != usual[name]}
    if isinstance(cell, ConvLSTMCell):
        options.update(window_options(cell))
    return options


def step(cell: Any, x: str, states: str, within: str, s: Source) -> str:
    """One step of a cell.

    Raises:
        RefusedError: for a cell of the user's own.
    """
    functions: dict[type, Any] = {
        ConvLSTMCell: recurrent.conv_lstm_step,
        k.GRUCell: recurrent.gru_step
        if getattr(cell, "reset_after", True)
        else recurrent.gru_reset_before_step,
        k.LSTMCell: recurrent.lstm_step,
        k.SimpleRNNCell: recurrent.simple_rnn_step,
    }
    if type(cell) not in functions:
        raise RefusedError("its cell is a class of your own", "take the cells of minikeras")
    arrays = s.variables(cell, "kernel", "recurrent_kernel", "bias", within=within)
    return s.call(functions[type(cell)], Code(x), Code(states), arrays, **_options(cell, s))


def recurrent_layer(layer: Any, x: Value, s: Source) -> str:
    """`RNN`, `SimpleRNN`, `LSTM`, `GRU`, `ConvLSTM1D` to `ConvLSTM3D`."""
    if layer.stateful:
        raise RefusedError(
            "stateful=True: it goes on from what was predicted before", "make it with stateful=False"
        )
    cells, sizes = leaf_cells(layer.cell), layer.state_shapes(x.shape)[: len(layer.cell.state_sizes)]
    if len(cells) == 1:
        steps = Code(f"lambda x, states: {step(cells[0], 'x', '*states', '', s)}")
    else:
        steps = s.own_function(
            f"step_{layer.name}",
            "One step of cells, one on top of the other.",
            "x, states",
            lambda: _stacked(cells, s),
        )
    first = getattr(layer.cell, "data_format", "channels_last") == "channels_first"
    if first:
        sizes = [(*size[1:], size[0]) for size in sizes]
    options = {
        name: getattr(layer, name)
        for name in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    }
    mask = s.mask(x)
    output = sum(len(cell.state_sizes) for cell in cells[:-1])
    if first and layer.return_state:
        raise RefusedError("return_state with channels_first", "use channels_last")
    y = s.call(
        recurrent.over_time, steps, Code("np.moveaxis(x, 2, -1)" if first else "x"), list(sizes),
        mask=mask, output=output, **options,
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
    both = [s.inner(each, x, recurrent_layer) for each in (layer.forward_layer, layer.backward_layer)]
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
