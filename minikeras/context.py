"""What a forward pass leaves behind for its backward pass.

A layer holds hyperparameters and variables, nothing else. Everything that belongs to one pass
(the input that it saw, its mask, scratch arrays, gradients) lives in a `Context`. So many threads
can use one model at a time, a prediction cannot disturb a gradient, and whatever happened in a
pass can be looked at. A model gives each of its layers a child context.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from minikeras.random import SeedGenerator, default_generator
from minikeras.typing import Array, DTypeLike
from minikeras.variable import Variable
from minikeras.workers import Crew, Team, run_all

MAX_VIEWS = 256  # of scratch arrays that one context remembers before it forgets all


class _Pass:
    """What all contexts of one pass share."""

    def __init__(self, number: int = 0, seeds: _Seeds | None = None) -> None:
        self.gradients: dict[Variable, Array] = {}
        self.penalty = 0.0
        self.rng: np.random.Generator | None = None
        self.number = number  # among the passes that work on parts of one batch
        self.seeds = seeds or _Seeds()
        self.team: Team | None = None  # of those passes, while there are several
        self.crew: Crew | None = None  # that helps with the only pass


class _Seeds:
    """One seed for each generator: parts of a batch that ask for the same one are given the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn: dict[tuple[Hashable, ...], Any] = {}

    def get(self, path: tuple[Hashable, ...], draw: Callable[[], Any]) -> list[int]:
        """The seed of the generator at this path; drawn when it is first asked for."""
        with self._lock:
            if path not in self._drawn:
                self._drawn[path] = np.asarray(draw()).tolist()
            return list(self._drawn[path])


class Context:
    """The state of one pass through one layer.

    Args:
        training: whether dropout drops and batch normalization uses the batch.
        recording: whether `save` keeps anything; False where no backward pass will follow.
        needs_dx: whether `backward` must return the gradient of the layer's input.
        mask: which steps of the input count, shape (batch, steps), or None for all.

    A layer may set further attributes of its own on it. They live as long as the context.
    """

    def __init__(
        self,
        training: bool = False,
        recording: bool = True,
        needs_dx: bool = True,
        mask: Array | None = None,
        _shared: _Pass | None = None,
        _path: tuple[Hashable, ...] = (),
    ) -> None:
        self.training = training
        self.recording = recording
        self.needs_dx = needs_dx
        self.mask = mask  # of the input; set by the model before `forward`
        self.output_mask: Array | None = None  # set by `Layer.run_forward`, in a model by its last layer
        self.dy_is_dz = False  # the loss gave dL/dz of the layer's activation: see training/pairing.py
        self.children: dict[Hashable, Context] = {}
        self._chain: list[Context] = []
        self.values: dict[str, Any] = {}  # what `save` kept
        self._shared = _shared or _Pass()
        self._path = _path
        self._pending = False
        self._storage: dict[str, Array] = {}
        self._views: dict[tuple[Any, ...], Array] = {}

    def child(self, key: Hashable) -> Context:
        """The context of the layer at position `key` inside this one; made at first use."""
        child = self.children.get(key)
        if child is None:
            path = (*self._path, key)
            child = Context(self.training, self.recording, self.needs_dx, None, self._shared, path)
            self.children[key] = child
        return child

    def chain(self, count: int) -> list[Context]:
        """The contexts of a row of layers inside this one: those at the positions 0 to count - 1."""
        if len(self._chain) != count:
            self._chain = [self.child(i) for i in range(count)]
        return self._chain

    # A batch in parts, each with a pass of its own

    def beside(self, number: int) -> Context:
        """A context for another part of the batch: gradients, penalty and generators are its own."""
        other = _Pass(number, self._shared.seeds)
        self.children[f"part{number}"] = context = Context(
            self.training, self.recording, self.needs_dx, None, other
        )
        return context

    def join(self, team: Team | None) -> None:
        """Work on a part of a batch together with the others of the team; None: on a whole batch."""
        self._shared.team = team

    @property
    def leads(self) -> bool:
        """Whether this is the pass of the first part, or of a whole batch."""
        return self._shared.number == 0

    def total(self, *values: Any) -> Sequence[Any]:
        """The sum of each value over all parts of the batch, the same for each; the values themselves for one part.

        All parts wait for each other here, which takes as long as some 100,000 multiplications.
        """
        team = self._shared.team
        return values if team is None else team.total(self._shared.number, values)

    # Work that a crew may share

    def employ(self, crew: Crew | None) -> None:
        """Let a crew help with this pass."""
        self._shared.crew = crew

    def run_all(self, jobs: Sequence[Callable[[], Any]], share: bool = True) -> list[Any]:
        """What the jobs return, in order.

        The threads of a crew share them where that pays (`share`). So no job may need what another does, and each works
        in a child context of its own.
        """
        if share and self._shared.crew is not None:
            return run_all(jobs)
        return [job() for job in jobs]

    def dot(self, a: Array, b: Array, out: Array) -> Array:
        """`a.dot(b, out=out)`; the threads of a crew share it where it is large."""
        crew = self._shared.crew
        return a.dot(b, out=out) if crew is None else crew.dot(a, b, out)

    def dot_to_grad(self, a: Array, b: Array, variable: Variable) -> None:
        """dL/dvariable = a b. A crew may still be at it when this returns: `grad` waits until it is complete.

        Until the pass is over a and b must stay as they are.
        """
        crew, out = self._shared.crew, self.grad(variable)
        if crew is None:
            a.dot(b, out=out)
        else:
            crew.dot_later(a, b, out, variable)

    def settle(self) -> None:
        """Go on when all gradients are complete."""
        if self._shared.crew is not None:
            self._shared.crew.settle()

    # What forward leaves for backward

    def save(self, **values: Any) -> None:
        """Keep arrays for the backward pass."""
        if self.recording:
            self.values = values
            self._pending = True

    def saved(self, *names: str) -> Any:
        """What `save` kept, once: the value of one name, or a tuple for several.

        Raises:
            RuntimeError: without a forward pass before, or the second time after it.
        """
        if not self._pending:
            raise RuntimeError(
                "`backward` needs a `forward` on the same context before it, and only one `backward` "
                "may follow each: its scratch arrays are overwritten. Run `forward` again first."
            )
        self._pending = False
        if len(names) == 1:
            return self.values[names[0]]
        return tuple(map(self.values.__getitem__, names))

    def release(self) -> None:
        """Forget what was saved here and below, but keep the scratch arrays for the next pass."""
        self.values = {}
        self._pending = False
        for child in self.children.values():
            child.release()

    # Scratch arrays

    def buffer(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """An uninitialised array, the same one next time: a training step allocates nothing.

        A smaller shape under the same name is given a part of the same memory, so a short last
        batch costs nothing either.
        """
        view = self._views.get((name, shape, dtype))
        return self._make_view(name, shape, dtype) if view is None else view

    def _make_view(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        size = 1
        for n in shape:
            size *= n
        flat = self._storage.get(name)
        if flat is None or flat.size < size or flat.dtype != dtype:
            flat = self._storage[name] = np.empty(size, dtype)
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        elif len(self._views) >= MAX_VIEWS:
            self._views.clear()
        view = self._views[name, shape, dtype] = flat[:size].reshape(shape)
        return view

    # Random numbers: where each generator of the pass stands

    def generator_states(self, path: str = "") -> dict[str, Any]:
        """The state of every generator that this context and those inside it draw from, by its path."""
        found = {path: self._rng.bit_generator.state} if hasattr(self, "_rng") else {}
        for key, child in self.children.items():
            found |= child.generator_states(f"{path}/{key}")
        return found

    def restore_generators(self, states: dict[str, Any]) -> None:
        """Go back to what `generator_states` returned, in a new context."""
        for path, state in states.items():
            context = self
            for key in path.split("/")[1:]:
                context = context.child(int(key) if key.isdigit() else key)
            context._rng = _fast_generator(0)
            context._rng.bit_generator.state = state

    # Gradients, penalties, randomness: one set for the whole pass

    @property
    def gradients(self) -> dict[Variable, Array]:
        """dL/dvariable of every variable that `backward` has met."""
        self.settle()
        return self._shared.gradients

    def grad(self, variable: Variable) -> Array:
        """The array that `backward` writes dL/dvariable into."""
        shared = self._shared
        if shared.crew is not None and shared.crew.owes(variable):
            shared.crew.settle()
        array = shared.gradients.get(variable)
        if array is None:
            array = shared.gradients[variable] = np.zeros_like(variable.value)
        return array

    @property
    def penalty(self) -> float:
        """The sum of the activity regularizers' penalties in this pass."""
        return self._shared.penalty

    @penalty.setter
    def penalty(self, value: float) -> None:
        self._shared.penalty = value

    @property
    def rng(self) -> np.random.Generator:
        """This pass's own generator, seeded from the default one at first use."""
        if self._shared.rng is None:
            self._shared.rng = self._generator((), lambda: [default_generator.draw_seed(), 0])
        return self._shared.rng

    @rng.setter
    def rng(self, generator: np.random.Generator) -> None:
        self._shared.rng = generator

    def rng_of(self, seeds: SeedGenerator) -> np.random.Generator:
        """The generator of one layer's masks or noise in this context.

        It takes one seed of the layer's sequence when the context is new and then runs on, so a
        layer with a fixed seed repeats its masks from run to run, not from step to step.
        """
        if not hasattr(self, "_rng"):
            self._rng = self._generator((*self._path, "rng"), seeds.next)
        return self._rng

    def _generator(self, path: tuple[Hashable, ...], draw: Callable[[], Any]) -> np.random.Generator:
        seed = self._shared.seeds.get(path, draw)
        return _fast_generator(seed if self.leads else [*seed, self._shared.number])


def _fast_generator(seed: Any) -> np.random.Generator:
    """SFC64: the fastest of NumPy's bit generators; it passes the usual statistical test batteries."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))
