"""What every state machine of the product is: a table of the steps that are legal."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from backend.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine(Generic[S]):
    """The legal steps of one kind of thing; a state that the table leads nowhere is terminal.

    ``name`` is what a person calls the thing ("command"): it appears in error messages.
    """

    name: str
    transitions: Mapping[S, frozenset[S]]

    @property
    def terminal(self) -> frozenset[S]:
        """The states that nothing leaves."""
        return frozenset(state for state, targets in self.transitions.items() if not targets)

    def can(self, source: S, target: S) -> bool:
        """Tell whether the step is a legal change; a repeat of the same state is no change."""
        return target in self.transitions[source]

    def step(self, source: S, target: S) -> bool:
        """Judge a step: True when it changes the state, False when it repeats it.

        Raises:
            IllegalTransition: The table has no such step; facts ``subject``, ``present`` and
                ``requested``.
        """
        if source is target:
            return False
        if not self.can(source, target):
            raise self.illegal(source, target)
        return True

    def illegal(self, source: S, target: S) -> IllegalTransition:
        """Build the error that says this step is not possible, with both states named."""
        return IllegalTransition(
            f"A {self.name} that is {source.value} cannot become {target.value}",
            subject=self.name,
            present=source.value,
            requested=target.value,
        )
