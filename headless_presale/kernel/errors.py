"""The error tree. A domain error is a fact with a stable code; transports decide how to show it.

A code is part of the interface: clients branch on it, translations are keyed by it. The English
sentence is a template over ``params`` so that other languages can say the same.
"""

from dataclasses import dataclass
from typing import ClassVar


class PresaleError(Exception):
    """Base of everything this project raises on purpose."""


class DomainError(PresaleError):
    """A business "no". Nothing has changed when it is raised.

    Attributes:
        code: stable upper-case code.
        field: path of the input at fault, e.g. ``("lines", "0", "quantity")``; empty when none is.
        params: values that the message names and typed errors carry.
    """

    code: ClassVar[str]
    template: ClassVar[str]

    def __init__(self, *, field: tuple[str, ...] = (), **params: object) -> None:
        self.field = field
        self.params = params
        super().__init__(self.template.format(**params))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.field, self.params))


def _rebuild(
    kind: type[DomainError], field: tuple[str, ...], params: dict[str, object]
) -> DomainError:
    return kind(field=field, **params)


class Reasoned(DomainError):
    """A refusal whose code covers many causes: the reason is a clause of its own.

    Attributes:
        reason: the clause as a template over the params, so that a translation can be found by it:
            ``Reasoned(reason="at most {most} lines", most=20)``.
    """

    template = "{reason}"

    def __init__(self, *, reason: str, field: tuple[str, ...] = (), **params: object) -> None:
        self.reason = reason
        told = reason.format(**params) if params else reason
        super().__init__(field=field, reason=told, **params)

    def __reduce__(self) -> tuple[object, ...]:
        params = {name: value for name, value in self.params.items() if name != "reason"}
        return (_rebuild, (type(self), self.field, {**params, "reason": self.reason}))


class InvalidInput(Reasoned):
    """The request cannot be understood or is out of range."""

    code = "INVALID_INPUT"


class NotFound(DomainError):
    """The thing named does not exist, or not for this caller: the two look the same."""

    code = "NOT_FOUND"
    template = "{what} was not found"


class TransitionNotAllowed(DomainError):
    """A lifecycle does not lead from here to there."""

    code = "TRANSITION_NOT_ALLOWED"
    template = "{what} cannot go from {source} to {target}"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that somebody else changed: what you would set, and what is there now, as JSON."""

    field: str
    yours: str | None
    current: str | None


class VersionConflict(DomainError):
    """The thing has changed since it was read. ``params``: current_version, conflicts."""

    code = "VERSION_CONFLICT"
    template = "somebody has changed this since you read it: it is at version {current_version} now"


class Unavailable(PresaleError):
    """A part we depend on does not answer; the same request may be sent again."""

    def __init__(self, part: str, *, retry_after_seconds: int = 1) -> None:
        self.part = part
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{part} is unavailable")
