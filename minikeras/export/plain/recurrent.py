"""Recurrent layers as plain functions: one step of each kind, and the way through time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.export.plain.activations import sigmoid
from minikeras.export.plain.windows import conv
from minikeras.typing import Array


def over_time(
    step: Callable[..., tuple[Array, ...]],
    x: Array,
    sizes: list[tuple[int, ...]],
    mask: Array | None = None,
    output: int = 0,
    return_sequences: bool = False,
    return_state: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Any:
    """states = step(x_t, states) for each t, where x is (batch, steps, ...).

    The states have these sizes, and begin with zeros; number `output` of them is the output. At a masked
    step all stays as it was.
    """
    states = tuple(np.zeros((len(x), *size), x.dtype) for size in sizes)
    outputs = []
    for t in range(x.shape[1])[:: -1 if go_backwards else 1]:
        new = step(x[:, t], states)
        if mask is None:
            states = new
            outputs.append(states[output])
            continue
        keep = mask[:, t].reshape(-1, *[1] * len(sizes[0]))
        states = tuple(np.where(keep, after, before) for after, before in zip(new, states, strict=True))
        outputs.append(states[output] * keep if zero_output_for_mask else states[output])
    y = np.stack(outputs, axis=1) if return_sequences else states[output]
    return [y, *states] if return_state else y


def simple_rnn_step(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | float = 0.0,
    activation: Any = np.tanh,
) -> tuple[Array]:
    """h = f(x W + h R + b)."""
    return (activation(x @ kernel + h @ recurrent_kernel + bias),)


def lstm_step(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | float = 0.0,
    activation: Any = np.tanh,
    recurrent_activation: Any = sigmoid,
) -> tuple[Array, Array]:
    """h and c after one step: c is added to, behind the gates i, f, o."""
    i, f, candidate, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    i, f, o = recurrent_activation(i), recurrent_activation(f), recurrent_activation(o)
    c = f * c + i * activation(candidate)
    return o * activation(c), c


def conv_lstm_step(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | float = 0.0,
    activation: Any = np.tanh,
    recurrent_activation: Any = sigmoid,
    strides: tuple[int, ...] = (),
    padding: str = "valid",
    dilation_rate: tuple[int, ...] = (),
) -> tuple[Array, Array]:
    """An LSTM's step on images, with convolutions as products."""
    z = conv(x, kernel, None, strides, padding, dilation_rate) + conv(h, recurrent_kernel, padding="same")
    i, f, candidate, o = np.split(z + bias, 4, axis=-1)
    i, f, o = recurrent_activation(i), recurrent_activation(f), recurrent_activation(o)
    c = f * c + i * activation(candidate)
    return o * activation(c), c


def gru_step(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    activation: Any = np.tanh,
    recurrent_activation: Any = sigmoid,
) -> tuple[Array]:
    """h after one step: a mean of itself and a candidate; the gate r comes after the product with h."""
    bias_x, bias_h = (0.0, 0.0) if bias is None else bias
    x_z, x_r, x_candidate = np.split(x @ kernel + bias_x, 3, axis=-1)
    h_z, h_r, h_candidate = np.split(h @ recurrent_kernel + bias_h, 3, axis=-1)
    z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
    candidate = activation(x_candidate + r * h_candidate)
    return (candidate + z * (h - candidate),)


def gru_reset_before_step(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | float = 0.0,
    activation: Any = np.tanh,
    recurrent_activation: Any = sigmoid,
) -> tuple[Array]:
    """h after one step: a mean of itself and a candidate; the gate r comes before the product with h."""
    u = h.shape[-1]
    x_z, x_r, x_candidate = np.split(x @ kernel + bias, 3, axis=-1)
    h_z, h_r = np.split(h @ recurrent_kernel[:, : 2 * u], 2, axis=-1)
    z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
    candidate = activation(x_candidate + (r * h) @ recurrent_kernel[:, 2 * u :])
    return (candidate + z * (h - candidate),)


def both_ways(
    forward: Any,
    backward: Any,
    merge_mode: str | None = "concat",
    return_sequences: bool = False,
    return_state: bool = False,
) -> Any:
    """What two layers made of a sequence, one of which read it backwards, as one output."""
    (y, *states), (back, *states_back) = (r if return_state else [r] for r in (forward, backward))
    if return_sequences:
        back = back[:, ::-1]  # in the order of time again
    if merge_mode is None:
        merged = [y, back]
    elif merge_mode == "concat":
        merged = [np.concatenate([y, back], axis=-1)]
    elif merge_mode == "mul":
        merged = [y * back]
    else:
        merged = [(y + back) / (2 if merge_mode == "ave" else 1)]
    outputs = [*merged, *states, *states_back]
    return outputs if len(outputs) > 1 else outputs[0]
