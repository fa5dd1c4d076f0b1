"""Cases of recurrent layers, and of cells of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case, case

SEQUENCE = (3, 5, 2)


def bidirectional(name: str, shape: tuple[int, ...] = SEQUENCE, mask: bool = False, **arguments: Any) -> Case:
    """A Bidirectional layer around `layers.<name>(3, **arguments)`; `merge_mode` is taken out."""
    outer = {k: arguments.pop(k) for k in ("merge_mode",) if k in arguments}

    def make(layers: Any, **kwargs: Any) -> Any:
        inner = getattr(layers, name)(3, **arguments, **kwargs)
        return layers.Bidirectional(inner, **outer, **kwargs)

    return Case(make, shape, mask, id=f"Bidirectional({name},{outer},{arguments}){'+mask' if mask else ''}")


def distributed(shape: tuple[int, ...], name: str, mask: bool = False, **arguments: Any) -> Case:
    """A TimeDistributed layer around `layers.<name>(**arguments)`."""

    def make(layers: Any, **kwargs: Any) -> Any:
        return layers.TimeDistributed(getattr(layers, name)(**arguments, **kwargs), **kwargs)

    return Case(make, shape, mask, id=f"TimeDistributed({name},{arguments}){'+mask' if mask else ''}")


def stacked(layers: Any, **kwargs: Any) -> Any:
    cells = [layers.LSTMCell(3, **kwargs), layers.SimpleRNNCell(2, **kwargs), layers.GRUCell(4, **kwargs)]
    return layers.RNN(layers.StackedRNNCells(cells, **kwargs), return_sequences=True, **kwargs)


RECURRENT = [
    case("LSTM", SEQUENCE, units=3),
    case(
        "LSTM",
        SEQUENCE,
        units=3,
        return_sequences=True,
        activation="gelu",
        recurrent_activation="hard_sigmoid",
    ),
    case("LSTM", SEQUENCE, units=3, go_backwards=True, use_bias=False, activation="relu"),
    case("LSTM", SEQUENCE, units=3, unit_forget_bias=False, recurrent_activation="silu"),
    case("LSTM", SEQUENCE, mask=True, units=3),
    case("LSTM", SEQUENCE, mask=True, units=3, return_sequences=True, go_backwards=True),
    case("LSTM", SEQUENCE, mask=True, units=3, return_sequences=True, zero_output_for_mask=True),
    case("LSTM", SEQUENCE, random=True, units=3, dropout=0.3, recurrent_dropout=0.3),
    case("LSTM", SEQUENCE, units=3, activity_regularizer="l2"),
    case("GRU", SEQUENCE, units=3),
    case(
        "GRU",
        SEQUENCE,
        units=3,
        return_sequences=True,
        activation="gelu",
        recurrent_activation="hard_sigmoid",
    ),
    case("GRU", SEQUENCE, units=3, reset_after=False),
    case("GRU", SEQUENCE, units=3, reset_after=False, return_sequences=True, use_bias=False),
    case("GRU", SEQUENCE, units=3, go_backwards=True, use_bias=False, recurrent_activation="silu"),
    case("GRU", SEQUENCE, mask=True, units=3),
    case("GRU", SEQUENCE, mask=True, units=3, reset_after=False, return_sequences=True),
    case("GRU", SEQUENCE, random=True, units=3, dropout=0.3, recurrent_dropout=0.3),
    case("GRU", SEQUENCE, random=True, units=3, reset_after=False, recurrent_dropout=0.3),
    Case(lambda layers, **kw: layers.RNN(layers.LSTMCell(3, **kw), **kw), SEQUENCE, id="RNN(LSTMCell)"),
    Case(lambda layers, **kw: layers.RNN(layers.GRUCell(3, **kw), **kw), SEQUENCE, id="RNN(GRUCell)"),
    Case(stacked, SEQUENCE, id="RNN(StackedRNNCells)"),
    Case(stacked, SEQUENCE, mask=True, id="RNN(StackedRNNCells)+mask"),
    bidirectional("LSTM"),
    bidirectional("LSTM", return_sequences=True, merge_mode="sum"),
    bidirectional("GRU", return_sequences=True, merge_mode="mul"),
    bidirectional("SimpleRNN", merge_mode="ave", activation="relu"),
    bidirectional("SimpleRNN", mask=True, return_sequences=True),
    bidirectional("GRU", mask=True),
    distributed((3, 4, 5), "Dense", units=2, activation="tanh"),
    distributed((3, 2, 6, 5, 2), "Conv2D", filters=2, kernel_size=3),
    distributed((3, 2, 4, 3), "LSTM", units=2),
    distributed((3, 4, 5), "Dense", mask=True, units=2),
]


class Own:
    """Makes a user's own cell on the package under test; Keras has another protocol."""

    @staticmethod
    def cell(layers: Any, **kwargs: Any) -> Any:
        class Leaky(layers.Cell):
            """h_t = tanh(x_t W + a h_{t-1}), and a second state that counts; the output is 2 h_t."""

            state_size = (2, 1)

            def build(self, input_shape: Any) -> None:
                self.w = self.add_weight((input_shape[-1], 2), "ones", name="w")
                self.a = self.add_weight((2,), "ones", name="a")

            def forward(self, x: np.ndarray, states: Any, ctx: Any) -> Any:
                h = np.tanh(x @ self.w.value + self.a.value * states[0])
                ctx.save(x=x, before=states[0], h=h)
                return 2 * h, [h, states[1] + h.sum(axis=1, keepdims=True)]

            def backward(self, dy: np.ndarray, dstates: Any, ctx: Any) -> Any:
                x, before, h = ctx.saved("x", "before", "h")
                dz = (2 * dy + dstates[0] + dstates[1]) * (1 - h * h)
                np.matmul(x.T, dz, out=ctx.grad(self.w))
                np.sum(dz * before, axis=0, out=ctx.grad(self.a))
                return dz @ self.w.value.T, [dz * self.a.value, dstates[1]]

        return Leaky(**kwargs)


def own(layers: Any, **kwargs: Any) -> Any:
    return layers.RNN(Own.cell(layers, **kwargs), return_sequences=True, **kwargs)
