"""Convolutions, pooling, padding, resizing and recurrent layers in NumPy: their rules."""

from __future__ import annotations

from typing import Any

from minikeras import layers as k
from minikeras.export.errors import Refused
from minikeras.export.matrices import spatial_map
from minikeras.export.plain import core, recurrent, windows
from minikeras.export.source.rules import activated, as_function
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value, by_rank, leaf_cells
from minikeras.layers.conv_lstm_cell import ConvLSTMCell


def _input(layer: Any) -> Code:
    """x with its channels last."""
    return Code("x" if layer.data_format == "channels_last" else "np.moveaxis(x, 1, -1)")


def _output(layer: Any, y: str) -> Code:
    """y with its channels where the user wants them."""
    return Code(y if layer.data_format == "channels_last" else f"np.moveaxis({y}, -1, 1)")


def _window(layer: Any) -> dict[str, Any]:
    """Strides, dilation and padding, where they are not the usual ones."""
    ones = (1,) * layer.rank
    options = {name: getattr(layer, name) for name in ("strides", "dilation_rate")}
    return {"padding": layer.padding, **{name: value for name, value in options.items() if value != ones}}


def conv(layer: Any, x: Value, s: Source) -> str:
    """`Conv1D` to `Conv3D`."""
    arrays = s.variables(layer, "kernel", "bias")
    z = s.call(windows.conv, _input(layer), arrays, **_window(layer), groups=layer.groups)
    return activated(layer.activation, _output(layer, z), s)


def depthwise(layer: Any, x: Value, s: Source) -> str:
    """`DepthwiseConv1D`, `DepthwiseConv2D`."""
    z = s.call(windows.depthwise_conv, _input(layer), s.variables(layer, "kernel", "bias"), **_window(layer))
    return activated(layer.activation, _output(layer, z), s)


def separable(layer: Any, x: Value, s: Source) -> str:
    """`SeparableConv1D`, `SeparableConv2D`."""
    arrays = s.variables(layer, "depthwise_kernel", "pointwise_kernel", "bias")
    z = s.call(windows.separable_conv, _input(layer), arrays, **_window(layer))
    return activated(layer.activation, _output(layer, z), s)


def conv_transpose(layer: Any, x: Value, s: Source) -> str:
    """`Conv1DTranspose` to `Conv3DTranspose`."""
    options = _window(layer)
    del options["padding"]
    cut = tuple(layer._axis(1, axis) for axis in range(layer.rank))
    arrays = s.variables(layer, "kernel", "bias")
    z = s.call(windows.conv_transpose, _input(layer), arrays, **options, cut=cut)
    return activated(layer.activation, _output(layer, z), s)


def pooling(layer: Any, x: Value, s: Source) -> str:
    """`MaxPooling1D` to `AveragePooling3D`."""
    largest = isinstance(layer, (k.MaxPooling1D, k.MaxPooling2D, k.MaxPooling3D))
    function = windows.max_pooling if largest else windows.average_pooling
    y = s.call(function, _input(layer), layer.pool_size, layer.strides, padding=layer.padding)
    return _output(layer, y)


def global_pooling(layer: Any, x: Value, s: Source) -> str:
    """`GlobalMaxPooling1D` to `GlobalAveragePooling3D`."""
    first = 1 if layer.channels_are_last else 2
    if isinstance(layer, k.GlobalAveragePooling1D) and x.mask is not None and first == 1:
        return s.call(core.masked_mean, Code("x"), s.mask(x), keepdims=layer.keepdims)
    if isinstance(layer, k.GlobalAveragePooling1D) and x.mask is not None:
        raise Refused("a mask with channels_first", "use channels_last")
    largest = isinstance(layer, (k.GlobalMaxPooling1D, k.GlobalMaxPooling2D, k.GlobalMaxPooling3D))
    axes = tuple(range(first, first + layer.rank))
    axis = axes[0] if len(axes) == 1 else axes
    return f"x.{'max' if largest else 'mean'}(axis={axis}{', keepdims=True' if layer.keepdims else ''})"


def padding(layer: Any, x: Value, s: Source) -> str:
    """`ZeroPadding1D` to `ZeroPadding3D`."""
    rim = ((0, 0), *layer.rim, (0, 0)) if layer.channels_are_last else ((0, 0), (0, 0), *layer.rim)
    return f"np.pad(x, {s.literal(rim)})"


def cropping(layer: Any, x: Value, s: Source) -> str:
    """`Cropping1D` to `Cropping3D`."""
    parts = [f"{before or ''}:{-after or ''}" for before, after in layer.rim]
    return f"x[{', '.join([':', *parts] if layer.channels_are_last else [':', ':', *parts])}]"


def repeated(layer: Any, x: Value, s: Source) -> str:
    """`UpSampling1D` to `UpSampling3D`."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        return resampled(layer, x, s)
    return _output(layer, s.call(windows.repeated, _input(layer), layer.factors))


def resampled(layer: Any, x: Value, s: Source) -> str:
    """Layers that are a matrix along each spatial axis: interpolation, resizing, adaptive means."""
    matrices, offset = spatial_map(layer, x.shape)
    w = s.arrays(**{f"axis_{i}": m for i, m in enumerate(matrices, start=1)}).removeprefix("**")
    y = _output(layer, s.call(windows.along_axes, _input(layer), Code(f"*{w}.values()")))
    if offset is None:
        return y
    return f'{y} + {s.arrays("offset", values=offset).removeprefix("**")}["values"]'


def adaptive_max(layer: Any, x: Value, s: Source) -> str:
    """`AdaptiveMaxPooling1D` to `AdaptiveMaxPooling3D`."""
    return _output(layer, s.call(windows.adaptive_max_pooling, _input(layer), layer.output_size))


def lstm_options(cell: Any, s: Source) -> dict[str, Any]:
    """The activations of a cell, as options of its step."""
    options = {"activation": as_function(cell.activation, s)}
    if hasattr(cell, "recurrent_activation"):
        options["recurrent_activation"] = as_function(cell.recurrent_activation, s)
    usual = {"activation": "np.tanh", "recurrent_activation": "sigmoid"}
    options = {name: f for name, f in options.items() if f != usual[name]}
    if isinstance(cell, ConvLSTMCell):
        options.update(_window(cell))
    return options


def step(cell: Any, x: str, states: str, within: str, s: Source) -> str:
    """One step of a cell.

    Raises:
        Refused: for a cell of the user's own.
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
        raise Refused("its cell is a class of your own", "take the cells of minikeras")
    arrays = s.variables(cell, "kernel", "recurrent_kernel", "bias", within=within)
    return s.call(functions[type(cell)], Code(x), Code(states), arrays, **lstm_options(cell, s))


def recurrent_layer(layer: Any, x: Value, s: Source) -> str:
    """`RNN`, `SimpleRNN`, `LSTM`, `GRU`, `ConvLSTM1D` to `ConvLSTM3D`."""
    if layer.stateful:
        raise Refused(
            "stateful=True: it goes on from what was predicted before", "make it with stateful=False"
        )
    cells, sizes = leaf_cells(layer.cell), layer.state_shapes(x.shape)[: len(layer.cell.state_sizes)]
    if len(cells) == 1:
        steps = Code(f"lambda x, states: {step(cells[0], 'x', '*states', '', s)}")
    else:
        steps = s.own_function(
            f"{layer.name}_step",
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
        raise Refused("return_state with channels_first", "use channels_last")
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
    outer = s.path
    parts = []
    for each in (layer.forward_layer, layer.backward_layer):
        s.path = f"{outer}{each.name}/"
        parts.append(recurrent_layer(each, x, s))
    s.path = outer
    if layer.return_state or layer.merge_mode is None:
        raise Refused("it has several outputs", "use return_state=False and another merge_mode")
    y, y_back = parts[0], f"{parts[1]}[:, ::-1]" if layer.return_sequences else parts[1]
    if layer.merge_mode == "concat":
        return f"np.concatenate([{y}, {y_back}], axis=-1)"
    if layer.merge_mode == "mul":
        return f"{y} * {y_back}"
    return f"{y} + {y_back}" if layer.merge_mode == "sum" else f"({y} + {y_back}) / 2"


RULES: dict[type, Rule] = {
    **by_rank(conv, "Conv", 3),
    **by_rank(conv_transpose, "Conv", 3, "Transpose"),
    **by_rank(depthwise, "DepthwiseConv", 2),
    **by_rank(separable, "SeparableConv", 2),
    **by_rank(pooling, "MaxPooling", 3),
    **by_rank(pooling, "AveragePooling", 3),
    **by_rank(global_pooling, "GlobalMaxPooling", 3),
    **by_rank(global_pooling, "GlobalAveragePooling", 3),
    **by_rank(resampled, "AdaptiveAveragePooling", 3),
    **by_rank(adaptive_max, "AdaptiveMaxPooling", 3),
    **by_rank(padding, "ZeroPadding", 3),
    **by_rank(cropping, "Cropping", 3),
    **by_rank(repeated, "UpSampling", 3),
    **by_rank(recurrent_layer, "ConvLSTM", 3),
    k.Bidirectional: bidirectional,
    k.CenterCrop: resampled,
    k.GRU: recurrent_layer,
    k.LSTM: recurrent_layer,
    k.RNN: recurrent_layer,
    k.RandomCrop: resampled,
    k.Resizing: resampled,
    k.SimpleRNN: recurrent_layer,
}
