"""Lets a GPU repeat a step: a thousand small commands from Python cost more time than the GPU needs for them.

All that a step remembers for the next one then stays in the same memory, step after step. What a step gives is copied
out of it, so that it may be kept.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from roarm_lab.core.arrays import Array, array_namespace

Result = TypeVar("Result")

STEPS_BEFORE = 2
"""Steps that are done one command after another first: they bring every constant to the GPU."""


class RepeatingBackend(Protocol):
    """A simulator that can repeat what was done on its device."""

    @property
    def recorded_for(self) -> Hashable:
        """What a recording depends on besides its arrays' contents: a change makes it void."""
        ...

    def record(self, work: Callable[[], None], generators: Sequence[Any]) -> tuple[Hashable, Callable[[], None]]:
        """Return `recorded_for` and what repeats `work`, which is not done now."""
        ...


class Carrier(Protocol):
    """An object that keeps arrays for the next step."""

    def carried(self) -> Any:
        """Return them: a tree of tuples, mappings and dataclasses. Not to be written to but by `carry`."""
        ...

    def carry(self, arrays: Any, /) -> None:
        """Go on from the same tree with other arrays."""
        ...


class StepRecorder(Generic[Result]):
    """Calls a function of an array; after a while the device repeats what it did.

    The function must not look at any array, and do the same whatever is in them.
    """

    def __init__(
        self,
        function: Callable[[Array], Result],
        recorder: RepeatingBackend,
        generators: Sequence[Any],
        carriers: Sequence[Carrier],
    ) -> None:
        """Record nothing yet.

        Args:
            function: What is done in a step. It gives a tree of arrays.
            recorder: Who repeats it.
            generators: What it draws random numbers from.
            carriers: Who keeps all that it changes for the next step.
        """
        self._function, self._recorder, self._generators, self._carriers = function, recorder, generators, carriers
        self._calls = 0
        self._key: Hashable = None
        self._play: Callable[[], None] | None = None
        self._input: Array = None
        self._kept: list[list[Array]] = []
        self._result: Any = None

    def __call__(self, values: Array) -> Result:
        """Return what the function gives, as arrays of their own."""
        self._calls += 1
        if self._calls <= STEPS_BEFORE:
            return self._function(values)
        if self._play is None or self._key != self._recorder.recorded_for:
            self._record(values)
        assert self._play is not None
        self._input[:] = values
        self._take_over()  # somebody may have put something else there since, a reset for instance
        self._play()
        return _copied(self._result)

    def _record(self, values: Array) -> None:
        self._input = _own(values)
        self._kept = [[_own(leaf) for leaf in leaves(carrier.carried())] for carrier in self._carriers]

        def work() -> None:
            self._put_back()
            self._result = _copied(self._function(self._input))
            self._take_over()

        self._key, self._play = self._recorder.record(work, self._generators)

    def _take_over(self) -> None:
        """Write what is carried now into the memory that is kept, and let that be carried."""
        changed = [
            (old, _own(new))
            for carrier, kept in zip(self._carriers, self._kept, strict=True)
            for old, new in zip(kept, leaves(carrier.carried()), strict=True)
            if new is not old
        ]
        # All have been copied before any is written: what was the newest of one carrier may be the last of another now.
        for old, new in changed:
            old[:] = new
        self._put_back()

    def _put_back(self) -> None:
        for carrier, kept in zip(self._carriers, self._kept, strict=True):
            carrier.carry(rebuilt(carrier.carried(), kept))


def _own(value: Array) -> Array:
    return array_namespace(value).asarray(value, copy=True)


def leaves(tree: Any) -> list[Array]:
    """Return the arrays of a tree in a fixed order; None holds none."""
    if _is_branch(tree):
        return [leaf for part in _parts(tree) for leaf in leaves(part)]
    return [] if tree is None else [tree]


def rebuilt(tree: Any, arrays: Iterable[Array]) -> Any:
    """Return the same tree with other arrays, taken one after another; what a dataclass has cached is forgotten."""
    arrays = iter(arrays)
    if isinstance(tree, dict):
        return {name: rebuilt(part, arrays) for name, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(rebuilt(part, arrays) for part in tree)
    if _is_branch(tree):
        return replace(tree, **{name: rebuilt(getattr(tree, name), arrays) for name in _holding(tree)})
    return tree if tree is None else next(iter(arrays))


def _parts(tree: Any) -> Iterable[Any]:
    if isinstance(tree, dict):
        return tree.values()
    return tree if isinstance(tree, tuple) else [getattr(tree, name) for name in _holding(tree)]


def _is_branch(tree: Any) -> bool:
    return isinstance(tree, (dict, tuple)) or is_dataclass(tree)


def _holding(tree: Any) -> list[str]:
    """Return the fields of a dataclass that hold arrays."""
    return [item.name for item in fields(tree) if _has_arrays(getattr(tree, item.name))]


def _has_arrays(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_has_arrays(part) for part in value.values())
    return isinstance(value, tuple) or hasattr(value, "__dlpack__")


def _copied(tree: Any) -> Any:
    """Return the tree with all its arrays of one kind in one new piece of memory: one copy, not one per array."""
    found = leaves(tree)
    if not found:
        return tree
    xp = array_namespace(*found)
    kinds = {leaf.dtype for leaf in found}
    new: dict[int, Array] = {}
    for kind in kinds:
        same = [(index, leaf) for index, leaf in enumerate(found) if leaf.dtype == kind]
        flat = xp.concat([xp.reshape(leaf, (-1,)) for _, leaf in same])
        start = 0
        for index, leaf in same:
            size = leaf.numel() if hasattr(leaf, "numel") else leaf.size
            new[index] = xp.reshape(flat[start : start + size], tuple(leaf.shape))
            start += size
    return rebuilt(tree, [new[index] for index in range(len(found))])
