"""Gated recurrent units: a state that is a weighted mean of itself and a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations
from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers.cells import KernelCell
from minikeras.layers.recurrent import RNN
from minikeras.layers.simple_rnn import cell_arguments
from minikeras.typing import Array


class GRUCell(KernelCell):
    """z, r = σ(gates), h̃ = act(candidate), h_t = z h_{t−1} + (1 − z) h̃.

    With `reset_after` the candidate is x W_h + b + r (h_{t−1} R_h + b'), else x W_h + b + (r h_{t−1}) R_h.
    The order of the gates is z, r, h̃. For the arguments see `GRU`.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        """One row for the input, and one for the recurrent product where r comes after it."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Array:
        """The row of the input."""
        return self.bias.value[0] if self.reset_after else self.bias.value

    def begin(self, x: Array, ctx: Context) -> None:
        super().begin(x, ctx)
        z = ctx.values["z"]
        ctx.values["gates"] = ctx.buffer("gates", z.shape, self.dtype)
        # what r multiplies: h_{t−1} R_h + b', or h_{t−1} itself and then the product with R_h
        ctx.values["reset"] = ctx.buffer("reset", (*z.shape[:2], self.units), self.dtype)

    def step(self, t: int, states: Sequence[Array], outputs: Array, ctx: Context) -> None:
        h, u, recurrent = states[0], self.units, self.recurrent_kernel.value
        z, gates, reset = (ctx.values[name][t] for name in ("z", "gates", "reset"))
        before = self.before(t, states, ctx)
        if self.reset_after:
            hr = np.matmul(before, recurrent, out=ctx.buffer("hr", z.shape, self.dtype))
            if self.use_bias:
                hr += self.bias.value[1]
            z[:, : 2 * u] += hr[:, : 2 * u]
            reset[...] = hr[:, 2 * u :]
        else:
            z[:, : 2 * u] += np.matmul(before, recurrent[:, : 2 * u])
            reset[...] = before
        self.recurrent_activation(z[:, : 2 * u], out=gates[:, : 2 * u])
        update, r, candidate = (gates[:, k * u : (k + 1) * u] for k in range(3))
        z[:, 2 * u :] += r * reset if self.reset_after else np.matmul(r * reset, recurrent[:, 2 * u :])
        self.activation(z[:, 2 * u :], out=candidate)
        np.subtract(h[t], candidate, out=h[t + 1])
        h[t + 1] *= update
        h[t + 1] += candidate  # h_t = h̃ + z (h_{t−1} − h̃)

    def step_backward(
        self, t: int, dy: Array, dstates: Sequence[Array], states: Sequence[Array], ctx: Context
    ) -> list[Array]:
        h, u, recurrent, h_mask = states[0], self.units, self.recurrent_kernel.value, ctx.values["h_mask"]
        act, sigma = self.activation, self.recurrent_activation
        z, gates, reset = (ctx.values[name][t] for name in ("z", "gates", "reset"))
        update, r, candidate = (gates[:, k * u : (k + 1) * u] for k in range(3))
        dh = dstates[0] + dy
        dz = ctx.buffer("dz", ctx.values["z"].shape, self.dtype)[t]
        dcandidate = dz[:, 2 * u :]
        dcandidate[...] = act.backward(dh * (1 - update), z[:, 2 * u :] if act.needs_input else candidate)
        if self.reset_after:
            dproduct, dbefore = dcandidate * r, 0  # dL/d(h_{t−1} R_h + b')
            dr = dcandidate * reset
        else:
            dproduct = np.matmul(dcandidate, recurrent[:, 2 * u :].T)  # dL/d(r h_{t−1})
            dr, dbefore = dproduct * reset, dproduct * r
        dgates = np.concatenate([dh * (h[t] - candidate), dr], axis=1)
        dz[:, : 2 * u] = sigma.backward(dgates, (z if sigma.needs_input else gates)[:, : 2 * u])
        if self.reset_after:
            through = ctx.buffer("dhr", ctx.values["z"].shape, self.dtype)[t]
            through[:, : 2 * u] = dz[:, : 2 * u]
            through[:, 2 * u :] = dproduct
            dbefore = dbefore + np.matmul(through, recurrent.T)
        else:
            dbefore = dbefore + np.matmul(dz[:, : 2 * u], recurrent[:, : 2 * u].T)
        if h_mask is not None:
            dbefore = dbefore * h_mask
        return [dbefore + dh * update]

    def recurrent_gradients(self, before: Array, dz: Array, ctx: Context) -> None:
        """dL/drecurrent_kernel and dL/dbias, sums over the steps."""
        u, drecurrent = self.units, ctx.grad(self.recurrent_kernel)
        if self.reset_after:
            through = ctx.buffer("dhr", ctx.values["z"].shape, self.dtype).reshape(-1, 3 * u)
            np.matmul(before.T, through, out=drecurrent)
            if self.use_bias:
                np.sum(dz, axis=0, out=ctx.grad(self.bias)[0])
                np.sum(through, axis=0, out=ctx.grad(self.bias)[1])
            return
        r = ctx.values["gates"][..., u : 2 * u].reshape(-1, u)
        drecurrent[:, : 2 * u] = before.T @ dz[:, : 2 * u]
        drecurrent[:, 2 * u :] = (r * before).T @ dz[:, 2 * u :]
        if self.use_bias:
            np.sum(dz, axis=0, out=ctx.grad(self.bias))


class GRU(RNN):
    """z, r = σ(gates), h̃ = act(candidate), h_t = z h_{t−1} + (1 − z) h̃; the output is h.

    With `reset_after` the candidate is x W_h + b + r (h_{t−1} R_h + b'), and the bias is (2, 3 units); else it
    is x W_h + b + (r h_{t−1}) R_h. The kernel is (inputs, 3 units), in the order z, r, h̃.

    Args:
        units: the width of h.
        activation: act, "tanh" by default.
        recurrent_activation: σ, "sigmoid" by default.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        recurrent_initializer: "orthogonal" by default, which neither shrinks nor blows up h.
        bias_initializer: "zeros" by default.
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
        reset_after: where r is applied, see above.
        use_cudnn: accepted; changes nothing here.
        **kwargs: `zero_output_for_mask`, and those of `Layer`.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            check_int(self, "units", units), activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, reset_after, seed, **cell_arguments(kwargs),
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
