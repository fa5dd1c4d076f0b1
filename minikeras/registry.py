"""Names to objects and back: `loss="mse"`, `get_config()`, `from_config()`, custom objects.

Each kind of object (layers, losses, ...) has one `Table` of the names that stand for it. Turning
a config into an object is a look-up in these tables and in what the user has registered; nothing
is ever imported or evaluated, so a config from a stranger can do no harm. The JSON form of an
object is Keras': {"module", "class_name", "config", "registered_name"}.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Generic, Self, TypeVar

import numpy as np

from minikeras.errors import closest
from minikeras.naming import to_snake_case

T = TypeVar("T")


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    """A class's constructor arguments, those that it passes on through `**kwargs` included."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in base.__dict__ or base is object:
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
        for p in parameters:
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                found.setdefault(p.name, p)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


class Configurable:
    """An object that is described by its constructor's arguments.

    The one rule (scikit-learn's): the constructor stores each argument under its own name. Then
    the repr, the config and a copy from the config need no further code.
    """

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in JSON form."""
        return {name: serialize(getattr(self, name)) for name in arguments(type(self))}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new object from what `get_config` returned."""
        return cls(**{name: deserialize(value) for name, value in config.items()})

    def __repr__(self) -> str:
        shown = []
        for name, parameter in arguments(type(self)).items():
            value = getattr(self, name, parameter.default)
            if name != "name" and repr(value) != repr(parameter.default):
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Table(Generic[T]):
    """The names under which the objects of one kind can be given as a string.

    Args:
        kind: the word for error messages, such as "loss".
        module: Keras' public name of the module, such as "keras.losses".
    """

    def __init__(self, kind: str, module: str) -> None:
        self.kind = kind
        self.entries: dict[str, Any] = {}
        self.classes: dict[str, type] = {}
        self.module = module
        _tables[module] = self

    def add(self, cls: type, *aliases: str) -> None:
        """Make a class known under its own name, its snake_case name and the aliases."""
        self.classes[cls.__name__] = cls
        for name in (cls.__name__, to_snake_case(cls.__name__), *aliases):
            self.entries[name] = cls
        declare(cls, self.module)

    def add_all(self, *classes: type) -> None:
        """`add` for classes without aliases."""
        for cls in classes:
            self.add(cls)

    def find(self, name: str) -> Any:
        """What a name stands for; registered custom objects come first.

        Raises:
            ValueError: for an unknown name, with the closest known ones.
        """
        found = get_registered_object(name)
        if found is None:
            found = self.entries.get(name)
        if found is None:
            hint = closest(name, self.entries)
            raise ValueError(f"Could not interpret {self.kind} identifier: {name}.{hint}")
        return found

    def create(self, identifier: Any) -> Any:
        """An object from a name, a class, or a config; anything else is returned as it is."""
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        elif isinstance(identifier, dict):
            identifier = deserialize(identifier, module=self.module)
        return identifier() if isinstance(identifier, type) else identifier

    def unknown(self, identifier: object) -> ValueError:
        """The error for something that stands for no object of this kind."""
        return ValueError(f"Could not interpret {self.kind} identifier: {identifier!r}")


def declare(cls: type, module: str) -> None:
    """Note in which of Keras' modules a built-in class is found."""
    _modules[cls] = module


def tables() -> dict[str, Table[Any]]:
    """The table of each of Keras' modules, filled: the packages that fill them are loaded first."""
    if not _tables.keys() >= _FILLED_BY.keys():
        for package in _FILLED_BY.values():
            importlib.import_module(package)
    return _tables


def is_built_in(name: str) -> bool:
    """Whether some table has an entry of this name."""
    return any(name in table.entries for table in tables().values())


# which package fills a module's table; no other is ever loaded
_FILLED_BY = {
    "keras": "minikeras.models",
    "keras.layers": "minikeras.layers",
    "keras.losses": "minikeras.losses",
    "keras.metrics": "minikeras.metrics",
    "keras.optimizers": "minikeras.optimizers",
}
_tables: dict[str, Table[Any]] = {}
_modules: dict[type, str] = {}  # a built-in class -> the Keras module that it is found in
_registered: dict[str, Any] = {}  # "package>name" -> a class or function of the user's
_registered_names: dict[Any, str] = {}
_scopes: list[dict[str, Any]] = []


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator: make a class or function known as "package>name", so that configs can name it."""

    def register(item: T) -> T:
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(f"Cannot register {item.__name__}: it has no `get_config` method.")
        key = f"{package}>{name or getattr(item, '__name__', '')}"
        _registered[key] = item
        _registered_names[item] = key
        return item

    return register


def get_registered_name(item: Any) -> str:
    """The name under which a class or function was registered, else its own name."""
    return _registered_names.get(item, getattr(item, "__name__", str(item)))


def get_registered_object(name: str) -> Any:
    """What the user has registered under a name, or None."""
    for scope in reversed(_scopes):
        if name in scope:
            return scope[name]
    return _registered.get(name)


def get_custom_objects() -> dict[str, Any]:
    """All that the user has registered: "package>name" -> the class or function."""
    return _registered


@contextlib.contextmanager
def custom_object_scope(custom_objects: dict[str, Any]) -> Iterator[None]:
    """Within this `with` block, names in configs also mean the given classes and functions."""
    _scopes.append(dict(custom_objects))
    try:
        yield
    finally:
        _scopes.pop()


def serialize(value: Any) -> Any:
    """A value in JSON form; objects become {"module", "class_name", "config", "registered_name"}."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, (list, tuple)):
        return [serialize(v) for v in value]
    if isinstance(value, dict):
        return {k: serialize(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": value.dtype.name}}
    if hasattr(value, "serialized"):  # an activation: its name is its whole description
        return value.serialized()
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        name = get_registered_name(value)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}
    if hasattr(value, "get_config"):
        return envelope(value)
    raise ValueError(f"{type(value).__name__} object {value!r} cannot be written into a config.")


def envelope(value: Any) -> dict[str, Any]:
    """An object's class and config, in Keras' JSON form."""
    cls = type(value)
    module = _modules.get(cls)
    return {
        "module": module,
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": None if module else get_registered_name(cls),
    }


def deserialize(value: Any, module: str | None = None) -> Any:
    """The value that `serialize` described.

    Args:
        value: JSON data.
        module: where to look first for a class that comes without a module of its own.

    Raises:
        ValueError: for a class that neither Keras' tables nor the user's registered ones have.
    """
    if isinstance(value, list):
        return [deserialize(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value or "config" not in value:
        return {k: deserialize(v) for k, v in value.items()}
    name, config = value["class_name"], value["config"]
    if name == "__numpy__":
        return np.array(config["value"], dtype=config["dtype"])
    if name == "DTypePolicy":
        return config["name"]
    if name == "function":
        return _find_function(config)
    cls = _find_class(name, value.get("module") or module, value.get("registered_name"))
    return cls.from_config(config)


def _find_class(name: str, module: str | None, registered_name: str | None) -> Any:
    found = get_registered_object(registered_name or name) or get_registered_object(name)
    if found is None and module in _tables:
        found = _tables[module].classes.get(name)
    if found is None and module is None:
        found = next((t.classes[name] for t in _tables.values() if name in t.classes), None)
    if found is None:
        known = [n for t in _tables.values() for n in t.classes]
        raise ValueError(
            f"Unknown class {name!r} in a config.{closest(name, known)} Pass your own classes as "
            "custom_objects={...} or decorate them with @register_keras_serializable()."
        )
    return found


def _find_function(name: str) -> Any:
    found = get_registered_object(name)
    if found is None:
        found = next((t.entries[name] for t in _tables.values() if name in t.entries), None)
    if found is None:
        raise ValueError(f"Unknown function {name!r} in a config. Pass it in custom_objects={{...}}.")
    return found
