"""The weights of recurrent layers as Keras 1 and cuDNN laid them out, brought into today's order.

Keras 1 kept an array for each gate. cuDNN's layers kept the gates side by side, as today, but each gate's
kernels transposed, and a bias for the input and one for the state; an LSTM adds both anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.typing import Array

GATES = {"LSTM": "ifco", "GRU": "zrh"}
GATES_OF_KERAS_1 = {"LSTM": "icfo", "GRU": "zrh"}


def modern_arrays(layer: Any, arrays: list[Array]) -> list[Array]:
    """A layer's arrays from a file, in today's layout."""
    kind = type(layer).__name__
    if kind == "Bidirectional" and len(arrays) % 2 == 0:
        half = len(arrays) // 2
        forward = modern_arrays(layer.forward_layer, arrays[:half])
        return forward + modern_arrays(layer.backward_layer, arrays[half:])
    if kind not in GATES:
        return arrays
    n = len(GATES[kind])
    if len(arrays) == 3 * n:
        groups = {g: arrays[3 * i : 3 * i + 3] for i, g in enumerate(GATES_OF_KERAS_1[kind])}
        return [np.concatenate([groups[g][i] for g in GATES[kind]], axis=-1) for i in range(3)]
    if len(arrays) == 3 and arrays[2].shape == (2 * n * layer.units,):
        return _from_cudnn(kind, n, arrays)
    return arrays


def _from_cudnn(kind: str, n: int, arrays: list[Array]) -> list[Array]:
    kernel, recurrent_kernel, bias = arrays
    kernels = [gate.T.reshape(gate.shape, order="F") for gate in np.split(kernel, n, axis=1)]
    recurrent_kernels = [gate.T for gate in np.split(recurrent_kernel, n, axis=1)]
    biases = bias.reshape(2, -1)  # of the input, of the state
    bias = biases.sum(axis=0) if kind == "LSTM" else biases
    return [np.hstack(kernels), np.hstack(recurrent_kernels), bias]
