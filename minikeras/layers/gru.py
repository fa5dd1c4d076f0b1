"""Gated recurrent units: a state that is a weighted mean of itself and a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations
from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers.kernel_cell import KernelCell, input_gradient, kernel_gradient, multiply, product
from minikeras.layers.recurrent import RNN
from minikeras.layers.simple_rnn import cell_arguments
from minikeras.numbers import sum_columns
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

    def activations(self) -> list[activations.Activation]:
        return [self.activation, self.recurrent_activation]

    def begin(self, x: Array, ctx: Context) -> None:
        super().begin(x, ctx)
        steps, n = x.shape[1:]
        # what r multiplies: R_hᵀ h_{t−1} + b', or h_{t−1} itself
        ctx.values["reset"] = ctx.buffer("reset", (steps, self.units, n), self.dtype)

    def step(self, t: int, states: Sequence[Array], ctx: Context) -> None:
        h, u, recurrent = states[0], self.units, self.recurrent_kernel.value
        z, gates, reset = (ctx.values[name][t] for name in ("z", "gates", "reset"))
        xk, before = ctx.values["xk"][:, t], self.before(t, states, ctx)
        update, r, candidate = gates.reshape(3, u, -1)
        if self.reset_after:
            product(recurrent, before, z)
            if self.use_bias:
                z += self.bias.value[1][:, None]
            reset[...] = z[2 * u :]
        else:
            product(recurrent[:, : 2 * u], before[:2], z[: 2 * u])
            reset[...] = before[-1]
        z[: 2 * u] += xk[: 2 * u]
        if self.use_bias:
            bias = self.bias.value[0] if self.reset_after else self.bias.value
            z[: 2 * u] += bias[: 2 * u, None]
        self.recurrent_activation(z[: 2 * u].T, out=gates[: 2 * u].T)
        if self.reset_after:
            np.multiply(r, reset, out=z[2 * u :])
        else:
            kept = np.multiply(r, reset, out=ctx.buffer("kept", r.shape, self.dtype))
            multiply(recurrent[:, 2 * u :].T, kept, z[2 * u :])
        z[2 * u :] += xk[2 * u :]
        if self.use_bias:
            z[2 * u :] += bias[2 * u :, None]
        self.activation(z[2 * u :].T, out=candidate.T)
        np.subtract(h[t], candidate, out=h[t + 1])
        h[t + 1] *= update
        h[t + 1] += candidate  # h_t = h̃ + z (h_{t−1} − h̃)

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[Array], ctx: Context
    ) -> list[Array]:
        (dh,), h, u, recurrent = dstates, states[0], self.units, self.recurrent_kernel.value
        act, sigma = self.activation, self.recurrent_activation
        z, gates, reset = (ctx.values[name][t] for name in ("z", "gates", "reset"))
        update, r, candidate = gates.reshape(3, u, -1)
        dgates, dz, dhr = (ctx.buffer(name, gates.shape, self.dtype) for name in ("dgates", "dz_t", "dhr_t"))
        dupdate, dr, dcandidate = dgates.reshape(3, u, -1)
        np.subtract(1, update, out=dcandidate)
        dcandidate *= dh  # dh̃ = dh (1 − z)
        act.backward(dcandidate.T, (z if act.needs_input else gates)[2 * u :].T, out=dz[2 * u :].T)
        if self.reset_after:
            through = dz[2 * u :]  # dL/d(r (R_hᵀ h_{t−1} + b'))
        else:
            through = ctx.buffer("through", dh.shape, self.dtype)
            multiply(recurrent[:, 2 * u :], dz[2 * u :], through)  # dL/d(r h_{t−1})
        np.multiply(through, reset, out=dr)
        np.multiply(through, r, out=dhr[2 * u :])
        np.subtract(h[t], candidate, out=dupdate)
        dupdate *= dh  # dz = dh (h_{t−1} − h̃)
        sigma.backward(dgates[: 2 * u].T, (z if sigma.needs_input else gates)[: 2 * u].T, out=dz[: 2 * u].T)
        self.keep("dz", t, dz, ctx)
        h_mask = ctx.values["h_mask"]
        dbefore = ctx.buffer(f"dh{t % 2}", dh.shape, self.dtype)  # the other one is dh
        if self.reset_after:
            dhr[: 2 * u] = dz[: 2 * u]
            self.keep("dhr", t, dhr, ctx)
            input_gradient(recurrent, dhr, h_mask, dbefore, ctx)
        else:
            masks = None if h_mask is None else h_mask[:2]
            input_gradient(recurrent[:, : 2 * u], dz[: 2 * u], masks, dbefore, ctx)
            if h_mask is not None:
                dhr[2 * u :] *= h_mask[2]
            dbefore += dhr[2 * u :]
        dbefore += np.multiply(dh, update, out=dupdate)
        return [dbefore]

    def recurrent_gradients(self, before: Array, dz: Array, ctx: Context) -> None:
        """dL/drecurrent_kernel and dL/dbias, sums over the steps."""
        u, drecurrent = self.units, ctx.grad(self.recurrent_kernel)
        if self.reset_after:
            dhr = ctx.buffer("dhr", ctx.values["xk"].shape, self.dtype).reshape(3 * u, -1)
            kernel_gradient(before, dhr, drecurrent)
            if self.use_bias:
                sum_columns(dz, out=ctx.grad(self.bias)[0])
                sum_columns(dhr, out=ctx.grad(self.bias)[1])
            return
        kept = ctx.buffer("kept_all", before[-1].shape, self.dtype)  # r h_{t−1} of all steps
        r = ctx.values["gates"][:, u : 2 * u].transpose(1, 0, 2)
        np.multiply(r, before[-1].reshape(r.shape), out=kept.reshape(r.shape))
        kernel_gradient(before[:2], dz[: 2 * u], drecurrent[:, : 2 * u])
        np.matmul(kept, dz[2 * u :].T, out=drecurrent[:, 2 * u :])
        if self.use_bias:
            sum_columns(dz, out=ctx.grad(self.bias))


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
            dropout, recurrent_dropout, reset_after, seed, name="gru_cell", **cell_arguments(kwargs),
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
