"""What a layer is: hyperparameters, variables, a forward and a backward pass.

To write your own, store the constructor's arguments under their own names, make the variables in
`build`, and write the two passes:

    class Scale(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

        def forward(self, x, ctx):
            ctx.save(x=x)
            return x * self.scale.value

        def backward(self, dy, ctx):
            x = ctx.saved("x")
            np.sum(dy * x, axis=0, out=ctx.grad(self.scale))  # dL/dscale = sum over the batch of dy x
            return dy * self.scale.value  # dL/dx

The laws: neither pass writes to x, to dy or to the layer; `backward` sets each gradient
(`out=ctx.grad(variable)`) and returns dL/dx; outputs have the layer's dtype.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any, Self

import numpy as np

from minikeras import markup, regularizers
from minikeras.activations import Activation
from minikeras.config import standardize_dtype
from minikeras.context import Context
from minikeras.errors import closest
from minikeras.layers.inputs import as_numeric, as_numeric_or_text, declared_shape
from minikeras.layers.variables import VariableOwner
from minikeras.naming import auto_name
from minikeras.registry import Table, arguments, serialize
from minikeras.typing import Array, Shape
from minikeras.variable import Variable

table: Table[Layer] = Table("layer", "keras.layers")

_building = threading.RLock()  # two threads that meet an unbuilt layer must not both build it


class Layer(VariableOwner):
    """The base of all layers: y = forward(x), dx = backward(dy).

    Args:
        activity_regularizer: a penalty on the output; its sum is divided by the batch size.
        trainable: whether `fit` changes the layer's variables.
        dtype: the type of variables and outputs; `config.floatx()` when None.
        autocast: whether inputs are converted to that type.
        name: unique within a model; by default made from the class name.
        **kwargs: `input_shape=(...)` (without the batch) or `input_dim=n` on a model's first layer.
    """

    casts_input = True  # whether inputs are converted to the layer's type; not where they are numbers of rows
    supports_masking = False  # whether the mask of the input is also the mask of the output
    # Whether each sample is worked on by itself, or with sums over the batch from `ctx.total`: then threads may
    # share out a batch. A layer of your own may say so; those of this package that cannot say that.
    rowwise: Any = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls) and "rowwise" not in vars(cls):
            cls.rowwise = cls.__module__.startswith("minikeras.layers.")

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.declared_input_shape = declared_shape(kwargs)
        if kwargs:
            known = [*arguments(type(self)), "input_shape", "input_dim", "batch_shape"]
            hints = "".join(closest(k, known) for k in kwargs)
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}.{hints}"
            )
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"A layer's name must be a string without '/'. Received: name={name!r}")
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype = standardize_dtype(dtype)
        self.autocast = autocast
        self.name = auto_name(type(self).__name__) if name is None else name
        self.built = False
        self.build_shape: Shape | None = None
        self._trainable = bool(trainable)
        self._trainable_variables: list[Variable] = []
        self._non_trainable_variables: list[Variable] = []

    # What a subclass writes

    def build(self, input_shape: Shape) -> None:
        """Make the variables for inputs of this shape (None: any size). The base class has none."""

    def forward(self, x: Array, ctx: Context) -> Any:
        """y from x; what `backward` needs goes to `ctx.save`."""
        raise NotImplementedError(
            f"Layer {self.name!r} ({type(self).__name__}) has no `forward(self, x, ctx)`: it returns the output "
            "and keeps what `backward` needs with ctx.save(...)."
        )

    def backward(self, dy: Array, ctx: Context) -> Any:
        """dL/dx from dL/dy; dL/dvariable goes to `ctx.grad(variable)`."""
        raise NotImplementedError(
            f"Layer {self.name!r} ({type(self).__name__}) has no `backward(self, dy, ctx)`, so it cannot be "
            "trained: write each dL/dvariable into ctx.grad(variable) and return dL/dx."
        )

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """The output's shape. Found by a trial run on zeros unless a subclass knows better."""
        small, large = (self._trial(input_shape, unknown) for unknown in (2, 3))
        return tuple(a if a == b else None for a, b in zip(small, large, strict=True))

    def _trial(self, input_shape: Shape, unknown: int) -> tuple[int, ...]:
        zeros = np.zeros([unknown if n is None else n for n in input_shape], self.dtype)
        return tuple(np.shape(self.forward(zeros, Context(recording=False))))

    def check_input(self, input_shape: Shape) -> None:
        """Raise a `ShapeError` unless `forward` can take an input of this shape."""

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        """The mask of the output from that of the input; None where every step counts."""
        if mask is None or self.supports_masking:
            return mask
        warnings.warn(
            f"Layer {self.name!r} (of type {type(self).__name__}) was passed an input with a mask attached to "
            "it. However, this layer does not support masking and will therefore destroy the mask information.",
            stacklevel=2,
        )
        return None

    def where(self) -> str:
        """How error messages name this layer."""
        return f"layer {self.name!r} ({type(self).__name__})"

    @property
    def takes_text(self) -> bool:
        """Whether the input may be an array of strings."""
        return False

    @property
    def output_activation(self) -> Activation | None:
        """The function that makes the output, where there is one: a loss may be paired with it."""
        return None

    # Building and calling

    def ensure_built(self, input_shape: Shape) -> None:
        """Check the shape, and build at first use; a build that fails leaves nothing behind."""
        if not self.built:
            with _building:
                if not self.built:
                    self._build_once(input_shape)
        self.check_input(input_shape)

    def _build_once(self, input_shape: Shape) -> None:
        if not self._trainable_variables and not self._non_trainable_variables:
            try:
                self.check_input(input_shape)
                self.build(input_shape)
            except Exception:
                self._trainable_variables.clear()
                self._non_trainable_variables.clear()
                raise
        if not self._trainable:  # the new variables of a layer that was frozen before it was built
            self.trainable = False
        self.mark_built(input_shape)

    def mark_built(self, input_shape: Shape) -> None:
        """Note that the variables exist; a `build` of one's own may end with it."""
        self.built = True
        self.build_shape = tuple(input_shape)
        self.set_paths(self.name)

    def cast_input(self, x: Any) -> Array:
        """The input as an array of the layer's type.

        Raises:
            ValueError: for strings (unless the layer takes them), objects and lists of unequal length.
            TypeError: for a layer, as in Keras' functional API.
        """
        if type(x) is np.ndarray and x.dtype == self.dtype:
            return x  # as it nearly always is, and the checks below take as long as a small layer's product
        if isinstance(x, Layer):
            raise TypeError(
                f"{self.where()} was called on {x.where()}, not on an array: there is no functional API.\n"
                "  likely fix: list the layers in their order, Sequential([Input(...), Dense(...), ...])"
            )
        array = (as_numeric_or_text if self.takes_text else as_numeric)(x, self.where())
        casts = self.autocast and self.casts_input
        return array.astype(self.dtype) if casts and array.dtype != self.dtype else array

    def run_forward(self, x: Array, ctx: Context) -> Any:
        """`forward`, and what all layers have in common around it: type, mask, activity penalty."""
        if x.dtype != self.dtype and self.autocast and self.casts_input:
            same = ctx.buffer("cast", x.shape, self.dtype)
            np.copyto(same, x, casting="unsafe")
            x = same
        # Before the pass, as a model's `forward` puts its last layer's in this place
        ctx.output_mask = self.compute_mask(x, ctx.mask)
        y = self.forward(x, ctx)
        if self.activity_regularizer is not None:
            ctx.penalty += self.activity_regularizer(y) / max(len(y), 1)
            ctx.activity = y  # type: ignore[attr-defined]
        return y

    def shares_work(self, input_shape: Shape) -> bool:
        """Whether threads help with a whole batch of this shape: its work goes through `ctx.dot` or `ctx.run_all`."""
        return False

    def can_be_split(self) -> bool:
        """Whether this layer and all inside it work on each sample by itself, and none adds to the penalty."""
        return (
            bool(self.rowwise)
            and self.activity_regularizer is None
            and all(layer.can_be_split() for layer in self.sublayers())
        )

    def meetings(self, input_shape: Shape, training: bool) -> float:
        """How long threads with parts of such a batch wait for each other, in calls of `ctx.total`."""
        return sum(inner.meetings(input_shape, training) for inner in self.sublayers())

    def run_backward(self, dy: Any, ctx: Context) -> Any:
        """`backward`, with the activity penalty's share added to dy first."""
        if self.activity_regularizer is not None:
            y: Array = ctx.activity  # type: ignore[attr-defined]
            total = ctx.buffer("total dy", y.shape, y.dtype)
            np.divide(self.activity_regularizer.gradient(y), max(len(y), 1), out=total)
            total += dy
            dy = total
        return self.backward(dy, ctx)

    def __call__(self, x: Any, training: bool | None = False, mask: Array | None = None) -> Any:
        """The layer's output for an array, in a context of its own: the result is yours.

        Args:
            x: an array, or anything that can be made into one.
            training: whether dropout and the like are active.
            mask: which steps count, shape (batch, steps).
        """
        x = self.cast_input(x)
        self.ensure_built(x.shape)
        y = self.run_forward(x, Context(bool(training), recording=False, mask=mask))
        return y.copy() if isinstance(y, np.ndarray) and np.may_share_memory(x, y) else y

    def base_config(self) -> dict[str, Any]:
        """The part of the config that all layers have: name, trainable, dtype."""
        policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": self.dtype.name}}
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": {**policy, "registered_name": None},
        }

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in JSON form, in Keras' order."""
        config, base = self.base_config(), arguments(Layer)
        for name in arguments(type(self)):
            if name not in base:
                config[name] = serialize(getattr(self, name))
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        if not self.autocast:
            config["autocast"] = False
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new layer, with fresh variables, from what `get_config` returned."""
        return super().from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def _repr_html_(self) -> str:
        name, arguments_ = markup.tag("b", self.name), markup.tag("code", super().__repr__())
        below = markup.tag("p", "not built yet: it has no variables", class_="soft")
        if self.built:
            heads = ["variable", "shape", "numbers", "type", "trained"]
            rows = [
                [v.name, str(v.shape), v.size, v.dtype.name, "yes" if v.trainable else "no"]
                for v in self.weights
            ]
            below = markup.table(heads, rows) if rows else markup.Markup()
        return markup.fragment(markup.join([markup.tag("p", markup.join([name, "  ", arguments_])), below]))
