"""The simplest recurrent layer: its output is its only state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers.kernel_cell import KernelCell
from minikeras.layers.recurrent import RNN
from minikeras.typing import Array, Shape


class SimpleRNNCell(KernelCell):
    """h_t = f(x_t @ kernel + h_{t−1} @ recurrent_kernel + bias).

    For the arguments see `SimpleRNN`.
    """

    seeds_last = False

    def step(self, t: int, states: Sequence[list[Array]], ctx: Context) -> None:
        self.preactivate(t, states, ctx)
        self.activation(ctx.values["z"][t][0].T, out=states[0][t + 1].T)

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[list[Array]], ctx: Context
    ) -> list[Array]:
        f, (dh,) = self.activation, dstates
        saved = ctx.values["z"][t][0] if f.needs_input else states[0][t + 1]
        f.backward(dh.T, saved.T, out=ctx.values["dz"].T)
        return [self.backpropagate(t, ctx)]

    def meetings(self, input_shape: Shape, training: bool) -> float:
        """Of one step, whose operations are few."""
        return 1 / 7


class SimpleRNN(RNN):
    """h_t = f(x_t @ kernel + h_{t−1} @ recurrent_kernel + bias), h_0 = 0; the output is the last h, or all.

    Args:
        units: the width of h.
        activation: f, "tanh" by default.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        recurrent_initializer: "orthogonal" by default, which neither shrinks nor blows up h.
        bias_initializer: "zeros" by default.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: accepted, but without effect, as in Keras.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: the same for the recurrent kernel.
        bias_constraint: the same for the bias.
        dropout: the share of the inputs that is dropped in training, the same ones at all steps.
        recurrent_dropout: the share of h that is dropped on its way to the next step.
        return_sequences: see `RNN`, as for the following.
        return_state: return a list of the output and the last states.
        go_backwards: begin with the last step.
        stateful: begin with the states that the batch before ended with.
        unroll: accepted; changes nothing here.
        seed: repeats the dropout masks from run to run.
        **kwargs: `zero_output_for_mask`, and those of `Layer`.

    Source: J. Elman, "Finding Structure in Time", 1990.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            check_int(self, "units", units), activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, name="simple_rnn_cell", **cell_arguments(kwargs),
        )  # fmt: skip
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments; the cell is made from them."""
        config = super().get_config()
        del config["cell"], config["seed"]  # as in Keras
        return config


def cell_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Those arguments of a recurrent layer that its cell needs too."""
    return {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
