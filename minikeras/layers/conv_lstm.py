"""The convolutional LSTM: an LSTM whose inputs and states are images."""

from __future__ import annotations

from typing import Any

from minikeras.errors import ShapeError
from minikeras.layers.conv_lstm_cell import ConvLSTMCell
from minikeras.layers.inputs import check_rank
from minikeras.layers.recurrent import RNN
from minikeras.layers.simple_rnn import cell_arguments
from minikeras.typing import Shape


class ConvLSTM(RNN):
    """i, f, o = σ(gates), c̃ = act(gate), c_t = f c_{t−1} + i c̃, h_t = o act(c_t), for images h and c.

    The gates are x_t ⋆ kernel + h_{t−1} ⋆ recurrent_kernel + bias, where ⋆ is a convolution (see `Conv`); that of
    h has strides 1 and "same" padding. Kernel: (*kernel_size, channels, 4 filters), in the order i, f, c̃, o;
    recurrent kernel: (*kernel_size, filters, 4 filters). This is the common part of `ConvLSTM1D`,
    `ConvLSTM2D` and `ConvLSTM3D`. Inputs are (batch, steps, *spatial, channels).

    Args:
        filters: the number of channels of h and c.
        kernel_size: the window's size, one number or one per spatial axis.
        strides: by how much the window moves over the input.
        padding: "valid" or "same", for the input.
        data_format: "channels_last" or "channels_first".
        dilation_rate: the distance between the cells of the window over the input.
        activation: act, "tanh" by default.
        recurrent_activation: σ, "sigmoid" by default.
        use_bias: whether to add the bias.
        kernel_initializer: "glorot_uniform" by default.
        recurrent_initializer: "orthogonal" by default.
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
        **kwargs: `unroll`, `zero_output_for_mask`, and those of `Layer`.

    Source: Shi et al., "Convolutional LSTM Network", 2015.
    """

    rank = 2
    cell: ConvLSTMCell

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate,
            activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, name="conv_lstm_cell", **cell_arguments(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        spatial = tuple(range(3, 3 + self.rank))  # of a sequence whose channels come first
        if cell.data_format == "channels_last":
            spatial = tuple(range(2, 2 + self.rank))
        channels = 2 if cell.data_format == "channels_first" else 2 + self.rank
        self.sequence_axes = (1, 0, *spatial, channels)
        self.step_axes = (0, *(axis - 1 for axis in (*spatial, channels)))

    def check_input(self, input_shape: Shape) -> None:
        first = self.cell.data_format == "channels_first"
        order = "(batch, steps, channels, *spatial)" if first else "(batch, steps, *spatial, channels)"
        check_rank(self.where(), input_shape, self.rank + 3, order)
        sizes = input_shape[2:]
        if None in sizes:
            raise ShapeError(self.where(), "spatial axes and channels of known size", tuple(input_shape))
        if self.built and self.build_shape is not None and sizes != self.build_shape[2:]:
            raise ShapeError(self.where(), f"images of shape {self.build_shape[2:]}", tuple(input_shape))
        if any(n is not None and n < 1 for n in self.cell.out_sizes(self._spatial(input_shape))):
            raise ShapeError(
                self.where(), f"images of at least {self.cell.kernel_size}, the size of the kernel",
                tuple(input_shape), "use a smaller kernel_size, or padding='same'",
            )  # fmt: skip
        self.check_batch(input_shape)

    def _spatial(self, shape: Shape) -> Shape:
        return shape[3:] if self.cell.data_format == "channels_first" else shape[2:-1]

    def state_shapes(self, input_shape: Shape) -> list[Shape]:
        sizes, filters = self.cell.out_sizes(self._spatial(input_shape)), self.cell.filters
        first = self.cell.data_format == "channels_first"
        return [(filters, *sizes) if first else (*sizes, filters)] * 2

    def get_config(self) -> dict[str, Any]:
        """The arguments; the cell is made from them."""
        config = super().get_config()
        del config["cell"]
        config.setdefault("activity_regularizer", None)
        return config


class ConvLSTM1D(ConvLSTM):
    """`ConvLSTM` over sequences of rows: (batch, steps, places, channels)."""

    rank = 1


class ConvLSTM2D(ConvLSTM):
    """`ConvLSTM` over sequences of images: (batch, steps, height, width, channels)."""

    rank = 2


class ConvLSTM3D(ConvLSTM):
    """`ConvLSTM` over sequences of volumes: (batch, steps, depth, height, width, channels)."""

    rank = 3
