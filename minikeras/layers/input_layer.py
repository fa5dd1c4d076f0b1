"""The entrance of a model: no computation, only the shape and type of what comes in."""

from __future__ import annotations

from typing import Any

from minikeras.config import floatx
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape


class InputLayer(Layer):
    """y = x. It declares the shape of a model's input, so that the model is built at once.

    Args:
        shape: without the batch axis; None stands for any size.
        batch_size: a fixed batch size, or None.
        dtype: of the input; `config.floatx()` when None; "string" for a model whose first layer takes strings.
        sparse: accepted for Keras' sake; must be false.
        ragged: accepted for Keras' sake; must be false.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: of the layer.
        optional: accepted for Keras' sake.

    Raises:
        ValueError: when both or neither of `shape` and `batch_shape` are given.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.is_string = isinstance(dtype, str) and dtype == "string"
        super().__init__(name=name, dtype=floatx() if self.is_string else dtype or floatx())
        if (shape is None) == (batch_shape is None):
            raise ValueError(
                "Input needs exactly one of `shape` (without the batch) and `batch_shape` (with it). "
                f"Received: shape={shape}, batch_shape={batch_shape}"
            )
        if sparse or ragged:
            raise ValueError(
                "minikeras has no sparse or ragged arrays: pass dense ones, padded to one length."
            )
        self.sparse = bool(sparse)
        self.ragged = bool(ragged)
        self.optional = optional
        full = tuple(batch_shape) if batch_shape is not None else (batch_size, *_as_tuple(shape))
        for n in full:
            if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 0):
                raise ValueError(
                    f"Cannot make an input of shape {shape or batch_shape}: sizes are integers or None."
                )
        self.batch_shape: Shape = full
        self.mark_built(full)

    @property
    def shape(self) -> Shape:
        """The input's shape, the batch axis first."""
        return self.batch_shape

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def forward(self, x: Array, ctx: Context) -> Array:
        return x

    def backward(self, dy: Array, ctx: Context) -> Array:
        return dy

    def get_config(self) -> dict[str, Any]:
        """Keras' keys; there is no `trainable`, and the dtype is a plain string."""
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": "string" if self.is_string else self.dtype.name,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _as_tuple(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, int):
        return (shape,)
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise ValueError(f"Input: `shape` must be a tuple of integers or None. Received: shape={shape!r}")
    return tuple(shape)


def Input(  # noqa: N802  (Keras' name)
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> InputLayer:
    """The first entry of a Sequential model: `Input((784,))`, `Input((None, 8))`.

    See `InputLayer` for the arguments; `tensor` must be None, as there are no symbolic tensors.
    """
    if tensor is not None:
        raise ValueError("Input: `tensor` has no meaning here, as there are no symbolic tensors.")
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, name, optional)
