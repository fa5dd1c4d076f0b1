"""Long short-term memory: a state that is added to instead of overwritten, behind gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations
from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers.kernel_cell import KernelCell
from minikeras.layers.recurrent import RNN
from minikeras.layers.simple_rnn import cell_arguments
from minikeras.typing import Array


class LSTMCell(KernelCell):
    """i, f, o = σ(gates), c̃ = act(gate), c_t = f c_{t−1} + i c̃, h_t = o act(c_t).

    The gates are x_t @ kernel + h_{t−1} @ recurrent_kernel + bias, in the order i, f, c̃, o. For the
    arguments see `LSTM`.
    """

    gates = 4
    kernel_blocks = recurrent_blocks = (0, 1, 3, 2)  # here i, f, o, c̃: what goes through σ is one block

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> Any:
        """The widths of h and c."""
        return (self.units, self.units)

    def initial_bias(self) -> Any:
        """The bias's initializer, with ones for the forget gate: at first everything is remembered."""
        return (
            forget_bias(self.bias_initializer, self.units) if self.unit_forget_bias else self.bias_initializer
        )

    def activations(self) -> list[activations.Activation]:
        return [self.activation, self.recurrent_activation]

    def begin(self, x: Array, ctx: Context) -> None:
        super().begin(x, ctx)
        z, gates = ctx.values["all_z"], ctx.values["gates"]
        i, f, o, candidate = gates.reshape(len(gates), 4, self.units, x.shape[2]).swapaxes(0, 1)
        squashed = ctx.buffer("squashed", i.shape, self.dtype)  # act(c_t)
        ctx.values["steps"] = list(
            zip(*self._by_function(z), *self._by_function(gates), i, f, o, candidate, squashed, strict=True)
        )

    def _by_function(self, blocks: Array) -> tuple[Array, Array]:
        """The three gates that go through σ and the one that goes through act, features last."""
        turned = blocks.swapaxes(-1, -2)
        return turned[..., : 3 * self.units], turned[..., 3 * self.units :]

    def step(self, t: int, states: Sequence[list[Array]], ctx: Context) -> None:
        h, c = states
        z_sigma, z_act, y_sigma, y_act, i, f, o, candidate, squashed = ctx.values["steps"][t]
        self.preactivate(t, states, ctx)
        self.recurrent_activation(z_sigma, out=y_sigma)
        self.activation(z_act, out=y_act)
        after = np.multiply(f, c[t], out=c[t + 1])
        np.multiply(i, candidate, out=squashed)
        after += squashed  # c_t = f c_{t−1} + i c̃
        self.activation(after.T, out=squashed.T)
        np.multiply(o, squashed, out=h[t + 1])  # h_t = o act(c_t)

    def begin_backward(self, ctx: Context) -> None:
        super().begin_backward(ctx)
        dz = ctx.values["dz"]
        dgates = ctx.buffer("dgates", dz.shape, self.dtype)
        dc = ctx.buffer("dc", (2, self.units, dz.shape[1]), self.dtype)
        ctx.values["dgates"] = list(dgates.reshape(4, self.units, -1))
        ctx.values["chain"] = (*self._by_function(dgates), *self._by_function(dz), list(dc))

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[list[Array]], ctx: Context
    ) -> list[Array]:
        (dh, dc_after), c, act, sigma = dstates, states[1], self.activation, self.recurrent_activation
        z_sigma, z_act, y_sigma, y_act, i, f, o, candidate, squashed = ctx.values["steps"][t]
        di, df, do, dcandidate = ctx.values["dgates"]
        dy_sigma, dy_act, dz_sigma, dz_act, dcs = ctx.values["chain"]
        dc = dcs[t % 2]  # the other one holds dc_after
        np.multiply(dh, o, out=do)
        act.backward(do.T, (c[t + 1] if act.needs_input else squashed).T, out=dc.T)
        dc += dc_after  # dL/dc_t = dh o act'(c_t) + what comes from the step after
        np.multiply(dh, squashed, out=do)  # do = dh act(c_t)
        np.multiply(dc, candidate, out=di)  # di = dc c̃
        np.multiply(dc, c[t], out=df)  # df = dc c_{t−1}
        np.multiply(dc, i, out=dcandidate)  # dc̃ = dc i
        sigma.backward(dy_sigma, z_sigma if sigma.needs_input else y_sigma, out=dz_sigma)
        act.backward(dy_act, z_act if act.needs_input else y_act, out=dz_act)
        dc *= f  # dL/dc_{t−1} = dc f
        return [self.backpropagate(t, ctx), dc]


def forget_bias(initializer: Any, units: int) -> Any:
    """An initializer of four gates' bias: ones for the forget gate, the second, and the given one for the rest."""

    def make(shape: tuple[int, ...], dtype: Any = None) -> Array:
        parts = (initializer((units,), dtype), np.ones(units, dtype), initializer((2 * units,), dtype))
        return np.concatenate(parts)

    return make


class LSTM(RNN):
    """i, f, o = σ(gates), c̃ = act(gate), c_t = f c_{t−1} + i c̃, h_t = o act(c_t); the output is h.

    The gates are x_t @ kernel + h_{t−1} @ recurrent_kernel + bias, where the kernel is (inputs, 4 units),
    in the order i, f, c̃, o.

    Args:
        units: the width of h and c.
        activation: act, "tanh" by default.
        recurrent_activation: σ, "sigmoid" by default.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        recurrent_initializer: "orthogonal" by default, which neither shrinks nor blows up h.
        bias_initializer: "zeros" by default.
        unit_forget_bias: begin with a bias of one for the forget gate.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: the same for the recurrent kernel.
        bias_constraint: the same for the bias.
        dropout: the share of the inputs that is dropped in training, the same ones at all steps.
        recurrent_dropout: the share of h that is dropped on its way to the next step.
        seed: repeats the dropout masks from run to run.
        return_sequences: see `RNN`, as for the following.
        return_state: return a list of the output and the last states.
        go_backwards: begin with the last step.
        stateful: begin with the states that the batch before ended with.
        unroll: accepted; changes nothing here.
        use_cudnn: accepted; changes nothing here.
        **kwargs: `zero_output_for_mask`, and those of `Layer`.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget", 2000.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            check_int(self, "units", units), activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, name="lstm_cell", **cell_arguments(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.use_cudnn = use_cudnn

    def get_config(self) -> dict[str, Any]:
        """The arguments; the cell is made from them."""
        config = super().get_config()
        del config["cell"], config["use_cudnn"]  # as in Keras
        config.setdefault("activity_regularizer", None)
        return config
