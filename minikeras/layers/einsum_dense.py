"""A dense layer whose product is written in Einstein's notation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import activations, constraints, initializers, regularizers
from minikeras.context import Context
from minikeras.errors import ShapeError
from minikeras.layers.activation import activate, activation_backward
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape

SPARE = "ZYXWVUTSRQPONMLKJIHGFEDCBA"  # letters for the axes that "..." stands for


class EinsumDense(Layer):
    """y = f(einsum(equation, x, kernel) + bias).

    "ab,bc->ac" is `Dense`; "abc,cd->abd" works along the last of three axes; "...x,xy->...y" does so
    for any number of axes.

    Args:
        equation: two terms and a result, such as "ab,bc->ac"; the first letter of x is the batch.
        output_shape: the sizes of y, without the batch and without what "..." stands for; None: unknown.
        activation: f, by default the identity.
        bias_axes: the letters of y that the bias has; None: there is no bias.
        kernel_initializer: "glorot_uniform" by default.
        bias_initializer: "zeros" by default.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: the same for the bias.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: for an equation of another form.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        match = re.fullmatch(
            r"(\.{3})?([a-z]+)(\.{3})?,([a-z]+)->(\.{3})?([a-z]+)(\.{3})?", equation.replace(" ", "")
        )
        if match is None or any(len(set(t)) < len(t) for t in (match[2], match[4], match[6])):
            raise ValueError(
                f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], "
                "...[X],[Y]->...[Z], or [X]...,[Y]->[Z]..., with each letter once in a term."
            )
        self.equation = equation
        self.output_shape: Any = (
            tuple(output_shape) if isinstance(output_shape, (tuple, list)) else (output_shape,)
        )
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        if bias_axes and any(a not in match[6] for a in bias_axes):
            raise ValueError(f"Bias axis letters {bias_axes!r} are not all in the output {match[6]!r}.")

    def terms(self, rank: int) -> tuple[str, str, str]:
        """The letters of x, the kernel and y, with letters of its own for each axis in "..."."""
        inputs, rest = self.equation.replace(" ", "").split(",")
        kernel, output = rest.split("->")
        spare = SPARE[: max(rank - len(inputs.replace("...", "")), 0)]
        return inputs.replace("...", spare), kernel, output.replace("...", spare)

    def _sizes(self, input_shape: Shape) -> dict[str, int | None]:
        """The size of each letter, from the input and from `output_shape`."""
        inputs, _, output = self.terms(len(input_shape))
        sizes = dict(zip(inputs, input_shape, strict=True))
        own = [c for c in output if c not in SPARE]
        if not self.equation.startswith("..."):
            own = own[1:]  # the batch
        if len(own) != len(self.output_shape):
            raise ShapeError(self.where(), f"output_shape for {own}", f"output_shape={self.output_shape}")
        for letter, n in zip(own, self.output_shape, strict=True):
            if n is not None and sizes.setdefault(letter, n) != n:
                raise ShapeError(
                    self.where(),
                    f"size {n} for {letter!r}, as output_shape={self.output_shape}",
                    tuple(input_shape),
                )
        return sizes

    def check_input(self, input_shape: Shape) -> None:
        inputs = self.terms(len(input_shape))[0]
        if len(inputs) != len(input_shape):
            raise ShapeError(self.where(), f"the axes of {self.equation!r}", tuple(input_shape))
        sizes, kernel = self._sizes(input_shape), self.terms(len(input_shape))[1]
        wanted = tuple(sizes.get(c) for c in kernel)
        if None in wanted:
            raise ShapeError(self.where(), f"known sizes of the kernel's axes {kernel!r}", tuple(input_shape))
        if self.built and wanted != self.kernel.shape:
            raise ShapeError(
                self.where(), f"axes for a kernel of shape {self.kernel.shape}", tuple(input_shape)
            )

    def build(self, input_shape: Shape) -> None:
        sizes = self._sizes(input_shape)
        _, kernel, output = self.terms(len(input_shape))
        self.kernel = self.add_weight(
            [sizes[c] or 1 for c in kernel], self.kernel_initializer, None, True,
            self.kernel_regularizer, self.kernel_constraint, "kernel",
        )  # fmt: skip
        if self.bias_axes:
            first = min(output.index(a) for a in self.bias_axes)
            shape = [(sizes[c] or 1) if c in self.bias_axes else 1 for c in output[first:]]
            self.bias = self.add_weight(
                shape, self.bias_initializer, None, True,
                self.bias_regularizer, self.bias_constraint, "bias",
            )  # fmt: skip
        self.mark_built(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = self._sizes(input_shape)
        return tuple(sizes.get(c) for c in self.terms(len(input_shape))[2])

    @property
    def output_activation(self) -> activations.Activation:
        """f."""
        return self.activation

    def forward(self, x: Array, ctx: Context) -> Array:
        inputs, kernel, output = self.terms(x.ndim)
        z = np.einsum(f"{inputs},{kernel}->{output}", x, self.kernel.value, optimize=True)
        if self.bias_axes:
            z += self.bias.value
        y, kept = activate(self.activation, z, ctx)
        ctx.save(x=x, kept=kept)
        return y

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        x, kept = ctx.saved("x", "kept")
        inputs, kernel, output = self.terms(x.ndim)
        dz = activation_backward(self.activation, dy, kept, ctx)
        np.copyto(ctx.grad(self.kernel), self._product(output, dz, inputs, x, kernel, self.kernel.shape))
        if self.bias_axes:
            bias = ctx.grad(self.bias)
            lead = dz.ndim - bias.ndim
            axes = tuple(a for a in range(dz.ndim) if a < lead or bias.shape[a - lead] == 1)
            np.copyto(bias, dz.sum(axis=axes, keepdims=True).reshape(bias.shape))
        if not ctx.needs_dx:
            return None
        return self._product(output, dz, kernel, self.kernel.value, inputs, x.shape)

    @staticmethod
    def _product(a: str, first: Array, b: str, second: Array, result: str, shape: tuple[int, ...]) -> Array:
        """einsum("a,b->result"), with ones for the letters that only the result has."""
        lonely = [c for c in result if c not in a + b]
        ones = [np.ones(shape[result.index(c)], first.dtype) for c in lonely]
        return np.einsum(",".join([a, b, *lonely]) + "->" + result, first, second, *ones, optimize=True)
