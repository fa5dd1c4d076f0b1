"""Puts a Python file together: one line for each layer, the functions that these lines call, the weights.

Functions are those of `minikeras.export.plain`, copied as they stand, with all functions that they call.
Of names that users gave nothing gets into the file but as the text of strings and comments.
"""

from __future__ import annotations

import ast
import base64
import inspect
import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minikeras.export.source.layout import wrapped
from minikeras.export.walk import Rule, Value, Walk
from minikeras.layers import Layer
from minikeras.typing import Array, DType


class Code(str):
    """Text that is Python, and not a string to be written as one."""


@dataclass
class Body:
    """The lines of one function that is being written."""

    name: str
    text: str  # what it is, in words
    arguments: str = "x"
    lines: list[str] = field(default_factory=list)
    unused: set[int] = field(default_factory=set)  # which lines make masks that nobody has used
    made: int = 0  # which line made the mask at hand


class Source(Walk):
    """Goes through a model and writes Python.

    Args:
        rules: what to do for each class of layers: a rule returns an expression.
    """

    target = "NumPy source"

    def __init__(self, rules: Mapping[type, Rule]) -> None:
        super().__init__()
        self.rules = rules
        self.functions: dict[str, str] = {}  # of `plain`: name -> text
        self.bodies: list[str] = []  # the text of functions that are the model's own
        self.weights: dict[str, dict[str, Array]] = {}
        self.body = Body("forward", "The outputs for one batch.")

    # Expressions

    def use(self, function: Callable[..., Any]) -> Code:
        """The name of a function of `plain`, or of NumPy, which the file then has."""
        if isinstance(function, np.ufunc):
            return Code(f"np.{function.__name__}")
        name = function.__name__
        if name not in self.functions:
            text = inspect.getsource(function)
            known = vars(inspect.getmodule(function))
            called = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
            for other in sorted(called):
                if inspect.isfunction(known.get(other)) and other != name:
                    self.use(known[other])
            self.functions[name] = text
        return Code(name)

    def call(self, function: Callable[..., Any], *given: Any, **options: Any) -> Code:
        """function(*given, **options), without the options that are the defaults."""
        parameters = inspect.signature(function).parameters
        parts = [self.literal(value) for value in given]
        for name, value in options.items():
            default = parameters[name].default
            if not (type(value) is type(default) and value == default):
                parts.append(f"{name}={self.literal(value)}")
        return Code(f"{self.use(function)}({', '.join(parts)})")

    def literal(self, value: Any) -> str:
        """A value as Python."""
        if isinstance(value, Code):
            return value
        if isinstance(value, str):
            return json.dumps(value)
        if isinstance(value, (list, tuple)):
            inner = ", ".join(self.literal(v) for v in value)
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        return repr(value)

    def arrays(self, within: str = "", /, **arrays: Array) -> Code:
        """W["the layer"], with these arrays in the file.

        Args:
            within: what of the layer they belong to, such as one cell of several.
            **arrays: by their names in the file.
        """
        key = f"{self.path}{within}".rstrip("/")
        self.weights[key] = arrays
        return Code(f"W[{json.dumps(key)}]")

    def variables(self, layer: Any, *names: str, within: str = "") -> Code:
        """**W["the layer"] for a call, with variables of a layer or a cell, as far as it has them."""
        found = {name: getattr(layer, name).value for name in names if hasattr(layer, name)}
        return Code(f"**{self.arrays(within, **found)}")

    def mask(self, x: Value) -> Code | None:
        """The mask of x, for use in an expression."""
        if x.mask is None:
            return None
        self.body.unused.discard(self.body.made)
        return Code(x.mask)

    # Statements

    def cast(self, x: Value, dtype: DType) -> str:
        self.body.lines.append(f"x = x.astype({json.dumps(dtype.name)})")
        return "x"

    def differs(self, x: Value, number: float, last_axis: bool) -> str:
        self.body.made = len(self.body.lines)
        self.body.unused.add(self.body.made)
        found = f"x != {self.literal(number)}"
        self.body.lines.append(f"mask = ({found}).any(axis=-1)" if last_axis else f"mask = {found}")
        return "mask"

    def store(self, layer: Layer, y: Any, shape: Any) -> str:
        title = f"# {shown(self.path[:-1])} ({type(layer).__name__})"
        if y == "x":
            self.body.lines.append(f"{title}: nothing to do")
        else:
            self.body.lines += [f"{title}: {shape_text(shape)}", f"x = {y}"]
        return "x"

    def inner(self, layer: Layer, x: Value) -> Code:
        """A layer inside the one at hand, as an expression."""
        outer, self.path = self.path, f"{self.path}{layer.name}/"
        _, y = self.by_rule(layer, x)
        self.path = outer
        return Code(y)

    def own_function(self, name: str, text: str, arguments: str, write: Callable[[], Any]) -> Any:
        """Write a function of the model's own; what `write` returned.

        Args:
            name: a wish, which begins with a word that no name in `plain` begins with.
            text: what it is, in words.
            arguments: its arguments.
            write: adds its lines.
        """
        outer, self.body = self.body, Body(self._free(name), text, arguments)
        try:
            result = write()
            self.bodies.append(self.text_of(self.body))
        finally:
            self.body = outer
        return result

    def _free(self, name: str) -> str:
        """A name for a function that no other has."""
        wanted = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).lower()
        taken = {body.split("(")[0].removeprefix("def ") for body in self.bodies}
        name, i = wanted, 1
        while name in taken:
            i += 1
            name = f"{wanted}_{i}"
        return name

    # The file

    def text_of(self, body: Body) -> str:
        """A function; masks that nobody used are not made."""
        lines = [line for i, line in enumerate(body.lines) if i not in body.unused]
        lines = [*lines, "return x"] if body.arguments == "x" else lines
        head = [f"def {body.name}({body.arguments}):", f'    """{shown(body.text)}"""']
        return "\n".join([*head, *(wrapped(line, 4) for line in lines)])

    def weights_text(self) -> Iterable[str]:
        """The lines of the dictionary W."""
        yield "W = {"
        for layer, arrays in self.weights.items():
            yield f"    {json.dumps(layer)}: {{"
            for name, array in arrays.items():
                little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
                kind, shape = little.dtype.str.lstrip("|<="), self.literal(tuple(int(n) for n in array.shape))
                text = base64.b64encode(little.tobytes()).decode()
                start = f"        {json.dumps(name)}: array({json.dumps(kind)}, {shape}, "
                if len(start) + len(text) < 100:
                    yield f"{start}{json.dumps(text)}),"
                    continue
                yield f'{start}"""'
                yield "\n".join(textwrap.wrap(text, 100))
                yield '"""),'
            yield "    },"
        yield "}"


def shown(text: str) -> str:
    """A text of the user's with nothing in it that could end a comment or a docstring."""
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in text)


def shape_text(shape: Any) -> str:
    """(None, 28, 28) as (batch, 28, 28)."""
    if isinstance(shape, list):
        return ", ".join(shape_text(each) for each in shape)
    sizes = ["batch", *("any" if n is None else str(n) for n in shape[1:])]
    return f"({', '.join(sizes)})" if len(sizes) > 1 else "(batch,)"
