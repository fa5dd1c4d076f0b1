"""Gated recurrent units: a state that is a weighted mean of itself and a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations
from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers._gates import input_gradient, kernel_gradient, multiply
from minikeras.layers.kernel_cell import KernelCell
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

    def activations(self) -> list[activations.Activation]:
        return [self.activation, self.recurrent_activation]

    # z's rows are the candidate's share of x, then z and r, then what r multiplies where that is a product: so
    # the first three blocks are what x takes part in, and all but the first what h does.
    kernel_blocks = (1, 2, 0)

    @property
    def recurrent_blocks(self) -> tuple[int, ...]:  # type: ignore[override]
        """Where h R lies among z's rows."""
        return (1, 2, 3) if self.reset_after else (1, 2, 0)

    def begin(self, x: Array, ctx: Context) -> None:
        super().begin(x, ctx)
        u, (steps, _, n) = self.units, x.shape
        seen, kernels, z, gates = (ctx.values[name] for name in ("all_seen", "kernels", "all_z", "gates"))
        np.matmul(kernels[0, :, u:], seen[:steps, 0, u:], out=z[:, :u])  # x_t W_h + b of all steps
        # r (h_{t−1} R_h + b'), or r h_{t−1}, is made from this
        reset = z[:, 3 * u :] if self.reset_after else ctx.buffer("reset", (steps, u, n), self.dtype)
        candidate, update, r = gates[:, : 3 * u].reshape(steps, 3, u, n).swapaxes(0, 1)
        ctx.values |= {
            "all_reset": reset,
            "steps": list(
                zip(*self._by_function(z), *self._by_function(gates), candidate, update, r, reset, strict=True)
            ),
        }  # fmt: skip

    def _by_function(self, blocks: Array) -> tuple[Array, Array]:
        """What goes through act and the two gates that go through σ, features last."""
        turned = blocks.swapaxes(-1, -2)
        return turned[..., : self.units], turned[..., self.units : 3 * self.units]

    def step(self, t: int, states: Sequence[list[Array]], ctx: Context) -> None:
        h, u, first, kernels = states[0], self.units, self.first_input, ctx.values["kernels"]
        z_act, z_sigma, y_act, y_sigma, candidate, update, r, reset = ctx.values["steps"][t]
        seen = self.see(t, states, ctx)
        np.matmul(kernels[1:3], seen[-2:], out=ctx.values["z"][t][1:3])
        self.recurrent_activation(z_sigma, out=y_sigma)
        inner = ctx.buffer("inner", r.shape, self.dtype)
        if self.reset_after:
            np.matmul(kernels[3, :, :first], seen[0, :first], out=reset)
            np.multiply(r, reset, out=inner)
        else:
            np.multiply(r, seen[0, :u], out=reset)
            np.matmul(kernels[0, :, :u], reset, out=inner)
        z_act += inner.T
        self.activation(z_act, out=y_act)
        after = np.subtract(h[t], candidate, out=h[t + 1])
        after *= update
        after += candidate  # h_t = h̃ + z (h_{t−1} − h̃)

    def begin_backward(self, ctx: Context) -> None:
        super().begin_backward(ctx)
        dz, u = ctx.values["dz"], self.units
        dgates = ctx.buffer("dgates", (3 * u, dz.shape[1]), self.dtype)
        through, *before = ctx.buffer("through", (3, u, dz.shape[1]), self.dtype)
        ctx.values["dgates"] = (*dgates.reshape(3, u, -1), through, before)
        ctx.values["chain"] = (*self._by_function(dgates), *self._by_function(dz))

    def step_backward(
        self, t: int, dstates: Sequence[Array], states: Sequence[list[Array]], ctx: Context
    ) -> list[Array]:
        (dh,), h, u, weights = dstates, states[0], self.units, ctx.values["weights"]
        act, sigma, dz = self.activation, self.recurrent_activation, ctx.values["dz"]
        z_act, z_sigma, y_act, y_sigma, candidate, update, r, reset = ctx.values["steps"][t]
        dcandidate, dupdate, dr, through, before = ctx.values["dgates"]
        dy_act, dy_sigma, dz_act, dz_sigma = ctx.values["chain"]
        np.subtract(1, update, out=dcandidate)
        dcandidate *= dh  # dh̃ = dh (1 − z)
        act.backward(dy_act, z_act if act.needs_input else y_act, out=dz_act)
        if self.reset_after:
            np.multiply(dz[:u], r, out=dz[3 * u :])  # dL/d(h_{t−1} R_h + b')
            np.multiply(dz[:u], reset, out=dr)
        else:
            multiply(weights[:u, :u], dz[:u], through)  # dL/d(r h_{t−1})
            np.multiply(through, ctx.values["seen"][t][1][0], out=dr)
            through *= r
        np.subtract(h[t], candidate, out=dupdate)
        dupdate *= dh  # dz = dh (h_{t−1} − h̃)
        sigma.backward(dy_sigma, z_sigma if sigma.needs_input else y_sigma, out=dz_sigma)
        self.keep(t, ctx)
        dbefore = before[t % 2]  # the other one is dh
        h_mask = ctx.values["h_mask"]
        masks = None if h_mask is None else self._seen_by_h(h_mask)
        input_gradient(weights[:u, u:], dz[u:], masks, dbefore, ctx)
        if not self.reset_after:
            if h_mask is not None:
                through *= h_mask[0]
            dbefore += through
        dbefore += np.multiply(dh, update, out=dupdate)
        return [dbefore]

    def _seen_by_h(self, masks: Array) -> list[Array]:
        """From the masks, or what is under them, in the order h̃, z, r: those of the blocks that h R fills."""
        return [*masks[1:], masks[0]] if self.reset_after else list(masks[-2:])

    def weight_gradients(self, seen: Array, dz: Array, dweights: Array, steps: slice, ctx: Context) -> None:
        """As the weights lie: R beside all blocks but the first, W beside all but the last."""
        u, first = self.units, self.first_input
        if self.reset_after:
            of_h = self._seen_by_h(seen[:, :first])
            kernel_gradient(of_h, dz[u:], dweights[:first, u:])
            kernel_gradient(seen[:, u:], dz[: 3 * u], dweights[u:, : 3 * u])
            return
        part = ctx.values["all_reset"][steps].transpose(1, 0, 2)
        reset = ctx.buffer("reset_all", part.shape, self.dtype)  # r h_{t−1} of these steps
        np.copyto(reset, part)
        kernel_gradient(seen[-2:], dz[u:], dweights[:, u:])
        np.matmul(seen[0, u:], dz[:u].T, out=dweights[u:, :u])
        np.matmul(reset.reshape(u, -1), dz[:u].T, out=dweights[:u, :u])


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
