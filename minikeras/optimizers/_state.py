"""What an optimizer remembers: its slots, and where they lie.

A slot is one flat array that holds a number for each weight: its momentum, its velocity. Each
variable has its home in it, a slice that it keeps however the variables are packed later; so a
layer can be frozen, or a model copied, and every weight still finds its own momentum.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.optimizers._layout import Layout
from minikeras.optimizers._scalar import ScalarVariable
from minikeras.registry import Configurable
from minikeras.typing import Array
from minikeras.variable import Arena, Variable, writable


class State(Configurable):
    """The part of an optimizer that is saved, copied and restored."""

    scratch = 1  # how many scratch arrays `update` needs
    whole_variables = False  # whether `update` must be given whole variables, in their shapes

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    _learning_rate: Any

    def __init__(self) -> None:
        self.built = False
        self.averages_in_weights = False  # whether `swap_average` has exchanged them
        self._iterations = ScalarVariable(np.array(0, "int32"), "iteration", self.name)
        self._homes: dict[Variable, slice] = {}  # where in the slots each variable's state lies
        self._slots: dict[str, Array] = {}  # the state: one flat array for each name
        self._undecayed: tuple[set[Variable], re.Pattern[str] | None] = (set(), None)
        self._layout: Layout | None = None  # of the arena last seen
        self._list_layout: Layout | None = None  # of the list of variables last seen
        self._state: list[Variable] | None = None  # views of the slots

    def slots(self) -> list[dict[str, float]]:
        """What is remembered of each weight: names and initial values.

        Slots in one dict are stored variable by variable (a of v0, b of v0, a of v1, ...), those
        of separate dicts one after the other.
        """
        return []

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables; done by the first update if not before."""
        if self.built:
            return
        start = 0
        for v in variables:
            self._homes[v] = slice(start, start + v.size)
            start += v.size
        dtype = np.result_type(*(v.dtype for v in self._homes)) if self._homes else config.floatx()
        for group in self._all_slots():
            for name, initial in group.items():
                self._slots[name] = np.full(start, initial, dtype)
        self.built = True

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Let weight decay leave some variables alone.

        Args:
            var_list: these variables.
            var_names: all variables in whose name one of these is found, such as "bias".
        """
        pattern = "|".join(var_names or ())
        self._undecayed = (set(var_list or ()), re.compile(pattern) if pattern else None)
        self._layout = self._list_layout = None

    def _home(self, v: Variable) -> slice:
        if v not in self._homes:
            raise ValueError(
                f"Unknown variable: {v!r}. This optimizer can only be used for the variables it was built "
                "with. Make a new optimizer for another model (`compile` again)."
            )
        return self._homes[v]

    def _make_layout(self, variables: Sequence[Variable], arena: Arena | None) -> Layout:
        for v in variables:
            self._home(v)
            if not v.value.flags.c_contiguous:
                v.value = np.ascontiguousarray(v.value)
        excluded, pattern = self._undecayed
        undecayed = {v for v in variables if v in excluded or (pattern and pattern.search(v.name))}
        slots = [self._slots[name] for group in self.slots() for name in group]
        return Layout(variables, arena, self._homes, slots, self.scratch, undecayed, self.whole_variables)

    def _all_slots(self) -> list[dict[str, float]]:
        groups = [{"average": 0.0}] if self.use_ema else []
        if self.gradient_accumulation_steps:
            groups.append({"gradient_accumulator": 0.0})
        return groups + self.slots()

    @property
    def variables(self) -> list[Variable]:
        """The state in Keras' order: step count, learning rate, slots. Their values are views."""
        if self._state is None and self.built:
            self._state = [
                self._state_variable(v, name, home)
                for group in self._all_slots()
                for v, home in self._homes.items()
                for name in group
                if self._has_slot(v, name)
            ]
        rate = [self._learning_rate] if isinstance(self._learning_rate, ScalarVariable) else []
        return [self._iterations, *rate, *(self._state or []), *self._own_variables()]

    def _state_variable(self, v: Variable, slot: str, home: slice) -> Variable:
        state = Variable(0.0, name=f"{v.path.replace('/', '_')}_{slot}", trainable=False)
        state.path = f"{self.name}/{state.name}"
        state.value = self._slots[slot][home].reshape(v.shape)
        return state

    def _has_slot(self, v: Variable, slot: str) -> bool:
        """Whether a variable's part of a slot counts as state."""
        return True

    def _own_variables(self) -> list[Variable]:
        """Further state of a subclass that is not kept for each weight."""
        return []

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Overwrite the state with arrays in the order of `variables`."""
        if not self.built:
            raise ValueError("Call `optimizer.build(variables)` before `set_weights`.")
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Put the state into a mapping, under "0", "1", "2" ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the state from such a mapping; one of another length is left out, with a warning."""
        if len(store) != len(self.variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has "
                f"{len(self.variables)} variables whereas the saved optimizer has {len(store)} variables.",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(self.variables):
            variable.assign(store[str(i)])

    def __getstate__(self) -> dict[str, Any]:
        # Copies and pickles take views and what they are views of apart: leave the views out.
        return {**vars(self), "_layout": None, "_list_layout": None, "_state": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._slots = {name: writable(slot) for name, slot in self._slots.items()}
