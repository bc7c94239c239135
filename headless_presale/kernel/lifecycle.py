"""A lifecycle as data: which state may follow which, in one place."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Generic, TypeVar

from headless_presale.kernel.errors import TransitionNotAllowed

State = TypeVar("State", bound=StrEnum)


class Lifecycle(Generic[State]):
    """The allowed moves between the states of one kind of thing.

    The same table is asked three times: before a move (``check``), inside the conditional UPDATE
    that makes it (``sources_of``), and by the documentation (``as_mermaid``).

    Raises:
        ValueError: a state is not named, or something else is: a table with a hole is a state
            that nothing leaves.
    """

    def __init__(
        self,
        name: str,
        moves: Mapping[State, Set[State]],
        *,
        initial: State | tuple[State, ...],
    ) -> None:
        self.initial = initial if isinstance(initial, tuple) else (initial,)
        states = type(self.initial[0])
        for state in (*moves, *(target for targets in moves.values() for target in targets)):
            # A StrEnum equals any other with the same text: equality would let aliens in.
            if not isinstance(state, states):
                raise ValueError(f"{state!r} is not a state of {name}")
        if missing := [state.name for state in states if state not in moves]:
            raise ValueError(f"{name} does not say what follows {', '.join(missing)}")
        self.name = name
        self._moves: dict[State, frozenset[State]] = {
            state: frozenset(moves[state]) for state in states
        }

    def allows(self, source: State, target: State) -> bool:
        """Tell whether ``target`` may directly follow ``source``."""
        return target in self._moves[source]

    def check(self, source: State, target: State) -> None:
        """Raise TransitionNotAllowed unless ``target`` may directly follow ``source``."""
        if not self.allows(source, target):
            raise TransitionNotAllowed(what=self.name, source=str(source), target=str(target))

    def sources_of(self, target: State) -> list[State]:
        """Return the states that lead to ``target``, in declaration order."""
        return [state for state in self._moves if target in self._moves[state]]

    def final(self) -> frozenset[State]:
        """Return the states that nothing follows."""
        return frozenset(state for state, targets in self._moves.items() if not targets)

    def as_mermaid(self) -> str:
        """Return the diagram that the documentation shows."""
        lines = ["stateDiagram-v2", *(f"    [*] --> {state.name}" for state in self.initial)]
        for state, targets in self._moves.items():
            lines += [f"    {state.name} --> {t.name}" for t in sorted(targets)]
            if not targets:
                lines.append(f"    {state.name} --> [*]")
        return "\n".join(lines)
